"""Reading a log: the lines of `Trace.jsonl`, of whatever world, as a trace again.

A function of AWS wraps each in a line of its own, as its `message`. Those of several functions may
stand one after the other: they are put in order of time, and completed (see `witnessed.py`).
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from sagakit.contract.deployment import Participant
from sagakit.contract.events import Event, Header, NotUnderstood, explain, loads
from sagakit.contract.suggest import suggest
from sagakit.trace.trace import Detail, Published, Record, Trace
from sagakit.trace.witnessed import completed

DETAILS: dict[str, Any] = {cls.__name__: cls for cls in get_args(Detail)}
ITEM_FIELDS = ("item", "before", "items")


class BadLog(ValueError):
    """A line that is no record: the text says which one, and what is wrong with it."""


def read_log(
    lines: Iterable[str],
    participants: Iterable[Participant],
    items: Mapping[str, type],
    events: Iterable[type[Event]] = (),
) -> Trace:
    """The trace of a log; empty lines are passed over. `items` is store to the type of its items,
    `events` are those whose payloads are known.

    Raises `BadLog` with the line's number, and for a log without a record.
    """
    participants, records, wrapped = tuple(participants), [], False
    known = {event.__name__: event for event in events}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                fields = loads(line.rstrip("\r\n"))
                if isinstance(fields, dict) and "message" in fields:
                    wrapped, fields = True, fields["message"]
                records.append(_record(fields, items, known))
            except NotUnderstood as error:
                place = str(error).replace("at line 1, column", "at column")  # of this line
                raise BadLog(f"line {number}: {place}") from None
            except BadLog as error:
                raise BadLog(f"line {number}: {error}") from None
            except ValidationError as error:
                raise BadLog(f"line {number}: {explain(error)}") from None
    if not records:
        raise BadLog("there is no record in it: was anything written?")
    if wrapped:
        records.sort(key=lambda record: record.t)
        return Trace(participants, completed(records, participants))
    return Trace(participants, records)


def _record(fields: Any, items: Mapping[str, type], events: Mapping[str, type[Event]]) -> Record:
    if not isinstance(fields, dict) or set(fields) != set(Record._fields):
        raise BadLog(
            f"this is no record of sagakit, which has the fields {', '.join(Record._fields)}; "
            f"docs/worlds.md says how to leave other lines out"
        )
    record: Record = RECORD.validate_python({**fields, "detail": None})
    if fields["detail"] is None:
        return record
    store = next((end for end in (record.source, record.target) if end in items), "")
    detail = _detail(fields["detail"], items.get(store))
    event = events.get(record.event or "")
    if event is not None and isinstance(detail, Published):
        header = Header("event", "saga", "cause", event.__name__)
        made = event.model_validate({**detail.payload, "header": header})
        detail = detail._replace(payload=made.payload())
    label, told = record.label, str(detail)
    if told and label.endswith(told):  # the log has both in one
        label = label[: -len(told)].rstrip()
    return record._replace(label=label, detail=detail)


def _detail(fields: Any, item: type | None) -> Any:
    kind = fields.get("is") if isinstance(fields, dict) else None
    if not isinstance(kind, str) or kind not in DETAILS:
        raise BadLog(f"detail: there is no {kind!r}: {suggest(str(kind), DETAILS)}")
    values = {name: value for name, value in fields.items() if name != "is"}
    for name in ITEM_FIELDS:
        if values.get(name) is not None:
            if item is None:
                raise BadLog(f"detail.{name}: neither end of the arrow is a store that is known")
            whole = tuple[item, ...] if name == "items" else item  # type: ignore[valid-type]
            values[name] = _validated(whole, values[name], f"detail.{name}")
    return _validated(DETAILS[kind], values, f"detail: {kind}")


def _validated(cls: Any, value: Any, place: str) -> Any:
    try:
        return _reader(cls).validate_python(value)
    except ValidationError as error:
        raise BadLog(f"{place}: {explain(error)}") from None


@cache
def _reader(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


RECORD: TypeAdapter[Record] = TypeAdapter(Record)
