"""The numbers that settings are made of, and how long things take in a run."""

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
