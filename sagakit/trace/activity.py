"""What was going on in a run: its events, work, calls, waits and marks, read from the records.

Times are in ms.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from sagakit.trace.trace import (
    Asked,
    Failed,
    FannedOut,
    Published,
    Queued,
    Record,
    Redriven,
    Restored,
    Trace,
    Written,
)

LONG = 4  # times as long as is usual: a message that waited longer in its queue is told
CONFLICT = "ConditionalCheckFailedException"

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


class OutsideCall(NamedTuple):
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


class Absence(NamedTuple):
    """A stretch of time in which a participant was not there; `services` are those that use it."""

    place: str
    begin: int
    end: int
    text: str
    services: tuple[str, ...] = ()


class Activity:
    """Reads a trace once. Times in ms; everything in the order in which it began."""

    def __init__(self, trace: Trace) -> None:
        self.kinds = {one.name: one.kind for one in trace.participants}
        self.order = {one.name: place for place, one in enumerate(trace.participants)}
        self.moments: list[int] = []
        self.emissions: list[Emission] = []
        self.works: list[Work] = []
        self.calls: list[OutsideCall] = []
        self.waits: list[Wait] = []
        self.marks: list[Mark] = []
        self.spans: list[Absence] = []
        self.end = 0
        self.by: dict[str, int] = {}  # event id to the place in `works` of what published it
        self._busy: dict[int, int] = {}  # invocation to the place of its present work
        self._calling: dict[int, int] = {}  # invocation to the place of its open call
        self._aside: dict[int, Wait] = {}  # message that waits to be received
        self._queued: dict[int, int] = {}  # message to when it was put in its queue
        self._first: list[Wait] = []  # what passed until a message was received
        self._users: defaultdict[str, list[str]] = defaultdict(list)
        for record in trace:
            self._read(record)
        self.waits += self._long_ones()
        self.waits.sort(key=lambda wait: wait.begin)
        for place, call in enumerate(self.calls):
            if call.end < 0:  # its caller was cut off
                self.calls[place] = call._replace(end=self._until(call.number))
        self.spans = [
            span._replace(
                end=span.end if span.end >= 0 else self.end,
                services=tuple(self._users[span.place]),
            )
            for span in self.spans
        ]

    def services_of(self, place: str) -> tuple[str, ...]:
        """Where to show what happens at a place: itself, or those that use it if it is a store."""
        return tuple(self._users[place]) if self.kinds.get(place) == "store" else (place,)

    def _read(self, record: Record) -> None:
        if not self.moments or record.t != self.moments[-1]:
            self.moments.append(record.t)
        self.end = record.t
        detail = record.detail
        if record.invocation:
            self._work(record)
        if isinstance(detail, Published):
            self._publish(record, detail)
        elif isinstance(detail, Queued):
            self._queue(record, detail)
        elif isinstance(detail, Asked):
            self._call(record, detail)
        elif isinstance(detail, Written):
            for event_id in detail.outbox:
                self.by[event_id] = self._busy.get(record.invocation, -1)
        elif isinstance(detail, Failed):
            self._fail(record, detail)
        elif isinstance(detail, Restored):
            self._restore(record)
        elif isinstance(detail, FannedOut):
            self._queued.update(dict.fromkeys(detail.message_ids, record.t))
        elif isinstance(detail, Redriven):
            self._aside[detail.message_id] = self._aside.pop(
                detail.formerly, Wait("", record.t, -1, record.correlation_id, "dead letter")
            )
        elif record.kind == "fault":
            self._mark(record, "fault" if record.source != record.target else "crash")
        elif record.kind == "note" and detail is None:
            if not record.label.startswith("conflict"):  # the refusal before it has its mark
                self._mark(record, "note")
        elif record.kind == "async" and self.kinds.get(record.source) == "store":
            self.marks.append(Mark(record.t, record.source, "note", record.label))

    def _work(self, record: Record) -> None:
        number, detail = record.invocation, record.detail
        received = isinstance(detail, Queued) and record.kind in ("call", "async")
        if number not in self._busy or received:
            self._busy[number] = len(self.works)
            message_id = detail.message_id if isinstance(detail, Queued) else 0
            self.works.append(
                Work(number, record.target, record.t, record.t, record.label,
                     record.correlation_id, record.event_id, message_id)
            )  # fmt: skip
        place = self._busy[number]
        work = self.works[place]
        if work.ended == "crashed":
            return
        ended: Ended = work.ended
        if record.kind == "return" and record.source == work.service:
            done = isinstance(detail, Queued)
            ended = "done" if done else "failed" if isinstance(detail, Failed) else ended
        elif record.kind == "fault" and record.source == record.target == work.service:
            ended = "crashed"
            self._put_aside(work.message_id, place, record, "hidden")
        self.works[place] = work._replace(end=record.t, ended=ended)
        store = self.kinds.get(record.target) == "store"
        if store and record.source not in self._users[record.target]:
            self._users[record.target].append(record.source)

    def _publish(self, record: Record, detail: Published) -> None:
        (emission,) = emissions([record])
        self.emissions.append(emission)
        if emission.event_id not in self.by and detail.causation_id in self.by:
            self.by[emission.event_id] = self.by[detail.causation_id]  # renamed
        if detail.message_id:
            after = self.by.get(emission.event_id, -1)
            self._aside[detail.message_id] = Wait(
                record.source, record.t, -1, record.correlation_id, "delayed",
                after if after >= 0 else None,
            )  # fmt: skip

    def _queue(self, record: Record, detail: Queued) -> None:
        if record.kind in ("call", "async") and record.invocation:
            wait = self._aside.pop(detail.message_id, None)
            place = self._busy[record.invocation]
            since = self._queued.pop(detail.message_id, None)
            if wait is not None:
                wait = wait._replace(end=record.t, before=place)
                self.waits.append(wait._replace(service=wait.service or record.target))
            elif since is not None:
                self._first.append(
                    Wait(record.target, since, record.t, record.correlation_id, "queued",
                         before=place)
                )  # fmt: skip
            return
        if record.kind in ("call", "async"):
            self._queued[detail.message_id] = record.t
        if record.kind == "async" and self.kinds.get(record.source) == "service" and record.event:
            self.emissions.append(
                Emission(record.t, record.event, record.event_id or "", record.correlation_id,
                         record.source, "again")
            )  # fmt: skip

    def _call(self, record: Record, detail: Asked) -> None:
        number = record.invocation
        if record.kind == "call":
            self._calling[number] = len(self.calls)
            self.calls.append(
                OutsideCall(number, record.source, record.target, record.t, -1, record.label,
                     record.correlation_id)
            )  # fmt: skip
        elif number in self._calling:
            place = self._calling.pop(number)
            answered = record.kind == "return" and detail.outcome != "unavailable"
            self.calls[place] = self.calls[place]._replace(
                end=record.t, answered=answered, outcome=detail.outcome
            )

    def _fail(self, record: Record, detail: Failed) -> None:
        if self.kinds.get(record.source) == "store":
            conflict = record.label.startswith(CONFLICT)
            already = record.label.startswith("AlreadyHandled")  # the note after it says so
            if conflict or not already:
                text = "conflict" if conflict else record.label.rstrip(":")
                self._mark(record, "conflict" if conflict else "failed", record.target, text)
        elif record.kind == "async":
            wait = self._aside.get(detail.message_id)
            if wait is not None:
                self.waits.append(wait._replace(end=record.t))
            service = wait.service if wait else ""
            self._aside[detail.message_id] = Wait(
                service, record.t, -1, record.correlation_id, "dead letter",
                wait.after if wait else None,
            )  # fmt: skip
            self._mark(record, "dead letter", service or record.source, "dead letter")
        else:
            place = self._busy.get(record.invocation)
            if place is not None:
                self._put_aside(detail.message_id, place, record, "hidden")
            self._mark(record, "failed", record.source, detail.reason)

    def _put_aside(
        self, message_id: int, place: int, record: Record, why: Literal["hidden"]
    ) -> None:
        if message_id:
            service = self.works[place].service
            self._aside[message_id] = Wait(
                service, record.t, -1, record.correlation_id, why, after=place
            )

    def _restore(self, record: Record) -> None:
        store = record.target
        if record.kind == "fault":
            self.spans.append(Absence(store, record.t, -1, f"{store} lost"))
        else:
            for place, span in enumerate(self.spans):
                if span.place == store and span.end < 0:
                    self.spans[place] = span._replace(end=record.t)

    def _mark(self, record: Record, kind: Any, place: str = "", text: str = "") -> None:
        if not place:
            service = self.kinds.get(record.target) == "service"
            place = record.target if service else record.source
        saga, text = record.correlation_id, text or record.label
        mark = Mark(record.t, place, kind, text, saga, record.event_id)
        if not self.marks or self.marks[-1]._replace(text=text) != mark:
            self.marks.append(mark)  # else it says again what its cause said at this moment

    def _long_ones(self) -> list[Wait]:
        lengths = sorted(wait.end - wait.begin for wait in self._first)
        if not lengths:
            return []
        usual = lengths[len(lengths) // 2]
        return [one for one in self._first if one.end - one.begin > LONG * usual]

    def _until(self, number: int) -> int:
        return self.works[self._busy[number]].end if number in self._busy else self.end
