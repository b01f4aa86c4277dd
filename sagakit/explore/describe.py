"""What a run is a case of, in words: what went wrong in it, and who met whom."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sagakit.sim.bus import LOST
from sagakit.trace.trace import Asked, Read, Record, Restored, Trace, Written

RECORD = re.compile(r" \(record \d+\)")
TAKEN_AWAY = "had its message taken away"


def without_records(text: str) -> str:
    """A verdict's text without the places in the trace."""
    return RECORD.sub("", text)


def went_wrong(trace: Trace) -> list[str]:
    """The faults of a run, in their order."""
    return list(_faults(trace))


def met(trace: Trace) -> str:
    """The first that went on with what it had read although another had written it since.

    That is where a run leaves the order in which each handler finds the work of the others done.
    """
    events = {one.invocation: one for one in trace if one.invocation and one.event}
    read: dict[int, set[tuple[str, str]]] = {}
    stale: dict[int, tuple[Record, tuple[str, str]]] = {}
    for record in trace:
        who, detail = record.invocation, record.detail
        if isinstance(detail, Read) and record.kind == "return":
            read.setdefault(who, set()).add((record.source, detail.key))
        elif isinstance(detail, Written) and detail.item not in (None, detail.before):
            item = (record.source, str(detail.key))
            for other, items in read.items():
                if other != who and item in items:
                    stale.setdefault(other, (record, item))
            read.pop(who, None)
        elif record.kind == "return" and record.label == "done":
            read.pop(who, None)
            stale.pop(who, None)
        if who in stale and stale[who][0] is not record and record.kind == "return":
            writer, (store, key) = stale[who]
            late, early = _who(events, record, writer), _who(events, writer, record)
            return f"{late} read {key} in {store} before {early} wrote it"
    return ""


def _who(events: dict[int, Record], record: Record, beside: Record) -> str:
    """A handler by its saga, or, beside one of the same saga, by its event."""
    saga, event = record.correlation_id, events.get(record.invocation)
    if saga != beside.correlation_id:
        return str(saga)
    other = events.get(beside.invocation)
    if event is None or other is None:
        return str(saga)
    if event.event != other.event:
        return f"the {event.event} of {saga}"
    which = "one" if record.invocation < beside.invocation else "another"
    return f"{which} {event.event} of {saga}"


def _faults(trace: Iterable[Record]) -> Iterator[str]:
    books: dict[str, tuple[str, int]] = {}  # key to state, and when it was entered
    done: dict[int, str] = {}  # invocation to its last step
    for record in trace:
        what = f"{record.event} of {record.correlation_id}" if record.event else "a message"
        detail: Any = record.detail
        if record.kind == "fault" and record.label != TAKEN_AWAY:
            yield _fault(record, what, done)
        elif isinstance(detail, Asked):
            yield from _answer(record, detail, books)
        elif record.label == "snapshot":
            yield f"the snapshot was taken at {record.t} ms"
        elif record.label.endswith("the answer is lost"):
            yield f"the answer of {record.source} to the {record.target} was lost"
        if record.kind == "return" and isinstance(detail, Read | Written):
            did = "had read" if isinstance(detail, Read) else "had written"
            done[record.invocation] = f"{did} {detail.key or 'its inbox'} in {record.source}"
        elif isinstance(detail, Asked) and record.invocation:
            asks = record.kind == "call"
            if asks or record.source != record.target:
                party = record.target if asks else record.source
                done[record.invocation] = f"had asked the {party}"
            else:  # a note of its own: it waited in vain
                done[record.invocation] = "had got no answer"


def _fault(record: Record, what: str, done: dict[int, str]) -> str:
    label = record.label
    if label == "message doubled":
        return f"{what} came twice"
    if label == LOST:
        return f"{what} was lost"
    if isinstance(record.detail, Restored):
        return f"{record.source} lost all its data at {record.t} ms"
    if label.startswith("crash"):
        of = f"for {record.correlation_id}" if record.correlation_id else "at work"
        step = done.get(record.invocation)
        if step is None:
            return f"the {record.source} crashed before its first step {of}"
        return f"the {record.source} crashed after it {step} {of}"
    return f"{record.target}: {label}"


def _answer(record: Record, asked: Asked, books: dict[str, tuple[str, int]]) -> Iterator[str]:
    """What an external party did besides answer."""
    saga, party = record.correlation_id, record.source
    if record.kind == "note" and not record.invocation:
        books[asked.key] = (asked.outcome, record.t)
        if asked.outcome == "declined":
            yield f"the {party} declined {saga}"
    elif asked.outcome == "timeout":
        state, entered = books.get(asked.key, ("", -1))
        wanted = "charge" if asked.request else "void"
        if entered == record.t:
            yield f"the call to {wanted} {saga} got no answer, but was carried out"
        elif state == "executed" and asked.request:
            yield f"the call to charge {saga} again got no answer"
        else:
            yield f"the call to {wanted} {saga} got no answer, and was not carried out"
    elif asked.outcome == "unavailable":
        yield f"the {party} could not be reached for {saga}"
