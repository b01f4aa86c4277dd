"""Tell an operation as its fact, in the same way in every world."""

from sys import intern
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.events import Event
from sagakit.contract.ports import Answer, VersionConflict, event_of
from sagakit.trace.facts import (
    CONFLICT,
    Answered,
    Asked,
    CommitRequested,
    PartyAnswered,
    PartySilent,
    PartyUnreachable,
    Postponed,
    Published,
    Renamed,
    StoreRefused,
)


def commit_requested(service: str, operation: ops.Commit, last_read: Any) -> CommitRequested:
    """Tell of the commit that a service sends, which read this item last."""
    item, unchanged = operation.item, False
    if item is not None:
        unchanged = item == last_read
        item = item._replace(version=item.version + 1)
    outbox = tuple([event_of(entry).header.event_type for entry in operation.publish])
    return CommitRequested(service, operation.store, item, unchanged, outbox)


def store_refused(service: str, store: str, error: Exception) -> StoreRefused:
    """Tell of the error that a store answers with."""
    name = CONFLICT if isinstance(error, VersionConflict) else type(error).__name__
    return StoreRefused(service, store, name, str(error))


def asked(service: str, operation: ops.Ask) -> Asked:
    """Tell of a request to an external party."""
    _, void, label, key, request, _ = operation
    return Asked(service, operation.party, key, request, void, label)


def party_answered(service: str, operation: ops.Ask, answer: Answer) -> PartyAnswered:
    """Tell of a party's answer."""
    return PartyAnswered(service, operation.party, operation.key, operation.request, *answer)


def party_unreachable(service: str, operation: ops.Ask) -> PartyUnreachable:
    """Tell of a party that could not be reached."""
    return PartyUnreachable(service, operation.party, operation.key, operation.request)


def party_silent(service: str, operation: ops.Ask) -> PartySilent:
    """Tell of a party that did not answer in time."""
    _, _, _, key, request, timeout = operation
    return PartySilent(service, operation.party, key, request, timeout)


def answered(
    service: str, source: str, result: Any, error: BaseException | None = None
) -> Answered:
    """Tell of what whoever sent a command hears of it: the result, or the error."""
    if error is not None:
        return Answered(service, source, str(error), failed=True)
    status = getattr(result, "status", 0)
    status = status if isinstance(status, int) else 0  # else it is not HTTP's
    return Answered(service, source, "done" if result is None else intern(str(result)), status)


def published(source: str, bus: str, event: Event) -> Published:
    """Tell of an event that the bus took in."""
    _, _, causation_id, name, _, version = event.header
    return Published(source, bus, name, causation_id, version, event.payload())


def renamed(bus: str, former: type[Event], event: Event) -> Renamed:
    """Tell of the event that a rule made of another."""
    _, _, causation_id, name, _, version = event.header
    return Renamed(bus, former.__name__, name, causation_id, version, event.payload())


def postponed(service: str, queue: str, event: Event, message_id: int, delay: int) -> Postponed:
    """Tell of an event that a service put in its retry queue, for `delay` ms."""
    _, _, causation_id, name, _, version = event.header
    return Postponed(
        service, queue, name, causation_id, version, event.payload(), message_id, delay,
        event.remark,
    )  # fmt: skip
