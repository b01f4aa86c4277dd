"""The numbers that settings are made of, and how long things take in a run."""

from numbers import Real
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt

from sagakit.contract.validation import Validated

YEAR = 365 * 24 * 60 * 60 * 1_000  # ms

Milliseconds = Annotated[int, Field(strict=True, ge=0, le=YEAR, json_schema_extra={"unit": "ms"})]
Count = Annotated[int, Field(strict=True, ge=1)]


def _in_order(span: tuple[int, int]) -> tuple[int, int]:
    shortest, longest = span
    if longest > YEAR:
        raise ValueError(f"{longest} ms is more than a year, which is the most ({YEAR} ms)")
    if not 0 <= shortest <= longest:
        raise ValueError(
            f"from {shortest} to {longest} ms cannot be: give the shorter first, none below zero"
        )
    return span


Span = Annotated[
    tuple[StrictInt, StrictInt],
    AfterValidator(_in_order),
    Field(json_schema_extra={"unit": "ms"}),
]


def must_end_later(start: int, end: int) -> None:
    """Raise `ValueError` for a stretch of time (ms) that ends before it has begun, or at once."""
    if end <= start:
        raise ValueError(f"end ({end} ms) must be later than start ({start} ms)")


class Timing(Validated):
    """The time that things take, in ms: a pair is drawn evenly between its ends, both included."""

    bus: Span = (10, 30)
    poll: Span = (1, 10)
    store: Span = (2, 8)
    relay: Span = (1, 5)
    invoke: Span = (1, 5)
    external: Span = (80, 250)


def duration(ms: int) -> str:
    """Return a length of time for people: "2 days", "1 minute", "0.5 s"."""
    for length, name in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute")):
        if ms % length == 0 and ms:
            many = ms // length
            return f"{many} {name}{'s' if many > 1 else ''}"
    return f"{ms / 1000}".removesuffix(".0") + " s"


IN_MS = 2_000  # ms: a time axis that ends by then counts in ms


def roughly(ms: float) -> str:
    """Return a stretch of time in few digits: `334 ms`, `1.25 s`, `70.5 s`, `12 min`, `48 h`."""
    if ms < 1_000:
        return f"{ms:g} ms"
    if ms < 600_000:
        return f"{round(ms / 1_000, 2 if ms < 10_000 else 1):g} s"
    name, size = ("min", 60_000) if ms < 36_000_000 else ("h", 3_600_000)
    return f"{ms / size:.1f}".removesuffix(".0") + f" {name}"


def moment(t: int) -> str:
    """Return a moment, to the ms: `334 ms`, `5 s`, `70.495 s`."""
    return f"{t} ms" if t < 1_000 else f"{t / 1_000}".removesuffix(".0") + " s"


def stamp(t: int) -> str:
    """Return a moment in a column, where the points have to stand below each other: `5.000 s`."""
    return f"{t} ms" if t < 1_000 else f"{t / 1_000:.3f} s"


def must_be_times(**given: object) -> None:
    """Raise `ValueError` for what is no number of ms, nor None."""
    for name, t in given.items():
        if t is not None and not isinstance(t, Real):
            raise ValueError(f"{name}: a number of ms, not {t!r:.40}")


def unit(end: float) -> tuple[str, int]:
    """Return the unit of a time axis up to `end` (ms), and how many ms that is."""
    return ("ms", 1) if end <= IN_MS else ("s", 1_000)
