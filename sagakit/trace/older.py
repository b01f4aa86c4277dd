"""Records as they were before they held facts: version 1 of the log, by kind, label and detail.

They are read from logs that were written so, and made into records of today.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from sagakit.trace import facts
from sagakit.trace.arrows import Kind, arrow, told
from sagakit.trace.facts import Unknown


class Published(NamedTuple):
    """An event as it went to the bus, came out of a rule or went into a retry queue (then with
    its message id): the header's rest and the payload."""

    causation_id: str
    version: int
    payload: dict[str, Any]
    message_id: int = 0

    def __str__(self) -> str:
        return ""


class Queued(NamedTuple):
    """A message in a queue, how often it was received so far, and what its event says of itself."""

    message_id: int
    receives: int = 0
    remark: str = ""

    def __str__(self) -> str:
        return f"({self.remark})" if self.remark else ""


class FannedOut(NamedTuple):
    """A topic's copies of a message, one a subscriber."""

    message_ids: tuple[int, ...]

    def __str__(self) -> str:
        return ""


class Redriven(NamedTuple):
    """A dead letter that was sent back into its queue, as a new message."""

    message_id: int
    formerly: int

    def __str__(self) -> str:
        return ""


class Failed(NamedTuple):
    """Why a message was not handled, or why it is in the dead-letter queue."""

    message_id: int
    reason: str

    def __str__(self) -> str:
        return self.reason


class Read(NamedTuple):
    """What a store answered to a read."""

    key: str
    item: Any

    def __str__(self) -> str:
        if self.item is None:
            return "nothing"
        return f"{{{told(self.item)}, version: {self.item.version}}}"


class Attempt(NamedTuple):
    """A commit as it was sent: the item with the version it is to get, the outbox's event types."""

    item: Any
    unchanged: bool
    outbox: str

    def __str__(self) -> str:
        parts = []
        if self.item is not None:
            read = self.item.version - 1
            if not self.unchanged:
                parts.append(f"{told(self.item)}, version: {read + 1}")
            parts.append(f"condition version == {read}" if read else "condition: it is new")
        shown = [", ".join(parts)] if parts else []
        if self.outbox:
            shown.append(f"outbox [{self.outbox}]")
        return " & ".join(shown)


class Written(NamedTuple):
    """One atomic commit: the item before and after, the ids put in the outbox and in the inbox.

    `before` is None for a new item; `item` is None if only the outbox and the inbox were written,
    and equals `before` if its version was only checked.
    """

    key: str | None
    before: Any
    item: Any
    outbox: tuple[str, ...]
    handled: str | None

    def __str__(self) -> str:
        return ""


class Restored(NamedTuple):
    """All items of a store: those that were lost, or those that a snapshot brought back."""

    items: tuple[Any, ...]

    def __str__(self) -> str:
        return ""


class Asked(NamedTuple):
    """A request to an external party and what came of it there, by Idempotency-Key."""

    key: str
    request: tuple[Any, ...]
    outcome: str = ""

    def __str__(self) -> str:
        return self.outcome


Detail = (
    Published | Queued | FannedOut | Redriven | Failed | Read | Attempt | Written | Restored | Asked
)


class Record(NamedTuple):
    """One arrow or note.

    t               ms of virtual time
    kind            call (filled arrow), async (open), return (dashed), note, fault
    source, target  participants' names, equal for a note
    label           what it says, without the detail
    event           the type of the event that it carries, or None
    correlation_id  the saga, or None
    event_id        the event that is carried or being handled
    invocation      the number of the invocation it belongs to, 0 for none
    detail          one of the tuples above (`Detail`), or None
    """

    t: int
    kind: Kind
    source: str
    target: str
    label: str
    event: str | None = None
    correlation_id: str | None = None
    event_id: str | None = None
    invocation: int = 0
    detail: Any = None

    @property
    def text(self) -> str:
        """The label with its detail, as a diagram shows it."""
        return " ".join(filter(None, (self.label, str(self.detail or ""))))


def modern(
    records: Iterable[facts.Record | Record], kinds: Mapping[str, str]
) -> Iterator[facts.Record]:
    """Make records of version 1 into those of today; those of today stay as they are.

    `kinds` is participant to kind: it tells a person from a service.
    """
    begun: dict[int, str] = {}  # invocation to its service
    parties: dict[str, str] = {}  # Idempotency-Key to the party that was asked
    for record in records:
        if isinstance(record, facts.Record):
            yield record
            continue
        try:
            fact = _fact(record, kinds)
        except LookupError:
            unknown: Any = Unknown(record)
            fact = unknown
        number = record.invocation
        if isinstance(fact, facts.Invoked | facts.Received):
            if isinstance(fact, facts.Invoked) and begun.get(number) == fact.source:
                fact = facts.Told(*fact)
            begun.setdefault(number, getattr(fact, "service", ""))
        if isinstance(fact, facts.Asked):
            parties[fact.key] = fact.party
        elif isinstance(fact, facts.PartySilent):
            fact = fact._replace(party=parties.get(fact.key, ""))
        made = facts.Record(
            record.t, record.correlation_id, record.event_id, record.invocation, fact
        )
        if legacy(made) != record:
            unknown = Unknown(record)
            made = made._replace(fact=unknown)
        yield made


