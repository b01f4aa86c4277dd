"""Effects: what the world does when a service asks for something, one function an operation.

Each is called with the world, the operation and the invocation that asked, and resumes that
invocation with the result when its time has come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sagakit.contract import operations as ops
from sagakit.contract.external import silent, unreachable
from sagakit.contract.ports import (
    Answer,
    Unavailable,
    VersionConflict,
    WorldError,
    event_of,
)
from sagakit.sim import archive
from sagakit.sim.invocation import Invocation
from sagakit.sim.store import SimulatedStore
from sagakit.trace.facts import (
    CONFLICT,
    CommitRepeated,
    Committed,
    Fact,
    ItemRead,
    Paused,
    ReadRequested,
    Resumed,
    Throttled,
    Told,
)
from sagakit.trace.narrator import (
    answered,
    asked,
    commit_requested,
    party_answered,
    party_silent,
    party_unreachable,
    store_refused,
)
from sagakit.trace.older import Attempt, Failed

if TYPE_CHECKING:
    from sagakit.sim.world import World

THROTTLE_BACKOFF = 50  # ms until a throttled store operation is tried again
RESUMED = "takes messages again"


def _get(world: World, operation: ops.Get, by: Invocation) -> None:
    store = world.stores[operation.store]
    by.tell(ReadRequested(by.host.name, store.name, operation.key))
    _when_store_acts(store, by, got, operation, by, store)


def got(operation: ops.Get, by: Invocation, store: SimulatedStore) -> None:
    try:
        item = store.get(operation.key)
    except WorldError as error:
        _refused(error, by, store)
        return
    by.tell(ItemRead(by.host.name, store.name, operation.key, item))
    by.resume(item)


def _commit(world: World, operation: ops.Commit, by: Invocation) -> None:
    store = world.stores[operation.store]
    request = commit_requested(by.host.name, operation, by.driver.last_read)
    by.tell(request)
    _when_store_acts(store, by, committed, operation, by, store, request.item)


def attempted(operation: ops.Commit, last_read: Any) -> tuple[str, Attempt]:
    """What a commit tries, as every world tells it."""
    item, unchanged = operation.item, False
    if item is None:
        label, following = "record", None
    else:
        unchanged = item == last_read
        label = "check" if unchanged else "update" if item.version else "put"
        following = item._replace(version=item.version + 1)
    outbox = ", ".join([event_of(entry).header.event_type for entry in operation.publish])
    return label, Attempt(following, unchanged, outbox)


def committed(operation: ops.Commit, by: Invocation, store: SimulatedStore, following: Any) -> None:
    written = _write(operation, by, store, following)
    if written is not None:
        by.resume(written.item)


def committed_unheard(
    operation: ops.Commit, by: Invocation, store: SimulatedStore, following: Any
) -> None:
    """The commit takes effect, its answer is lost, and the client's retry meets its own write."""
    if _write(operation, by, store, following, heard=False) is not None:
        store.begins()
        by.tell(CommitRepeated(by.host.name, store.name))
        committed(operation, by, store, following)


def _write(
    operation: ops.Commit,
    by: Invocation,
    store: SimulatedStore,
    following: Any,
    *,
    heard: bool = True,
) -> Committed | None:
    """Commit; what is refused is raised in the handler."""
    try:
        written = store.commit(
            operation.item, following, operation.publish, operation.handled,
            service=by.host.name, heard=heard,
        )  # fmt: skip
    except (WorldError, ValueError) as error:
        _refused(error, by, store)
        return None
    by.tell(written)
    return written


def _when_store_acts(
    store: SimulatedStore, by: Invocation, act: Callable[..., None], *arguments: Any
) -> None:
    """The store acts when its latency has passed; while it is throttled, the client waits."""
    if store.begins():
        store.kernel.after(store.latency(), act, *arguments)
    else:
        by.tell(Throttled(by.host.name, store.name))
        store.kernel.after(THROTTLE_BACKOFF, _when_store_acts, store, by, act, *arguments)


def _refused(error: Exception, by: Invocation, store: SimulatedStore) -> None:
    """What a store refuses is raised in the handler."""
    by.tell(store_refused(by.host.name, store.name, error))
    by.resume(error)


def refused(error: Exception) -> tuple[str, Failed]:
    """What a store refuses, as every world tells it."""
    name = CONFLICT if isinstance(error, VersionConflict) else type(error).__name__
    return f"{name}:", Failed(0, str(error))


def heard(result: Any, error: BaseException | None = None) -> str:
    """What an actor hears of a command, as every world tells it."""
    if error is not None:
        return str(error)
    return "done" if result is None else str(result)


def _now(world: World, _operation: ops.Now, by: Invocation) -> None:
    by.resume(world.kernel.clock)


def _publish(world: World, operation: ops.Publish, by: Invocation) -> None:
    world.kernel.after(by.host.invoke_latency(), published, operation, by)


def published(operation: ops.Publish, by: Invocation) -> None:
    bus = by.world.bus
    out = bus.publish(operation.event.stamped(by.kernel.now), by.host.name)
    by.resume(Unavailable(f"{bus.name} cannot be reached") if out else None)


class Call:
    """A request to an external party, until it is answered, refused, or given up."""

    receipt = 0  # a call has one deadline only

    def __init__(self, operation: ops.Ask, by: Invocation) -> None:
        self.operation = operation
        self.by = by
        self.saga = by.saga
        self.finished = False

    def answered(self, answer: Answer) -> None:
        self._close(answer, party_answered(self.by.host.name, self.operation, answer))

    def refused(self) -> None:
        error = unreachable(self.operation)
        self._close(error, party_unreachable(self.by.host.name, self.operation))

    def silent(self, _receipt: int) -> None:
        error = silent(self.operation)
        self._close(error, party_silent(self.by.host.name, self.operation))

    def _close(self, result: Answer | WorldError, fact: Fact) -> None:
        """The first to come counts; an answer that comes too late, or to nobody, goes unheard."""
        if self.finished or self.by.finished:
            return
        self.finished = True
        self.by.tell(fact)
        self.by.resume(result)


def _ask(world: World, operation: ops.Ask, by: Invocation) -> None:
    party, call = world.externals[operation.party], Call(operation, by)
    by.tell(asked(by.host.name, operation))
    down = world.faults.outage(party.name, world.kernel.now) is not None
    party.ask(call, down)
    world.open_call(operation.timeout, call)


def _invoke(world: World, operation: ops.Invoke, by: Invocation) -> None:
    service = world.hosts[operation.service]

    def done(result: Any, error: BaseException | None) -> None:
        by.tell(answered(service.name, by.host.name, result, error))
        by.resume(result if error is None else error)

    service.invoke(operation.command, by.host.name, by.saga, done)


def _tell(world: World, operation: ops.Tell, by: Invocation) -> None:
    by.tell(Told(by.host.name, operation.person, operation.text))
    world.kernel.after(by.host.invoke_latency(), by.resume, None)


def _pause(world: World, _operation: ops.Pause, by: Invocation) -> None:
    by.host.paused = True
    by.tell(Paused(by.host.name))
    if by.host.running <= 1:
        world.kernel.after(0, by.resume, None)
    else:
        by.host.on_idle.append(lambda: by.resume(None))


def _resume(world: World, _operation: ops.Resume, by: Invocation) -> None:
    by.host.paused = False
    by.tell(Resumed(by.host.name))
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
