"""Doctored traces: a sound run's records with one thing changed, so that a law must object."""

from collections.abc import Callable, Mapping
from typing import Any

from sagakit.trace.facts import Record
from sagakit.trace.trace import Trace

Which = Callable[[Record], bool]


def first(trace: Trace, which: Which) -> int:
    """Return the position of the first record that matches."""
    for position, record in enumerate(trace.entries):
        if which(record):
            return position
    raise AssertionError("the run has no such record: the doctored trace would be the sound one")


def without(trace: Trace, which: Which) -> Trace:
    """Return the trace without the first record that matches."""
    position = first(trace, which)
    records = [*trace.entries[:position], *trace.entries[position + 1 :]]
    return Trace(trace.participants, records, trace.rules)


def changed(trace: Trace, which: Which, *, fact: Mapping[str, Any], **fields: Any) -> Trace:
    """Return the trace with the first record that matches changed, in its fact or otherwise."""
    records, position = list(trace.entries), first(trace, which)
    records[position] = _changed(records[position], fact, fields)
    return Trace(trace.participants, records, trace.rules)


def repeated(trace: Trace, which: Which, *, fact: Mapping[str, Any] | None = None) -> Trace:
    """Return the trace in which the first record that matches comes again right after itself,
    changed in its fact."""
    records, position = list(trace.entries), first(trace, which)
    records.insert(position + 1, _changed(records[position], fact or {}, {}))
    return Trace(trace.participants, records, trace.rules)


def _changed(record: Record, fact: Mapping[str, Any], fields: Mapping[str, Any]) -> Record:
    return record._replace(fact=record.fact._replace(**fact), **fields)
