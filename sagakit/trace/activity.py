"""Activity in a run: its events, work, calls, waits and marks, read from the facts.

Times are in ms.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from sagakit.trace import facts
from sagakit.trace.arrows import arrow
from sagakit.trace.facts import ALREADY_HANDLED, Record
from sagakit.trace.trace import Trace

LONG = 4  # times as long as is usual: a message that waited longer in its queue is told

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
    """Return each event whenever it was published, renamed or put aside, in order."""
    for t, saga, event_id, _, fact in records:
        how: Literal["published", "renamed", "enqueued"]
        match fact:
            case facts.Published():
                publisher, how = fact.source, "published"
            case facts.Renamed():
                publisher, how = fact.bus, "renamed"
            case facts.Postponed():
                publisher, how = fact.service, "enqueued"
            case _:
                continue
        yield Emission(
            t, fact.event, event_id or "", saga, publisher, how, fact.causation_id, fact.version,
            fact.payload,
        )  # fmt: skip


def events(trace: Trace) -> list[Emission]:
    """Return each event of a run once, as it first came to be, in the order of the trace. What a
    rule makes of one counts, as it has an id of its own; what is published again does not."""
    found: dict[str, Emission] = {}
    for event in emissions(trace.entries):
        found.setdefault(event.event_id, event)
    return list(found.values())


class Work(NamedTuple):
    """A service at work on one message or command, from `begin` to `end` (ms)."""

    number: int  # of the invocation
    service: str
    begin: int
    end: int
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

    `after` and `before` are the indices in `Activity.works` of the work at its ends, or None.
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
    """A stretch of time in which a store was lost; `services` are those that use it."""

    place: str
    begin: int
    end: int
    text: str
    services: tuple[str, ...] = ()


class Activity:
    """All pieces of a trace, in the order in which they began."""

    def __init__(self, trace: Trace) -> None:
        self.kinds = {lane.name: lane.kind for lane in trace.participants}
        self.order = {lane.name: index for index, lane in enumerate(trace.participants)}
        self.emissions: list[Emission] = []
        self.works: list[Work] = []
        self.calls: list[OutsideCall] = []
        self.waits: list[Wait] = []
        self.marks: list[Mark] = []
        self.spans: list[Absence] = []
        self.end = trace.entries[-1].t if trace.entries else 0
        self.by: dict[str, int] = {}  # event id to the index in `works` of what published it
        self._busy: dict[int, int] = {}  # invocation to the index of its present work
        self._calling: dict[int, int] = {}  # invocation to the index of its open call
        self._aside: dict[int, Wait] = {}  # message that waits to be received again
        self._queued: dict[int, int] = {}  # message to when it was put in its queue
        self._first: list[Wait] = []  # what passed until a message was received
        self._users: defaultdict[str, list[str]] = defaultdict(list)
        for record in trace.entries:
            if record.invocation:
                self._work(record)
            self._read(record)
        self.waits = sorted([*self.waits, *self._long_ones()], key=lambda wait: wait.begin)
        for index, call in enumerate(self.calls):
            if call.end < 0:  # its caller was cut off
                self.calls[index] = call._replace(end=self._until(call.number))
        self.spans = [
            span._replace(
                end=span.end if span.end >= 0 else self.end,
                services=tuple(self._users[span.place]),
            )
            for span in self.spans
        ]

    def services_of(self, place: str) -> tuple[str, ...]:
        """Return where to show what happens at a place: there, or at the services of a store."""
        return tuple(self._users[place]) if self.kinds.get(place) == "store" else (place,)

    def _work(self, record: Record) -> None:
        """Begin a piece of work, or prolong that of the same invocation."""
        number, fact = record.invocation, record.fact
        if number not in self._busy or isinstance(fact, facts.Received):
            service = getattr(fact, "service", "")
            message_id = fact.message_id if isinstance(fact, facts.Received) else 0
            self._busy[number] = len(self.works)
            self.works.append(
                Work(number, service, record.t, record.t, record.saga, record.event_id, message_id)
            )
        index = self._busy[number]
        work = self.works[index]
        if work.ended == "crashed":
            return
        ended: Ended = work.ended
        match fact:
            case facts.Acknowledged():
                ended = "done"
            case facts.Failed() | facts.Answered(failed=True) if fact.service == work.service:
                ended = "failed"
            case facts.Crashed() | facts.CutOff() | facts.MessageTaken():
                ended = "crashed"
                self._hide(work.message_id, index, record)
            case (
                facts.ReadRequested() | facts.CommitRequested() | facts.CommitRepeated()
                | facts.Restored()
            ):  # fmt: skip
                self._use(fact.service, fact.store)
            case facts.SnapshotRequested():
                self._use(fact.service, fact.snapshots)
            case facts.EventsRequested():
                self._use(fact.service, fact.archive)
        self.works[index] = work._replace(end=record.t, ended=ended)

    def _use(self, service: str, store: str) -> None:
        if service not in self._users[store]:
            self._users[store].append(service)

    def _read(self, record: Record) -> None:
        t, saga, event_id, number, fact = record
        match fact:
            case facts.Published() | facts.Renamed() | facts.Postponed():
                self._publish(record)
            case facts.Queued():
                self._queued[fact.message_id] = t
            case facts.DeliveredAgain():
                self._queued[fact.message_id] = t
                again = Emission(t, fact.event, event_id or "", saga, fact.service, "again")
                self.emissions.append(again)
            case facts.FannedOut():
                self._queued.update(dict.fromkeys(fact.message_ids, t))
            case facts.Received() if number:
                self._receive(record, fact)
            case facts.DeadLettered():
                self._bury(record, fact)
            case facts.Redriven():
                self._aside[fact.message_id] = self._aside.pop(
                    fact.formerly, Wait("", t, -1, saga, "dead letter")
                )
            case facts.Failed():
                if number in self._busy:
                    self._hide(fact.message_id, self._busy[number], record)
                self._mark(record, "failed", fact.service, fact.reason)
            case facts.Answered(failed=True) if number:
                self._mark(record, "failed", fact.service, fact.answer)
            case facts.MessageLost():
                self._mark(record, "failed", fact.queue, "it will not come again")
            case facts.Asked():
                self._calling[number] = len(self.calls)
                self.calls.append(
                    OutsideCall(number, fact.service, fact.party, t, -1, fact.label, saga)
                )
            case facts.PartyAnswered():
                self._end_call(record, fact.outcome, answered=True)
            case facts.PartyUnreachable():
                self._end_call(record, "unavailable", answered=False)
            case facts.PartySilent():
                self._end_call(record, "timeout", answered=False)
            case facts.Committed():
                for published in fact.outbox:
                    self.by[published] = self._busy.get(number, -1)
            case facts.StoreRefused():
                if fact.is_conflict:
                    self._mark(record, "conflict", fact.service, "conflict")
                elif fact.error != ALREADY_HANDLED:  # which the note after it says
                    self._mark(record, "failed", fact.service, fact.error)
            case facts.StoreLost():
                self.spans.append(Absence(fact.store, t, -1, f"{fact.store} lost"))
            case facts.Restored():
                self.spans = [
                    span._replace(end=t) if span.place == fact.store and span.end < 0 else span
                    for span in self.spans
                ]
            case facts.SnapshotTaken():
                self.marks.append(Mark(t, fact.store, "note", "snapshot"))
            case facts.Crashed() | facts.CutOff() | facts.MessageTaken():
                self._mark(record, "crash")
            case (
                facts.Throttled() | facts.SnapshotMissed() | facts.PublishRefused()
                | facts.EventLost() | facts.EventDoubled() | facts.EventDelayed()
                | facts.EventHeldBack() | facts.MessageDoubled() | facts.InvocationRefused()
            ):  # fmt: skip
                self._mark(record, "fault")
            case (
                facts.BatchReturned() | facts.AlreadyDone() | facts.Paused() | facts.Resumed()
                | facts.StillGoingOn()
            ):  # fmt: skip
                self._mark(record, "note")

    def _publish(self, record: Record) -> None:
        (emission,) = emissions([record])
        self.emissions.append(emission)
        if emission.event_id not in self.by and emission.causation_id in self.by:
            self.by[emission.event_id] = self.by[emission.causation_id]  # renamed
        if isinstance(record.fact, facts.Postponed):
            index = self.by.get(emission.event_id, -1)
            self._aside[record.fact.message_id] = Wait(
                emission.publisher, record.t, -1, record.saga, "delayed",
                index if index >= 0 else None,
            )  # fmt: skip

    def _receive(self, record: Record, fact: facts.Received) -> None:
        """End the wait of a message."""
        index = self._busy[record.invocation]
        wait = self._aside.pop(fact.message_id, None)
        since = self._queued.pop(fact.message_id, None)
        if wait is not None:
            service = wait.service or fact.service
            self.waits.append(wait._replace(end=record.t, before=index, service=service))
        elif since is not None:
            self._first.append(
                Wait(fact.service, since, record.t, record.saga, "queued", before=index)
            )

    def _hide(self, message_id: int, index: int, record: Record) -> None:
        """Begin the wait of a message that is hidden until its visibility timeout ends."""
        if message_id:
            service = self.works[index].service
            self._aside[message_id] = Wait(
                service, record.t, -1, record.saga, "hidden", after=index
            )

    def _bury(self, record: Record, fact: facts.DeadLettered) -> None:
        wait = self._aside.get(fact.message_id)
        if wait is not None:
            self.waits.append(wait._replace(end=record.t))
        service, after = (wait.service, wait.after) if wait else ("", None)
        self._aside[fact.message_id] = Wait(
            service, record.t, -1, record.saga, "dead letter", after
        )
        self._mark(record, "dead letter", service or fact.queue, "dead letter")

    def _end_call(self, record: Record, outcome: str, *, answered: bool) -> None:
        index = self._calling.pop(record.invocation, None)
        if index is not None:
            self.calls[index] = self.calls[index]._replace(
                end=record.t, answered=answered, outcome=outcome
            )

    def _mark(self, record: Record, kind: Any, place: str = "", text: str = "") -> None:
        if not place:
            drawn = arrow(record)
            service = self.kinds.get(drawn.target) == "service"
            place, text = drawn.target if service else drawn.source, drawn.label
        mark = Mark(record.t, place, kind, text, record.saga, record.event_id)
        if not self.marks or self.marks[-1]._replace(text=text) != mark:
            self.marks.append(mark)  # else it says again what its cause said at this moment

    def _long_ones(self) -> list[Wait]:
        lengths = sorted(wait.end - wait.begin for wait in self._first)
        if not lengths:
            return []
        usual = lengths[len(lengths) // 2]
        return [wait for wait in self._first if wait.end - wait.begin > LONG * usual]

    def _until(self, number: int) -> int:
        return self.works[self._busy[number]].end if number in self._busy else self.end
