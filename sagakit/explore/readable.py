"""A schedule for readers: steps of unrelated sagas are not mixed without need.

Two neighbouring steps may change places if neither can tell: they are of different handlers, do
not touch one item of one store, one of them at least to write, and the one did not bring about the
other. The new order is run, and kept only if it ends as the old one did.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sagakit.laws.facts import BREAKER
from sagakit.payments.topology import Service
from sagakit.run import Run
from sagakit.scenarios import Scenario, System
from sagakit.scenarios.build import build_world
from sagakit.sim.schedule import Choice, ScheduledKernel, ScheduleMismatch
from sagakit.trace.trace import Asked, Attempt, Failed, Read, Record, Trace, Written

LONG = 2_000  # choices: nobody reads that, and each order that is tried is run

Broken = Callable[[Run], object]
"""What is broken in a run: two runs that are alike in that, and end alike, are one to a reader"""


class Replayed(NamedTuple):
    """A run by a schedule, all choices that were made in it, and when (ms)."""

    run: Run
    choices: list[Choice]
    times: list[int]


class Story(NamedTuple):
    """A run for readers: all choices of its schedule, None for a run by the clock, and how many of
    them decide it. What comes after those comes by itself."""

    run: Run
    schedule: tuple[Choice, ...] | None = None
    decisive: int = 0


class _Step(NamedTuple):
    """What matters of one choice. `touches` is (place, key or None for all of it, written)."""

    handler: int
    saga: str | None
    touches: list[tuple[str, str | None, bool]]
    brought_about_by: int  # the place of a choice, -1 for none


def replay(
    scenario: Scenario | System, services: Mapping[str, Service] | None, schedule: Iterable[Choice]
) -> Replayed:
    world = build_world(scenario, services=services, schedule=schedule)
    trace = world.run()
    kernel = world.kernel
    assert isinstance(kernel, ScheduledKernel)
    times, choices = [t for t, _ in kernel.made], [choice for _, choice in kernel.made]
    told = Run(scenario, scenario.seed, trace, services=services, schedule=tuple(choices))
    return Replayed(told, choices, times)


def readable(
    scenario: Scenario | System,
    services: Mapping[str, Service] | None,
    schedule: Sequence[Choice],
    broken: Broken,
) -> Story:
    """The same story in an order in which people read it; a long one is left as it is."""
    found = replay(scenario, services, schedule)
    if len(found.choices) > LONG:
        return Story(found.run, tuple(found.choices), len(schedule))
    order = [found.choices[place] for place in _causal_order(found)]
    try:
        told = replay(scenario, services, order)
    except ScheduleMismatch:
        told = found
    alike = told.run.records.stores() == found.run.records.stores()
    if not alike or broken(told.run) != broken(found.run):
        told = found
    choices, least, most = told.choices, 0, len(told.choices)
    while least < most:  # how few choices lead here
        middle = (least + most) // 2
        if replay(scenario, services, choices[:middle]).choices == choices:
            most = middle
        else:
            least = middle + 1
    return Story(told.run, tuple(choices), most)


def steps_in(trace: Trace) -> int:
    """How many steps were made in a run by the clock: answers of stores and external parties."""
    kinds = {one.name: one.kind for one in trace.participants}
    return sum(
        record.kind == "return" and kinds[record.source] in ("store", "external")
        for record in trace
    )


def _causal_order(found: Replayed) -> list[int]:
    """The places of the choices: each handler goes on as long as nothing holds it up, then one of
    its saga, then whoever has waited longest. Time moves when it did."""
    steps = _steps(found)
    order: list[int] = []
    for moment in _moments(found.times):
        left = [*moment]
        while left:
            ready = [
                place
                for place in left
                if not any(_holds_up(steps, before, place) for before in left if before < place)
            ]
            last = steps[order[-1]] if order else None
            following = min(ready, key=lambda place: (_distance(last, steps[place]), place))
            order.append(following)
            left.remove(following)
    return order


def _distance(last: _Step | None, step: _Step) -> int:
    if last is None or last.saga != step.saga:
        return 2
    return 0 if last.handler == step.handler else 1


def _moments(times: Sequence[int]) -> Iterable[range]:
    """The choices between two movements of time: each choice takes one ms."""
    start = 0
    for place in range(1, len(times) + 1):
        if place == len(times) or times[place] != times[place - 1] + 1:
            yield range(start, place)
            start = place


def _holds_up(steps: Sequence[_Step], before: int, after: int) -> bool:
    """Whether a choice must stay behind an earlier one."""
    one, other = steps[before], steps[after]
    return (
        one.handler == other.handler
        or other.brought_about_by == before
        or any(
            place == elsewhere
            and (writes or rewrites)
            and (key == another or None in (key, another))
            for place, key, writes in one.touches
            for elsewhere, another, rewrites in other.touches
        )
    )


def _steps(found: Replayed) -> list[_Step]:
    trace = found.run.records
    place_at = {t: place for place, t in enumerate(found.times)}
    own: list[list[Record]] = [[] for _ in found.times]
    begun: dict[int, int] = {}  # handler to the choice that brought it about
    sent: dict[int, str | None] = {}  # handler to the key of what it wants to write
    keys: dict[int, str | None] = {}  # choice to that key
    for record in trace:
        place = place_at.get(record.t, -1)
        if record.invocation:
            begun.setdefault(record.invocation, place)
            if place >= 0:
                own[place].append(record)
                keys.setdefault(place, sent.get(record.invocation))
            if isinstance(record.detail, Attempt):
                sent[record.invocation] = record.detail.item and record.detail.item.key
    return [_step(trace, each, keys.get(place), begun) for place, each in enumerate(own)]


def _step(
    trace: Trace, records: Sequence[Record], sent: str | None, begun: Mapping[int, int]
) -> _Step:
    if not records:
        return _Step(0, None, [], -1)
    handler, saga = records[0].invocation, records[0].correlation_id
    kinds = {one.name: one.kind for one in trace.participants}
    touches: list[tuple[str, str | None, bool]] = []
    for record in records:
        if record.invocation != handler or record.kind == "call":
            continue
        detail = record.detail
        if isinstance(detail, Read):
            touches.append((record.source, detail.key, False))
        elif isinstance(detail, Written):
            touches.append((record.source, detail.key, True))
        elif isinstance(detail, Failed) and kinds[record.source] == "store":
            touches.append((record.source, sent, False))  # it was refused
        elif isinstance(detail, Asked):  # whether the call was right depends on the breaker
            touches += [(record.source, detail.key, True), (BREAKER, None, False)]
    return _Step(handler, saga, touches, begun[handler])
