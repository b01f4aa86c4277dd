"""Schedules: the choices that lead along a path, and the same story in an order for readers.

A path goes through states; a schedule says who makes each step, so that the simulated world can
make the same ones. For readers, steps of unrelated sagas are not mixed without need: two
neighbouring steps may change places if neither can tell. That is so if they are of different
handlers, do not touch one item of one store, one of them at least to write, and the one did not
bring about the other. The new order is run, and kept only if it ends as the old one did.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from sagakit.contract.events import Event
from sagakit.contract.ports import Service
from sagakit.explore.search import after, moves
from sagakit.explore.state_graph import StateGraph
from sagakit.explore.states import CRASH, FAULTS, Move, State, Waiting
from sagakit.run import Run
from sagakit.scenarios import Scenario, System
from sagakit.scenarios.build import build_world
from sagakit.sim.schedule import THEN_CRASH, Choice, ScheduledKernel, ScheduleMismatch
from sagakit.trace import facts
from sagakit.trace.facts import Record

LONG = 2_000  # choices: nobody reads that, and each order that is tried is run

Broken = Callable[[Run], object]
"""A function that tells runs apart: two are alike to a reader if they end alike, and it agrees"""


class _Present(NamedTuple):
    """A token with the name of who it is; `last` is the index of its last choice, -1 for none."""

    token: int
    service: str
    subject: str
    arrival: int
    last: int


def schedule_to(graph: StateGraph, path: Sequence[State], *, reduced: bool) -> list[Choice]:
    """Return the choices that lead along these states, from the start."""
    return _Walk(graph, reduced).along(path)


class _Walk:
    """A walk along a path, which knows the tokens by the names that a schedule has for them."""

    def __init__(self, graph: StateGraph, reduced: bool) -> None:
        self.graph = graph
        self.reduced = reduced
        self.schedule: list[Choice] = []
        self.present: list[_Present] = []
        self.arrivals: dict[tuple[str, str], int] = {}

    def along(self, path: Sequence[State]) -> list[Choice]:
        for token in path[0][2]:
            self._arrives(token)
        for before, following in pairwise(path):
            for move in moves(self.graph, before, reduced=self.reduced):
                if after(self.graph, before, move) == following:
                    self._make(move)
                    break
            else:
                self._time_moves(before, following)
        return self.schedule

    def _arrives(self, token: int) -> None:
        thing = self.graph.tokens.things[token]
        content = self.graph.contents[thing.message]
        if isinstance(content, Event):
            subject = content.header.event_id
        else:
            subject = self.graph.sagas[thing.message]
        arrival = 0
        if self.graph.is_running[token]:
            arrival = self.arrivals[thing.service, subject] = (
                self.arrivals.get((thing.service, subject), 0) + 1
            )
        self.present.append(_Present(token, thing.service, subject, arrival, -1))

    def _make(self, move: Move) -> None:
        who = next(each for each in self.present if each.token == move.token)
        self.present.remove(who)
        ended, last = self.graph.ended[who.token], who.last
        act = FAULTS[move.fault] if move.fault is not None else "step"
        if ended and move.fault == CRASH and last >= 0:  # after its last step
            done = self.schedule[last]
            self.schedule[last] = done._replace(act=f"{done.act}{THEN_CRASH}")  # type: ignore[arg-type]
        elif not ended:
            last = len(self.schedule)
            self.schedule.append(Choice(who.service, who.subject, who.arrival, act))  # type: ignore[arg-type]
        for index, token in enumerate(move.tokens):
            goes_on = index == 0 and self.graph.is_running[token] and not ended
            if goes_on:
                self.present.append(who._replace(token=token, last=last))
            else:
                self._arrives(token)

    def _time_moves(self, before: State, following: State) -> None:
        things = self.graph.tokens.things
        waiting = [each for each in self.present if isinstance(things[each.token], Waiting)]
        moment = min(things[each.token].due for each in waiting)
        arriving = [each for each in waiting if things[each.token].due == moment]
        self.present = [each for each in self.present if each not in arriving]
        staying = Counter(before[2])
        for token in following[2]:
            if staying[token]:
                staying[token] -= 1
            else:
                self._arrives(token)


# For readers.


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
    """The part of a choice that matters to others. `touches` has (store or party, key or None for
    all of it, whether it was written)."""

    handler: int
    saga: str | None
    touches: list[tuple[str, str | None, bool]]
    brought_about_by: int  # the index of a choice, -1 for none


def replay(
    scenario: Scenario | System, services: Mapping[str, Service] | None, schedule: Iterable[Choice]
) -> Replayed:
    """Run a schedule, and on to the end by the first choice there is."""
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
    guard: str,
) -> Story:
    """Return the same story in an order that people can read; a long one is left as it is.
    `guard` is the store that says whether external parties may be called."""
    found = replay(scenario, services, schedule)
    if len(found.choices) > LONG:
        return Story(found.run, tuple(found.choices), len(schedule))
    order = [found.choices[index] for index in _causal_order(found, guard)]
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


def _causal_order(found: Replayed, guard: str) -> list[int]:
    """Return the indices of the choices: each handler goes on as long as nothing holds it up, then
    one of its saga, then whoever has waited longest. Time moves when it did."""
    steps = _steps(found, guard)
    order: list[int] = []
    for moment in _moments(found.times):
        left = [*moment]
        while left:
            ready = [
                index
                for index in left
                if not any(_holds_up(steps, before, index) for before in left if before < index)
            ]
            last = steps[order[-1]] if order else None
            following = min(ready, key=lambda index: (_distance(last, steps[index]), index))
            order.append(following)
            left.remove(following)
    return order


def _distance(last: _Step | None, step: _Step) -> int:
    if last is None or last.saga != step.saga:
        return 2
    return 0 if last.handler == step.handler else 1


def _moments(times: Sequence[int]) -> Iterable[range]:
    """Yield the choices between two movements of time: each choice takes one ms."""
    start = 0
    for index in range(1, len(times) + 1):
        if index == len(times) or times[index] != times[index - 1] + 1:
            yield range(start, index)
            start = index


def _holds_up(steps: Sequence[_Step], before: int, after: int) -> bool:
    """A choice must stay behind an earlier one of its handler, behind what brought it about, and
    behind one that touches the same, unless both only read it."""
    earlier, later = steps[before], steps[after]
    return (
        earlier.handler == later.handler
        or later.brought_about_by == before
        or any(
            store == other and (writes or rewrites) and (key == another or None in (key, another))
            for store, key, writes in earlier.touches
            for other, another, rewrites in later.touches
        )
    )


def _steps(found: Replayed, guard: str) -> list[_Step]:
    index_at = {t: index for index, t in enumerate(found.times)}
    own: list[list[Record]] = [[] for _ in found.times]
    begun: dict[int, int] = {}  # handler to the choice that brought it about
    sent: dict[int, str | None] = {}  # handler to the key of what it wants to write
    keys: dict[int, str | None] = {}  # choice to that key
    for record in found.run.records:
        index = index_at.get(record.t, -1)
        if record.invocation:
            begun.setdefault(record.invocation, index)
            if index >= 0:
                own[index].append(record)
                keys.setdefault(index, sent.get(record.invocation))
            if isinstance(record.fact, facts.CommitRequested):
                sent[record.invocation] = record.fact.item and record.fact.item.key
    return [_step(each, keys.get(index), begun, guard) for index, each in enumerate(own)]


def _step(
    records: Sequence[Record], sent: str | None, begun: Mapping[int, int], guard: str
) -> _Step:
    if not records:
        return _Step(0, None, [], -1)
    handler, saga = records[0].invocation, records[0].saga
    touches: list[tuple[str, str | None, bool]] = []
    for record in records:
        if record.invocation != handler:
            continue
        match record.fact:
            case facts.ItemRead(store=store, key=key):
                touches.append((store, key, False))
            case facts.Committed(store=store, key=key):
                touches.append((store, key, True))
            case facts.StoreRefused(store=store):
                touches.append((store, sent, False))
            case facts.PartyAnswered() | facts.PartyUnreachable() | facts.PartySilent() as answer:
                # Whether the call was right depends on what the guard was at that moment.
                touches += [(answer.party, answer.key, True), (guard, None, False)]
    return _Step(handler, saga, touches, begun[handler])
