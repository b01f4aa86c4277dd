"""The bus (EventBridge-like): rules match an event by type and put it in queues or topics.

At least once, and with no order across events. A rule may rename what it delivers (an input
transformer). Faults strike here: a delivery may be doubled, lost, late or overtaken.

`Transport` puts it together with the queues and topics of a deployment.
"""

from collections.abc import Callable, Iterable

from sagakit.contract.deployment import Deployment, Queue, Rule, Topic
from sagakit.contract.events import Event
from sagakit.contract.faults import Delay, Drop, Duplicate, Reorder
from sagakit.contract.ports import Delayed
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Kernel
from sagakit.sim.queue import Message, SimulatedQueue
from sagakit.trace.facts import (
    DeliveredAgain,
    EventDelayed,
    EventDoubled,
    EventHeldBack,
    EventLost,
    Fact,
    FannedOut,
    PublishRefused,
    Queued,
    Record,
)
from sagakit.trace.narrator import postponed, published, renamed

LONGEST_HOLD = 60_000  # ms a reordered message waits for the next one, if none comes

Arrive = Callable[[Event], None]


class SimulatedBus:
    """Carries events from publishers to the targets of its rules."""

    def __init__(
        self,
        kernel: Kernel,
        write: Callable[[Record], None],
        *,
        name: str,
        rules: Iterable[Rule],
        targets: dict[str, Arrive],
        faults: FaultPlan,
        latency: tuple[int, int],
    ) -> None:
        self.name = name
        self._kernel = kernel
        self._write = write
        self._faults = faults
        self._latency = kernel.duration(name, latency)
        self._rules: dict[type[Event], list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.event, []).append(rule)
        self._targets = targets
        self._held: dict[str, list[Event]] = {}

    def publish(self, event: Event, source: str) -> int:
        """Take an event in and deliver it by the rules.

        Returns 0, or, if the bus is out and has not taken it, the ms until it is back.
        """
        outage = self._faults.outages and self._faults.outage(self.name, self._kernel.now)
        if outage:
            self._tell(event, PublishRefused(source, self.name, event.header.event_type))
            return outage.end - self._kernel.now
        self._tell(event, published(source, self.name, event))
        for rule in self._rules.get(type(event), ()):
            self._deliver(rule.target, self._renamed(event, rule.rename) if rule.rename else event)
        return 0

    def _renamed(self, event: Event, name: type[Event]) -> Event:
        into = name.after(event).stamped(self._kernel.now)
        self._tell(into, renamed(self.name, type(event), into))
        return into

    def _deliver(self, target: str, event: Event) -> None:
        delay = self._latency()
        if not self._faults.all:
            self._kernel.after(delay, self._targets[target], event)
            return
        header = event.header
        name = header.event_type
        fault = self._faults.on_message(target, name, header.correlation_id)
        if isinstance(fault, Drop):
            self._tell(event, EventLost(self.name, target, name))
            return
        if isinstance(fault, Reorder):
            self._tell(event, EventHeldBack(self.name, target, name))
            self._held.setdefault(target, []).append(event)
            self._kernel.after(LONGEST_HOLD, self._wait_no_longer, target, event, delay)
            return
        if isinstance(fault, Delay):
            self._tell(event, EventDelayed(self.name, target, name, fault.by))
            delay += fault.by
        if isinstance(fault, Duplicate):
            self._tell(event, EventDoubled(self.name, target, name))
            self._kernel.after(delay + fault.after, self._targets[target], event)
        self._kernel.after(delay, self._targets[target], event)
        self._release(target, delay)

    def _release(self, target: str, delay: int) -> None:
        for held in self._held.pop(target, ()):
            self._kernel.after(delay, self._targets[target], held)

    def _wait_no_longer(self, target: str, event: Event, delay: int) -> None:
        if event in self._held.get(target, ()):
            self._held[target].remove(event)
            self._kernel.after(delay, self._targets[target], event)

    def _tell(self, event: Event, fact: Fact) -> None:
        event_id, saga, *_ = event.header
        self._write(Record(self._kernel.now, saga, event_id, 0, fact))


