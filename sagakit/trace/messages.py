"""The life of every message: where it was put, how often it was received, and how it ended."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Literal

from sagakit.contract.deployment import Rule
from sagakit.trace import facts
from sagakit.trace.facts import Record, Seen


class Message:
    """One message in a queue.

    queue      the queue that it was put in
    event      the type of the event that it carries, None for a text
    saga       the saga, None for a text that nobody has read yet
    handled    true if a service acknowledged it
    dead       true if it is in the dead-letter queue
    in_flight  true from its receive until it is acknowledged or visible again (SQS's word)
    reason     why it was not handled the last time, or is dead
    last       the last record about it
    """

    __slots__ = ("dead", "event", "handled", "in_flight", "last", "queue", "reason", "saga")

    def __init__(self, queue: str, event: str | None, last: Seen) -> None:
        self.queue = queue
        self.event = event
        self.saga = last.record.saga
        self.handled = self.dead = self.in_flight = False
        self.reason = ""
        self.last = last

    @property
    def state(self) -> Literal["waiting", "done", "dead"]:
        """A dead letter stays dead: who acknowledges it then is too late."""
        return "dead" if self.dead else "done" if self.handled else "waiting"


class Messages:
    """All messages of a trace. `rules` say where its bus takes events.

    by_id       message id to message, in the order in which they came into being
    on_the_bus  (event id, target) to the publication, for what has not arrived at that target
    lost        what was seen to be lost
    idle        acknowledgements by an invocation that had taken no step for its message
    deliveries  (service, event id) to how often that service was given that event
    """

    def __init__(self, records: Iterable[Record], rules: Iterable[Rule] = ()) -> None:
        self.by_id: dict[int, Message] = {}
        self.on_the_bus: dict[tuple[str | None, str], Seen] = {}
        self.lost: list[Seen] = []
        self.idle: list[Seen] = []
        self.deliveries: Counter[tuple[str, str | None]] = Counter()
        self._without_step: set[int] = set()  # invocations that have a message and took no step
        self._routes = _routes(rules)
        take: dict[type, Callable[[Seen, Any], object]] = {
            facts.Published: self._published,
            facts.Renamed: self._renamed,
            facts.EventLost: self._event_lost,
            facts.FannedOut: self._fanned_out,
            facts.Queued: self._queued,
            facts.DeliveredAgain: self._queued,
            facts.Postponed: self._put,
            facts.Received: self._received,
            facts.VisibleAgain: self._visible_again,
            facts.Acknowledged: self._acknowledged,
            facts.Failed: self._failed,
            facts.DeadLettered: self._dead_lettered,
            facts.Redriven: self._redriven,
            facts.MessageLost: self._message_lost,
        }
        for index, record in enumerate(records):
            handler = take.get(type(record.fact))
            if handler is not None:
                handler(Seen(index, record), record.fact)
            elif record.invocation:
                self._without_step.discard(record.invocation)

    def _put(self, seen: Seen, fact: Any) -> Message:
        """Return the message of a fact, which is a new one unless it is known."""
        message = self.by_id.get(fact.message_id)
        if message is None:
            message = self.by_id[fact.message_id] = Message(fact.queue, fact.event, seen)
        else:
            message.last = seen
        return message

    # On the bus.

    def _published(self, seen: Seen, fact: facts.Published) -> None:
        for target in self._routes.get((fact.event, False), ()):
            self.on_the_bus[seen.record.event_id, target] = seen

    def _renamed(self, seen: Seen, fact: facts.Renamed) -> None:
        for target in self._routes.get((fact.event, True), ()):
            self.on_the_bus.pop((fact.causation_id, target), None)
            self.on_the_bus[seen.record.event_id, target] = seen

    def _event_lost(self, seen: Seen, fact: facts.EventLost) -> None:
        self.on_the_bus.pop((seen.record.event_id, fact.target), None)
        self.lost.append(seen)

    def _fanned_out(self, seen: Seen, fact: facts.FannedOut) -> None:
        self.on_the_bus.pop((seen.record.event_id, fact.topic), None)
        for message_id in fact.message_ids:
            self.by_id[message_id] = Message(fact.topic, fact.event, seen)

    # In a queue.

    def _queued(self, seen: Seen, fact: facts.Queued) -> None:
        self.on_the_bus.pop((seen.record.event_id, fact.queue), None)
        self._put(seen, fact)

    def _received(self, seen: Seen, fact: facts.Received) -> None:
        self._put(seen, fact).in_flight = True
        self._without_step.add(seen.record.invocation)
        self.deliveries[fact.service, seen.record.event_id] += 1

    def _visible_again(self, seen: Seen, fact: facts.VisibleAgain) -> None:
        self._put(seen, fact).in_flight = False

    def _acknowledged(self, seen: Seen, fact: facts.Acknowledged) -> None:
        if seen.record.invocation in self._without_step:
            self.idle.append(seen)
        message = self.by_id.get(fact.message_id)
        if message is not None:
            message.last = seen
            message.handled = True
            message.in_flight = False
            message.saga = message.saga or seen.record.saga

    def _failed(self, seen: Seen, fact: facts.Failed | facts.DeadLettered) -> Message | None:
        self._without_step.discard(seen.record.invocation)
        message = self.by_id.get(fact.message_id)
        if message is not None:
            message.last = seen
            message.reason = fact.reason
            message.saga = message.saga or seen.record.saga
        return message

    def _dead_lettered(self, seen: Seen, fact: facts.DeadLettered) -> None:
        message = self._failed(seen, fact)
        if message is not None:
            message.dead = True

    def _redriven(self, seen: Seen, fact: facts.Redriven) -> None:
        self.by_id.pop(fact.formerly, None)
        self._put(seen, fact)

    def _message_lost(self, seen: Seen, fact: facts.MessageLost) -> None:
        self._without_step.discard(seen.record.invocation)
        if self.by_id.pop(fact.message_id, None) is not None:
            self.lost.append(seen)


def _routes(rules: Iterable[Rule]) -> dict[tuple[str, bool], list[str]]:
    """Return where the bus takes an event, by its name and whether a rule gave it that name."""
    routes: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for rule in rules:
        routes[rule.event.__name__, False].append(rule.target)
        if rule.rename is not None:
            routes[rule.rename.__name__, True].append(rule.target)
    return dict(routes)
