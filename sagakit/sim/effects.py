"""Effects: what the world does when a service asks for something, one function an operation.

Each is called with the operation and the invocation that asked, and resumes that invocation with
the result when its time has come.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.ports import NO_BACKUP, Backup, Unavailable, WorldError
from sagakit.sim.bus import SimulatedBus, Transport
from sagakit.sim.external import PendingRequest, SimulatedExternal
from sagakit.sim.faults import FaultPlan
from sagakit.sim.host import Host, Invocation
from sagakit.sim.kernel import Deadlines, Kernel
from sagakit.sim.store import SimulatedStore
from sagakit.trace.facts import (
    CommitRepeated,
    Committed,
    EventsRead,
    EventsRequested,
    ItemRead,
    Paused,
    ReadRequested,
    Restored,
    Resumed,
    SnapshotRead,
    SnapshotRequested,
    Throttled,
    Told,
)
from sagakit.trace.narrator import answered, asked, commit_requested, store_refused
from sagakit.trace.trace import Trace, archived

THROTTLE_BACKOFF = 50  # ms until a throttled store operation is tried again


class Effects:
    """Performs what services await, on the parts of one world. `snapshots` is store to backup."""

    def __init__(
        self,
        kernel: Kernel,
        trace: Trace,
        faults: FaultPlan,
        *,
        transport: Transport,
        hosts: Mapping[str, Host],
        stores: Mapping[str, SimulatedStore],
        externals: Mapping[str, SimulatedExternal],
    ) -> None:
        self.snapshots: dict[str, Backup] = {}
        self._kernel = kernel
        self._trace = trace
        self._faults = faults
        self._transport = transport
        self._hosts = hosts
        self._stores = stores
        self._externals = externals
        self._deadlines: dict[int, Deadlines] = {}
        self._effects: dict[type, Callable[[Any, Invocation], None]] = {
            ops.Get: self._get,
            ops.Commit: self._commit,
            ops.Now: self._now,
            ops.Publish: self._publish,
            ops.Ask: self._ask,
            ops.Invoke: self._invoke,
            ops.Tell: self._tell,
            ops.Pause: self._pause,
            ops.Resume: self._resume,
            ops.LatestSnapshot: self._latest_snapshot,
            ops.ReadEvents: self._read_events,
            ops.Restore: self._restore,
            ops.DeliverAgain: self._deliver_again,
        }

    def perform(self, operation: Any, by: Invocation) -> None:
        """Perform what a handler awaits, and resume it with the result when its time has come."""
        effect = self._effects.get(type(operation))
        if effect is None:
            by.resume(TypeError(f"a handler may await ports only, not {operation!r:.80}"))
        else:
            effect(operation, by)

    # Stores.

    def _get(self, operation: ops.Get, by: Invocation) -> None:
        store = self._stores[operation.store]
        by.tell(ReadRequested(by.host.name, store.name, operation.key))
        _when_store_acts(store, by, got, operation, by, store)

    def _commit(self, operation: ops.Commit, by: Invocation) -> None:
        store = self._stores[operation.store]
        request = commit_requested(by.host.name, operation, by.driver.last_read)
        by.tell(request)
        _when_store_acts(store, by, committed, operation, by, store, request.item)

    # Events, other services, people, and the clock.

    def _now(self, _operation: ops.Now, by: Invocation) -> None:
        by.resume(self._kernel.clock)

    def _publish(self, operation: ops.Publish, by: Invocation) -> None:
        delay = by.host.invoke_latency()
        self._kernel.step(delay, by, published, operation, by, self._transport.bus)

    def _invoke(self, operation: ops.Invoke, by: Invocation) -> None:
        service = self._hosts[operation.service]

        def done(result: Any, error: BaseException | None) -> None:
            by.tell(answered(service.name, by.host.name, result, error))
            by.resume(result if error is None else error)

        service.invoke(operation.command, by.host.name, by.saga, done)

    def _tell(self, operation: ops.Tell, by: Invocation) -> None:
        by.tell(Told(by.host.name, operation.person, operation.text))
        self._soon(by, None)

    # External parties.

    def _ask(self, operation: ops.Ask, by: Invocation) -> None:
        party, request = self._externals[operation.party], PendingRequest(operation, by)
        by.tell(asked(by.host.name, operation))
        down = self._faults.outage(party.name, self._kernel.now) is not None
        party.ask(request, down)
        deadlines = self._deadlines.get(operation.timeout)
        if deadlines is None:
            deadlines = Deadlines(self._kernel, operation.timeout, PendingRequest.silent)
            self._deadlines[operation.timeout] = deadlines
        deadlines.begin(request)

    # The intake and the archive.

    def _pause(self, _operation: ops.Pause, by: Invocation) -> None:
        by.host.paused = True
        by.tell(Paused(by.host.name))
        if by.host.running <= 1:
            self._kernel.after(0, by.resume, None)
        else:
            by.host.on_idle.append(lambda: by.resume(None))

    def _resume(self, _operation: ops.Resume, by: Invocation) -> None:
        by.host.paused = False
        by.tell(Resumed(by.host.name))
        self._kernel.after(0, by.host.take)
        self._kernel.after(0, by.resume, None)

    def _latest_snapshot(self, operation: ops.LatestSnapshot, by: Invocation) -> None:
        backup = self.snapshots.get(operation.store, NO_BACKUP)
        by.tell(SnapshotRequested(by.host.name, operation.snapshots))
        by.tell(SnapshotRead(by.host.name, operation.snapshots, backup.taken_at))
        self._soon(by, backup)

    def _read_events(self, operation: ops.ReadEvents, by: Invocation) -> None:
        by.tell(EventsRequested(by.host.name, operation.events))
        events = archived(self._trace.entries, operation.types)
        by.tell(EventsRead(by.host.name, operation.events, len(events)))
        self._soon(by, events)

    def _restore(self, operation: ops.Restore, by: Invocation) -> None:
        store = self._stores[operation.store]
        store.restore(operation.backup)
        by.tell(Restored(by.host.name, store.name, operation.backup.items))
        self._kernel.after(store.latency(), by.resume, None)

    def _deliver_again(self, operation: ops.DeliverAgain, by: Invocation) -> None:
        self._transport.deliver_again(operation.event, by.host.queues[0], by.host.name)
        self._soon(by, None)

    def _soon(self, by: Invocation, result: Any) -> None:
        self._kernel.after(by.host.invoke_latency(), by.resume, result)


# What happens when a step's time has come.


def got(operation: ops.Get, by: Invocation, store: SimulatedStore) -> None:
    try:
        item = store.get(operation.key)
    except WorldError as error:
        _refused(error, by, store)
        return
    by.tell(ItemRead(by.host.name, store.name, operation.key, item))
    by.resume(item)


def committed(operation: ops.Commit, by: Invocation, store: SimulatedStore, following: Any) -> None:
    written = _write(operation, by, store, following)
    if written is not None:
        by.resume(written.item)


def committed_unheard(
    operation: ops.Commit, by: Invocation, store: SimulatedStore, following: Any
) -> None:
    """Commit, and lose the answer: the client's retry meets its own write."""
    if _write(operation, by, store, following, heard=False) is not None:
        store.begins()
        by.tell(CommitRepeated(by.host.name, store.name))
        committed(operation, by, store, following)


def published(operation: ops.Publish, by: Invocation, bus: SimulatedBus) -> None:
    out = bus.publish(operation.event.stamped(by.kernel.now), by.host.name)
    by.resume(Unavailable(f"{bus.name} cannot be reached") if out else None)


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


def _refused(error: Exception, by: Invocation, store: SimulatedStore) -> None:
    by.tell(store_refused(by.host.name, store.name, error))
    by.resume(error)


def _when_store_acts(
    store: SimulatedStore, by: Invocation, act: Callable[..., None], *arguments: Any
) -> None:
    """Have the store act after its latency; while it is throttled, the client waits."""
    if store.begins():
        store.kernel.step(store.latency(), by, act, *arguments)
    else:
        by.tell(Throttled(by.host.name, store.name))
        store.kernel.after(THROTTLE_BACKOFF, _when_store_acts, store, by, act, *arguments)
