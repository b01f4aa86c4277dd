"""The archive's side of the world: snapshots of stores, and the events that were published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sagakit.contract import operations as ops
from sagakit.contract.events import Event, Header
from sagakit.contract.ports import Backup
from sagakit.sim.invocation import Invocation
from sagakit.trace.facts import (
    EventsRead,
    EventsRequested,
    Published,
    Renamed,
    Restored,
    SnapshotRead,
    SnapshotRequested,
)

if TYPE_CHECKING:
    from sagakit.sim.world import World

NOTHING = Backup(0, (), frozenset(), ())
READ_EVENTS = "GET all its events"  # the service's: an archive knows no snapshot


def latest_snapshot(world: World, operation: ops.LatestSnapshot, by: Invocation) -> None:
    backup = world.snapshots.get(operation.store, NOTHING)
    service, snapshots = by.host.name, operation.snapshots
    by.tell(SnapshotRequested(service, snapshots))
    by.tell(SnapshotRead(service, snapshots, backup.taken_at))
    world.kernel.after(by.host.invoke_latency(), by.resume, backup)


def read_events(world: World, operation: ops.ReadEvents, by: Invocation) -> None:
    service, archive = by.host.name, operation.events
    by.tell(EventsRequested(service, archive))
    events = _archived(world, {cls.__name__: cls for cls in operation.types})
    by.tell(EventsRead(service, archive, len(events)))
    world.kernel.after(by.host.invoke_latency(), by.resume, events)


def _archived(world: World, types: Mapping[str, type[Event]]) -> tuple[Event, ...]:
    """The published events, read back from the trace: there is no second account of them."""
    found = {}
    for t, saga, event_id, _, fact in world.trace.entries:
        if isinstance(fact, Published | Renamed) and fact.event in types:
            cls = types[fact.event]
            header = Header(
                str(event_id), str(saga), fact.causation_id, fact.event, t, fact.version
            )
            found[header.event_id] = cls(header=header, **fact.payload)
    return tuple(found.values())


def restore(world: World, operation: ops.Restore, by: Invocation) -> None:
    store = world.stores[operation.store]
    store.restore(operation.backup)
    by.tell(Restored(by.host.name, store.name, operation.backup.items))
    world.kernel.after(store.latency(), by.resume, None)


def deliver_again(world: World, operation: ops.DeliverAgain, by: Invocation) -> None:
    queue = by.host.queues[0]
    world.mail.deliver_again(operation.event, queue, by.host.name)
    world.kernel.after(by.host.invoke_latency(), by.resume, None)
