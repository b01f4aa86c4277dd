"""The bus and the queues: who gets an event, and messages that come again until they are done.

A received message is hidden until its visibility timeout ends and then comes again, whoever was
at work on it: a killed process needs no clean-up. A message that was received too often stays in
the file as a dead letter, with the reason of its last failure.
"""

from typing import NamedTuple

from sagakit.contract.deployment import Deployment, Queue, Rule
from sagakit.contract.events import Event
from sagakit.contract.ports import Delayed
from sagakit.trace import facts, narrator
from sagakit.trace.facts import A_TEXT, NO_REASON, Fact, Record
from sagakit.worlds.invocation import told_of
from sagakit.worlds.packing import header_of
from sagakit.worlds.sqlite.database import Database


class Message(NamedTuple):
    """One receive of a message. `event`, `saga` and `event_id` are None for what is no event."""

    message_id: int
    body: str
    remark: str
    receives: int
    reason: str
    event: str | None
    saga: str | None
    event_id: str | None


class Shown(NamedTuple):
    """A queue and its name in the trace: a topic's subscription is shown as the topic."""

    queue: Queue
    name: str


class Mail:
    """Carries events from the services' outboxes into the queues of a deployment. All of it
    happens within a transaction of the caller."""

    def __init__(self, database: Database, deployment: Deployment) -> None:
        self._database = database
        self.bus = deployment.bus
        self.queues = {queue.name: Shown(queue, queue.name) for queue in deployment.queues}
        self._functions = {function.name: function for function in deployment.functions}
        self.queues_of = {name: list(function.queues) for name, function in self._functions.items()}
        self._copies: dict[str, list[str]] = {}
        for topic in deployment.topics:
            for subscriber in topic.subscribers:
                queue = topic.subscription(subscriber)
                self.queues[queue.name] = Shown(queue, topic.name)
                self.queues_of[subscriber].append(queue.name)
                self._copies.setdefault(topic.name, []).append(queue.name)
        self._rules: dict[type[Event], list[Rule]] = {}
        for rule in deployment.rules:
            self._rules.setdefault(rule.event, []).append(rule)

    # Into the queues.

    def publish(self, entry: Event | Delayed, service: str, now: int) -> None:
        """Have an event delivered by the rules, or later to the service itself."""
        if isinstance(entry, Delayed):
            event, queue = entry.event, self._functions[service].delay_queue
            message_id = self._put_event(queue, event, now + entry.delay)
            self._tell(
                event, now, narrator.postponed(service, queue, event, message_id, entry.delay)
            )
            return
        self._tell(entry, now, narrator.published(service, self.bus, entry))
        for rule in self._rules.get(type(entry), ()):
            event = entry
            if rule.rename:
                event = rule.rename.after(entry).stamped(now)
                self._tell(event, now, narrator.renamed(self.bus, rule.event, event))
            self._deliver(rule.target, event, now)

    def _deliver(self, target: str, event: Event, now: int) -> None:
        name, copies = event.header.event_type, self._copies.get(target, [target])
        ids = tuple([self._put_event(queue, event, now) for queue in copies])
        fact: Fact = facts.Queued(self.bus, target, name, ids[0], event.remark)
        if target in self._copies:
            fact = facts.FannedOut(self.bus, target, name, ids)
        self._tell(event, now, fact)

    def deliver_again(self, event: Event, service: str, now: int) -> None:
        """Put an archived event in the service's own queue once more."""
        queue = self.queues_of[service][0]
        message_id = self._put_event(queue, event, now)
        name = event.header.event_type
        self._tell(event, now, facts.DeliveredAgain(service, queue, name, message_id, event.remark))

    def _put_event(self, queue: str, event: Event, due: int) -> int:
        return self._put(queue, event.wire(), due, event.remark)

    def put_text(self, queue: str, text: str, due: int, source: str) -> None:
        """Put a text in a queue, to be received from `due` (ms) on."""
        message_id = self._put(queue, text, due, A_TEXT)
        queued = facts.Queued(source, queue, None, message_id, A_TEXT)
        self._database.write(Record(due, None, None, 0, queued))

    def _put(self, queue: str, text: str, due: int, remark: str) -> int:
        made = self._database.run(
            "INSERT INTO messages (queue, body, remark, due) VALUES (?, ?, ?, ?)",
            queue, text, remark, due,
        )  # fmt: skip
        assert made.lastrowid is not None
        return made.lastrowid

    # Out of them.

    def receive(self, name: str, most: int, now: int) -> list[Message]:
        """Take up to `most` messages that are due, and hide each for its visibility timeout."""
        queue, shown_as = self.queues[name]
        found = []
        rows = [*self._database.rows(
            "SELECT id, body, remark, receives, reason FROM messages "
            "WHERE dead = 0 AND queue = ? AND due <= ? ORDER BY due, id LIMIT ?",
            name, now, most,
        )]  # fmt: skip
        for message_id, body, remark, receives, reason in rows:
            message = Message(message_id, body, remark, receives, reason, *header_of(body))
            if receives == queue.receives:
                self._bury(message, queue, shown_as, now)
                continue
            if receives:
                again = facts.VisibleAgain(shown_as, message.event, message_id, receives, remark)
                self._record(message, now, again)
            self._database.run(
                "UPDATE messages SET due = ?, receives = receives + 1 WHERE id = ?",
                now + queue.visibility, message_id,
            )  # fmt: skip
            found.append(message._replace(receives=receives + 1))
        return found

    def delete(self, message: Message) -> None:
        """Delete a message that was handled; it stays if it has become a dead letter meanwhile."""
        self._database.run("DELETE FROM messages WHERE id = ? AND dead = 0", message.message_id)

    def failed(self, message: Message, reason: str) -> None:
        """Keep the reason: the message comes again when its visibility timeout ends."""
        self._database.run(
            "UPDATE messages SET reason = ? WHERE id = ?", reason, message.message_id
        )

    def redrive(self, name: str, now: int) -> int:
        """Send a queue's dead letters back into it, as new messages. Returns how many."""
        queue, shown_as = self.queues[name]
        letters = [*self._database.rows(
            "DELETE FROM messages WHERE dead = 1 AND queue = ? RETURNING id, body, remark", name
        )]  # fmt: skip
        for formerly, body, remark in letters:
            number = self._put(name, body, now, remark)
            message = Message(number, body, remark, 0, "", *header_of(body))
            back = facts.Redriven(queue.dead_letters, shown_as, message.event, number, formerly)
            self._record(message, now, back)
        return len(letters)

    def _bury(self, message: Message, queue: Queue, shown_as: str, now: int) -> None:
        number, reason = message.message_id, message.reason or NO_REASON
        self._database.run("UPDATE messages SET dead = 1, reason = ? WHERE id = ?", reason, number)
        dead = facts.DeadLettered(shown_as, queue.dead_letters, message.event, number, reason)
        self._record(message, now, dead)

    # The trace.

    def _tell(self, event: Event, now: int, fact: Fact) -> None:
        self._database.write(told_of(event, now, fact))

    def _record(self, message: Message, now: int, fact: Fact) -> None:
        self._database.write(Record(now, message.saga, message.event_id, 0, fact))
