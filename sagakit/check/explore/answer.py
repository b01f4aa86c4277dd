"""What an exploration says: what was covered, which laws held, the shortest run that broke one."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sagakit.check.explore.space import Space
from sagakit.check.explore.tokens import State
from sagakit.check.verdict import Verdict
from sagakit.payments.topology import Service
from sagakit.run import Run
from sagakit.scenarios import Scenario
from sagakit.sim.schedule import Choice

Invariant = Callable[[Run], str | None]
"""A law of one's own: what is broken in a run at rest, in words, or None."""


class Counterexample(NamedTuple):
    """A run that breaks a law: the fewest faults, then the fewest steps.

    `seen` is how many states, or runs, had been seen when it was found.
    """

    verdict: Verdict
    run: Run
    schedule: tuple[Choice, ...]
    seen: int

    @property
    def faults(self) -> list[Choice]:
        return [choice for choice in self.schedule if choice.act != "step"]


class Exploration:
    """The answer of `explore`."""

    def __init__(
        self,
        scenario: Scenario,
        budget: dict[str, int],
        services: Mapping[str, Service] | None,
        invariants: tuple[Invariant, ...] = (),
    ) -> None:
        self.scenario = scenario
        self.budget = budget
        self.services = services
        self.invariants = invariants
        self.states = self.transitions = self.ends = self.runs = 0
        self.seconds = 0.0
        self.cut_by = ""
        self.held: dict[str, int] = {}
        self.broken: list[Counterexample] = []
        self.space: Space | None = None
        self.start: State | None = None
        self.reduced = True

    @property
    def complete(self) -> bool:
        return not self.cut_by
