"""The archive's side of the world: snapshots of stores, and the events that were published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagakit.contract import operations as ops
from sagakit.contract.ports import NO_BACKUP
from sagakit.sim.invocation import Invocation
from sagakit.trace.facts import (
    EventsRead,
    EventsRequested,
    Restored,
    SnapshotRead,
    SnapshotRequested,
)
from sagakit.trace.trace import archived

if TYPE_CHECKING:
    from sagakit.sim.world import World

READ_EVENTS = "GET all its events"  # the service's: an archive knows no snapshot


def latest_snapshot(world: World, operation: ops.LatestSnapshot, by: Invocation) -> None:
    backup = world.snapshots.get(operation.store, NO_BACKUP)
    service, snapshots = by.host.name, operation.snapshots
    by.tell(SnapshotRequested(service, snapshots))
    by.tell(SnapshotRead(service, snapshots, backup.taken_at))
    world.kernel.after(by.host.invoke_latency(), by.resume, backup)


def read_events(world: World, operation: ops.ReadEvents, by: Invocation) -> None:
    service, archive = by.host.name, operation.events
    by.tell(EventsRequested(service, archive))
    events = archived(world.trace.entries, operation.types)
    by.tell(EventsRead(service, archive, len(events)))
    world.kernel.after(by.host.invoke_latency(), by.resume, events)


def restore(world: World, operation: ops.Restore, by: Invocation) -> None:
    store = world.stores[operation.store]
    store.restore(operation.backup)
    by.tell(Restored(by.host.name, store.name, operation.backup.items))
    world.kernel.after(store.latency(), by.resume, None)


def deliver_again(world: World, operation: ops.DeliverAgain, by: Invocation) -> None:
    queue = by.host.queues[0]
    world.mail.deliver_again(operation.event, queue, by.host.name)
    world.kernel.after(by.host.invoke_latency(), by.resume, None)
