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
        """What each store holds at the end: store to key to item."""
        stores: dict[str, dict[str, Any]] = {
            one.name: {} for one in self.participants if one.kind == "store"
        }
        for record in self:
            detail = record.detail
            if isinstance(detail, Written):
                if detail.item is not None:
                    stores[record.source][detail.item.key] = detail.item
            elif isinstance(detail, Read) and record.kind == "note":
                stores[record.source][detail.key] = detail.item
            elif isinstance(detail, Restored):
                lost = record.kind == "fault"
                items = () if lost else detail.items
                stores[record.target] = {item.key: item for item in items}
        return stores

    def messages(self) -> dict[int, "Fate"]:
        """What became of each message: message id to fate."""
        fates: dict[int, Fate] = {}
        for record in self:
            detail = record.detail
            if isinstance(detail, FannedOut):
                for message_id in detail.message_ids:
                    fates[message_id] = Fate(record.target, record.event, "waiting")
            elif isinstance(detail, Redriven):
                fates.pop(detail.formerly)
                fates[detail.message_id] = Fate(record.target, record.event, "waiting")
            elif isinstance(detail, Published) and detail.message_id:
                fates[detail.message_id] = Fate(record.target, record.event, "waiting")
            elif isinstance(detail, Queued):
                waiting = Fate(record.target, record.event, "waiting")
                fate = fates.get(detail.message_id)
                if record.kind != "return":
                    fates.setdefault(detail.message_id, waiting)
                elif fate and fate.state == "waiting":  # else it is dead: who did it was too late
                    fates[detail.message_id] = fate._replace(state="done")
            elif isinstance(detail, Failed) and detail.message_id in fates:
                fate = fates.pop(detail.message_id)
                if record.kind != "fault":  # else the queue has lost it
                    state: Any = "dead" if record.kind == "async" else fate.state
                    fates[detail.message_id] = fate._replace(state=state, reason=detail.reason)
        return fates

    def jsonl(self) -> Iterator[str]:
        """The structured log: one JSON object a record, with its correlation id."""
        for record in self:
            fields = record._asdict()
            detail = record.detail
            fields["label"] = record.text
            fields["detail"] = detail and {"is": type(detail).__name__, **detail._asdict()}
            yield encode(fields)


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
