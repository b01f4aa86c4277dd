"""`explore(scenario)`: complete, every law holds; or the shortest run that breaks one.

Each state at rest that the search finds is judged: the way there is run again in the simulated
world, and its trace is held against the laws of `Run.check()`. There is no second set of laws.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from sagakit.contract.progress import Progress
from sagakit.explore.answer import FIRST, Exploration
from sagakit.explore.batches import batches
from sagakit.explore.disasters import disasters
from sagakit.explore.given import (
    budget_of,
    laws_in,
    must_be_free,
    must_be_open,
    must_make_sense,
)
from sagakit.explore.independence import Contended, Place
from sagakit.explore.judge import hold, judge, judge_moments
from sagakit.explore.purity import coroutines_awaited
from sagakit.explore.search import following
from sagakit.explore.space import Space
from sagakit.explore.timeouts import Patience
from sagakit.explore.tokens import FAULTS, State
from sagakit.explore.ways import Ways
from sagakit.payments.api import parse
from sagakit.payments.topology import Service, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.run import Invariant, Run
from sagakit.scenarios import Scenario, System, resolve
from sagakit.scenarios.build import replace_services

Services = Mapping[str, Service]


def explore(
    scenario: Scenario | System | str,
    *,
    crashes: int = 0,
    duplicates: int = 0,
    drops: int = 0,
    lost_answers: int = 0,
    provider: Mapping[str, int] | None = None,
    reorder: bool = True,
    services: Services | None = None,
    invariants: Iterable[Invariant] = (),
    stop: Literal["first", "all"] = "first",
    limit: int = 1_000_000,
    reduced: bool = True,
) -> Exploration:
    """Run a scenario's services in every order that matters.

    At each point any handler in flight may make its next step, and a fault may strike as long as
    the budget lasts: `crashes` of a handler between any two of its steps and before its
    acknowledgement, `duplicates` and `drops` of a message, `lost_answers` of a store whose commit
    took effect (its client tries again and meets its own write), and what the `provider` may do
    besides approve, for instance `{"timeout_after": 2, "decline": 1}`. Time moves only when
    nobody has a step to make. All payments and their repeats are there from the start, a text
    comes at its time; latencies do not matter.

    `reorder=False` has the handlers take turns, first come, first served, as in a run without a
    schedule: what is left to choose are the faults. It is quick, and proves little.

    `invariants` are laws of your own: functions that take a `Run` at rest and return None, or the
    words of what is broken; each is called by its function's name. They are asked of the runs that
    are judged, which come to every end and to all that the stores ever hold: so they may look at
    those, and not at how else a run got there.

    `stop="first"` ends at the first broken law, "all" looks for one counterexample a law. `limit`
    bounds the states (or runs). `reduced=False` tries every order, also those that cannot matter:
    it is slow, and there to hold the reduction against.

    A scenario with a recovery is explored in another way: its store is lost, and its snapshot
    taken, at every moment that makes a difference (see `disasters`). And if the wallet service
    takes batches, its messages come as one batch, in each order (see `batches`). Both take no
    budget.

    Raises `BadScenario` for a budget that makes no sense, and for a scenario that says itself what
    goes wrong: here that is the budget's part. Raises `BadService` for a service that cannot be
    explored, since it never ends, say, or keeps something in memory.

    >>> explore("concurrent_payments")
    <Exploration of concurrent_payments: ✓ Complete: every law holds in all 6 schedules. ...>
    >>> from sagakit.zoo.no_inbox import NoInbox
    >>> answer = explore("happy_path", duplicates=1, services={"Wallet Service": NoInbox})
    >>> print(answer.broken[0].cause)
    PaymentInit of ana:A came twice.
    """
    scenario = resolve(scenario)
    spend = {"crashes": crashes, "duplicates": duplicates, "drops": drops}
    budget = budget_of({**spend, "lost_answers": lost_answers}, provider or {})
    must_make_sense(scenario, services, stop, limit)
    own = laws_in(invariants)
    begun = time.perf_counter()
    family = None if isinstance(scenario, System) else _family(scenario)
    if family is not disasters:
        must_be_open(scenario)
    if family is not None:
        assert isinstance(scenario, Scenario)
        must_be_free(scenario, budget, family.__name__)
        answer = Exploration(scenario, dict(zip(FAULTS, budget, strict=True)), services, own)
        with coroutines_awaited():
            _judge_all(answer, family(scenario, services), stop, limit)
        answer.seconds = time.perf_counter() - begun
        return answer
    patience = Patience()
    with patience.with_handlers(), coroutines_awaited(), _no_collection():
        contended: frozenset[Place] = frozenset()
        while True:
            answer = Exploration(scenario, dict(zip(FAULTS, budget, strict=True)), services, own)
            try:
                space = space_of(scenario, services, contended, patience, reorder=reorder)
                answer.reorder = reorder
                _search(answer, space, budget, stop, limit, reduced)
            except Contended as found:
                contended |= {found.args[0]}
                continue
            answer.seconds = time.perf_counter() - begun
            return answer


@contextmanager
def _no_collection() -> Iterator[None]:
    """The states are many and make no cycles: the garbage collector would look at them all again
    and again. What a judged run leaves behind is collected by itself (see `judge`)."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def _interruptible(answer: Exploration) -> Iterator[Progress]:
    """Whoever has waited long enough gets what is known; until then, it is said how far it is."""
    progress = Progress()
    try:
        yield progress
    except KeyboardInterrupt:
        answer.cut_by = "you"
    finally:
        progress.done()


