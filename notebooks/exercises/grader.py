"""Grade an answer: a check's cases are tried in order, and the learner is told of the first that
applies, with a hint."""

import inspect
import pickle
import sys
from collections.abc import Callable, Generator, Iterator
from decimal import Decimal, InvalidOperation
from functools import update_wrapper
from html import escape
from numbers import Number
from types import EllipsisType
from typing import Any, NamedTuple

from pydantic import ValidationError

from sagakit.contract.events import explain
from sagakit.draw.sequence import sequence
from sagakit.draw.story import View
from sagakit.run import Run
from sagakit.scenarios import Scenario
from sagakit.trace.trace import Trace

from .timeouts import Died, Endless, within_limits

UNANSWERED = "Put your answer in the place of the three dots and run the cell again."

NOT_THE_LEARNERS = {
    "sagakit", __name__.partition(".")[0], "pydantic", "pandas", "numpy", *sys.stdlib_module_names
}  # fmt: skip

# What is said first, with a sign and a colour. Nobody is wrong who has only predicted.
SIGNS = {
    "Right.": ("✔", "#009E73"),
    "Not yet.": ("✘", "#D55E00"),
    "Not answered yet.": ("○", "#6B6B6B"),
    "As predicted.": ("✔", "#009E73"),
    "Not as predicted.": ("≠", "#0072B2"),
    "No prediction.": ("○", "#6B6B6B"),
}


class Feedback(NamedTuple):
    """The answer to an answer. It is true when the learner's answer is right.

    hint         a hint, or several that tell more and more
    points       what was expected, what was seen, and where: a name and a sentence each
    trace, view  a run that shows it, and which part of it is drawn
    drawn        that picture as HTML, in place of the trace
    """

    right: bool
    says: str
    hint: str | tuple[str, ...] = ""
    verdict: str = ""
    points: tuple[tuple[str, str], ...] = ()
    trace: Trace | None = None
    view: View = View()
    drawn: str = ""

    def __bool__(self) -> bool:
        return self.right

    @property
    def hints(self) -> tuple[str, ...]:
        """The hints, each telling more than the one before."""
        return tuple(filter(None, [self.hint] if isinstance(self.hint, str) else self.hint))

    def __repr__(self) -> str:
        first = " ".join(filter(None, (self._verdict(), self.says)))
        if not self.points:
            return " ".join(filter(None, (first, self._hint())))
        points = [f"  {name}: {text}" for name, text in self.points]
        return "\n".join(filter(None, (first, *points, self._hint())))

    def _hint(self) -> str:
        first, *more = self.hints or ("",)
        if more:
            return f"Hint 1 of {len(self.hints)} (all are in .hints): {first}"
        return first and f"Hint: {first}"

    def _repr_html_(self) -> str:
        sign, colour = SIGNS[self._verdict()]
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 0.3em 0.8em">'
            f"<strong>{sign} {self._verdict()}</strong> {escape(self.says)}"
            f"{self._points_html()}{self._picture_html()}{self._hints_html()}</div>"
        )

    def _points_html(self) -> str:
        rows = "".join(
            f"<dt><em>{escape(name)}</em></dt><dd>{escape(text)}</dd>" for name, text in self.points
        )
        return rows and f"<dl>{rows}</dl>"

    def picklable(self) -> "Feedback":
        """Return the same with its picture drawn, if the trace holds items that cannot be
        pickled."""
        try:
            pickle.dumps(self.trace)
        except Exception:  # pickle raises many kinds
            return self._replace(trace=None, drawn=self._picture_html())
        return self

    def _picture_html(self) -> str:
        if self.trace is None:
            return self.drawn
        return sequence(self.trace, self.view).img()

    def _hints_html(self) -> str:
        """One hint is told; several are folded up, so that nobody reads more than they want."""
        if len(self.hints) <= 1:
            return "".join(f"<br><em>Hint:</em> {escape(hint)}" for hint in self.hints)
        return "".join(
            f"<details><summary>Hint {number} of {len(self.hints)}</summary>"
            f"{escape(hint)}</details>"
            for number, hint in enumerate(self.hints, start=1)
        )

    def _verdict(self) -> str:
        if self.says == UNANSWERED:
            return "Not answered yet."
        return self.verdict or ("Right." if self.right else "Not yet.")


Cases = Generator[Any, None, str | Feedback]
"""The cases of a check, one a `yield`, from top to bottom; returned is what a right answer is told.

    yield len(posts) < 2 and ("The client never asks again.", "A payment has repeats=(ms, ...).")

A case is falsy if it does not apply. Else it is what is said: a text, a text and a hint, or a
`Feedback`. It is worked out only if those before it did not apply, so it may build on them."""


