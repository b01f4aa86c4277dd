"""A run in a few words: what went wrong in it, and who met whom."""

import re
from collections.abc import Iterator
from typing import Any

from sagakit.trace import facts
from sagakit.trace.arrows import arrow
from sagakit.trace.facts import Record
from sagakit.trace.trace import Trace

RECORD = re.compile(r" \(record \d+\)")

ANSWERS = (
    facts.ItemRead, facts.Committed, facts.StoreRefused, facts.PartyAnswered,
    facts.PartyUnreachable, facts.SnapshotRead, facts.EventsRead,
)  # fmt: skip
"""The answers of stores and external parties"""


def without_records(text: str) -> str:
    """Return a verdict's text without the positions in the trace."""
    return RECORD.sub("", text)


def steps_in(trace: Trace) -> int:
    """Count the steps of a run by the clock: answers of stores and external parties."""
    return sum(isinstance(record.fact, ANSWERS) for record in trace)


def went_wrong(trace: Trace) -> list[str]:
    """Return the faults of a run, in their order."""
    return list(_faults(trace))


def met(trace: Trace) -> str:
    """Tell of the first that went on with what it had read although another had written it since.

    That is where a run leaves the order in which each handler finds the work of the others done.
    """
    events: dict[int, str] = {}  # invocation to the type of its event
    for record in trace:
        event = getattr(record.fact, "event", None)
        if record.invocation and event:
            events[record.invocation] = event
    read: dict[int, set[tuple[str, str]]] = {}
    stale: dict[int, tuple[Record, tuple[str, str]]] = {}
    for record in trace:
        who, fact = record.invocation, record.fact
        if isinstance(fact, facts.ItemRead):
            read.setdefault(who, set()).add((fact.store, fact.key))
        elif isinstance(fact, facts.Committed) and fact.writes:
            item = (fact.store, str(fact.key))
            for other, items in read.items():
                if other != who and item in items:
                    stale.setdefault(other, (record, item))
            read.pop(who, None)
        elif isinstance(fact, facts.Acknowledged):
            read.pop(who, None)
            stale.pop(who, None)
        if who in stale and isinstance(fact, (*ANSWERS, facts.Failed, facts.Answered)):
            writer, (store, key) = stale[who]
            late, early = _who(events, record, writer), _who(events, writer, record)
            return f"{late} read {key} in {store} before {early} wrote it"
    return ""


def _who(events: dict[int, str], record: Record, beside: Record) -> str:
    """Name a handler by its saga, or, beside one of the same saga, by its event."""
    event, other = events.get(record.invocation), events.get(beside.invocation)
    if record.saga != beside.saga or event is None or other is None:
        return str(record.saga)
    if event != other:
        return f"the {event} of {record.saga}"
    which = "one" if record.invocation < beside.invocation else "another"
    return f"{which} {event} of {record.saga}"


def _faults(trace: Trace) -> Iterator[str]:
    books: dict[str, tuple[str, int]] = {}  # key to state, and when it was entered
    done: dict[int, str] = {}  # invocation to its last step
    for record in trace:
        yield from _fault(record, books, done)
        match record.fact:
            case facts.ItemRead() as fact:
                done[record.invocation] = f"had read {fact.key} in {fact.store}"
            case facts.Committed() as fact:
                done[record.invocation] = f"had written {fact.key or 'its inbox'} in {fact.store}"
            case facts.Asked(party=party):
                done[record.invocation] = f"had asked the {party}"
            case facts.PartySilent():
                done[record.invocation] = "had got no answer"


def _fault(
    record: Record, books: dict[str, tuple[str, int]], done: dict[int, str]
) -> Iterator[str]:
    """Yield what a record tells of a fault: nothing, for most."""
    t, saga, _, invocation, fact = record
    event = getattr(fact, "event", None)
    what = f"{event} of {saga}" if event else "a message"
    match fact:
        case facts.EventDoubled() | facts.MessageDoubled():
            yield f"{what} came twice"
        case facts.EventLost() | facts.MessageLost():
            yield f"{what} was lost"
        case facts.StoreLost(store=store):
            yield f"{store} lost all its data at {t} ms"
        case facts.SnapshotTaken():
            yield f"the snapshot was taken at {t} ms"
        case facts.Committed(heard=False):
            yield f"the answer of {fact.store} to the {fact.service} was lost"
        case facts.Crashed(service=service):
            step = done.get(invocation)
            when = "before its first step" if step is None else f"after it {step}"
            yield f"the {service} crashed {when} {f'for {saga}' if saga else 'at work'}"
        case facts.Booked():
            books[fact.key] = (fact.state, t)
            if fact.state == "declined":
                yield f"the {fact.party} declined {saga}"
        case facts.PartySilent():
            yield _silence(fact, saga, books.get(fact.key, ("", -1)), t)
        case facts.PartyUnreachable(party=party):
            yield f"the {party} could not be reached for {saga}"
        case _ if isinstance(fact, TOLD_BY_LABEL):
            drawn = arrow(record)
            yield f"{drawn.target}: {drawn.label}"


TOLD_BY_LABEL: Any = (
    facts.Throttled, facts.SnapshotMissed, facts.PublishRefused, facts.EventDelayed,
    facts.EventHeldBack, facts.InvocationRefused, facts.CutOff,
)  # fmt: skip
"""Faults that explore does not inject: a run by the clock may have them"""


def _silence(fact: facts.PartySilent, saga: str | None, entry: tuple[str, int], now: int) -> str:
    """Say what an external party did and did not answer. `entry` is what its books have."""
    state, entered = entry
    wanted = "charge" if fact.request else "void"
    if entered == now:
        return f"the call to {wanted} {saga} got no answer, but was carried out"
    if state == "executed" and fact.request:
        return f"the call to charge {saga} again got no answer"
    return f"the call to {wanted} {saga} got no answer, and was not carried out"