def _judge_all(answer: Exploration, runs: Iterable[Run], stop: str, limit: int) -> None:
    """Hold runs against the laws, one by one, where they are all that there is to explore."""
    with _interruptible(answer) as progress:
        for judged in runs:
            if answer.runs == limit:
                answer.cut_by = f"the limit of {limit:,} runs"
                break
            answer.runs += 1
            answer.ends += 1
            hold(answer, judged, None)
            if answer.broken and stop == "first":
                answer.cut_by = FIRST
                break
            if progress.due:
                progress.say(f"{answer.runs:,} runs")


def _search(
    answer: Exploration,
    space: Space,
    budget: tuple[int, ...],
    stop: str,
    limit: int,
    reduced: bool,
) -> None:
    start: State = (*space.start, budget)
    ways = Ways(space, start)
    answer.space, answer.start, answer.reduced = space, start, reduced
    waiting: dict[int, dict[int, list[State]]] = {0: {0: [start]}}  # faults, steps
    faults = 0
    with _interruptible(answer) as progress:
        for spent, depth, state in _in_order(waiting):
            if spent > faults:
                faults = spent
                if judge_moments(answer, ways, stop):
                    break
            steps = following(space, state, reduced=reduced)
            answer.transitions += len(steps)
            if not steps:
                answer.ends += 1
                answer.states = len(ways.came_from)
                judge(answer, ways.to(state))
                if answer.broken and stop == "first":
                    break
            for move, one in steps:
                if ways.is_new(state, move, one):
                    cost = spent + (move is not None and move.fault is not None)
                    waiting.setdefault(cost, {}).setdefault(depth + 1, []).append(one)
            if len(ways.came_from) > limit:
                answer.cut_by = f"the limit of {limit:,} states"
                break
            if answer.transitions & 1023 == 0 and progress.due:
                progress.say(f"{len(ways.came_from):,} states, {spent} faults, {depth} steps deep")
        judge_moments(answer, ways, stop)
        space.handling.check()
        if answer.broken and stop == "first":
            answer.cut_by = FIRST
    answer.states = len(ways.came_from)


def _in_order(waiting: dict[int, dict[int, list[State]]]) -> Iterator[tuple[int, int, State]]:
    """Fewest faults first, then fewest steps."""
    spent = 0
    while waiting:
        levels = waiting.get(spent, {})
        while levels:
            depth = min(levels)
            for state in levels.pop(depth):
                yield spent, depth, state
        waiting.pop(spent, None)
        spent += 1


def space_of(
    scenario: Scenario | System,
    services: Services | None,
    contended: frozenset[Place],
    patience: Patience,
    *,
    reorder: bool = True,
) -> Space:
    """The space of a scenario's states: what is asked is there, and the stores are filled."""
    if isinstance(scenario, System):
        system = replace_services(scenario, services)
        commands = [
            (system.receiver(command), command, saga) for saga, command in system.requests.items()
        ]
        opening = {f"{name} DB": items for name, items in system.opening.items()}
        return Space(system.deployment, opening, commands, (), contended, patience, reorder=reorder)
    commands = []
    for payment in scenario.payments:
        sent = "Payment Service", parse(payment.post()), payment.payment_id
        commands += [sent] * len(payment.times)
    wallets = [Wallet(one.user_id, one.balance) for one in scenario.wallets]
    deployment = payment_system(scenario.settings, services=services)
    texts = [(one.at, one.queue, one.text) for one in scenario.texts]
    opening_wallets = {"Wallet DB": wallets}
    return Space(deployment, opening_wallets, commands, texts, contended, patience, reorder=reorder)


def _family(scenario: Scenario) -> Callable[[Scenario, Services | None], Iterator[Run]] | None:
    """The runs that are all there is to explore, if they can be told one by one."""
    if scenario.recovery:
        return disasters
    return batches if scenario.settings.wallet_batch > 1 else None
