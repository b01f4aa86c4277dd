"""The log: a JSON line a record, of whatever world, and a trace read from such lines.

A line has the version of its form as `v`, when and where its fact belongs, and the fact with its
name as `is`. Lines of version 1, which had an arrow's label, are read as well.

A function of AWS wraps each in a line of its own, as its `message`. Those of several functions may
stand one after the other: they are put in order of time. They say neither what the stores held
before nor what a party outside has in its books; both are told from what the functions saw.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from sagakit.contract.deployment import Participant
from sagakit.contract.events import Event, Header, NotUnderstood, explain, loads
from sagakit.contract.external import ANSWERS
from sagakit.contract.suggest import suggest
from sagakit.trace import log_v1
from sagakit.trace.facts import (
    FACTS,
    Asked,
    Booked,
    Committed,
    ItemRead,
    Opening,
    PartyAnswered,
    PartySilent,
    Record,
)
from sagakit.trace.trace import Trace

ITEM_FIELDS = ("item", "before", "items")


class BadLog(ValueError):
    """A line that is no record: the text says which one, and what is wrong with it."""


class Line(NamedTuple):
    """The keys of a line."""

    v: Literal[2]
    t: int
    correlation_id: str | None
    event_id: str | None
    invocation: int
    fact: dict[str, Any]


def read_log(
    lines: Iterable[str],
    participants: Iterable[Participant],
    items: Mapping[str, type],
    events: Iterable[type[Event]] = (),
) -> Trace:
    """Return the trace of a log; empty lines are passed over. `items` is store to the type of its
    items, `events` are those whose payloads are known.

    Raises `BadLog` with the line's number, and for a log without a record.
    """
    participants = tuple(participants)
    reader = _Reader(participants, items, events)
    records, wrapped = [], False
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                fields = loads(line.rstrip("\r\n"))
                if isinstance(fields, dict) and "message" in fields:
                    wrapped, fields = True, fields["message"]
                records.append(reader.record(fields))
            except NotUnderstood as error:
                where = str(error).replace("at line 1, column", "at column")  # of this line
                raise BadLog(f"line {number}: {where}") from None
            except (BadLog, LookupError) as error:
                raise BadLog(f"line {number}: {error.args[0]}") from None
            except ValidationError as error:
                raise BadLog(f"line {number}: {explain(error)}") from None
    if not records:
        raise BadLog("there is no record in it: was anything written?")
    if wrapped:
        records.sort(key=lambda record: record.t)
        records = list(_completed(records))
    return Trace(participants, _with_parties(records))


class _Reader:
    """Reads lines of both versions, with what is known of the items and events in them."""

    def __init__(
        self,
        participants: Iterable[Participant],
        items: Mapping[str, type],
        events: Iterable[type[Event]],
    ) -> None:
        self._kinds = {participant.name: participant.kind for participant in participants}
        self._items = items
        self._events = {event.__name__: event for event in events}

    def record(self, fields: Any) -> Record:
        keys = set(fields) if isinstance(fields, dict) else set()
        if keys == set(Line._fields):
            line: Line = _reader(Line).validate_python(fields)
            values = dict(line.fact)
            name = values.pop("is", None)
            if not isinstance(name, str) or name not in FACTS:
                raise BadLog(f"fact: there is no {name!r}: {suggest(str(name), FACTS)}")
        elif keys == set(log_v1.Line._fields):
            line = _reader(log_v1.Line).validate_python(fields)
            told: Any = log_v1.fact_of(line, self._kinds)  # type: ignore[arg-type]
            name, values = type(told).__name__, told._asdict()
        else:
            raise BadLog(
                f"this is no record of sagakit, which has the keys {', '.join(Line._fields)}; "
                f"docs/worlds.md says how to leave other lines out"
            )
        fact = self._fact(name, values)
        return Record(line.t, line.correlation_id, line.event_id, line.invocation, fact)

    def _fact(self, name: str, values: dict[str, Any]) -> Any:
        for field in ITEM_FIELDS:
            if values.get(field) is not None:
                store = values.get("store")
                item = self._items.get(store) if isinstance(store, str) else None
                if item is None:
                    raise BadLog(f"fact.{field}: there is no store {store!r:.60} that is known")
                whole: Any = tuple[item, ...] if field == "items" else item  # type: ignore[valid-type]
                values[field] = _validated(whole, values[field], f"fact.{field}")
        fact = _validated(FACTS[name], values, f"fact: {name}")
        event = self._events.get(values.get("event") or "") if "payload" in values else None
        if event is not None:
            header = Header("event", "saga", "cause", event.__name__)
            made = event.model_validate({**fact.payload, "header": header})
            fact = fact._replace(payload=made.payload())
        return fact


def _validated(cls: Any, value: Any, where: str) -> Any:
    try:
        return _reader(cls).validate_python(value)
    except ValidationError as error:
        raise BadLog(f"{where}: {explain(error)}") from None


@cache
def _reader(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _with_parties(records: Iterable[Record]) -> Iterator[Record]:
    """Say of each party that stayed silent which one it was: logs of version 1 do not."""
    asked: dict[str, str] = {}
    for record in records:
        fact = record.fact
        if isinstance(fact, Asked):
            asked[fact.key] = fact.party
        elif isinstance(fact, PartySilent) and not fact.party:
            record = record._replace(fact=fact._replace(party=asked.get(fact.key, "")))
        yield record


def _completed(records: Sequence[Record]) -> Iterator[Record]:
    """Add the opening of each item and each entry in a party's books, where they are not told."""
    yield from _openings(records)
    states = {answer.outcome: state for state, answer in ANSWERS.items()}
    told = {record.fact.party for record in records if isinstance(record.fact, Booked)}
    books: dict[str, str] = {}
    for record in records:
        fact = record.fact
        if isinstance(fact, PartyAnswered) and fact.party not in told:
            state = states.get(fact.outcome)
            if state and books.get(fact.key) != state:
                books[fact.key] = state
                entry = Booked(fact.party, fact.key, fact.request, state)
                yield Record(record.t, record.saga, None, 0, entry)
        yield record


def _openings(records: Sequence[Record]) -> Iterator[Record]:
    """Tell of the items that were there at the start: in the oldest version that was met."""
    oldest: dict[tuple[str, str], Any] = {}
    known: set[tuple[str, str]] = set()  # what was opened or created before our eyes
    for record in records:
        fact = record.fact
        if isinstance(fact, Opening):
            item = fact.item
            known.add((fact.store, item.key))
        elif isinstance(fact, ItemRead):
            item = fact.item
        elif isinstance(fact, Committed) and fact.item is not None:
            item = fact.before
            if item is None:
                known.add((fact.store, fact.item.key))
        else:
            continue
        if item is not None:
            where = fact.store, item.key
            oldest[where] = min(oldest.get(where, item), item, key=lambda met: met.version)
    for (store, key), item in oldest.items():
        if (store, key) not in known:
            yield Record(records[0].t, None, None, 0, Opening(store, item))
