"""Effects: what the world does when a service asks for something, one function an operation.

Each is called with the world, the operation and the invocation that asked, and resumes that
invocation with the result when its time has come.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import TYPE_CHECKING, Any

from sagakit.ports import Answer, TimedOut, Unavailable, VersionConflict, WorldError, event_of
from sagakit.sim import archive
from sagakit.sim import operations as ops
from sagakit.sim.invocation import Invocation
from sagakit.sim.store import SimulatedStore
from sagakit.sim.trace import Asked, Attempt, Failed, Read

if TYPE_CHECKING:
    from sagakit.sim.world import World

THROTTLE_BACKOFF = 50  # ms until a throttled store operation is tried again
CONFLICT = "ConditionalCheckFailedException"  # what DynamoDB calls it


def _get(world: World, operation: ops.Get, by: Invocation) -> None:
    by.arrow("call", by.host.name, operation.store, "read item")
    _at_store(world, operation.store, by, _got, operation.key)


def _got(by: Invocation, store: SimulatedStore, key: str) -> None:
    item = by.last_read = store.get(key)
    by.arrow("return", store.name, by.host.name, "", Read(key, item))
    by.resume(item)


def _commit(world: World, operation: ops.Commit, by: Invocation) -> None:
    item, unchanged = operation.item, False
    if item is None:
        label, following = "record", None
    else:
        unchanged = item == by.last_read
        label = "check" if unchanged else "update" if item.version else "put"
        following = item._replace(version=item.version + 1)
    outbox = ", ".join([event_of(entry).header.event_type for entry in operation.publish])
    by.arrow("call", by.host.name, operation.store, label, Attempt(following, unchanged, outbox))
    _at_store(world, operation.store, by, _committed, operation, following)


def _committed(
    by: Invocation, store: SimulatedStore, operation: ops.Commit, following: Any
) -> None:
    written = store.commit(operation.item, following, operation.publish, operation.handled)
    by.arrow("return", store.name, by.host.name, "OK", written)
    by.resume(written.item)


def _at_store(
    world: World, name: str, by: Invocation, act: Callable[..., None], *arguments: Any
) -> None:
    """The store acts when its latency has passed; what it refuses is raised in the handler."""
    store = world.stores[name]
    if world.faults.throttles and store.in_progress >= world.faults.limit(
        name, world.kernel.now, store.in_progress + 1
    ):
        by.arrow("fault", name, by.host.name, "throttled: tried again")
        world.kernel.after(THROTTLE_BACKOFF, _at_store, world, name, by, act, *arguments)
        return
    store.in_progress += 1
    world.kernel.after(store.latency(), _act_at_store, world, store, by, act, arguments)


def _act_at_store(
    world: World,
    store: SimulatedStore,
    by: Invocation,
    act: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    store.in_progress -= 1
    try:
        if world.faults.outages and world.faults.outage(store.name, world.kernel.now):
            raise Unavailable(f"{store.name} cannot be reached")
        act(by, store, *arguments)
    except (WorldError, ValueError) as error:
        name = CONFLICT if isinstance(error, VersionConflict) else type(error).__name__
        by.arrow("return", store.name, by.host.name, f"{name}:", Failed(0, str(error)))
        by.resume(error)


def _now(world: World, _operation: ops.Now, by: Invocation) -> None:
    by.resume(world.kernel.now)


def _publish(world: World, operation: ops.Publish, by: Invocation) -> None:
    event = operation.event.stamped(world.kernel.now)
    out = world.bus.publish(event, by.host.name)
    result = Unavailable(f"{world.bus.name} cannot be reached") if out else None
    world.kernel.after(by.host.invoke_latency(), by.resume, result)


def _ask(world: World, operation: ops.Ask, by: Invocation) -> None:
    party = world.externals[operation.party]
    detail = Asked(operation.key, operation.request)
    by.arrow("call", by.host.name, party.name, operation.label, detail)
    open_call = [True]

    def close(result: Answer | WorldError, kind: str, label: str, outcome: str) -> None:
        if not open_call:
            return
        open_call.clear()
        detail = Asked(operation.key, operation.request, outcome)
        source, target = (party.name if kind == "return" else by.host.name), by.host.name
        by.arrow(kind, source, target, label, detail)
        by.resume(result)

    def answered(answer: Answer) -> None:
        close(answer, "return", str(answer.status), answer.outcome)

    def refused() -> None:
        error = Unavailable(f"{party.name} cannot be reached")
        close(error, "return", "503", "unavailable")

    def silent() -> None:
        error = TimedOut(f"no answer from {party.name} within {operation.timeout} ms")
        close(error, "note", f"no response within {operation.timeout} ms:", "timeout")

    down = world.faults.outage(party.name, world.kernel.now) is not None
    party.ask(operation, down, by.saga, answered, refused)
    world.kernel.after(operation.timeout, silent)


def _invoke(world: World, operation: ops.Invoke, by: Invocation) -> None:
    service = world.hosts[operation.service]

    def done(result: Any, error: BaseException | None) -> None:
        label = intern(str(result)) if error is None else "failed"
        by.arrow("return", service.name, by.host.name, label)
        by.resume(result if error is None else error)

    service.invoke(operation.command, by.host.name, by.saga, done)


def _tell(world: World, operation: ops.Tell, by: Invocation) -> None:
    by.arrow("call", by.host.name, operation.person, operation.text)
    world.kernel.after(by.host.invoke_latency(), by.resume, None)


def _pause(world: World, _operation: ops.Pause, by: Invocation) -> None:
    by.host.paused = True
    by.arrow("note", by.host.name, by.host.name, "stops taking messages")
    if by.host.running <= 1:
        world.kernel.after(0, by.resume, None)
    else:
        by.host.on_idle.append(lambda: by.resume(None))


def _resume(world: World, _operation: ops.Resume, by: Invocation) -> None:
    by.host.paused = False
    by.arrow("note", by.host.name, by.host.name, "takes messages again")
    world.kernel.after(0, by.host.take)
    world.kernel.after(0, by.resume, None)


EFFECTS: dict[type, Callable[[World, Any, Invocation], None]] = {
    ops.Get: _get,
    ops.Commit: _commit,
    ops.Now: _now,
    ops.Publish: _publish,
    ops.Ask: _ask,
    ops.Invoke: _invoke,
    ops.Tell: _tell,
    ops.Pause: _pause,
    ops.Resume: _resume,
    ops.LatestSnapshot: archive.latest_snapshot,
    ops.ReadEvents: archive.read_events,
    ops.Restore: archive.restore,
    ops.DeliverAgain: archive.deliver_again,
}