def _fact(record: Record, kinds: Mapping[str, str]) -> facts.Fact:
    _, kind, source, target, label, event, _, _, invocation, detail = record
    named = str(event)
    match detail:
        case Published(causation_id, version, payload, message_id):
            if message_id:
                remark, delay = _enqueued(label)
                return facts.Postponed(
                    source, target, named, causation_id, version, payload, message_id, delay, remark
                )
            if source == target:
                former = label.removeprefix("Rule: ").partition(" ")[0]
                return facts.Renamed(source, former, named, causation_id, version, payload)
            return facts.Published(source, target, named, causation_id, version, payload)
        case Queued(message_id, receives, remark):
            if kind == "return":
                return facts.Acknowledged(source, target, message_id, receives, remark)
            if kind == "note":
                return facts.VisibleAgain(source, event, message_id, receives, remark)
            if invocation or kind == "call":
                return facts.Received(
                    source, target, event, message_id, receives, remark, label, kind == "call"
                )
            if label == "Queue again":
                return facts.DeliveredAgain(source, target, named, message_id, remark)
            return facts.Queued(source, target, event, message_id, remark)
        case FannedOut(message_ids):
            return facts.FannedOut(source, target, named, message_ids)
        case Redriven(message_id, formerly):
            return facts.Redriven(source, target, event, message_id, formerly)
        case Failed(message_id, reason):
            if kind == "fault":
                return facts.MessageLost(source, event, message_id)
            if kind == "async":
                return facts.DeadLettered(source, target, event, message_id, reason)
            if label == "failed:":
                return facts.Failed(source, target, message_id, reason)
            if not label:
                return facts.Answered(source, target, reason, failed=True)
            return facts.StoreRefused(target, source, label.removesuffix(":"), reason)
        case Read(key, item):
            if kind == "note":
                return facts.Opening(source, item)
            return facts.ItemRead(target, source, key, item)
        case Attempt(item, unchanged, outbox):
            types = tuple(outbox.split(", ")) if outbox else ()
            return facts.CommitRequested(source, target, item, unchanged, types)
        case Written(key, before, item, ids, handled):
            return facts.Committed(target, source, key, before, item, ids, handled, label == "OK")
        case Restored(items):
            if kind == "fault":
                return facts.StoreLost(target, items)
            return facts.Restored(source, target, items)
        case Asked(key, request, outcome):
            if kind == "call":
                return facts.Asked(source, target, key, request, not request, label)
            if kind == "note":
                if invocation:
                    return facts.PartySilent(source, "", key, request, _number(label))
                return facts.Booked(source, key, request, outcome)
            if (label, outcome) == ("503", "unavailable"):
                return facts.PartyUnreachable(target, source, key, request)
            return facts.PartyAnswered(target, source, key, request, _number(label), outcome)
    return _plain(record, kinds)


def _plain(record: Record, kinds: Mapping[str, str]) -> facts.Fact:
    """Return the fact of a record without a detail, which only its label tells."""
    _, kind, source, target, label, event, _, _, invocation, _ = record
    makes = PLAIN.get((kind, label))
    if makes is not None:
        return makes(source, target)
    if kind == "note" and label.startswith("conflict: "):
        retry, most = map(int, NUMBERS.findall(label))
        return facts.Retried(source, retry, most)
    if kind == "note" and label.startswith("the whole batch"):
        return facts.BatchReturned(source, _number(label))
    if kind == "return" and label.startswith("snapshot taken at "):
        return facts.SnapshotRead(target, source, _length(label.removeprefix("snapshot taken at ")))
    if kind == "return" and STREAM.fullmatch(label):
        return facts.EventsRead(target, source, _number(label))
    if kind == "return":
        status = STATUS.match(label)
        return facts.Answered(source, target, label, int(status[1]) if status else 0)
    if kind == "fault" and source == target:
        return _cut(source, label, event, invocation)
    if kind == "fault":
        return _faulty(record)
    if kind == "call" and kinds.get(target) == "actor":
        return facts.Told(source, target, label)
    if kind == "call":
        return facts.Invoked(source, target, label)
    raise LookupError(f"no fact is told as {kind} {label!r:.60}")


PLAIN: dict[tuple[str, str], Callable[[str, str], facts.Fact]] = {
    ("call", "read item"): facts.ReadRequested,
    ("call", "the same again"): facts.CommitRepeated,
    ("call", "GET latest_snapshot"): facts.SnapshotRequested,
    ("call", "GET all its events"): facts.EventsRequested,
    ("async", "snapshot"): facts.SnapshotTaken,
    ("fault", "throttled: tried again"): lambda store, service: facts.Throttled(service, store),
    ("fault", "no snapshot: the store is lost"): facts.SnapshotMissed,
    ("note", "already handled: nothing to do"): lambda service, _: facts.AlreadyDone(service),
    ("note", "stops taking messages"): lambda service, _: facts.Paused(service),
    ("note", "takes messages again"): lambda service, _: facts.Resumed(service),
    (
        "note",
        "the run is ended here, though something still goes on",
    ): lambda bus, _: facts.StillGoingOn(bus),
}


