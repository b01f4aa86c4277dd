"""The kill matrix: which flaw breaks which law, and what the sound services survive."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sagakit.contract.events import encode_lines
from sagakit.contract.terminal import text_table
from sagakit.explore import Counterexample, Exploration, explore
from sagakit.laws import LAWS
from sagakit.scenarios import Scenario
from sagakit.zoo import ALL, Flaw

if TYPE_CHECKING:
    import pandas as pd

    from sagakit.draw.svg import Picture


class Kill(NamedTuple):
    """The fate of a flaw. `found` is the shortest run that breaks the law it is about."""

    flaw: Flaw
    answer: Exploration
    found: Counterexample | None

    @property
    def broken(self) -> list[str]:
        """All laws that the flaw breaks within its budget."""
        return [counterexample.verdict.law for counterexample in self.answer.broken]

    @property
    def states(self) -> int | None:
        """The states seen until it was found; runs, where there is nothing to step."""
        return self.found.seen if self.found else None

    @property
    def effort(self) -> str:
        """The same in words: "208", or "2 runs" where there are no states."""
        if self.states is None:
            return ""
        runs = f" run{'s' * (self.states > 1)}" if self.answer.runs else ""
        return f"{self.states:,}{runs}"

    @property
    def steps(self) -> int | None:
        """The number of choices that lead to it; None, where there are none to make."""
        return self.found.steps if self.found and self.found.schedule is not None else None


def kills() -> Iterator[Kill]:
    """Explore each flaw within its budget, to the end."""
    for flaw in ALL:
        answer = flaw.explore(stop="all")
        by_law = {counterexample.verdict.law: counterexample for counterexample in answer.broken}
        yield Kill(flaw, answer, by_law.get(flaw.law))


class Challenge(NamedTuple):
    """A scenario and a budget that the sound services have to survive."""

    scenario: Scenario
    budget: Mapping[str, Any]

    def explore(self) -> Exploration:
        return explore(self.scenario, **self.budget, stop="all")


def challenges() -> list[Challenge]:
    """Return the budgets of all flaws, those of one scenario together.

    Timeouts are kept apart from what needs none: each puts a minute and another ten steps behind
    every place where a crash may strike. All together, one payment alone has 790,000 states, which
    hold as well, and take half a minute.
    """
    groups: dict[tuple[str, bool], list[Flaw]] = {}
    for flaw in ALL:
        silent = any(name.startswith("timeout") for name in flaw.budget.get("provider", ()))
        groups.setdefault((flaw.scenario.name, silent), []).append(flaw)
    return [
        Challenge(flaws[0].scenario, combined(flaw.budget for flaw in flaws))
        for flaws in groups.values()
    ]


def combined(budgets: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the smallest budget that has each of these in it."""
    most: dict[str, Any] = {}
    for budget in budgets:
        for name, many in budget.items():
            if isinstance(many, Mapping):
                most[name] = combined([most.get(name, {}), many])
            else:
                most[name] = max(most.get(name, 0), many)
    return most


def describe(budget: Mapping[str, Any]) -> str:
    """Return a budget on one line: "duplicates=1, decline=1"."""
    flat = {**budget, **budget.get("provider", {})}
    flat.pop("provider", None)
    return ", ".join(f"{name}={many}" for name, many in flat.items()) or "none"


# The matrix as a table, as a figure, and as text.


def kill_matrix() -> "pd.DataFrame":
    """Return a table of one row a flaw.

        flaw, law      str    its name, and the law that it is about
        budget         str    the fewest faults that show it
        found          bool   whether `explore` found that law broken
        states         Int64  seen until then (runs, where a batch or a recovery is explored)
        steps          Int64  of the counterexample; missing where there are no choices to make

    and a bool column a law: whether the flaw breaks it within that budget.
    """
    from sagakit.trace.tables import table

    rows = (
        (
            kill.flaw.name, kill.flaw.law, describe(kill.flaw.budget), kill.found is not None,
            kill.states, kill.steps, *(law in kill.broken for law in LAWS),
        )
        for kill in kills()
    )  # fmt: skip
    return table(
        rows, flaw="str", law="str", budget="str", found="bool", states="Int64", steps="Int64",
        **dict.fromkeys(LAWS, "bool"),
    )  # fmt: skip


def kill_figure() -> "Picture":
    """Draw the kill matrix, and the sound services below it."""
    from sagakit.draw.matrix import FlawRow, matrix

    rows = []
    for kill in kills():
        steps = "" if kill.steps is None else str(kill.steps)
        cells = (describe(kill.flaw.budget), kill.effort, steps)
        rows.append(FlawRow(kill.flaw.name, kill.flaw.law, kill.broken, cells))
    answers = [challenge.explore() for challenge in challenges()]
    broken = {found.verdict.law for answer in answers for found in answer.broken}
    states = sum(answer.states for answer in answers)
    cells = ("all of these", f"{states:,}", "")
    rows.append(FlawRow("the sound services", "", broken, cells, apart=True))
    heads = ("faults needed", "states", "steps")
    return matrix("Which flaw breaks which law", tuple(LAWS), heads, rows)


class Answers(NamedTuple):
    """The answers to all flaws, and to all that the sound services are challenged with."""

    kills: Sequence[Kill]
    sound: Sequence[tuple[Challenge, Exploration]]

    @classmethod
    def found(cls) -> "Answers":
        """Explore them all."""
        return cls(list(kills()), [(each, each.explore()) for each in challenges()])

    @property
    def hold(self) -> bool:
        """True if every flaw is found, and the sound services keep every law to the end."""
        return all(kill.found for kill in self.kills) and all(
            answer.complete and not answer.broken for _, answer in self.sound
        )

    def for_people(self) -> Iterator[str]:
        """Write the kill matrix, and what the sound services survive, as tables."""
        yield from text_table(
            ("flaw", "law that it breaks", "faults needed", "found", "after", "steps"),
            [
                (
                    kill.flaw.name,
                    kill.flaw.law,
                    describe(kill.flaw.budget),
                    "yes" if kill.found else "NO",
                    kill.effort + " states" * (not kill.answer.runs),
                    "" if kill.steps is None else str(kill.steps),
                )
                for kill in self.kills
            ],
        )
        yield ""
        yield from text_table(
            ("the sound services in", "faults allowed", "explored", "laws"),
            [
                (
                    challenge.scenario.name,
                    describe(challenge.budget),
                    f"{answer.runs:,} runs" if answer.runs else f"{answer.states:,} states",
                    _outcome(answer),
                )
                for challenge, answer in self.sound
            ],
        )

    def as_json(self) -> Iterator[str]:
        """Write one JSON object, a line for each flaw and for each challenge."""
        flaws = [
            {
                "flaw": kill.flaw.name,
                "law": kill.flaw.law,
                "budget": dict(kill.flaw.budget),
                "found": kill.found is not None,
                "states": kill.states,
                "steps": kill.steps,
                "breaks": kill.broken,
            }
            for kill in self.kills
        ]
        sound = [
            {
                "scenario": challenge.scenario.name,
                "budget": dict(challenge.budget),
                "complete": answer.complete,
                "states": answer.states or answer.runs,
                "broken": [found.verdict.law for found in answer.broken],
            }
            for challenge, answer in self.sound
        ]
        return encode_lines({"flaws": flaws, "sound": sound})


def _outcome(answer: Exploration) -> str:
    if answer.broken:
        return "BROKEN: " + "; ".join(found.verdict.law for found in answer.broken)
    return f"{len(answer.held)} held" + (f", as far as {answer.cut_by}" if answer.cut_by else "")