class Transport:
    """The bus and the queues of one run. Events travel over the bus into queues, from a topic to
    its subscribers, and from outboxes.

    queues         by name
    subscriptions  of topics: the subscriber and the queue that it has to listen to
    """

    def __init__(
        self,
        kernel: Kernel,
        write: Callable[[Record], None],
        deployment: Deployment,
        faults: FaultPlan,
    ) -> None:
        self._kernel = kernel
        self._write = write
        self._poll = deployment.timing.poll
        self._messages = 0
        self._functions = {function.name: function for function in deployment.functions}
        self.queues = {queue.name: self._queue(queue) for queue in deployment.queues}
        self.subscriptions: list[tuple[str, SimulatedQueue]] = []
        targets = {name: self._into(queue) for name, queue in self.queues.items()}
        self.bus = SimulatedBus(
            kernel, write, name=deployment.bus, rules=deployment.rules,
            targets=targets | {topic.name: self._fan_out(topic) for topic in deployment.topics},
            faults=faults, latency=deployment.timing.bus,
        )  # fmt: skip

    def next_message(self) -> int:
        """Return the id of a new message."""
        self._messages += 1
        return self._messages

    def deliver_again(self, event: Event, queue: SimulatedQueue, service: str) -> None:
        """Put an archived event in the queue of its service once more."""
        message = Message(self.next_message(), event)
        self._tell(event, DeliveredAgain(
            service, queue.shown_as, event.header.event_type, message.message_id, message.remark
        ))  # fmt: skip
        queue.send(message)

    def _tell(self, event: Event, fact: Fact) -> None:
        event_id, saga, *_ = event.header
        self._write(Record(self._kernel.now, saga, event_id, 0, fact))

    def relay_of(self, owner: str) -> Callable[[Event | Delayed], int]:
        """Publishes what its outbox has. Returns 0, or the ms until the bus is back."""

        def relay(entry: Event | Delayed) -> int:
            if not isinstance(entry, Delayed):
                return self.bus.publish(entry, owner)
            self._enqueue_again(entry, owner)
            return 0

        return relay

    def _enqueue_again(self, entry: Delayed, owner: str) -> None:
        queue, event = self.queues[self._functions[owner].delay_queue], entry.event
        message = Message(self.next_message(), event)
        number = message.message_id
        self._tell(event, postponed(owner, queue.shown_as, event, number, entry.delay))
        queue.send(message, entry.delay)

    def _into(self, queue: SimulatedQueue) -> Callable[[Event], None]:
        def arrive(event: Event) -> None:
            event_id, saga, _, name, *_ = event.header
            message = Message(self.next_message(), event)
            fact = Queued(self.bus.name, queue.shown_as, name, message.message_id, message.remark)
            self._write(Record(self._kernel.now, saga, event_id, 0, fact))
            queue.send(message)

        return arrive

    def _fan_out(self, topic: Topic) -> Callable[[Event], None]:
        """Return what delivers to a topic: a queue for each subscriber, shown as the topic."""
        queues = []
        for subscriber in topic.subscribers:
            queue = self._queue(topic.subscription(subscriber), topic.name)
            self.subscriptions.append((subscriber, queue))
            queues.append(queue)

        def arrive(event: Event) -> None:
            messages = [Message(self.next_message(), event) for _ in queues]
            numbers = tuple([message.message_id for message in messages])
            name = event.header.event_type
            self._tell(event, FannedOut(self.bus.name, topic.name, name, numbers))
            for queue, message in zip(queues, messages, strict=True):
                queue.send(message)

        return arrive

    def _queue(self, queue: Queue, shown_as: str = "") -> SimulatedQueue:
        return SimulatedQueue(
            self._kernel, self._write, name=queue.name, shown_as=shown_as or queue.name,
            visibility=queue.visibility, receives=queue.receives, dead_letters=queue.dead_letters,
            poll=self._poll, next_message=self.next_message,
        )  # fmt: skip
