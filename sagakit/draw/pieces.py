"""The pieces of a run that a view draws or counts: events, work, calls, waits and what went wrong.

Times are in ms.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from sagakit.trace.trace import Published, Record

Ended = Literal["", "done", "failed", "crashed"]


class Emission(NamedTuple):
    """An event as it came to be, or came again: at `t` (ms), from `publisher`.

    renamed   a rule of the bus made it of another one
    enqueued  it went into its service's own retry queue
    again     it was put in a queue once more
    """

    t: int
    event: str
    event_id: str
    saga: str | None
    publisher: str
    how: Literal["published", "renamed", "enqueued", "again"]
    causation_id: str = ""
    version: int = 0
    payload: dict[str, Any] = {}  # noqa: RUF012 (never written)


def emissions(records: Iterable[Record]) -> Iterator[Emission]:
    """All of them, in the order of the trace."""
    for record in records:
        detail = record.detail
        if isinstance(detail, Published):
            how: Literal["published", "renamed", "enqueued"] = "published"
            if record.source == record.target:
                how = "renamed"
            elif detail.message_id:
                how = "enqueued"
            yield Emission(
                record.t, record.event or "", record.event_id or "", record.correlation_id,
                record.source, how, detail.causation_id, detail.version, detail.payload,
            )  # fmt: skip


def events(records: Iterable[Record]) -> list[Emission]:
    """Each event of a run once, as it first came to be, in the order of the trace. What a rule
    makes of one counts, as it has an id of its own; what is published or delivered again does not.
    """
    found: dict[str, Emission] = {}
    for one in emissions(records):
        found.setdefault(one.event_id, one)
    return list(found.values())


class Work(NamedTuple):
    """A service at work on one message or command, from `begin` to `end` (ms)."""

    number: int  # of the invocation
    service: str
    begin: int
    end: int
    label: str
    saga: str | None
    event_id: str | None
    message_id: int = 0
    ended: Ended = ""


class Call(NamedTuple):
    """A request to an external party and how long its caller waited. `outcome` in one word."""

    number: int
    caller: str
    party: str
    begin: int
    end: int
    label: str
    saga: str | None
    answered: bool = False
    outcome: str = ""


class Wait(NamedTuple):
    """A message that a service put aside or did not finish, until it is received (again), or one
    that waited in its queue for much longer than most do.

    `after` and `before` are the places in `Activity.works` of the work at its ends, or None.
    """

    service: str
    begin: int
    end: int
    saga: str | None
    why: Literal["queued", "delayed", "hidden", "dead letter"]
    after: int | None = None
    before: int | None = None


class Mark(NamedTuple):
    """Something worth a sign at one moment: `kind` says which, `text` what it was."""

    t: int
    place: str
    kind: Literal["conflict", "failed", "crash", "fault", "dead letter", "note"]
    text: str
    saga: str | None = None
    event_id: str | None = None

    @property
    def bad(self) -> bool:
        return self.kind != "note"


class Span(NamedTuple):
    """A stretch of time in which a participant was not there; `services` are those that use it."""

    place: str
    begin: int
    end: int
    text: str
    services: tuple[str, ...] = ()
