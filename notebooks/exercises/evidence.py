"""Read off a run what several checks ask of it: requests, commits, conflicts, failures, ends."""

from collections.abc import Iterable, Iterator
from typing import Any

from sagakit.run import Run
from sagakit.trace.facts import (
    Answered,
    Asked,
    Committed,
    Fact,
    Failed,
    PartyAnswered,
    PartySilent,
    PartyUnreachable,
    Record,
    StoreRefused,
)

SILENT = ("timeout", "unavailable")  # outcomes of a request that got no answer


def requests(finished: Run) -> list[tuple[Record, Asked]]:
    """Return every request to the provider."""
    return [(record, record.fact) for record in finished.records if isinstance(record.fact, Asked)]


def outcome(fact: Fact) -> str:
    """Return what a request came to, if the fact says so: "timeout" if there was no answer,
    "unavailable" if it could not be sent, or else the answer."""
    match fact:
        case PartyAnswered():
            return fact.outcome
        case PartySilent():
            return "timeout"
        case PartyUnreachable():
            return "unavailable"
    return ""


def commits(finished: Run, store: str) -> list[tuple[Record, Committed]]:
    """Return the commits of items in a store, in order."""
    return [
        (record, record.fact)
        for record in finished.records
        if isinstance(record.fact, Committed)
        if record.fact.store == store and record.fact.item is not None
    ]


def conflicts(finished: Run) -> list[str]:
    """Return the saga of each write that was refused because the version had moved on."""
    return [
        str(record.saga)
        for record in finished.records
        if isinstance(record.fact, StoreRefused) and record.fact.is_conflict
    ]


def failures(finished: Run, service: str) -> Iterator[tuple[Record, str]]:
    """Yield each failure of a service's handler, and its reason."""
    for record in finished.records:
        match record.fact:
            case Failed() as fact if fact.service == service:
                yield record, fact.reason
            case Answered() as fact if fact.service == service and fact.failed:
                yield record, fact.answer


def statuses(finished: Run) -> dict[str, str]:
    """Return how each payment ended, by its id."""
    payments = finished.records.stores()["Payments DB"]
    return {saga: payment.status for saga, payment in payments.items()}


def names(said: Any) -> set[str] | None:
    """Return the names in a collection; None if it is none, or has others than texts."""
    if isinstance(said, str) or not isinstance(said, Iterable):
        return None
    found = list(said)
    return set(found) if all(isinstance(name, str) for name in found) else None


def short(value: Any) -> str:
    """Return a value in one line, cut if it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def listed(texts: Iterable[str], none: str = "none") -> str:
    """Return texts with commas between them."""
    return ", ".join(texts) or none
