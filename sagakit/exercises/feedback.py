"""What a learner hears: whether the answer is right, why, and where to look next."""

from collections.abc import Callable
from functools import wraps
from html import escape
from types import EllipsisType
from typing import Any, NamedTuple

UNANSWERED = "Put your answer in the place of the three dots and run the cell again."

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
    """The answer to an answer. It is true when the learner's answer is right."""

    right: bool
    says: str
    hint: str = ""
    verdict: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        hint = self.hint and f"Hint: {self.hint}"
        return " ".join(filter(None, (self._verdict(), self.says, hint)))

    def _repr_html_(self) -> str:
        sign, colour = SIGNS[self._verdict()]
        hint = f"<br><em>Hint:</em> {escape(self.hint)}" if self.hint else ""
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 0.3em 0.8em">'
            f"<strong>{sign} {self._verdict()}</strong> {escape(self.says)}{hint}</div>"
        )

    def _verdict(self) -> str:
        if self.says == UNANSWERED:
            return "Not answered yet."
        return self.verdict or ("Right." if self.right else "Not yet.")


def exercise(check: Callable[[Any], Feedback]) -> Callable[[Any], Feedback]:
    """Make a check safe to hand anything: three dots, a wrong type, an answer that raises."""

    @wraps(check)
    def checked(answer: Any) -> Feedback:
        if isinstance(answer, EllipsisType):
            return Feedback(False, UNANSWERED)
        try:
            return check(answer)
        except Exception as error:
            return Feedback(False, f"Your answer raised {_told(error)}")

    return checked


def compare(prediction: Any, actual: Any, because: str = "") -> Feedback:
    """Hold a prediction against what the run did. A wrong one is worth as much as a right one."""
    if isinstance(prediction, EllipsisType):
        says, verdict = f"The run says {_shown(actual)}.", "No prediction."
    elif prediction == actual:
        says, verdict = f"The run says {_shown(actual)} too.", "As predicted."
    else:
        says = f"You predicted {_shown(prediction)}; the run says {_shown(actual)}."
        verdict = "Not as predicted."
    return Feedback(prediction == actual, f"{says} {because}".strip(), verdict=verdict)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return str(value)


def _told(error: Exception) -> str:
    """The error in words, with the line of the learner's own code in which it arose."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_globals.get("__name__", "").startswith("sagakit"):
            line = trace.tb_lineno
        trace = trace.tb_next
    place = f" in line {line} of your code" if line else ""
    return f"{type(error).__name__}{place}: {error}"