def judged(cases: Cases | Feedback) -> Feedback:
    """Return the feedback on the first case that applies."""
    if isinstance(cases, Feedback):
        return cases
    while True:
        try:
            case = next(cases)
        except StopIteration as end:
            return end.value if isinstance(end.value, Feedback) else Feedback(True, end.value)
        if isinstance(case, Feedback):
            if not case.right:
                return case
        elif case:
            return Feedback(False, *([case] if isinstance(case, str) else case))


def a_function(answer: Any) -> Iterator[Any]:
    """Refuse what is no function."""
    yield not callable(answer) and ("This is no function.", "Give the name of the function: no ().")


def a_scenario(answer: Any, begin: str) -> Iterator[Any]:
    """Refuse what is no scenario, and say how one begins."""
    yield isinstance(answer, Run) and (
        "This is a run.",
        "Give the scenario itself, without run(...).",
    )
    yield not isinstance(answer, Scenario) and ("This is no scenario.", begin)


class Exercise:
    """A check that may be handed anything: three dots, a wrong type, an answer that raises or never
    ends. `task` says what to do."""

    def __init__(self, check: Callable[[Any], Cases | Feedback]) -> None:
        update_wrapper(self, check)
        self._check = check
        self._prepare: Callable[[], object] = lambda: None
        self.task = inspect.getdoc(check) or ""

    def __call__(self, answer: Any) -> Feedback:
        if isinstance(answer, EllipsisType):
            return Feedback(False, UNANSWERED)
        self._prepare()
        try:
            judged: Feedback = within_limits(lambda: self._judge(answer))
            return judged
        except Endless:
            says = "Your answer does not come to an end, and had to be killed."
        except Died as death:
            says = f"Your answer ended the process that it ran in ({death})."
        return Feedback(False, says)

    def prepared(self, work: Callable[[], Any]) -> Callable[[], Any]:
        """Decorate a cached function that the check needs: it is called before an answer is judged,
        since what is cached in a fork is lost."""
        self._prepare = work
        return work

    def _judge(self, answer: Any) -> Feedback:
        try:
            return judged(self._check(answer)).picklable()
        except Endless as endless:
            return Feedback(False, f"Your answer does not come to an end{line_of(endless)}.")
        except (Exception, SystemExit) as error:
            return Feedback(False, f"Your answer raised {_told(error)}")

    def __repr__(self) -> str:
        return self.task


def exercise(check: Callable[[Any], Cases | Feedback]) -> Exercise:
    """Make an exercise of a check: the cases of an answer. Its docstring states the task."""
    return Exercise(check)


def compare(prediction: Any, actual: Any, because: str = "") -> Feedback:
    """Hold a prediction against what the run did. A wrong one is worth as much as a right one."""
    right = _means(prediction, actual)
    if isinstance(prediction, EllipsisType):
        says, verdict = f"The run says {_shown(actual)}.", "No prediction."
    elif right:
        says, verdict = f"The run says {_shown(actual)} too.", "As predicted."
    else:
        says = f"You predicted {_shown(prediction)}; the run says {_shown(actual)}."
        verdict = "Not as predicted."
    return Feedback(right, f"{says} {because}".strip(), verdict=verdict)


def _means(prediction: Any, actual: Any) -> bool:
    """Accept equivalent spellings of the same answer: [30, 2] for (30.00, 2), "yes" for "Yes", one
    name for a list of one."""
    if isinstance(actual, list | tuple):
        several = list(prediction) if isinstance(prediction, list | tuple | set) else [prediction]
        return len(several) == len(actual) and all(map(_means, several, actual))
    if isinstance(actual, str):
        return isinstance(prediction, str) and _plain(prediction) == _plain(actual)
    is_number = isinstance(actual, Number) and not isinstance(actual, bool)
    if is_number and isinstance(prediction, Number | str):
        try:
            return Decimal(str(prediction)) == Decimal(str(actual))
        except InvalidOperation:
            return False
    try:
        return bool(prediction == actual)
    except ValueError:  # a table, which is no prediction
        return False


def _plain(text: str) -> str:
    return text.strip(" .").casefold()


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, EllipsisType):
        return "..."
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "nothing"
    return str(value)


def line_of(error: BaseException) -> str:
    """Return in which line of the learner's own code an error arose: " in line 3 of your code"."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        package = name.partition(".")[0]
        if package not in NOT_THE_LEARNERS and not package.startswith("namedtuple_"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" in line {line} of your code" if line else ""


def _told(error: BaseException) -> str:
    text = explain(error) if isinstance(error, ValidationError) else str(error)
    return f"{type(error).__name__}{line_of(error)}: {text}"
