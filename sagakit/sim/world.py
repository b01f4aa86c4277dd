"""The simulated world: puts a deployment on the kernel and performs what the services ask for.

    world = World(deployment, seed=0)
    world.request(0, "User", "API Gateway", command)
    trace = world.run()

It is the only writer of the trace. Nothing here knows what the services do.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sagakit.deployment import Deployment, Queue
from sagakit.events import Event, Header
from sagakit.ports import Answer, Backup, Delayed, TimedOut, Unavailable, VersionConflict, WorldError
from sagakit.sim import operations as ops
from sagakit.sim.bus import SimulatedBus, published_label, queued_label
from sagakit.sim.external import Decide, Reaction, SimulatedExternal
from sagakit.sim.faults import Fault, FaultPlan
from sagakit.sim.invocation import Host, Invocation
from sagakit.sim.kernel import Kernel
from sagakit.sim.queue import Message, SimulatedQueue
from sagakit.sim.store import SimulatedStore
from sagakit.sim.trace import Asked, Attempt, Failed, FannedOut, Published, Read, Record, Restored, Trace

THROTTLE_BACKOFF = 50  # ms until a throttled store operation is tried again


def _approve(_request: ops.Ask, _number: int, _now: int) -> Reaction:
    return Reaction("approve")


class World:
    """One run of a deployment. Raises `ValueError` for faults that name what does not exist."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        seed: int = 0,
        faults: Iterable[Fault] = (),
        externals: Mapping[str, Decide] | None = None,
    ) -> None:
        self.kernel = Kernel(seed)
        self.timing = deployment.timing
        self.faults = FaultPlan(faults)
        self.trace = Trace(deployment.participants())
        self.write = self.trace.write
        self._check_faults(deployment)
        self._messages = self._invocations = 0
        self._snapshots: dict[str, Backup] = {}

        self.queues = {queue.name: self._queue(queue) for queue in deployment.queues}
        self.hosts = {
            function.name: Host(self, function, function.build(ops.SimulatedPorts()))
            for function in deployment.functions
        }
        targets: dict[str, Callable[[Event], None]] = {
            name: self._into(queue) for name, queue in self.queues.items()
        }
        for function in deployment.functions:
            for name in function.queues:
                self.hosts[function.name].listen(self.queues[name])
        for topic in deployment.topics:
            targets[topic.name] = self._fan_out(topic.name, topic.subscribers)
        self.bus = SimulatedBus(
            self.kernel, self.write, name=deployment.bus, rules=deployment.rules, targets=targets,
            faults=self.faults, latency=deployment.timing.bus,
        )  # fmt: skip
        self.stores = {
            table.name: SimulatedStore(
                self.kernel, name=table.name, owner=table.owner, store=self.timing.store,
                relay=self.timing.relay, publish=self._relay_of(table.owner),
            )
            for table in deployment.tables
        }  # fmt: skip
        externals = externals or {}
        self.externals = {
            one.name: SimulatedExternal(
                self.kernel, self.write, name=one.name, decide=externals.get(one.name, _approve),
                latency=self.timing.external,
            )
            for one in deployment.others if one.kind == "external"
        }  # fmt: skip
        for loss in self.faults.losses:
            self.kernel.after(loss.at, self._lose, self.stores[loss.store])

    # What a scenario asks for.

    def seed_store(self, name: str, items: Iterable[Any]) -> None:
        """Put items in a store before the run; each is a note in the trace."""
        store = self.stores[name]
        for item in items:
            item = item._replace(version=1)
            store.items[item.key] = item
            self._record("note", name, name, "opening", detail=Read(item.key, item))

    def request(self, at: int, actor: str, service: str, command: Any, saga: str | None = None) -> None:
        """Have an actor send a command to a service at a time (ms)."""

        def send() -> None:
            self.hosts[service].invoke(command, actor, saga, answered)

        def answered(result: Any, error: BaseException | None) -> None:
            label = str(result if error is None else error)
            self._record("return", service, actor, label, saga=saga)

        self.kernel.after(at, send)

    def publish(self, at: int, event: Event, source: str) -> None:
        """Have someone publish an event on the bus at a time (ms)."""
        self.kernel.after(at, lambda: self.bus.publish(event.stamped(self.kernel.now), source))

    def put(self, at: int, queue: str, text: str, source: str) -> None:
        """Have someone put a text in a queue at a time (ms), whatever it says."""

        def arrive() -> None:
            message = Message(self.next_message(), text)
            self._record("async", source, queue, "Queue (a text)", detail=message.queued)
            self.queues[queue].send(message)

        self.kernel.after(at, arrive)

    def snapshot(self, at: int, store: str, snapshots: str) -> None:
        """Take a snapshot of a store at a time (ms)."""

        def take() -> None:
            self._snapshots[store] = self.stores[store].backup()
            self._record("async", store, snapshots, "snapshot")

        self.kernel.after(at, take)

    def redrive(self, at: int, queue: str) -> None:
        """Have the dead letters of a queue sent back into it at a time (ms)."""
        self.kernel.after(at, self.queues[queue].redrive)

    def run(self) -> Trace:
        """Run until nothing is left to happen; returns the trace."""
        self.kernel.run()
        return self.trace

    # What the services ask for: one method an operation, called with who asked.

    def perform(self, operation: Any, by: Invocation) -> None:
        """Perform an operation and resume the invocation with its result, later."""
        performer = _PERFORMERS.get(type(operation))
        if performer is None:
            by.resume(TypeError(f"a handler may await ports only, not {operation!r:.80}"))
            return
        performer(self, operation, by)

    def _get(self, operation: ops.Get, by: Invocation) -> None:
        self._arrow("call", by, by.host.name, operation.store, "read item")
        self._at_store(operation, by, self._got)

    def _got(self, operation: ops.Get, by: Invocation, store: SimulatedStore) -> None:
        item = by.last_read = store.get(operation.key)
        self._arrow("return", by, store.name, by.host.name, "", Read(operation.key, item))
        by.resume(item)

    def _commit(self, operation: ops.Commit, by: Invocation) -> None:
        item = operation.item
        unchanged = item is not None and item == by.last_read
        attempt = Attempt(item, unchanged, tuple([_type_name(entry) for entry in operation.publish]))
        label = "record" if item is None else "check" if unchanged else "update" if item.version else "put"
        self._arrow("call", by, by.host.name, operation.store, label, attempt)
        self._at_store(operation, by, self._committed)

    def _committed(self, operation: ops.Commit, by: Invocation, store: SimulatedStore) -> None:
        written = store.commit(operation.item, operation.publish, operation.handled)
        self._arrow("return", by, store.name, by.host.name, "OK", written)
        by.resume(written.item)

    def _at_store(self, operation: Any, by: Invocation, act: Callable[..., None]) -> None:
        """The store acts when its latency has passed; what it refuses is raised in the handler."""
        store = self.stores[operation.store]
        if self.faults.throttles and store.in_progress >= self.faults.limit(
            store.name, self.kernel.now, store.in_progress + 1
        ):
            self._arrow("fault", by, store.name, by.host.name, "throttled: tried again")
            self.kernel.after(THROTTLE_BACKOFF, self._at_store, operation, by, act)
            return
        store.in_progress += 1
        self.kernel.after(store.latency(), self._act_at_store, operation, by, act, store)

    def _act_at_store(
        self, operation: Any, by: Invocation, act: Callable[..., None], store: SimulatedStore
    ) -> None:
        store.in_progress -= 1
        try:
            if self.faults.outages and self.faults.outage(store.name, self.kernel.now):
                raise Unavailable(f"{store.name} cannot be reached")
            act(operation, by, store)
        except WorldError as error:
            name = REFUSALS.get(type(error), f"{type(error).__name__}:")
            self._arrow("return", by, store.name, by.host.name, name, Failed(0, str(error)))
            by.resume(error)

    def _now(self, _operation: ops.Now, by: Invocation) -> None:
        by.resume(self.kernel.now)

    def _publish(self, operation: ops.Publish, by: Invocation) -> None:
        self.bus.publish(operation.event.stamped(self.kernel.now), by.host.name)
        self.kernel.after(by.host.invoke_latency(), by.resume, None)

    def _ask(self, operation: ops.Ask, by: Invocation) -> None:
        party = self.externals[operation.party]
        detail = Asked(operation.key, operation.request)
        self._arrow("call", by, by.host.name, party.name, operation.label, detail)
        open_call = [True]

        def close(result: Answer | WorldError, kind: str, label: str, outcome: str) -> None:
            if not open_call:
                return
            open_call.clear()
            detail = Asked(operation.key, operation.request, outcome)
            source, target = (party.name if kind == "return" else by.host.name), by.host.name
            self._arrow(kind, by, source, target, label, detail)
            by.resume(result)

        def answered(answer: Answer) -> None:
            close(answer, "return", str(answer.status), answer.outcome)

        def refused() -> None:
            error = Unavailable(f"{party.name} cannot be reached")
            close(error, "return", "503", "unavailable")

        def silent() -> None:
            error = TimedOut(f"no answer from {party.name} within {operation.timeout} ms")
            close(error, "note", f"no response within {operation.timeout} ms:", "timeout")

        down = self.faults.outage(party.name, self.kernel.now) is not None
        party.ask(operation, down, by.saga, answered, refused)
        self.kernel.after(operation.timeout, silent)

    def _invoke(self, operation: ops.Invoke, by: Invocation) -> None:
        service = self.hosts[operation.service]

        def done(result: Any, error: BaseException | None) -> None:
            label = "" if error is None else "failed"
            self._arrow("return", by, service.name, by.host.name, label or str(result))
            by.resume(result if error is None else error)

        service.invoke(operation.command, by.host.name, by.saga, done)

    def _tell(self, operation: ops.Tell, by: Invocation) -> None:
        self._arrow("call", by, by.host.name, operation.person, operation.text)
        self.kernel.after(by.host.invoke_latency(), by.resume, None)

    def _pause(self, _operation: ops.Pause, by: Invocation) -> None:
        by.host.paused = True
        self._arrow("note", by, by.host.name, by.host.name, "stops taking messages")
        if by.host.running <= 1:
            self.kernel.after(0, by.resume, None)
        else:
            by.host.on_idle.append(lambda: by.resume(None))

    def _resume(self, _operation: ops.Resume, by: Invocation) -> None:
        by.host.paused = False
        self._arrow("note", by, by.host.name, by.host.name, "takes messages again")
        self.kernel.after(0, by.host.take)
        self.kernel.after(0, by.resume, None)

    def _latest_snapshot(self, operation: ops.LatestSnapshot, by: Invocation) -> None:
        backup = self._snapshots.get(operation.store, Backup(0, (), frozenset(), ()))
        service, snapshots = by.host.name, operation.snapshots
        self._arrow("call", by, service, snapshots, "GET latest_snapshot")
        self._arrow("return", by, snapshots, service, f"snapshot taken at {_duration(backup.taken_at)}")
        self.kernel.after(by.host.invoke_latency(), by.resume, backup)

    def _read_events(self, operation: ops.ReadEvents, by: Invocation) -> None:
        service, archive = by.host.name, operation.events
        self._arrow("call", by, service, archive, "GET events since the snapshot")
        events = self._archived({cls.__name__: cls for cls in operation.types})
        self._arrow("return", by, archive, service, f"stream of {len(events)} events")
        self.kernel.after(by.host.invoke_latency(), by.resume, events)

    def _archived(self, types: Mapping[str, type[Event]]) -> tuple[Event, ...]:
        """The published events, read back from the trace: there is no second account of them."""
        found = {}
        for record in self.trace:
            detail = record.detail
            if record.target == self.bus.name and isinstance(detail, Published):
                cls = types.get(record.event or "")
                if cls is not None:
                    header = Header(record.event_id or "", record.correlation_id or "",
                                    detail.causation_id, cls.__name__, record.t, detail.version)  # fmt: skip
                    found[header.event_id] = cls(header=header, **detail.payload)
        return tuple(found.values())

    def _restore(self, operation: ops.Restore, by: Invocation) -> None:
        store = self.stores[operation.store]
        store.restore(operation.backup)
        items = operation.backup.items
        label = f"restore the base state: {len(items)} items"
        self._arrow("call", by, by.host.name, store.name, label, Restored(items))
        self.kernel.after(store.latency(), by.resume, None)

    def _deliver_again(self, operation: ops.DeliverAgain, by: Invocation) -> None:
        queue = by.host.queues[0]
        self._put(operation.event, queue, by.host.name, "async", "Queue again")
        self.kernel.after(by.host.invoke_latency(), by.resume, None)

    # How messages travel.

    def _into(self, queue: SimulatedQueue) -> Callable[[Event], None]:
        return lambda event: self._put(
            event, queue, self.bus.name, "async", queued_label(event.header.event_type)
        )

    def _put(
        self, event: Event, queue: SimulatedQueue, source: str, kind: str, label: str, delay: int = 0
    ) -> None:
        message = Message(self.next_message(), event)
        header = event.header
        self.write((
            self.kernel.now, kind, source, queue.shown_as, label, header.event_type,
            header.correlation_id, header.event_id, 0, message.queued,
        ))  # fmt: skip
        queue.send(message, delay)

    def _fan_out(self, topic: str, subscribers: Iterable[str]) -> Callable[[Event], None]:
        """A subscription is a queue of its own, shown as its topic."""
        queues = []
        for subscriber in subscribers:
            queue = self._queue(Queue(name=f"{topic} to {subscriber}", dead_letters=f"{topic} DLQ"), topic)
            self.hosts[subscriber].listen(queue)
            queues.append(queue)

        def arrive(event: Event) -> None:
            event_id, correlation_id, _, name, *_ = event.header
            messages = [Message(self.next_message(), event) for _ in queues]
            copies = FannedOut(tuple([message.message_id for message in messages]))
            self.write((self.kernel.now, "async", self.bus.name, topic, published_label(name), name,
                        correlation_id, event_id, 0, copies))  # fmt: skip
            for queue, message in zip(queues, messages, strict=True):
                queue.send(message)

        return arrive

    def _relay_of(self, owner: str) -> Callable[[Event | Delayed], None]:
        """Publishes what the owner's store has in its outbox."""

        def relay(entry: Event | Delayed) -> None:
            if isinstance(entry, Delayed):
                self._enqueue_again(entry, owner)
            else:
                self.bus.publish(entry, owner)

        return relay

    def _enqueue_again(self, entry: Delayed, owner: str) -> None:
        name = self.hosts[owner].function.retry_queue
        if name is None:
            raise ValueError(f"{owner} published a Delayed event but has no retry_queue: declare one")
        queue, event = self.queues[name], entry.event
        _, _, causation_id, _, _, version = event.header
        label = f"Enqueue ({event.remark})" if event.remark else "Enqueue"
        if entry.delay:
            label += f", delay {_duration(entry.delay)}"
        message = Message(self.next_message(), event)
        self.write((
            self.kernel.now, "call", owner, queue.shown_as, label, message.event,
            message.correlation_id, message.event_id, 0,
            Published(causation_id, version, event.payload(), message.message_id),
        ))  # fmt: skip
        queue.send(message, entry.delay)

    def _queue(self, queue: Queue, shown_as: str = "") -> SimulatedQueue:
        return SimulatedQueue(
            self.kernel, self.write, name=queue.name, shown_as=shown_as or queue.name,
            visibility=queue.visibility, receives=queue.receives, dead_letters=queue.dead_letters,
            poll=self.timing.poll, next_message=self.next_message,
        )  # fmt: skip

    # The rest.

    def next_message(self) -> int:
        self._messages += 1
        return self._messages

    def next_invocation(self) -> int:
        self._invocations += 1
        return self._invocations

    def _lose(self, store: SimulatedStore) -> None:
        items = tuple(store.items.values())
        store.lose()
        self._record("fault", store.name, store.name, "all data lost", detail=Restored(items))

    def _arrow(
        self, kind: str, by: Invocation, source: str, target: str, label: str, detail: Any = None
    ) -> None:
        self.write((self.kernel.now, kind, source, target, label, None, by.saga, by.event_id,
                    by.number, detail))  # fmt: skip

    def _record(
        self, kind: Any, source: str, target: str, label: str, *, saga: str | None = None, detail: Any = None
    ) -> None:
        self.write(Record(self.kernel.now, kind, source, target, label, None, saga, None, 0, detail))

    def _check_faults(self, deployment: Deployment) -> None:
        known = {one.name for one in self.trace.participants}
        for name in sorted(self.faults.participants() - known):
            raise ValueError(
                f"a fault names {name!r}, which is no participant: use one of "
                f"{', '.join(sorted(known))}"
            )
        tables = {table.name for table in deployment.tables}
        for loss in self.faults.losses:
            if loss.store not in tables:
                raise ValueError(f"{loss.store!r} cannot be lost: it is no store, as {tables} are")


REFUSALS = {VersionConflict: "ConditionalCheckFailedException:"}

_PERFORMERS: dict[type, Callable[[World, Any, Invocation], None]] = {
    ops.Get: World._get,
    ops.Commit: World._commit,
    ops.Now: World._now,
    ops.Publish: World._publish,
    ops.Ask: World._ask,
    ops.Invoke: World._invoke,
    ops.Tell: World._tell,
    ops.Pause: World._pause,
    ops.Resume: World._resume,
    ops.LatestSnapshot: World._latest_snapshot,
    ops.ReadEvents: World._read_events,
    ops.Restore: World._restore,
    ops.DeliverAgain: World._deliver_again,
}


def _type_name(entry: Event | Delayed) -> str:
    event = entry.event if isinstance(entry, Delayed) else entry
    return event.header.event_type


def _duration(ms: int) -> str:
    if ms % 60_000 == 0 and ms:
        minutes = ms // 60_000
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{ms / 1000:g} s"
