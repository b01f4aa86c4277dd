"""The archive's side of the world: snapshots of stores, and the events that were published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sagakit.contract import operations as ops
from sagakit.contract.events import Event, Header
from sagakit.contract.ports import Backup
from sagakit.sim.invocation import Invocation
from sagakit.trace.trace import Published, Restored, duration

if TYPE_CHECKING:
    from sagakit.sim.world import World

NOTHING = Backup(0, (), frozenset(), ())
READ_EVENTS = "GET all its events"  # the service's: an archive knows no snapshot


def latest_snapshot(world: World, operation: ops.LatestSnapshot, by: Invocation) -> None:
    backup = world.snapshots.get(operation.store, NOTHING)
    service, snapshots = by.host.name, operation.snapshots
    by.arrow("call", service, snapshots, "GET latest_snapshot")
    by.arrow("return", snapshots, service, f"snapshot taken at {duration(backup.taken_at)}")
    world.kernel.after(by.host.invoke_latency(), by.resume, backup)


def read_events(world: World, operation: ops.ReadEvents, by: Invocation) -> None:
    service, archive = by.host.name, operation.events
    by.arrow("call", service, archive, READ_EVENTS)
    events = _archived(world, {cls.__name__: cls for cls in operation.types})
    by.arrow("return", archive, service, f"stream of {len(events)} events")
    world.kernel.after(by.host.invoke_latency(), by.resume, events)


def _archived(world: World, types: Mapping[str, type[Event]]) -> tuple[Event, ...]:
    """The published events, read back from the trace: there is no second account of them."""
    found = {}
    for record in world.trace:
        detail = record.detail
        if record.target == world.bus.name and isinstance(detail, Published):
            cls = types.get(record.event or "")
            if cls is not None:
                header = Header(
                    str(record.event_id),
                    str(record.correlation_id),
                    detail.causation_id,
                    cls.__name__,
                    record.t,
                    detail.version,
                )
                found[header.event_id] = cls(header=header, **detail.payload)
    return tuple(found.values())


def restore(world: World, operation: ops.Restore, by: Invocation) -> None:
    store = world.stores[operation.store]
    store.restore(operation.backup)
    items = operation.backup.items
    label = f"restore the base state: {len(items)} items"
    by.arrow("call", by.host.name, store.name, label, Restored(items))
    world.kernel.after(store.latency(), by.resume, None)


def deliver_again(world: World, operation: ops.DeliverAgain, by: Invocation) -> None:
    queue = by.host.queues[0]
    world.mail.put(operation.event, queue, by.host.name, "Queue again")
    world.kernel.after(by.host.invoke_latency(), by.resume, None)
