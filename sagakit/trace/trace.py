"""The trace: the ordered records of one run, each an arrow or a note of a sequence diagram.

The world writes it; everything that is shown or checked is a view of it. A record is kept as a
plain tuple with shared strings and read as a `Record`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from sagakit.contract.deployment import Participant, Rule
from sagakit.contract.events import encode

Kind = Literal["call", "async", "return", "note", "fault"]


class Published(NamedTuple):
    """An event as it went to the bus, came out of a rule or went into a retry queue (then with
    its message id): the header's rest and the payload."""

    causation_id: str
    version: int
    payload: dict[str, Any]
    message_id: int = 0

    def __str__(self) -> str:
        return ""


A_TEXT = "a text"  # the remark of a message that is no event


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


def told(item: Any) -> str:
    """An item for people: as it tells itself, or else its fields."""
    tells: Any = type(item).__str__
    if tells is not object.__str__:
        return str(item)
    fields = item._asdict()
    return ", ".join(f"{name}: {value}" for name, value in fields.items() if name != "version")


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


def duration(ms: int) -> str:
    """A length of time for people: "2 days", "1 minute", "0.5 s"."""
    for length, name in ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute")):
        if ms % length == 0 and ms:
            many = ms // length
            return f"{many} {name}{'s' if many > 1 else ''}"
    return f"{ms / 1000}".removesuffix(".0") + " s"


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


class Trace:
    """The records of one run, the participants they are about, and the rules by which its bus
    took events further: None where nobody says them, as a log does not."""

    def __init__(
        self,
        participants: Iterable[Participant],
        records: Iterable[Record] = (),
        rules: tuple[Rule, ...] | None = None,
    ) -> None:
        self.participants = tuple(participants)
        self.rules = rules
        self._records: list[tuple[Any, ...]] = [tuple(record) for record in records]
        self.write = self._records.append

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return map(Record._make, self._records)

    def __getitem__(self, index: int) -> Record:
        return Record._make(self._records[index])

    def rows(self) -> Sequence[tuple[Any, ...]]:
        """The records as plain tuples, for a view that makes columns of them; not to be changed."""
        return self._records

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


class Fate(NamedTuple):
    """What became of a message: it is done, dead (in the dead-letter queue) or still waiting."""

    queue: str
    event: str | None
    state: Literal["waiting", "done", "dead"]
    reason: str = ""
