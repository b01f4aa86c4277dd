"""`make bench`: speed and size, as ratios within this process, medians of several rounds.

The contenders take turns in each round, so that a machine whose speed drifts is fair to all.
"""

import gc
import subprocess
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any
from unittest.mock import patch

import pandas as pd

from sagakit.contract.deployment import Participant
from sagakit.contract.progress import Progress
from sagakit.scenarios.build import build_world
from sagakit.trace import tables
from sagakit.trace.trace import Trace
from tests.bench import durable, explored, floor, killed, sizes, sweeping
from tests.bench.workload import happy_payments

PAYMENTS = 10_000
MANY = 100_000
ROUNDS = 5


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes, without what collecting its garbage takes."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    finally:
        gc.enable()


def rounds(contenders: dict[str, Callable[[], float]], times: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each contender; they take turns."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    progress = Progress()
    for number in range(times):
        for name, contender in contenders.items():
            progress.say(f"  round {number + 1} of {times}: {name}")
            found[name].append(contender())
    progress.done()
    return {name: median(values) for name, values in found.items()}


class Untraced(Trace):
    """Lets go of every record at once: what is left is the cost of making it."""

    def __init__(self, participants: Iterable[Participant]) -> None:
        super().__init__(participants)
        self.write = deque(maxlen=0).append


def sagakit(count: int, trace: type[Trace] = Trace) -> Callable[[], float]:
    """A whole run, its trace kept or not."""
    scenario = happy_payments(count)

    def contender() -> float:
        with patch("sagakit.sim.world.Trace", trace):
            world = build_world(scenario)
        return seconds(world.run)

    return contender


def row(what: str, measured: str, ratio: float, goal: str, held: bool) -> None:
    print(f"{what:<46} {measured:>24} {ratio:>9.2f}   {goal:<10} {'yes' if held else 'NO'}")


def throughput() -> None:
    contenders = {
        "sagakit": sagakit(PAYMENTS),
        "untraced": sagakit(PAYMENTS, Untraced),
        "floor": lambda: seconds(lambda: floor.run(PAYMENTS)),
    }
    try:
        from tests.bench import simpy_system
    except ImportError:
        print("SimPy is not installed (extra `bench`): not compared")
    else:
        contenders["simpy"] = lambda: seconds(lambda: simpy_system.run(PAYMENTS))
    took = rounds(contenders)
    rate = {name: PAYMENTS / value for name, value in took.items()}
    if "simpy" in took:
        ratio = rate["sagakit"] / rate["simpy"]
        shown = f"{rate['sagakit']:,.0f} : {rate['simpy']:,.0f} /s"
        row("payments/s, sagakit : SimPy", shown, ratio, "at least 2", ratio >= 2)
    ratio = rate["floor"] / rate["sagakit"]
    shown = f"{rate['floor']:,.0f} : {rate['sagakit']:,.0f} /s"
    row("payments/s, direct calls : sagakit", shown, ratio, "at most 20", ratio <= 20)
    ratio = took["sagakit"] / took["untraced"]
    shown = f"{took['sagakit']:.2f} : {took['untraced']:.2f} s"
    row("a run with : without its trace", shown, ratio, "at most 1.2", ratio <= 1.2)


def growth() -> None:
    took = rounds({"few": sagakit(PAYMENTS), "many": sagakit(MANY)}, times=3)
    few, many = took["few"] / PAYMENTS, took["many"] / MANY
    shown = f"{many * 1e6:.0f} : {few * 1e6:.0f} µs"
    ratio = many / few
    row(f"a payment, of {MANY:,} : of {PAYMENTS:,}", shown, ratio, "at most 1.2", ratio <= 1.2)


def memory() -> None:
    """What is freed with a trace that nothing else shares its records with."""
    world = build_world(happy_payments(PAYMENTS))
    tracemalloc.start()
    trace = world.run()
    del world
    gc.collect()
    before, count = tracemalloc.get_traced_memory()[0], len(trace)
    del trace
    gc.collect()
    size = (before - tracemalloc.get_traced_memory()[0]) / count
    tracemalloc.stop()
    row(f"bytes a record, of {count:,}", f"{size:.0f} B", size, "at most 250", size <= 250)


def frames() -> None:
    trace = build_world(happy_payments(PAYMENTS)).run()
    records = [tuple(record) for record in trace]
    took = rounds(
        {
            "table": lambda: seconds(lambda: tables.trace(trace)),
            "pandas": lambda: seconds(lambda: pd.DataFrame(records)),
        }
    )
    ratio = took["table"] / took["pandas"]
    shown = f"{took['table']:.2f} : {took['pandas']:.2f} s"
    row("trace to table : DataFrame(list of tuples)", shown, ratio, "at most 0.6", ratio <= 0.6)


def process() -> None:
    def start(*arguments: str) -> float:
        command = [sys.executable, *arguments]
        return seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))

    took = rounds(
        {
            "sagakit": lambda: start("-m", "sagakit", "run", "happy_path"),
            "pydantic": lambda: start("-c", "import pydantic"),
        }
    )
    ratio = took["sagakit"] / took["pydantic"]
    shown = f"{took['sagakit']:.2f} : {took['pydantic']:.2f} s"
    row("run happy_path : import pydantic (processes)", shown, ratio, "at most 2.5", ratio <= 2.5)


def workers() -> None:
    """SQLite has one writer at a time: a second worker adds little, and must not cost."""
    count = durable.SHARED
    took = rounds(
        {"one": lambda: durable.took(count), "two": lambda: durable.took(count, 2)}, times=3
    )
    ratio = took["one"] / took["two"]
    shown = f"{count / took['two']:,.0f} : {count / took['one']:,.0f} /s"
    row("payments/s on SQLite, 2 workers : 1", shown, ratio, "at least 0.8", ratio >= 0.8)


def durable_growth(many: int, times: int) -> None:
    few = durable.FEW
    took = rounds(
        {"few": lambda: durable.took(few), "many": lambda: durable.took(many)}, times=times
    )
    rate, rate_of_few = many / took["many"], few / took["few"]
    shown = f"{rate:,.0f} : {rate_of_few:,.0f} /s"
    ratio = rate / rate_of_few
    what = f"payments/s on SQLite, of {many:,} : of {few:,}"
    row(what, shown, ratio, "at least 0.8", ratio >= 0.8)


def main() -> None:
    print(f"{PAYMENTS:,} happy-path payments; medians of {ROUNDS} rounds (growth: of 3)")
    print(f"{'':<46} {'measured':>24} {'ratio':>9}   {'goal':<11}held")
    throughput()
    memory()
    frames()
    process()
    growth()
    workers()
    durable_growth(durable.MANY, times=2)
    explored.main()
    sweeping.main()


if __name__ == "__main__":
    if sys.argv[1:] == ["sizes"]:
        sizes.main()
    elif sys.argv[1:] == ["durable-long"]:
        durable_growth(durable.LONG, times=1)
    elif sys.argv[1:2] == ["killed"]:
        killed.main(*map(int, sys.argv[2:3]))
    elif sys.argv[1:]:
        sys.exit("usage: python -m tests.bench [sizes | durable-long | killed [KILLS]]")
    else:
        main()
