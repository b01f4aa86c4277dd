"""The kill matrix: which flaw breaks which law, and what the sound services survive."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sagakit.explore import Counterexample, Exploration, explore
from sagakit.laws import LAWS
from sagakit.scenarios import Scenario
from sagakit.zoo import ALL, Flaw

if TYPE_CHECKING:
    import pandas as pd

    from sagakit.draw.svg import Picture


class Kill(NamedTuple):
    """What became of a flaw. `found` is the shortest run that breaks the law it is about."""

    flaw: Flaw
    answer: Exploration
    found: Counterexample | None

    @property
    def broken(self) -> list[str]:
        """All laws that the flaw breaks within its budget."""
        return [one.verdict.law for one in self.answer.broken]

    @property
    def states(self) -> int | None:
        """How many states were seen until it was found; runs, where there is nothing to step."""
        return self.found.seen if self.found else None

    @property
    def steps(self) -> int | None:
        """How many choices lead to it; None, where there are none to make."""
        return self.found.steps if self.found and self.found.schedule is not None else None


def kills() -> Iterator[Kill]:
    """Explore each flaw within its budget, to the end."""
    for flaw in ALL:
        answer = flaw.explore(stop="all")
        laws = {one.verdict.law: one for one in answer.broken}
        yield Kill(flaw, answer, laws.get(flaw.law))


class Trial(NamedTuple):
    """What the sound services have to survive."""

    scenario: Scenario
    budget: Mapping[str, Any]

    def explore(self) -> Exploration:
        return explore(self.scenario, **self.budget, stop="all")


def trials() -> list[Trial]:
    """The budgets of all flaws, those of one scenario together.

    Timeouts are kept apart from what needs none: each puts a minute and another ten steps behind
    every place where a crash may strike. All together, one payment alone has 790,000 states, which
    hold as well, and take half a minute.
    """
    groups: dict[tuple[str, bool], list[Flaw]] = {}
    for flaw in ALL:
        silent = any(name.startswith("timeout") for name in flaw.budget.get("provider", ()))
        groups.setdefault((flaw.scenario.name, silent), []).append(flaw)
    return [
        Trial(flaws[0].scenario, together(flaw.budget for flaw in flaws))
        for flaws in groups.values()
    ]


def together(budgets: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The smallest budget that has each of these in it."""
    most: dict[str, Any] = {}
    for budget in budgets:
        for name, many in budget.items():
            if isinstance(many, Mapping):
                most[name] = together([most.get(name, {}), many])
            else:
                most[name] = max(most.get(name, 0), many)
    return most


def in_words(budget: Mapping[str, Any]) -> str:
    """A budget on one line: "duplicates=1, decline=1"."""
    flat = {**budget, **budget.get("provider", {})}
    flat.pop("provider", None)
    return ", ".join(f"{name}={many}" for name, many in flat.items()) or "none"


def kill_matrix() -> "pd.DataFrame":
    """One row a flaw.

        flaw, law      str    its name, and the law that it is about
        budget         str    the fewest faults that show it
        found          bool   whether `explore` found that law broken
        states         Int64  seen until then (runs, where a batch or a recovery is explored)
        steps          Int64  of the counterexample; missing where there are no choices to make

    and a bool column a law: whether the flaw breaks it within that budget.
    """
    import pandas as pd

    done = list(kills())
    columns: dict[str, Any] = {
        "flaw": pd.array([one.flaw.name for one in done], dtype="str"),
        "law": pd.array([one.flaw.law for one in done], dtype="str"),
        "budget": pd.array([in_words(one.flaw.budget) for one in done], dtype="str"),
        "found": [one.found is not None for one in done],
        "states": pd.array([one.states for one in done], dtype="Int64"),
        "steps": pd.array([one.steps for one in done], dtype="Int64"),
    }
    columns |= {law: [law in one.broken for one in done] for law in LAWS}
    return pd.DataFrame(columns)


def kill_figure() -> "Picture":
    """The kill matrix as a figure, and the sound services below it."""
    from sagakit.draw.matrix import Row, matrix

    rows = [
        Row(
            one.flaw.name,
            one.flaw.law,
            one.broken,
            (in_words(one.flaw.budget), seen(one), "" if one.steps is None else str(one.steps)),
        )
        for one in kills()
    ]
    answers = [trial.explore() for trial in trials()]
    broken = {one.verdict.law for answer in answers for one in answer.broken}
    states = sum(answer.states for answer in answers)
    cells = ("all of these", f"{states:,}", "")
    rows.append(Row("the sound services", "", broken, cells, apart=True))
    heads = ("faults needed", "states", "steps")
    return matrix("Which flaw breaks which law", tuple(LAWS), heads, rows)


def seen(kill: Kill) -> str:
    """How much was seen until the flaw was found: "208", or "2 runs" where there are no states."""
    if kill.states is None:
        return ""
    runs = f" run{'s' * (kill.states > 1)}" if kill.answer.runs else ""
    return f"{kill.states:,}{runs}"
