"""The trace: the ordered records of one run, each an arrow or a note of a sequence diagram.

The world writes it; everything that is shown or checked is a view of it. A record is kept as a
plain tuple with shared strings and read as a `Record`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from sagakit.deployment import Participant
from sagakit.events import encode

Kind = Literal["call", "async", "return", "note", "fault"]


class Published(NamedTuple):
    """An event as it went to the bus or came out of a rule: the header's rest and the payload."""

    causation_id: str
    version: int
    payload: dict[str, Any]

    def __str__(self) -> str:
        return ""


class Queued(NamedTuple):
    """A message in a queue. `delay` in ms; `count` is the receive count, 0 before the first."""

    message_id: int
    count: int = 0
    delay: int = 0
    remark: str = ""

    def __str__(self) -> str:
        return f"({self.remark})" if self.remark else ""


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
        return _fields(self.item) if self.item is not None else "nothing"


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
        return "" if self.item is None else _fields(self.item)


class Asked(NamedTuple):
    """A request to an external party and what came of it there, by Idempotency-Key."""

    key: str
    request: tuple[Any, ...]
    outcome: str = ""

    def __str__(self) -> str:
        return self.outcome


Detail = Published | Queued | Failed | Read | Written | Asked | None


def _fields(item: Any) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in item._asdict().items()) + "}"


class Record(NamedTuple):
    """One arrow or note.

    t               ms of virtual time
    kind            call (filled arrow), async (open), return (dashed), note, fault
    source, target  participants' names, equal for a note
    label           what it says, without the detail
    event           the type of the event it carries, or None
    correlation_id  the saga, or None
    event_id        the event that is carried or being handled
    invocation      the number of the invocation it belongs to, 0 for none
    detail          one of the tuples above, or None
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
        return f"{self.label} {self.detail if self.detail is not None else ''}".rstrip()


class Trace:
    """The records of one run, and the participants they are about."""

    def __init__(self, participants: Iterable[Participant], records: Iterable[Record] = ()) -> None:
        self.participants = tuple(participants)
        self._records: list[tuple[Any, ...]] = [tuple(record) for record in records]
        self.write = self._records.append

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return map(Record._make, self._records)

    def __getitem__(self, index: int) -> Record:
        return Record._make(self._records[index])

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} records, {len(self.participants)} participants>"

    def jsonl(self) -> Iterator[str]:
        """The structured log: one JSON object a record, with its correlation id."""
        for record in self:
            fields = record._asdict()
            detail = record.detail
            fields["label"] = record.text
            fields["detail"] = detail and {"is": type(detail).__name__, **detail._asdict()}
            yield encode(fields)
