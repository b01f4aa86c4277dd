"""The trace: the ordered records of one run, each an arrow or a note of a sequence diagram.

The world writes it; everything that is shown or checked is a view of it. A record is kept as a
plain tuple with shared strings and read as a `Record`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from sagakit.contract.deployment import Participant, Rule
from sagakit.contract.events import Event, Header, encode
from sagakit.contract.timing import duration
from sagakit.trace import facts
from sagakit.trace.arrows import Arrow, Kind, arrow, told
from sagakit.trace.facts import A_TEXT
from sagakit.trace.older import (
    Asked,
    Attempt,
    Detail,
    Failed,
    FannedOut,
    Published,
    Queued,
    Read,
    Record,
    Redriven,
    Restored,
    Written,
    legacy,
    modern,
)

__all__ = [  # until those who import them from here have moved
    "A_TEXT", "Arrow", "Asked", "Attempt", "Detail", "Failed", "FannedOut", "Fate", "Kind",
    "Published", "Queued", "Read", "Record", "Redriven", "Restored", "Trace", "Written", "archived",
    "duration", "told",
]  # fmt: skip


class Trace:
    """The records of one run, the participants they are about, and the rules by which its bus
    took events further: None where nobody says them, as a log does not."""

    def __init__(
        self,
        participants: Iterable[Participant],
        records: Iterable[facts.Record | Record] = (),
        rules: tuple[Rule, ...] | None = None,
    ) -> None:
        self.participants = tuple(participants)
        self.rules = rules
        kinds = {one.name: one.kind for one in self.participants}
        self.entries: list[facts.Record] = list(modern(records, kinds))
        self.write = self.entries.append

    def arrows(self) -> Iterator[Arrow]:
        """The arrows of all records, in order: one each."""
        return map(arrow, self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Record]:
        return map(legacy, self.entries)

    def __getitem__(self, index: int) -> Record:
        return legacy(self.entries[index])

    def rows(self) -> Sequence[tuple[Any, ...]]:
        """The records as plain tuples, for a view that makes columns of them."""
        return list(self)

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} records, {len(self.participants)} participants>"

    def stores(self) -> dict[str, dict[str, Any]]:
        """Return what each store holds at the end: store to key to item."""
        stores: dict[str, dict[str, Any]] = {
            participant.name: {} for participant in self.participants if participant.kind == "store"
        }
        for record in self.entries:
            match record.fact:
                case facts.Opening(store, item):
                    stores[store][item.key] = item
                case facts.Committed() as commit if commit.item is not None:
                    stores[commit.store][commit.item.key] = commit.item
                case facts.StoreLost(store):
                    stores[store] = {}
                case facts.Restored(_, store, items):
                    stores[store] = {item.key: item for item in items}
        return stores

    def messages(self) -> dict[int, "Fate"]:
        """Return what became of each message: message id to fate."""
        fates: dict[int, Fate] = {}
        for record in self.entries:
            match record.fact:
                case (
                    facts.Queued() | facts.DeliveredAgain() | facts.Postponed()
                    | facts.Received() | facts.VisibleAgain()
                ) as sent:  # fmt: skip
                    fates.setdefault(sent.message_id, Fate(sent.queue, sent.event, "waiting"))
                case facts.FannedOut(_, topic, event, message_ids):
                    for message_id in message_ids:
                        fates[message_id] = Fate(topic, event, "waiting")
                case facts.Redriven() as sent:
                    fates.pop(sent.formerly, None)
                    fates[sent.message_id] = Fate(sent.queue, sent.event, "waiting")
                case facts.Acknowledged(_, _, message_id) if message_id in fates:
                    if fates[message_id].state == "waiting":  # else who did it was too late
                        fates[message_id] = fates[message_id]._replace(state="done")
                case facts.Failed(_, _, message_id, reason) if message_id in fates:
                    fates[message_id] = fates[message_id]._replace(reason=reason)
                case facts.DeadLettered(_, _, _, message_id, reason) if message_id in fates:
                    fates[message_id] = fates[message_id]._replace(state="dead", reason=reason)
                case facts.MessageLost(_, _, message_id):
                    fates.pop(message_id, None)
        return fates

    def jsonl(self) -> Iterator[str]:
        """Return the structured log: one JSON object a record, with its correlation id."""
        return map(log_line, self.entries)


def log_line(record: facts.Record) -> str:
    """Return the line of the log for a record, of version 2."""
    t, saga, event_id, invocation, fact = record
    told = {"is": type(fact).__name__, **fact._asdict()}
    return encode(
        {"v": 2, "t": t, "correlation_id": saga, "event_id": event_id, "invocation": invocation,
         "fact": told}
    )  # fmt: skip


def archived(records: Iterable[facts.Record], types: Iterable[type[Event]]) -> tuple[Event, ...]:
    """Return the published events of these types, read back from a trace: there is no second
    account of them."""
    known, found = {cls.__name__: cls for cls in types}, {}
    for t, saga, event_id, _, fact in records:
        if isinstance(fact, facts.Published | facts.Renamed) and fact.event in known:
            cls = known[fact.event]
            header = Header(
                str(event_id), str(saga), fact.causation_id, fact.event, t, fact.version
            )
            found[header.event_id] = cls(header=header, **fact.payload)
    return tuple(found.values())


class Fate(NamedTuple):
    """What became of a message: it is done, dead (in the dead-letter queue) or still waiting."""

    queue: str
    event: str | None
    state: Literal["waiting", "done", "dead"]
    reason: str = ""
