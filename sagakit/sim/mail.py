"""How messages travel: over the bus into queues, from a topic to its subscribers, from outboxes."""

from collections.abc import Callable

from sagakit.contract.deployment import Deployment, Queue, Topic
from sagakit.contract.events import Event
from sagakit.contract.ports import Delayed
from sagakit.sim.bus import SimulatedBus
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Kernel
from sagakit.sim.queue import Message, SimulatedQueue
from sagakit.trace.facts import DeliveredAgain, Fact, FannedOut, Queued, Record
from sagakit.trace.narrator import postponed


class Mail:
    """The bus and the queues of one run.

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
        self._functions = {one.name: one for one in deployment.functions}
        self.queues = {queue.name: self._queue(queue) for queue in deployment.queues}
        self.subscriptions: list[tuple[str, SimulatedQueue]] = []
        targets = {name: self._into(queue) for name, queue in self.queues.items()}
        self.bus = SimulatedBus(
            kernel, write, name=deployment.bus, rules=deployment.rules,
            targets=targets | {topic.name: self._fan_out(topic) for topic in deployment.topics},
            faults=faults, latency=deployment.timing.bus,
        )  # fmt: skip

    def next_message(self) -> int:
        """The id of a new message."""
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
        """A subscription is a queue of its own, shown as its topic."""
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
