"""An external party that keeps its own books by Idempotency-Key.

It may answer, refuse, be slow, be down, or fail to answer although (or because) the effect did or
did not happen; the caller cannot tell the last two apart. A key that was seen before gets the
same outcome and has no second effect. A key that was voided stays void: a request that was still
under way when its key was voided is refused when it arrives.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol

from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer
from sagakit.sim.kernel import Kernel
from sagakit.trace.facts import Booked, Record

Behaviour = Literal["approve", "decline", "timeout_before", "timeout_after", "slow", "down"]


class Reaction(NamedTuple):
    """How the party treats one request: `delay` ms more than usual before it acts and answers."""

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
    """What a request makes of the entry that its key has, and how it is answered."""
    if request.void:
        if entry is None or entry.state == "executed":
            entry = Entry("voided", entry.request if entry else ())
        return entry, Answer(200, entry.state)
    if entry is None:
        entry = Entry("declined" if decline else "executed", request.request)
    elif entry.state != "voided" and entry.request != request.request:
        return entry, Answer(422, "Idempotency-Key was used with other parameters")
    return entry, ANSWERS[entry.state]


class Call(Protocol):
    """A request until it is answered or refused; it may be neither."""

    operation: Ask
    saga: str | None

    def answered(self, answer: Answer) -> None: ...
    def refused(self) -> None: ...


class SimulatedExternal:
    """One external party. `books` is its own truth: key to entry."""

    def __init__(
        self,
        kernel: Kernel,
        write: Callable[[Record], None],
        *,
        name: str,
        decide: Decide,
        latency: tuple[int, int],
    ) -> None:
        self.name = name
        self.books: dict[str, Entry] = {}
        self._kernel = kernel
        self._write = write
        self._decide = decide
        self._latency = kernel.duration(name, latency)
        self._requests = 0

    def ask(self, call: Call, down: bool) -> None:
        """Take a request, and have it answered or refused later, or neither: there is silence."""
        self._requests += 1
        behaviour, delay = self._decide(call.operation, self._requests, self._kernel.now)
        latency = self._latency()
        if down or behaviour == "down":
            self._kernel.after(latency, call.refused)
        elif behaviour == "timeout_before":
            pass
        else:
            self._kernel.after(latency + delay, react, self, call, behaviour)

    def book(self, request: Ask, decline: bool, saga: str | None) -> Answer:
        """Enter a request in the books. Returns the answer to it."""
        before = self.books.get(request.key)
        entry, answer = booked(before, request, decline=decline)
        if entry != before:
            self._enter(request.key, entry, saga)
        return answer

    def _enter(self, key: str, entry: Entry, saga: str | None) -> None:
        self.books[key] = entry
        fact = Booked(self.name, key, entry.request, entry.state)
        self._write(Record(self._kernel.now, saga, None, 0, fact))


def react(party: SimulatedExternal, call: Call, behaviour: Behaviour) -> None:
    """The party does what it was asked, and says so, unless it falls silent."""
    answer = party.book(call.operation, behaviour == "decline", call.saga)
    if behaviour != "timeout_after":
        call.answered(answer)
