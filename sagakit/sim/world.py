"""The simulated world: puts a deployment on the kernel and performs what the services ask for.

    world = World(deployment, seed=0)
    world.request(0, "User", "API Gateway", command)
    trace = world.run()

It is the only writer of the trace. Nothing here knows what the services do.
"""

import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment
from sagakit.contract.events import Event
from sagakit.contract.external import Decide, Reaction
from sagakit.contract.faults import Fault, Known
from sagakit.contract.suggest import suggest
from sagakit.sim.bus import Transport
from sagakit.sim.effects import Effects
from sagakit.sim.external import SimulatedExternal
from sagakit.sim.faults import FaultPlan
from sagakit.sim.host import Host, Runtime
from sagakit.sim.kernel import Kernel
from sagakit.sim.queue import Message
from sagakit.sim.store import SimulatedStore
from sagakit.trace.facts import (
    Fact,
    Opening,
    Queued,
    Record,
    SnapshotMissed,
    SnapshotTaken,
    StillGoingOn,
    StoreLost,
)
from sagakit.trace.narrator import answered
from sagakit.trace.trace import Trace


def _approve(_request: ops.Ask, _number: int, _now: int) -> Reaction:
    return Reaction("approve")


def _must_be(name: str, what: str, known: Collection[str]) -> None:
    if name not in known:
        raise ValueError(f"there is no {what} {name!r}: {suggest(name, known)}")


class World:
    """One run of a deployment. Raises `ValueError` for faults that name what does not exist."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        seed: int = 0,
        faults: Iterable[Fault] = (),
        externals: Mapping[str, Decide] | None = None,
        kernel: Kernel | None = None,
    ) -> None:
        self.kernel = kernel or Kernel(seed)
        self.faults = FaultPlan(faults)
        self.trace = Trace(deployment.participants(), rules=deployment.rules)
        self._participants = {participant.name for participant in self.trace.participants}
        self.write = self.trace.write
        timing, kernel = deployment.timing, self.kernel
        self.transport = Transport(kernel, self.write, deployment, self.faults)
        self.bus, self.queues = self.transport.bus, self.transport.queues
        runtime = Runtime(kernel, self.write, self.faults, timing.invoke)
        self.hosts = {
            function.name: Host(
                runtime, function, function.make(ops.ServicePorts(function.name, deployment))
            )
            for function in deployment.functions
        }
        for function in deployment.functions:
            for name in function.queues:
                self.hosts[function.name].listen(self.queues[name])
        for subscriber, queue in self.transport.subscriptions:
            self.hosts[subscriber].listen(queue)
        self.stores = {
            table.name: SimulatedStore(
                kernel, name=table.name, latency=timing.store, relay=timing.relay,
                faults=self.faults, publish=self.transport.relay_of(table.owner),
            )
            for table in deployment.tables
        }  # fmt: skip
        externals = externals or {}
        self.externals = {
            party.name: SimulatedExternal(
                kernel, self.write, name=party.name, latency=timing.external,
                decide=externals.get(party.name, _approve),
            )
            for party in deployment.others if party.kind == "external"
        }  # fmt: skip
        self._effects = Effects(
            kernel, self.trace, self.faults, transport=self.transport, hosts=self.hosts,
            stores=self.stores, externals=self.externals,
        )  # fmt: skip
        runtime.perform = self._effects.perform
        if self.faults.all:
            self.faults.check(self._known(deployment))
        for loss in self.faults.losses:
            self.kernel.plan(loss.at, self._lose, self.stores[loss.store])

    # What a scenario asks for. Raises `ValueError` for a name that does not exist.

    def seed_store(self, name: str, items: Iterable[Any]) -> None:
        """Put items in a store before the run; each is a note in the trace."""
        _must_be(name, "store", self.stores)
        store = self.stores[name]
        for item in items:
            item = item._replace(version=1)
            store.items[item.key] = item
            self._tell(Opening(name, item))

    def request(
        self, at: int, actor: str, service: str, command: Any, saga: str | None = None
    ) -> None:
        """Have an actor send a command to a service at a time (ms)."""
        _must_be(actor, "participant", self._participants)
        _must_be(service, "service", self.hosts)

        def send() -> None:
            self.hosts[service].invoke(command, actor, saga, done)

        def done(result: Any, error: BaseException | None) -> None:
            self._tell(answered(service, actor, result, error), saga)

        self.kernel.plan(at, send)

    def publish(self, at: int, event: Event, source: str) -> None:
        """Have someone publish an event on the bus at a time (ms)."""
        _must_be(source, "participant", self._participants)

        def try_to() -> None:
            wait = self.bus.publish(event.stamped(self.kernel.now), source)
            if wait:
                self.kernel.after(wait, try_to)

        self.kernel.plan(at, try_to)

    def put(self, at: int, queue: str, text: str, source: str) -> None:
        """Have someone put a text in a queue at a time (ms), whatever it says."""
        _must_be(source, "participant", self._participants)
        _must_be(queue, "queue", self.queues)

        def arrive() -> None:
            message = Message(self.transport.next_message(), text)
            self._tell(Queued(source, queue, None, message.message_id, message.remark))
            self.queues[queue].send(message)

        self.kernel.plan(at, arrive)

    def snapshot(self, at: int, store: str, snapshots: str) -> None:
        """Take a snapshot of a store at a time (ms)."""
        _must_be(store, "store", self.stores)
        _must_be(snapshots, "participant", self._participants)

        def take() -> None:
            if self.stores[store].lost:
                self._tell(SnapshotMissed(store, snapshots))
                return
            self._effects.snapshots[store] = self.stores[store].backup()
            self._tell(SnapshotTaken(store, snapshots))

        self.kernel.plan(at, take)

    def redrive(self, at: int, queue: str) -> None:
        """Have the dead letters of a queue sent back into it at a time (ms)."""
        _must_be(queue, "queue", self.queues)
        self.kernel.plan(at, self.queues[queue].redrive)

    def give_up(self, at: int, most: int = sys.maxsize) -> None:
        """Have the run end at a time (ms), or after so many actions, even if something still goes
        on; a note says so then."""
        self.kernel.most = most
        self.kernel.plan(at, self._end)

    def run(self) -> Trace:
        """Run until nothing is left to happen; returns the trace."""
        self.kernel.run()
        self._end()
        return self.trace

    def _end(self) -> None:
        if self.kernel.stop():
            self._tell(StillGoingOn(self.bus.name))

    # The rest.

    def _lose(self, store: SimulatedStore) -> None:
        items = tuple(store.items.values())
        store.lose()
        self._tell(StoreLost(store.name, items))

    def _tell(self, fact: Fact, saga: str | None = None) -> None:
        self.write(Record(self.kernel.now, saga, None, 0, fact))

    def _known(self, deployment: Deployment) -> Known:
        delivered: dict[str, set[str]] = {name: set() for name in self.queues}
        for rule in deployment.rules:
            event = rule.rename or rule.event
            delivered.setdefault(rule.target, set()).add(event.__name__)
        handled = {
            name: {message.__name__ for message in host.handlers}
            for name, host in self.hosts.items()
        }
        return Known(delivered, handled, [*self.stores], [self.bus.name, *self.externals])
