"""An external party in the simulator.

It may answer, refuse, be slow, be down, or fail to answer although (or because) the effect did or
did not happen; the caller cannot tell the last two apart.
"""

from collections.abc import Callable
from typing import Protocol

from sagakit.contract.external import Behaviour, Decide, Entry, booked
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer
from sagakit.sim.kernel import Kernel
from sagakit.trace.facts import Booked, Record


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
