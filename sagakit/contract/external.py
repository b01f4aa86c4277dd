"""External parties: what they do with a request, and their own books by Idempotency-Key.

A key that was seen before gets the same outcome and has no second effect. A key that was voided
stays void: a request that was still under way when its key was voided is refused when it arrives.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer, TimedOut, Unavailable

Behaviour = Literal["approve", "decline", "timeout_before", "timeout_after", "slow", "down"]


class Reaction(NamedTuple):
    """The treatment of one request: `delay` ms more than usual before it acts and answers."""

    behaviour: Behaviour
    delay: int = 0


Decide = Callable[[Ask, int, int], Reaction]
"""(the request, its number counted from 1, the time in ms) -> how the party reacts"""


State = Literal["executed", "declined", "voided"]


class Entry(NamedTuple):
    state: State
    request: tuple[Any, ...]


ANSWERS = {
    "executed": Answer(200, "OK"),
    "declined": Answer(402, "declined"),
    "voided": Answer(409, "voided"),
}


def booked(entry: Entry | None, request: Ask, *, decline: bool = False) -> tuple[Entry, Answer]:
    """Return what a request makes of the entry that its key has, and its answer."""
    if request.void:
        if entry is None or entry.state == "executed":
            entry = Entry("voided", entry.request if entry else ())
        return entry, Answer(200, entry.state)
    if entry is None:
        entry = Entry("declined" if decline else "executed", request.request)
    elif entry.state != "voided" and entry.request != request.request:
        return entry, Answer(422, "Idempotency-Key was used with other parameters")
    return entry, ANSWERS[entry.state]


def unreachable(request: Ask) -> Unavailable:
    """Return the error that a service hears when the party cannot be reached."""
    return Unavailable(f"{request.party} cannot be reached")


def silent(request: Ask) -> TimedOut:
    """Return the error that a service hears when the party does not answer in time."""
    return TimedOut(f"no answer from {request.party} within {request.timeout} ms")
