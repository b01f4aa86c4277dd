"""The arrows of a sequence diagram: how each fact is drawn and worded.

This is the one place that knows a label. Nothing decides by one.
"""

from typing import Any, Literal, NamedTuple, assert_never

from sagakit.contract.timing import duration
from sagakit.trace import facts
from sagakit.trace.facts import A_TEXT, CommitRequested, Fact, Postponed, Record

Kind = Literal["call", "async", "return", "note", "fault"]


class Shape(NamedTuple):
    """The look of a fact, apart from when it was and what it belongs to.

    kind            call (filled arrow), async (open), return (dashed), note, fault
    source, target  participants' names, equal for a note
    label           what it says
    remark          what it says beside that: an item, a reason, an outcome
    event           the type of the event that it carries, or None
    """

    kind: Kind
    source: str
    target: str
    label: str
    remark: str = ""
    event: str | None = None


class Arrow(NamedTuple):
    """One arrow or note: a fact's shape, with the fields of its record."""

    t: int
    kind: Kind
    source: str
    target: str
    label: str
    remark: str
    event: str | None
    correlation_id: str | None
    event_id: str | None
    invocation: int
    fact: Fact

    @property
    def text(self) -> str:
        """Return the label with its remark, as a diagram shows it."""
        return f"{self.label} {self.remark}".strip()


def arrow(record: Record) -> Arrow:
    """Return the arrow of a record."""
    t, saga, event_id, invocation, fact = record
    kind, source, target, label, remark, event = shape(fact)
    return Arrow(t, kind, source, target, label, remark, event, saga, event_id, invocation, fact)


