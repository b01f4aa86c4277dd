"""Doctored traces: a sound run's records with one thing changed, so that a law must object."""

from collections.abc import Callable, Iterable
from typing import Any

from sagakit.trace.trace import Record, Trace

Which = Callable[[Record], bool]


def first(records: Iterable[Record], which: Which) -> int:
    """The place of the first record that matches."""
    for place, record in enumerate(records):
        if which(record):
            return place
    raise AssertionError("the run has no such record: the doctored trace would be the sound one")


def without(trace: Trace, which: Which) -> Trace:
    """The trace without the first record that matches."""
    records = list(trace)
    del records[first(records, which)]
    return Trace(trace.participants, records, trace.rules)


def changed(trace: Trace, which: Which, *, detail: dict[str, Any], **fields: Any) -> Trace:
    """The trace with the first record that matches changed, in its detail or otherwise."""
    records = list(trace)
    place = first(records, which)
    record = records[place]
    records[place] = record._replace(detail=record.detail._replace(**detail), **fields)
    return Trace(trace.participants, records, trace.rules)


def repeated(trace: Trace, which: Which, *, after: int = 1, **fields: Any) -> Trace:
    """The trace in which the first record that matches comes again, `after` records later."""
    records = list(trace)
    place = first(records, which)
    records.insert(place + after, records[place]._replace(**fields))
    return Trace(trace.participants, records, trace.rules)
