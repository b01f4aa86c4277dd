"""All interleavings of a scenario, one by one: what `explore` must agree with.

No states, no memory of steps, no reduction: each complete order of the steps and faults is one run
of the simulated world from its start. Only tiny systems can be looked at so.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sagakit.laws import verdicts
from sagakit.scenarios import Scenario
from sagakit.scenarios.build import build_world
from sagakit.sim.effects import committed
from sagakit.sim.external import react
from sagakit.sim.schedule import THEN_CRASH, Choice, ScheduledKernel
from sagakit.sim.world import World

ON_ARRIVAL = ("duplicate", "drop")
OF_A_STORE = ("lost_answer",)
OF_A_PARTY = ("decline", "timeout_before", "timeout_after", "down")


class TooMany(Exception):
    """There are more interleavings than one has time for."""


class Found(NamedTuple):
    """ends: how each run may end. broken: law to the fewest (faults, choices) that break it."""

    ends: set[Any]
    broken: dict[str, tuple[int, int]]
    runs: int


class Chooser:
    """Makes the choices of a run: the given ones, then always the first. `others` is what else
    could have been chosen on the way."""

    def __init__(
        self, kernel: ScheduledKernel, given: tuple[Choice, ...], budget: Mapping[str, int]
    ) -> None:
        self.kernel = kernel
        self.given = given
        self.left = dict(budget)
        self.made: list[Choice] = []
        self.others: list[tuple[Choice, ...]] = []

    def __iter__(self) -> Iterator[Choice]:
        while True:
            if len(self.made) < len(self.given):
                choice = self.given[len(self.made)]
            else:
                choice, *others = self.possible()
                self.others += [(*self.made, other) for other in others]
            for fault in faults_of(choice):
                self.left[fault] -= 1
            self.made.append(choice)
            yield choice

    def possible(self) -> list[Choice]:
        moved = {choice[:3] for choice in self.made if choice.act not in ON_ARRIVAL}
        return [
            Choice(service, subject, number, act)
            for (service, subject), arrived in self.kernel._arrived.items()
            for number, invocation in enumerate(arrived, start=1)
            if invocation in self.kernel._turns
            for act in self.acts(invocation, fresh=(service, subject, number) not in moved)
        ]

    def acts(self, invocation: Any, *, fresh: bool) -> Iterator[Any]:
        waits_for = self.kernel._turns[invocation][0]
        queued = invocation.message is not None  # a command can neither come twice nor come again
        faults = OF_A_PARTY * (waits_for is react) + OF_A_STORE * (waits_for is committed)
        steps = ["step", *filter(self.left.get, faults)]
        yield from steps
        if queued and self.left.get("crash"):
            yield "crash"
            yield from [f"{step}{THEN_CRASH}" for step in steps]
        if queued and fresh:
            yield from filter(self.left.get, ON_ARRIVAL)


def faults_of(choice: Choice) -> list[str]:
    act = choice.act.removesuffix(THEN_CRASH)
    crash = ["crash"] * (act != choice.act)
    return crash if act == "step" else [act, *crash]


def interleavings(
    scenario: Scenario, services: Any, budget: Mapping[str, int], *, most: int
) -> Found:
    """Run them all. Raises `TooMany`."""
    found = Found(set(), {}, 0)
    waiting: list[tuple[Choice, ...]] = [()]
    runs = 0
    while waiting:
        runs += 1
        if runs + len(waiting) > most:
            raise TooMany
        world = build_world(scenario, services=services, schedule=())
        assert isinstance(world.kernel, ScheduledKernel)
        chooser = Chooser(world.kernel, waiting.pop(), budget)
        world.kernel.schedule = chooser  # type: ignore[assignment]
        trace = world.run()
        waiting += chooser.others
        found.ends.add(end_of(world))
        cost = (sum(len(faults_of(choice)) for choice in chooser.made), len(chooser.made))
        for verdict in verdicts(trace):
            if not verdict.held:
                found.broken[verdict.law] = min(cost, found.broken.get(verdict.law, cost))
    return found._replace(runs=runs)


def end_of(world: World) -> Any:
    """What there is when a run has ended: items and inbox of the stores, the books of the external
    parties, the dead letters."""
    places = {name: (as_set(one.items), frozenset(one.inbox)) for name, one in world.stores.items()}
    books = {name: as_set(one.books) for name, one in world.externals.items()}
    dead = [
        (host.name, letter.event_id)
        for host in world.hosts.values()
        for queue in host.queues
        for letter in queue.dead_letters
    ]
    return as_set(places), as_set(books), tuple(sorted(dead))


def as_set(things: Mapping[str, Any]) -> frozenset[Any]:
    return frozenset(things.items())