def shape(fact: Fact) -> Shape:
    """Return how a fact is drawn and worded."""
    match fact:
        # Stores.
        case facts.ReadRequested():
            return Shape("call", fact.service, fact.store, "read item")
        case facts.ItemRead():
            return Shape("return", fact.store, fact.service, "", _item(fact.item))
        case facts.CommitRequested():
            return Shape("call", fact.service, fact.store, _operation(fact), _attempt(fact))
        case facts.Committed():
            answer = "OK" if fact.heard else "OK, but the answer is lost"
            return Shape("return", fact.store, fact.service, answer)
        case facts.CommitRepeated():
            return Shape("call", fact.service, fact.store, "the same again")
        case facts.StoreRefused():
            return Shape("return", fact.store, fact.service, f"{fact.error}:", fact.reason)
        case facts.Throttled():
            return Shape("fault", fact.store, fact.service, "throttled: tried again")
        case facts.Opening():
            return Shape("note", fact.store, fact.store, "opening", _item(fact.item))
        case facts.StoreLost():
            return Shape("fault", fact.store, fact.store, "all data lost")
        case facts.SnapshotTaken():
            return Shape("async", fact.store, fact.snapshots, "snapshot")
        case facts.SnapshotMissed():
            return Shape("fault", fact.store, fact.snapshots, "no snapshot: the store is lost")
        case facts.SnapshotRequested():
            return Shape("call", fact.service, fact.snapshots, "GET latest_snapshot")
        case facts.SnapshotRead():
            label = f"snapshot taken at {duration(fact.taken_at)}"
            return Shape("return", fact.snapshots, fact.service, label)
        case facts.EventsRequested():  # the service's own: an archive knows no snapshot
            return Shape("call", fact.service, fact.archive, "GET all its events")
        case facts.EventsRead():
            return Shape("return", fact.archive, fact.service, f"stream of {fact.events} events")
        case facts.Restored():
            label = f"restore the base state: {len(fact.items)} items"
            return Shape("call", fact.service, fact.store, label)
        # The bus.
        case facts.Published():
            label = f"Publish event [{fact.event}]"
            return Shape("async", fact.source, fact.bus, label, "", fact.event)
        case facts.Renamed():
            label = f"Rule: {fact.former} becomes {fact.event}"
            return Shape("note", fact.bus, fact.bus, label, "", fact.event)
        case facts.FannedOut():
            label = f"Publish event [{fact.event}]"
            return Shape("async", fact.bus, fact.topic, label, "", fact.event)
        case facts.PublishRefused():
            label = "cannot publish: the bus is out"
            return Shape("fault", fact.bus, fact.source, label, "", fact.event)
        case facts.EventLost():
            return Shape("fault", fact.bus, fact.target, "message lost", "", fact.event)
        case facts.EventDoubled():
            return Shape("fault", fact.bus, fact.target, "message doubled", "", fact.event)
        case facts.EventDelayed():
            label = f"message delayed by {fact.by} ms"
            return Shape("fault", fact.bus, fact.target, label, "", fact.event)
        case facts.EventHeldBack():
            label = "message held back until the next one"
            return Shape("fault", fact.bus, fact.target, label, "", fact.event)
        # Queues.
        case facts.Queued():
            label = f"Queue [{fact.event}]" if fact.event else f"Queue ({A_TEXT})"
            return Shape("async", fact.source, fact.queue, label, _aside(fact.remark), fact.event)
        case facts.Received():
            kind: Kind = "call" if fact.called else "async"
            remark = _aside(fact.remark)
            return Shape(kind, fact.queue, fact.service, fact.label, remark, fact.event)
        case facts.Acknowledged():
            return Shape("return", fact.service, fact.queue, "done", _aside(fact.remark))
        case facts.DeliveredAgain():
            remark = _aside(fact.remark)
            return Shape("async", fact.service, fact.queue, "Queue again", remark, fact.event)
        case facts.Postponed():
            return Shape("call", fact.service, fact.queue, _postponed(fact), "", fact.event)
        case facts.Failed():
            return Shape("return", fact.service, fact.queue, "failed:", fact.reason)
        case facts.BatchReturned():
            label = f"the whole batch comes again: {fact.others} more"
            return Shape("note", fact.service, fact.service, label)
        case facts.VisibleAgain():
            remark = _aside(fact.remark)
            return Shape("note", fact.queue, fact.queue, "visible again", remark, fact.event)
        case facts.DeadLettered():
            label = "Dead letter:"
            return Shape("async", fact.queue, fact.dead_letters, label, fact.reason, fact.event)
        case facts.Redriven():
            return Shape("async", fact.dead_letters, fact.queue, "Redrive", "", fact.event)
        case facts.MessageLost():
            remark = "it will not come again"
            return Shape("fault", fact.queue, fact.queue, "message lost", remark, fact.event)
        case facts.MessageDoubled():
            return Shape("fault", fact.queue, fact.queue, "message doubled", "", fact.event)
        # Invocations.
        case facts.Invoked():
            return Shape("call", fact.source, fact.service, fact.label)
        case facts.InvocationRefused():
            label = f"{fact.label}: {fact.reason}"
            return Shape("fault", fact.source, fact.service, label)
        case facts.Answered():
            return Shape("return", fact.service, fact.source, fact.answer)
        case facts.Told():
            return Shape("call", fact.service, fact.person, fact.text)
        case facts.AlreadyDone():
            label = "already handled: nothing to do"
            return Shape("note", fact.service, fact.service, label)
        case facts.Retried():
            label = f"conflict: start again from the read (retry {fact.retry} of {fact.most})"
            return Shape("note", fact.service, fact.service, label)
        case facts.Crashed() | facts.CutOff() | facts.MessageTaken():
            return Shape("fault", fact.service, fact.service, fact.reason)
        case facts.Paused():
            return Shape("note", fact.service, fact.service, "stops taking messages")
        case facts.Resumed():
            return Shape("note", fact.service, fact.service, "takes messages again")
        # External parties.
        case facts.Asked():
            return Shape("call", fact.service, fact.party, fact.label)
        case facts.PartyAnswered():
            return Shape("return", fact.party, fact.service, str(fact.status), fact.outcome)
        case facts.PartyUnreachable():
            return Shape("return", fact.party, fact.service, "503", "unavailable")
        case facts.PartySilent():
            label = f"no response within {fact.timeout} ms:"
            return Shape("note", fact.service, fact.service, label, "timeout")
        case facts.Booked():
            return Shape("note", fact.party, fact.party, "books:", fact.state)
        # The run.
        case facts.StillGoingOn():
            label = "the run is ended here, though something still goes on"
            return Shape("note", fact.bus, fact.bus, label)
        case _:
            assert_never(fact)


def told(item: Any) -> str:
    """Return an item for people: as it tells itself, or else its fields."""
    tells: Any = type(item).__str__
    if tells is not object.__str__:
        return str(item)
    fields = item._asdict()
    return ", ".join(f"{name}: {value}" for name, value in fields.items() if name != "version")


def _item(item: Any) -> str:
    return "nothing" if item is None else f"{{{told(item)}, version: {item.version}}}"


def _aside(remark: str) -> str:
    return f"({remark})" if remark else ""


def _operation(fact: CommitRequested) -> str:
    if fact.item is None:
        return "record"
    if fact.unchanged:
        return "check"
    return "update" if fact.item.version > 1 else "put"


def _attempt(fact: CommitRequested) -> str:
    parts = []
    if fact.item is not None:
        read = fact.item.version - 1
        if not fact.unchanged:
            parts.append(f"{told(fact.item)}, version: {read + 1}")
        parts.append(f"condition version == {read}" if read else "condition: it is new")
    shown = [", ".join(parts)] if parts else []
    if fact.outbox:
        shown.append(f"outbox [{', '.join(fact.outbox)}]")
    return " & ".join(shown)


def _postponed(fact: Postponed) -> str:
    label = f"Enqueue ({fact.remark})" if fact.remark else "Enqueue"
    return f"{label}, delay {duration(fact.delay)}" if fact.delay else label
