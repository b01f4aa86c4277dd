"""An external party in the simulator.

It may answer, refuse, be slow, be down, or fail to answer although (or because) the effect did or
did not happen; the caller cannot tell the last two apart.
"""

from collections.abc import Callable

from sagakit.contract.external import Behaviour, Decide, Entry, booked, silent, unreachable
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer, WorldError
from sagakit.sim.host import Invocation
from sagakit.sim.kernel import Kernel
from sagakit.trace.facts import Booked, Fact, Record
from sagakit.trace.narrator import party_answered, party_silent, party_unreachable


class PendingRequest:
    """A request to an external party, until it is answered, refused, or given up."""

    receipt = 0  # a request has one deadline only

    def __init__(self, operation: Ask, by: Invocation) -> None:
        self.operation = operation
        self.by = by
        self.finished = False

    def answered(self, answer: Answer) -> None:
        self._close(answer, party_answered(self.by.host.name, self.operation, answer))

    def refused(self) -> None:
        fact = party_unreachable(self.by.host.name, self.operation)
        self._close(unreachable(self.operation), fact)

    def silent(self, _receipt: int) -> None:
        self._close(silent(self.operation), party_silent(self.by.host.name, self.operation))

    def _close(self, result: Answer | WorldError, fact: Fact) -> None:
        """Resume the handler with what came first; what comes too late goes unheard."""
        if not (self.finished or self.by.finished):
            self.finished = True
            self.by.tell(fact)
            self.by.resume(result)


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

    def ask(self, request: PendingRequest, down: bool) -> None:
        """Take a request, and have it answered or refused later, or neither: there is silence."""
        self._requests += 1
        behaviour, delay = self._decide(request.operation, self._requests, self._kernel.now)
        latency = self._latency()
        if down or behaviour == "down":
            self._kernel.after(latency, request.refused)
        elif behaviour == "timeout_before":
            pass
        else:
            self._kernel.step(latency + delay, request.by, react, self, request, behaviour)

    def book(self, asked: Ask, decline: bool, saga: str | None) -> Answer:
        """Enter a request in the books. Returns the answer to it."""
        before = self.books.get(asked.key)
        entry, answer = booked(before, asked, decline=decline)
        if entry != before:
            self.books[asked.key] = entry
            fact = Booked(self.name, asked.key, entry.request, entry.state)
            self._write(Record(self._kernel.now, saga, None, 0, fact))
        return answer


def react(party: SimulatedExternal, request: PendingRequest, behaviour: Behaviour) -> None:
    """Do what the party was asked, and answer, unless it falls silent."""
    answer = party.book(request.operation, behaviour == "decline", request.by.saga)
    if behaviour != "timeout_after":
        request.answered(answer)
