"""What `explore` takes: each goal a row, and the toy beside simloom.

Seconds are of the CPU, so that others on the machine count less. Bytes are the most that
`tracemalloc` sees at once, in a second run that is not timed.
"""

import gc
import time
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from sagakit import explore
from sagakit.explore.states import ANSWERS
from sagakit.scenarios import Scenario, concurrent_payments
from tests.bench import simloom_runs
from tests.bench.toy import toy
from tests.bench.wallet import WalletAlone

ROUNDS = 5  # of what takes less than a second
STATES_PER_SECOND = 150_000
BYTES_PER_STATE = 500
MANY = 10_000  # states
TIMES_SIMLOOM = 1_000


class Goal(NamedTuple):
    what: str
    explore: Callable[[], int]  # returns how many states
    seconds: float
    one: bool = True  # whether it is one exploration, so that bytes a state can be told


def payments(count: int) -> Scenario:
    """So many payments at once on one wallet, which covers two of three."""
    first = concurrent_payments.payments[0]
    amounts = (70, 80, 10, 20, 30, 40)
    return concurrent_payments.but(
        payments=[
            first.model_copy(update={"amount": amount, "idempotency_key": str(n), "at": 0})
            for n, amount in enumerate(amounts[:count])
        ]
    )


def whole(count: int, **spend: Any) -> int:
    """The whole system."""
    answer = explore(payments(count), stop="all", limit=100_000_000, **spend)
    assert answer.complete, answer.cut_by
    return answer.states


def any_one_fault(count: int) -> int:
    """Each of the eight kinds once, one exploration after the other."""
    spends: list[dict[str, Any]]
    spends = [{name: 1} for name in ("crashes", "duplicates", "drops", "lost_answers")]
    spends += [{"provider": {name: 1}} for name in ANSWERS]
    return sum(whole(count, **spend) for spend in spends)


def wallet(times: int = 1, **spend: int) -> int:
    """The wallet service alone, with three payments at once."""
    found = WalletAlone(3, times, spend)
    found.explore()
    return len(found.states)


def goals() -> list[Goal]:
    both: Mapping[str, int] = {"crashes": 1, "duplicates": 1}
    silent = {"timeout_after": 2}
    return [
        Goal("wallet, 3 payments", wallet, 0.05),
        Goal("wallet, 3: a duplicate and a crash", partial(wallet, crash=1, duplicate=1), 1),
        Goal("wallet, 3: each sent twice, and a crash", partial(wallet, 2, crash=1), 5),
        Goal("system, 2: any one fault (8 in turn)", partial(any_one_fault, 2), 1, False),
        Goal("system, 2: a duplicate and a crash", partial(whole, 2, **both), 2),
        Goal("... and 2 provider timeouts", partial(whole, 2, **both, provider=silent), 10),
        Goal("system, 3: a duplicate and a crash", partial(whole, 3, **both), 10),
        Goal("system, 3: any one fault (8 in turn)", partial(any_one_fault, 3), 5, False),
    ]


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long it takes the CPU, and what it returns."""
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        found = work()
        return time.process_time() - begun, found
    finally:
        gc.enable()


def several(work: Callable[[], Any]) -> tuple[float, Any]:
    """The median of some rounds, or the first if that takes a second."""
    first, found = cpu_seconds(work)
    if first >= 1:
        return first, found
    return median([first, *(cpu_seconds(work)[0] for _ in range(ROUNDS - 1))]), found


def most_bytes(work: Callable[[], Any]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def line(what: str, states: str, seconds: str, rate: str, size: str, goal: str, held: str) -> None:
    print(
        f"{what:<40} {states:>9} {seconds:>8} {rate:>9} {size:>8}   {goal:<14} {held}", flush=True
    )


def yes(held: bool) -> str:
    return "yes" if held else "NO"


def beside_simloom() -> None:
    took, answer = several(lambda: explore(toy(simloom_runs.PAYMENTS)))
    assert answer.proved
    print(
        f"the toy, {simloom_runs.PAYMENTS} payments: explore proves it in {took * 1e3:.1f} ms: "
        f"{answer.states:,} states for {answer.schedules:,} schedules"
    )
    try:
        campaigns = simloom_runs.measured()
    except simloom_runs.Missing as missing:
        print(f"simloom: skipped, {missing}")
        return
    for campaign in campaigns:
        ratio = campaign.seconds / took
        ended = "all" if campaign.exhausted else "not all, stopped"
        bound = (
            "no bound" if campaign.max_delays is None else f"at most {campaign.max_delays} delays"
        )
        at_least = "" if campaign.exhausted else "more than "
        print(
            f"simloom, {bound}: {campaign.schedules:,} schedules, {ended}, "
            f"in {campaign.seconds:.1f} s; {at_least}{ratio:,.0f} times as long   "
            f"at least {TIMES_SIMLOOM:,}   {yes(ratio >= TIMES_SIMLOOM)}"
        )


def main() -> None:
    print("\nexplore: complete, in seconds of the CPU; bytes a state at most, by tracemalloc")
    line("", "states", "seconds", "states/s", "bytes", "goal", "held")
    rates, sizes = [], []
    for goal in goals():
        took, states = several(goal.explore)
        rate, size = states / took, most_bytes(goal.explore) / states if goal.one else None
        shown = (f"{states:,}", f"{took:.3f}", f"{rate:,.0f}", f"{size:.0f}" if size else "")
        line(goal.what, *shown, f"{goal.seconds:g} s", yes(took <= goal.seconds))
        if states >= MANY:  # else what a state costs is hidden by what a start costs
            rates.append(rate)
            sizes += [size] if size else []
    slowest, largest = min(rates), max(sizes)
    of_many, fast = f"worst with {MANY:,} states or more", slowest >= STATES_PER_SECOND
    line(of_many, "", "", f"{slowest:,.0f}", "", f"{STATES_PER_SECOND:,}/s", yes(fast))
    small = largest <= BYTES_PER_STATE
    line("", "", "", "", f"{largest:.0f}", f"{BYTES_PER_STATE} bytes", yes(small))
    beside_simloom()
