"""What a learner hears: whether the answer is right, why, and where to look next."""

from collections.abc import Callable
from functools import wraps
from html import escape
from types import EllipsisType
from typing import Any, NamedTuple

UNANSWERED = (
    "Not answered yet. Put your answer in the place of the three dots and run the cell again."
)


class Feedback(NamedTuple):
    """The answer to an answer. It is true when the learner's answer is right."""

    right: bool
    says: str
    hint: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        verdict = "Right." if self.right else "Not yet."
        return " ".join(filter(None, (verdict, self.says, self.hint and f"Hint: {self.hint}")))

    def _repr_html_(self) -> str:
        sign, verdict, colour = (
            ("✔", "Right.", "#009E73") if self.right else ("✘", "Not yet.", "#D55E00")
        )
        hint = f"<br><em>Hint:</em> {escape(self.hint)}" if self.hint else ""
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 0.3em 0.8em">'
            f"<strong>{sign} {verdict}</strong> {escape(self.says)}{hint}</div>"
        )


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
        return Feedback(False, f"No prediction. The run says {_shown(actual)}. {because}".strip())
    if prediction == actual:
        return Feedback(True, f"The run says {_shown(actual)} too. {because}".strip())
    says = f"You predicted {_shown(prediction)}; the run says {_shown(actual)}."
    return Feedback(False, says, because)


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
