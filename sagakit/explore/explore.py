"""`explore(scenario)`: complete, every law holds; or the shortest run that breaks one.

Each state at rest that the search finds is judged: the path there is run again in the simulated
world, and its trace is held against the laws of `Run.check()`. There is no second set of laws.
"""

import gc
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from sagakit.contract.ports import Service
from sagakit.contract.suggest import suggest
from sagakit.contract.terminal import Progress
from sagakit.explore.answer import FIRST, Exploration
from sagakit.explore.counterexample import Counterexample
from sagakit.explore.independence import Contended, Resource
from sagakit.explore.purity import coroutines_awaited
from sagakit.explore.schedule import Story, readable, schedule_to
from sagakit.explore.search import Paths, following
from sagakit.explore.state_graph import StateGraph
from sagakit.explore.states import ANSWERS, FAULTS, State
from sagakit.explore.timeouts import Watchdog
from sagakit.laws.evidence import Verdict
from sagakit.laws.laws import held_by, no_collection
from sagakit.run import Invariant, Run, run
from sagakit.scenarios import BadScenario, Scenario, System, resolve
from sagakit.scenarios.explorable import prepare
from sagakit.sim.schedule import Choice, ScheduleMismatch

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
    taken, at every moment that makes a difference. And if the wallet service takes batches, its
    messages come as one batch, in each order. Both take no budget (see `scenarios.explorable`).

    Raises `BadScenario` for a budget that makes no sense, and for a scenario that already says what
    goes wrong: `explore` injects faults of its own. Raises `BadService` for a service that cannot
    be explored, since it never ends, say, or keeps something in memory.

    >>> explore("concurrent_payments")
    <Exploration of concurrent_payments: ✓ Complete: every law holds in all 6 schedules. ...>
    >>> from sagakit.zoo.no_inbox import NoInbox
    >>> answer = explore("happy_path", duplicates=1, services={"Wallet Service": NoInbox})
    >>> print(answer.broken[0].cause)
    PaymentInit of ana:A came twice.
    """
    scenario = resolve(scenario)
    spend = {"crashes": crashes, "duplicates": duplicates, "drops": drops}
    budget = _budget({**spend, "lost_answers": lost_answers}, provider or {})
    _must_be_whole("limit", limit, least=1)
    if stop not in ("first", "all"):
        raise BadScenario(f"stop: 'first' or 'all', not {stop!r}")
    if not isinstance(services or {}, Mapping):
        raise BadScenario("services: give a dict, {name: class}")
    own = _callables(invariants)
    prepared = prepare(scenario, services)
    if prepared.variants is not None and any(budget.values()):
        name = prepared.variants.name
        raise BadScenario(
            f"{scenario.name}: its {name} are explored without a budget: leave the budget out, "
            f"or explore the scenario without {name}"
        )
    answer = Exploration(scenario, prepared, budget, services, own, reorder, reduced)
    begun = time.perf_counter()
    with coroutines_awaited():
        if prepared.variants is not None:
            runs = (run(variant, services=services) for variant in prepared.variants.scenarios())
            _judge_all(answer, runs, stop, limit)
        else:
            answer = _search_all(answer, stop, limit)
    answer.seconds = time.perf_counter() - begun
    return answer


# The arguments.


def _budget(spend: Mapping[str, Any], provider: Any) -> dict[str, int]:
    """Return how many of each fault may be spent, in the order of `FAULTS`. `spend` has the first
    of them, in that order, by the names of the arguments."""
    if not isinstance(provider, Mapping):
        example = {"timeout_after": 1}
        raise BadScenario(f"provider: say how often it does what: {example}, not {provider!r}")
    for name in provider:
        if name not in ANSWERS:
            raise BadScenario(f"provider: there is no {name!r}: {suggest(str(name), ANSWERS)}")
    counts = {**spend, **{f"provider[{name!r}]": many for name, many in provider.items()}}
    for name, many in counts.items():
        _must_be_whole(name, many, least=0)
    return (
        dict.fromkeys(FAULTS, 0) | dict(zip(FAULTS, spend.values(), strict=False)) | dict(provider)
    )


def _callables(invariants: Any) -> tuple[Invariant, ...]:
    laws = tuple(invariants) if isinstance(invariants, Iterable) else (None,)
    if not all(map(callable, laws)):
        raise BadScenario("invariants: give a list of functions: [my_law]")
    return laws


def _must_be_whole(name: str, number: Any, *, least: int) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise BadScenario(f"{name}: a whole number from {least} on, not {number!r}")


# The search.


@contextmanager
def _interruptible(answer: Exploration) -> Iterator[Progress]:
    """Show how far it is, and end with what is known if the user interrupts."""
    progress = Progress()
    try:
        yield progress
    except KeyboardInterrupt:
        answer.cut_by = "you"
    finally:
        progress.done()


def _judge_all(answer: Exploration, runs: Iterable[Run], stop: str, limit: int) -> None:
    """Hold runs against the laws, where they are all that there is to explore."""
    with _interruptible(answer) as progress:
        for judged in runs:
            if answer.runs == limit:
                answer.cut_by = f"the limit of {limit:,} runs"
                break
            answer.runs += 1
            answer.ends += 1
            _hold(answer, judged, None)
            if answer.broken and stop == "first":
                answer.cut_by = FIRST
                break
            if progress.due:
                progress.say(f"{answer.runs:,} runs")


def _search_all(empty: Exploration, stop: str, limit: int) -> Exploration:
    """Search all states, again whenever something turns out to be contended."""
    contended: frozenset[Resource] = frozenset()
    watchdog = Watchdog()
    with watchdog.watching(), no_collection():
        while True:
            answer = replace(empty, held={}, broken=[])
            try:
                graph = StateGraph(empty.prepared, contended, watchdog, reorder=empty.reorder)
                _search(answer, graph, stop, limit)
            except Contended as found:
                contended |= {found.args[0]}
            else:
                return answer


def _search(answer: Exploration, graph: StateGraph, stop: str, limit: int) -> None:
    """Search breadth first, with fewer faults first: so the first run that breaks a law has the
    fewest faults, and of those the fewest steps."""
    start: State = (*graph.start, tuple(answer.budget.values()))
    paths = Paths(graph, start)
    answer.graph, answer.start = graph, start
    waiting: dict[int, dict[int, list[State]]] = {0: {0: [start]}}  # faults, steps
    faults = 0
    with _interruptible(answer) as progress:
        for spent, depth, state in _in_order(waiting):
            if spent > faults:
                faults = spent
                if _judge_moments(answer, paths, stop):
                    break
            steps = following(graph, state, reduced=answer.reduced)
            answer.transitions += len(steps)
            if not steps:
                answer.ends += 1
                answer.states = len(paths.came_from)
                _judge(answer, paths.to(state))
                if answer.broken and stop == "first":
                    break
            for move, after in steps:
                if paths.is_new(state, move, after):
                    cost = spent + (move is not None and move.fault is not None)
                    waiting.setdefault(cost, {}).setdefault(depth + 1, []).append(after)
            if len(paths.came_from) > limit:
                answer.cut_by = f"the limit of {limit:,} states"
                break
            if answer.transitions & 1023 == 0 and progress.due:
                progress.say(f"{len(paths.came_from):,} states, {spent} faults, {depth} steps deep")
        _judge_moments(answer, paths, stop)
        graph.replayer.check()
        if answer.broken and stop == "first":
            answer.cut_by = FIRST
    answer.states = len(paths.came_from)


def _in_order(waiting: dict[int, dict[int, list[State]]]) -> Iterator[tuple[int, int, State]]:
    """Yield (faults, steps, state): fewest faults first, then fewest steps."""
    spent = 0
    while waiting:
        levels = waiting.get(spent, {})
        while levels:
            depth = min(levels)
            for state in levels.pop(depth):
                yield spent, depth, state
        waiting.pop(spent, None)
        spent += 1


# The laws.


def _judge_moments(answer: Exploration, paths: Paths, stop: str) -> bool:
    """Judge the paths that are still to be judged. Return whether that ends the search."""
    broken = len(answer.broken)
    if broken and stop == "first":
        return True
    for path in paths.unjudged():
        _judge(answer, path)
        if len(answer.broken) > broken:
            # A long path has found something: take its counterexamples back, and look for them on
            # the shortest paths.
            del answer.broken[broken:]
            for shorter in paths.shortest_first():
                _judge(answer, shorter)
                if answer.broken and stop == "first":
                    return True
            break
    paths.all_judged()
    return False


def _judge(answer: Exploration, path: list[State]) -> None:
    """Run a path again, and on to the end, and hold the run against the laws."""
    assert answer.graph is not None
    schedule = schedule_to(answer.graph, path, reduced=answer.reduced)
    try:
        judged = run(answer.scenario, services=answer.services, schedule=schedule)
    except ScheduleMismatch:  # a service that does not do again what it did: `check` says which
        answer.graph.replayer.check()
        raise
    _hold(answer, judged, schedule)
    del judged
    gc.collect(0)  # a run is full of cycles; the states that came before it are left alone


def _hold(answer: Exploration, judged: Run, schedule: list[Choice] | None) -> None:
    """Hold a run against the laws. Each that it is the first to break gets a counterexample, in an
    order that people can read."""
    verdicts = _verdicts(answer, judged)
    known = {found.verdict.law for found in answer.broken}
    answer.judged += 1
    for verdict in verdicts:
        if verdict.held:
            answer.held[verdict.law] = answer.held.get(verdict.law, 0) + 1
    if all(verdict.held or verdict.law in known for verdict in verdicts):
        return

    def broken(run: Run) -> set[str]:
        return {verdict.law for verdict in _verdicts(answer, run) if not verdict.held}

    story = Story(judged)
    if schedule is not None:
        guard = answer.prepared.guard
        story = readable(answer.scenario, answer.services, schedule, broken, guard)
    seen = answer.states or answer.runs
    for verdict in _verdicts(answer, story.run):
        if not verdict.held and verdict.law not in known:
            answer.broken.append(Counterexample(verdict, *story, seen, answer.arguments))


def _verdicts(answer: Exploration, judged: Run) -> list[Verdict]:
    return [*judged.verdicts(), *(held_by(law, judged) for law in answer.invariants)]
