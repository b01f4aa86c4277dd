"""An invocation in a real world: what a service is at work on, and how that is told."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from sagakit.contract.driver import MOST_RETRIES
from sagakit.contract.events import Event
from sagakit.trace.facts import AlreadyDone, Fact, Record, Retried

Write = Callable[[Record], None]
Handlers = Mapping[type, Callable[[Any], Any]]


@dataclass(frozen=True)
class Invocation:
    """A service at work on one message or command. What it tells goes to `write`, at the time that
    `now` says (ms); `alone` keeps others from writing between the two."""

    write: Write
    now: Callable[[], int]
    service: str
    number: int
    saga: str | None = None
    event_id: str | None = None
    alone: Callable[[], AbstractContextManager[None]] = nullcontext

    def tell(self, fact: Fact) -> None:
        """Write a fact as a record of this invocation."""
        with self.alone():
            self.write(Record(self.now(), self.saga, self.event_id, self.number, fact))

    def retried(self, retry: int) -> None:
        self.tell(Retried(self.service, retry, MOST_RETRIES))

    def already_done(self) -> None:
        self.tell(AlreadyDone(self.service))


def told_of(event: Event, now: int, fact: Fact) -> Record:
    """Return the record of a fact about an event, outside of any invocation."""
    event_id, saga, *_ = event.header
    return Record(now, saga, event_id, 0, fact)