def _cut(service: str, label: str, event: str | None, invocation: int) -> facts.Fact:
    if label == "message doubled":
        return facts.MessageDoubled(service, event)
    if label == "had its message taken away":
        return facts.MessageTaken(service)
    if label.startswith("timeout after "):
        return facts.CutOff(service, _number(label))
    if label == "crash":
        return facts.Crashed(service)
    found = CRASH.fullmatch(label)
    if found:
        return facts.Crashed(service, found[1], int(found[2]))
    raise LookupError(f"no fact is told as a fault {label!r:.60}")


def _faulty(record: Record) -> facts.Fact:
    source, target, label, event = record.source, record.target, record.label, str(record.event)
    if label == "cannot publish: the bus is out":
        return facts.PublishRefused(target, source, event)
    if label == "message lost":
        return facts.EventLost(source, target, event)
    if label == "message doubled":
        return facts.EventDoubled(source, target, event)
    if label.startswith("message delayed by "):
        return facts.EventDelayed(source, target, event, _number(label))
    if label.startswith("message held back"):
        return facts.EventHeldBack(source, target, event)
    called, colon, reason = label.rpartition(": ")
    if colon:
        return facts.InvocationRefused(source, target, called, reason)
    raise LookupError(f"no fact is told as a fault {label!r:.60}")


NUMBERS = re.compile(r"\d+")
STREAM = re.compile(r"stream of \d+ events")
STATUS = re.compile(r"(\d{3}) ")
CRASH = re.compile(r"crash (before|after) step (\d+)")
UNITS = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "s": 1_000}


def _number(label: str) -> int:
    found = NUMBERS.search(label)
    if found is None:
        raise LookupError(f"there is no number in {label!r:.60}")
    return int(found[0])


def _length(text: str) -> int:
    """Return a length of time (ms) from how it was told: "1 minute", "0.5 s"."""
    number, _, unit = text.partition(" ")
    try:
        return int(Decimal(number) * UNITS[unit.removesuffix("s") or unit])
    except (ArithmeticError, KeyError):
        raise LookupError(f"{text!r:.60} is no length of time") from None


def _enqueued(label: str) -> tuple[str, int]:
    """Return remark and delay (ms) of a label like "Enqueue (attempt 2), delay 1 minute"."""
    head, _, delay = label.partition(", delay ")
    return head.removeprefix("Enqueue").strip(" ()"), _length(delay) if delay else 0


# Until all readers have moved: records of today as they were.


def legacy(record: facts.Record) -> Record:
    unknown: Any = record.fact
    if isinstance(unknown, Unknown):
        return Record._make(unknown.record)
    drawn = arrow(record)
    label = drawn.label
    detail = _old_detail(record)
    if isinstance(record.fact, facts.Answered) and record.fact.failed and record.invocation:
        label, detail = "", Failed(0, record.fact.answer)
    return Record(
        record.t, drawn.kind, drawn.source, drawn.target, label, drawn.event, record.saga,
        record.event_id, record.invocation, detail,
    )  # fmt: skip


def _old_detail(record: facts.Record) -> Any:
    match record.fact:
        case facts.Published() | facts.Renamed() as f:
            return Published(f.causation_id, f.version, f.payload)
        case facts.Postponed() as f:
            return Published(f.causation_id, f.version, f.payload, f.message_id)
        case facts.Queued() | facts.DeliveredAgain() as f:
            return Queued(f.message_id, 0, f.remark)
        case facts.Received() | facts.Acknowledged() | facts.VisibleAgain() as f:
            return Queued(f.message_id, f.receives, f.remark)
        case facts.FannedOut() as f:
            return FannedOut(f.message_ids)
        case facts.Redriven() as f:
            return Redriven(f.message_id, f.formerly)
        case facts.Failed() | facts.DeadLettered() as f:
            return Failed(f.message_id, f.reason)
        case facts.MessageLost() as f:
            return Failed(f.message_id, "it will not come again")
        case facts.StoreRefused() as f:
            return Failed(0, f.reason)
        case facts.Opening() as f:
            return Read(f.item.key, f.item)
        case facts.ItemRead() as f:
            return Read(f.key, f.item)
        case facts.CommitRequested() as f:
            return Attempt(f.item, f.unchanged, ", ".join(f.outbox))
        case facts.Committed() as f:
            return Written(f.key, f.before, f.item, f.outbox, f.handled)
        case facts.StoreLost() | facts.Restored() as f:
            return Restored(f.items)
        case facts.Asked() as f:
            return Asked(f.key, f.request)
        case facts.PartyAnswered() as f:
            return Asked(f.key, f.request, f.outcome)
        case facts.PartyUnreachable() as f:
            return Asked(f.key, f.request, "unavailable")
        case facts.PartySilent() as f:
            return Asked(f.key, f.request, "timeout")
        case facts.Booked() as f:
            return Asked(f.key, f.request, f.state)
    return None
