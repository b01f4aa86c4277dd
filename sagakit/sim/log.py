"""Reading a log: the lines of `Trace.jsonl`, of whatever world, as a trace again.

A function of AWS wraps each in a line of its own, as its `message`. Those of several functions may
stand one after the other: they are put in order of time, and completed (see `witnessed.py`).
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from sagakit.deployment import Participant, meant
from sagakit.events import NotUnderstood, explain, loads
from sagakit.sim.trace import Detail, Record, Trace
from sagakit.sim.witnessed import completed

DETAILS: dict[str, Any] = {cls.__name__: cls for cls in get_args(Detail)}
ITEM_FIELDS = ("item", "before", "items")


class BadLog(ValueError):
    """A line that is no record: the text says which one, and what is wrong with it."""


def read_log(
    lines: Iterable[str], participants: Iterable[Participant], items: Mapping[str, type]
) -> Trace:
    """The trace of a log; empty lines are passed over. `items` is store to the type of its items.

    Raises `BadLog` with the line's number, and for a log without a record.
    """
    participants, records, wrapped = tuple(participants), [], False
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                fields = loads(line.rstrip("\r\n"))
                if isinstance(fields, dict) and "message" in fields:
                    wrapped, fields = True, fields["message"]
                records.append(_record(fields, items))
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


def _record(fields: Any, items: Mapping[str, type]) -> Record:
    if not isinstance(fields, dict) or set(fields) != set(Record._fields):
        raise BadLog(
            f"this is no record of sagakit, which has the fields {', '.join(Record._fields)}; "
            f"docs/worlds.md says how to leave other lines out"
        )
    detail = fields["detail"]
    if detail is not None:
        store = next((fields[end] for end in ("source", "target") if fields[end] in items), "")
        detail = _detail(detail, items.get(store))
    label = str(fields["label"])
    told = str(detail or "")
    if told and label.endswith(told):  # the log has both in one
        label = label[: -len(told)].rstrip()
    record: Record = RECORD.validate_python({**fields, "label": label, "detail": None})
    return record._replace(detail=detail)


def _detail(fields: Any, item: type | None) -> Any:
    kind = fields.get("is") if isinstance(fields, dict) else None
    if kind not in DETAILS:
        raise BadLog(f"detail: there is no {kind!r}: {meant(str(kind), DETAILS)}")
    values = {name: value for name, value in fields.items() if name != "is"}
    for name in ITEM_FIELDS:
        if values.get(name) is not None:
            if item is None:
                raise BadLog(f"detail.{name}: neither end of the arrow is a store that is known")
            one = _reader(item)
            whole = name == "items"
            found = values[name] if whole else [values[name]]
            made = tuple([one.validate_python(each) for each in found])
            values[name] = made if whole else made[0]
    cls = DETAILS[kind]
    for name in _tuples(cls) & values.keys():
        values[name] = tuple(values[name])
    try:
        return cls(**values)
    except TypeError as error:
        raise BadLog(f"detail: {kind} has the fields {', '.join(cls._fields)}: {error}") from None


@cache
def _reader(item: type) -> TypeAdapter[Any]:
    return TypeAdapter(item)


@cache
def _tuples(cls: type) -> frozenset[str]:
    """The fields that are tuples in a detail, and lists in a log."""
    hints = get_type_hints(cls)
    return frozenset(name for name, kind in hints.items() if get_origin(kind) is tuple)


RECORD: TypeAdapter[Record] = TypeAdapter(Record)
