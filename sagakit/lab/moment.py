"""What stood in the queues, the stores and the breaker at one moment of a run: from the trace."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, cast

from sagakit.laws.payments import BREAKER
from sagakit.payments.events import ReembolsarUsuario
from sagakit.trace.activity import Emission, emissions
from sagakit.trace.trace import A_TEXT, Published, Queued, Read, Record, Trace, Written, told


class Row(NamedTuple):
    """One line of what is there: in which queue or store, under which key, and what."""

    place: str
    key: str
    text: str


class Moment(NamedTuple):
    """All that is there at one moment. `breaker` is empty in a system that has none."""

    queues: tuple[Row, ...]
    stores: tuple[Row, ...]
    breaker: tuple[Row, ...]

    def sections(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        return ("Queues", self.queues), ("Stores", self.stores), ("Breaker", self.breaker)

    def changed_since(self, before: "Moment") -> set[Row]:
        """The rows that were not there, or not so, at an earlier moment."""
        now, then = ({row for rows in each for row in rows} for each in (self, before))
        return now - then


def moment(trace: Trace, place: int) -> Moment:
    """What is there after the record at that place; before the first one if it is -1."""
    rows = cast(Iterable[Record], trace.rows())  # as they are: to name the fields takes longer
    until = Trace(trace.participants, islice(rows, place + 1))
    stores = until.stores()
    breaker = stores.pop(BREAKER, None)
    return Moment(
        tuple(_queues(until, trace)),
        tuple(
            Row(store, key, f"{told(item).removeprefix(f'key: {key}, ')}, version: {item.version}")
            for store, items in stores.items()
            for key, item in items.items()
        ),
        () if breaker is None else tuple(_breaker(breaker)),
    )


def _queues(until: Trace, trace: Trace) -> Iterator[Row]:
    """A row a queue that is used in the run, with its messages; and one for its dead letters.

    A message is in flight (SQS's word) from when it is received until it is deleted or visible
    again.
    """
    messages: dict[str, Counter[str]] = {
        fate.queue: Counter() for fate in trace.messages().values()
    }
    dead: dict[str, Counter[str]] = {}
    flying = _in_flight(until)
    for message_id, fate in until.messages().items():
        name = fate.event or A_TEXT
        if fate.state == "dead":
            dead.setdefault(fate.queue, Counter())[name] += 1
        elif fate.state == "waiting":
            messages[fate.queue][f"{name} (in flight)" if message_id in flying else name] += 1
    for queue, held in messages.items():
        yield Row(queue, "", _counted(held) or "empty")
        if queue in dead:
            yield Row(queue, "dead letters", _counted(dead[queue]))


def _in_flight(records: Iterable[Record]) -> set[int]:
    """The ids of the messages that are received and not visible again; some may be done."""
    found: set[int] = set()
    for record in records:
        detail = record.detail
        if isinstance(detail, Queued):
            received = record.invocation and record.kind not in ("return", "note")
            (found.add if received else found.discard)(detail.message_id)
    return found


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{count} × {name}" if count > 1 else name for name, count in names.items())


def _breaker(items: dict[str, Any]) -> Iterator[Row]:
    if not items:
        yield Row(BREAKER, "", "nothing written yet: it is CLOSED")
    for key, item in items.items():
        yield Row(BREAKER, key, f"{told(item)}, version: {item.version}")


def touched(records: Iterable[Record]) -> set[tuple[str, str]]:
    """The items that are read or written in these records: store and key."""
    return {
        (record.source, record.detail.key)
        for record in records
        if record.kind == "return" and isinstance(record.detail, Read | Written)
        if record.detail.key is not None  # a commit of an outbox and an inbox alone
    }


def events_by_id(trace: Trace) -> dict[str, Emission]:
    """Each event as it first came to be."""
    events: dict[str, Emission] = {}
    for one in emissions(trace.entries):
        events.setdefault(one.event_id, one)
    return events


def landmarks(records: Iterable[Record]) -> dict[str, int]:
    """The places of the first conflict, retry and compensation, of those that there are."""
    found: dict[str, int] = {}
    for place, record in enumerate(records):
        for name in _marks(record):
            found.setdefault(name, place)
    return found


def _marks(record: Record) -> Iterator[str]:
    detail = record.detail
    if record.kind == "note" and record.label.startswith("conflict"):
        yield "conflict"
    put_aside = isinstance(detail, Published) and detail.message_id
    if put_aside or (isinstance(detail, Queued) and detail.receives > 1 and record.invocation):
        yield "retry"
    if record.event == ReembolsarUsuario.__name__:
        yield "compensation"
