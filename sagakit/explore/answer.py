"""The answer of `explore`: what was covered, which laws held, the shortest run that broke one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from sagakit.contract.ports import Service
from sagakit.contract.terminal import count, wrapped
from sagakit.explore.counterexample import Counterexample
from sagakit.explore.search import following
from sagakit.explore.state_graph import StateGraph
from sagakit.explore.states import ANSWERS, State
from sagakit.run import Invariant, Run
from sagakit.scenarios import Scenario, System
from sagakit.scenarios.explorable import Explorable

if TYPE_CHECKING:
    import pandas as pd

WORDS = {  # for one fault and for many
    "crash": ("crash", "crashes"),
    "duplicate": ("duplicate", "duplicates"),
    "drop": ("lost message", "lost messages"),
    "lost_answer": ("lost answer of a store", "lost answers of a store"),
    "decline": ("decline by {party}", "declines by {party}"),
    "timeout_before": (
        "provider timeout without the effect",
        "provider timeouts without the effect",
    ),
    "timeout_after": ("provider timeout after the effect", "provider timeouts after the effect"),
    "down": ("call that does not reach {party}", "calls that do not reach {party}"),
}
TIME = "Time moves only when no handler has a step to make, so latencies do not matter."
REPEATED = " A request that is repeated later is there from the start as well."
IN_TURN = "in one order only, first come, first served"
FIRST = "the first broken law"

ARGUMENTS = {
    "crash": "crashes", "duplicate": "duplicates", "drop": "drops", "lost_answer": "lost_answers",
}  # fmt: skip
"""Of a fault to the argument of `explore` that is its budget; the rest is in `provider`"""


@dataclass(repr=False, eq=False)
class Exploration:
    """The answer of `explore`.

    complete     true if all was looked at; else `cut_by` says what ended it
    proved       true if it is complete and every law held
    broken       a counterexample for each law that is broken
    held         law to the number of judged runs in which it held
    states       the states that were seen; transitions, the steps between them; ends, the states
                 at rest, where nothing is left to happen
    runs         how many runs were explored, for a scenario that is explored run by run
    judged       how many runs were held against the laws
    seconds      how long it took
    """

    scenario: Scenario | System
    prepared: Explorable
    budget: Mapping[str, int]
    services: Mapping[str, Service] | None
    invariants: tuple[Invariant, ...]
    reorder: bool
    reduced: bool
    states: int = 0
    transitions: int = 0
    ends: int = 0
    runs: int = 0
    judged: int = 0
    seconds: float = 0.0
    cut_by: str = ""
    held: dict[str, int] = field(default_factory=dict)
    broken: list[Counterexample] = field(default_factory=list)
    graph: StateGraph | None = None
    start: State | None = None

    @property
    def complete(self) -> bool:
        return not self.cut_by

    @property
    def run_by_run(self) -> bool:
        """True if there were runs to explore, and no states."""
        return self.prepared.variants is not None

    @property
    def proved(self) -> bool:
        return self.complete and not self.broken

    def __bool__(self) -> bool:
        raise TypeError("an Exploration is neither true nor false: ask for .proved or .broken")

    @property
    def counterexample(self) -> Run | None:
        """The run that breaks the first broken law; `broken[0]` tells more of it."""
        return self.broken[0].run if self.broken else None

    @property
    def states_per_second(self) -> float:
        return self.states / self.seconds if self.seconds else 0.0

    @cached_property
    def schedules(self) -> int | None:
        """The number of schedules that the states stand for: paths from the start to a rest.

        Counted are those that can matter: two steps of which neither can tell which came first are
        made in one order only, and two equal copies of a message take turns in one way. None if
        the exploration is not complete. It is counted when it is asked for, which takes about as
        long as the exploration.
        """
        if not self.complete:
            return None
        graph, start = self.graph, self.start
        if graph is None or start is None:
            return self.runs

        def leads_to(state: State) -> tuple[State, list[State]]:
            return state, [after for _, after in following(graph, state, reduced=self.reduced)]

        paths: dict[State, int] = {}  # from each state to a state at rest
        waiting = [leads_to(start)]
        while waiting:
            state, next_states = waiting[-1]
            missing = next((after for after in next_states if after not in paths), None)
            if missing is None:
                paths[state] = sum(paths[after] for after in next_states) or 1
                waiting.pop()
            else:
                waiting.append(leads_to(missing))
        return paths[start]

    @property
    def laws(self) -> "pd.DataFrame":
        """One row a law.

        law     str    its name
        held    bool   whether it held
        runs    int64  the judged runs in which it held
        detail  str    what broke it
        """
        from sagakit.trace.tables import table

        broken = {found.verdict.law: found.verdict.detail for found in self.broken}
        laws = [*self.held, *(law for law in broken if law not in self.held)]
        return table(
            [
                (law, law not in broken, self.held.get(law, 0), broken.get(law, ""))
                for law in laws
            ],
            law="str", held="bool", runs="int64", detail="str",
        )  # fmt: skip

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `explore` besides the scenario."""
        spent = {fault: many for fault, many in self.budget.items() if many}
        provider = {fault: many for fault, many in spent.items() if fault in ANSWERS}
        arguments: dict[str, Any] = {
            ARGUMENTS[fault]: many for fault, many in spent.items() if fault in ARGUMENTS
        }
        if provider:
            arguments["provider"] = provider
        if not self.reorder:
            arguments["reorder"] = False
        if self.services:
            arguments["services"] = self.services
        if self.invariants:
            arguments["invariants"] = self.invariants
        return arguments

    # For people: nothing here depends on how fast the machine is.

    def __repr__(self) -> str:
        return f"<Exploration of {self.scenario.name}: {self._headline()} {self._counts()}>"

    def __str__(self) -> str:
        return wrapped(self.told())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": "\n".join(self.told()), "text/html": self._html()}

    def told(self) -> Iterator[str]:
        """Yield the outcome, what was covered, and in how much: a line each."""
        yield self._headline()
        cause = ""
        for found in self.broken:
            if found.cause != cause:  # one run may break several laws
                cause = found.cause
                yield cause
            yield f"✗ {found.verdict.law}: {found.effect}"
        yield self._covered()
        yield self._counts()
        yield self._judged()

    def _html(self) -> str:
        headline, *more = self.told()
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in more)
        return f"<div><p><strong>{escape(headline)}</strong></p>{paragraphs}</div>"

    def _headline(self) -> str:
        if self.broken:
            broken, laws = self._laws()
            are = "is" if broken == 1 else "are"
            looked = "all was looked at" if self.complete else self._cut()
            return f"✗ {broken} of {laws} laws {are} broken ({looked})."
        if not self.complete:
            return f"… Not complete: {self._cut()}. No law is broken so far."
        return f"✓ Complete: every law holds in {self._all()}."

    def _laws(self) -> tuple[int, int]:
        """Return how many are broken, of how many."""
        broken = {found.verdict.law for found in self.broken}
        return len(broken), len(broken.union(self.held))

    def _cut(self) -> str:
        return f"ended by {self.cut_by}"

    def _all(self) -> str:
        number = self.schedules or 0
        if self.run_by_run:
            return f"all {count(number, 'run')}"
        return "the one schedule there is" if number == 1 else f"all {number:,} schedules"

    def _covered(self) -> str:
        prepared, covered = self.prepared, "Covered" if self.complete else "To be covered"
        if prepared.variants is not None:
            how = prepared.variants.covered
            return f"{covered}: {prepared.about}. {how}; all else comes by the clock."
        faults = [
            f"{many} {WORDS[fault][many > 1].format(party=prepared.party)}"
            for fault, many in self.budget.items()
            if many
        ]
        limits = f"at most {_and(faults)}" if faults else "no faults"
        order = "in every order of steps that can matter" if self.reorder else IN_TURN
        repeated = REPEATED if prepared.repeats else ""
        return f"{covered}: {prepared.about} {order}, with {limits}. {TIME}{repeated}"

    def _counts(self) -> str:
        if self.run_by_run:
            return f"Looked at: {count(self.runs, 'run')}."
        return (
            f"Looked at: {count(self.states, 'state')}, "
            f"{count(self.transitions, 'transition')}, {self.ends:,} at rest."
        )

    def _judged(self) -> str:
        broken, laws = self._laws()
        text = f"Laws: {laws - broken} of {laws} held in {count(self.judged, 'judged run')}"
        if self.run_by_run or not self.proved:
            return f"{text}."
        come = "comes" if self.judged == 1 else "come"
        return f"{text}, which {come} to every end and to all that the stores ever hold."


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
