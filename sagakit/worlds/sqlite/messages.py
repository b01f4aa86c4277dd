"""The bus and the queues: who gets an event, and messages that come again until they are done.

A received message is hidden until its visibility timeout ends and then comes again, whoever was
at work on it: a killed process needs no clean-up. A message that was received too often stays in
the file as a dead letter, with the reason of its last failure.
"""

from typing import NamedTuple

from sagakit.contract.deployment import Deployment, Queue, Rule
from sagakit.contract.events import Event
from sagakit.contract.ports import Delayed
from sagakit.sim.bus import published_label, queued_label, renamed_label
from sagakit.sim.queue import NO_REASON
from sagakit.trace.trace import (
    A_TEXT,
    Detail,
    Failed,
    FannedOut,
    Kind,
    Published,
    Queued,
    Record,
    Redriven,
    duration,
)
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

    @property
    def queued(self) -> Queued:
        return Queued(self.message_id, self.receives, self.remark)


class Place(NamedTuple):
    """A queue and its name in the trace: a topic's subscription is shown as the topic."""

    queue: Queue
    shown_as: str


class Mail:
    """Carries events from the services' outboxes into the queues of a deployment. All of it
    happens within a transaction of the caller."""

    def __init__(self, database: Database, deployment: Deployment) -> None:
        self._database = database
        self.bus = deployment.bus
        self.places = {queue.name: Place(queue, queue.name) for queue in deployment.queues}
        self.queues_of = {one.name: list(one.queues) for one in deployment.functions}
        self._functions = {one.name: one for one in deployment.functions}
        self._copies: dict[str, list[str]] = {}
        for topic in deployment.topics:
            for subscriber in topic.subscribers:
                queue = topic.subscription(subscriber)
                self.places[queue.name] = Place(queue, topic.name)
                self.queues_of[subscriber].append(queue.name)
                self._copies.setdefault(topic.name, []).append(queue.name)
        self._rules: dict[type[Event], list[Rule]] = {}
        for rule in deployment.rules:
            self._rules.setdefault(rule.event, []).append(rule)

    # Into the queues.

    def publish(self, entry: Event | Delayed, service: str, now: int) -> None:
        """Have an event delivered by the rules, or later to the service itself."""
        if isinstance(entry, Delayed):
            self._later(entry, service, now)
            return
        self._note(now, "async", service, self.bus, published_label(_type(entry)), entry)
        for rule in self._rules.get(type(entry), ()):
            event = entry
            if rule.rename:
                event = rule.rename.after(entry).stamped(now)
                label = renamed_label(_type(entry), _type(event))
                self._note(now, "note", self.bus, self.bus, label, event)
            self._deliver(rule.target, event, now)

    def _deliver(self, target: str, event: Event, now: int) -> None:
        queues = self._copies.get(target, [target])
        ids = tuple([self._put(queue, event, now) for queue in queues])
        detail = FannedOut(ids) if target in self._copies else Queued(ids[0], 0, event.remark)
        label = published_label if target in self._copies else queued_label
        self._database.write(
            _about(event, now, "async", self.bus, target, label(_type(event)), detail)
        )

    def deliver_again(self, event: Event, service: str, now: int) -> None:
        """Put an archived event in the service's own queue once more."""
        queue = self.queues_of[service][0]
        detail = Queued(self._put(queue, event, now), 0, event.remark)
        self._database.write(_about(event, now, "async", service, queue, "Queue again", detail))

    def _later(self, entry: Delayed, service: str, now: int) -> None:
        queue, event = self._functions[service].delay_queue, entry.event
        label = f"Enqueue ({event.remark})" if event.remark else "Enqueue"
        if entry.delay:
            label += f", delay {duration(entry.delay)}"
        message_id = self._put(queue, event, now + entry.delay)
        self._note(now, "call", service, queue, label, event, message_id)

    def _put(self, queue: str, event: Event, due: int) -> int:
        return self.put(queue, event.wire(), due, event.remark)

    def put(self, queue: str, text: str, due: int, remark: str = A_TEXT) -> int:
        """Put a text in a queue, to be received from `due` (ms) on. Returns its message id."""
        made = self._database.run(
            "INSERT INTO messages (queue, body, remark, due) VALUES (?, ?, ?, ?)",
            queue, text, remark, due,
        )  # fmt: skip
        assert made.lastrowid is not None
        return made.lastrowid

    # Out of them.

    def receive(self, queue: str, most: int, now: int) -> list[Message]:
        """Take up to `most` messages that are due, and hide each for its visibility timeout."""
        place, found = self.places[queue], []
        rows = [*self._database.rows(
            "SELECT id, body, remark, receives, reason FROM messages "
            "WHERE dead = 0 AND queue = ? AND due <= ? ORDER BY due, id LIMIT ?",
            queue, now, most,
        )]  # fmt: skip
        for message_id, body, remark, receives, reason in rows:
            message = Message(message_id, body, remark, receives, reason, *header_of(body))
            if receives == place.queue.receives:
                self._bury(message, place, now)
                continue
            if receives:
                self._record(message, now, "note", place.shown_as, place.shown_as, "visible again")
            hidden = now + place.queue.visibility
            self._database.run(
                "UPDATE messages SET due = ?, receives = receives + 1 WHERE id = ?",
                hidden, message_id,
            )  # fmt: skip
            found.append(message._replace(receives=receives + 1))
        return found

    def delete(self, message: Message) -> bool:
        """A message is done with; it stays if it has become a dead letter meanwhile. Returns
        whether it was still there."""
        gone = self._database.run(
            "DELETE FROM messages WHERE id = ? AND dead = 0", message.message_id
        )
        return bool(gone.rowcount)

    def failed(self, message: Message, reason: str) -> None:
        """Keep the reason: the message comes again when its visibility timeout ends."""
        self._database.run(
            "UPDATE messages SET reason = ? WHERE id = ?", reason, message.message_id
        )

    def redrive(self, queue: str, now: int) -> int:
        """Send a queue's dead letters back into it, as new messages. Returns how many."""
        place = self.places[queue]
        letters = [*self._database.rows(
            "DELETE FROM messages WHERE dead = 1 AND queue = ? RETURNING id, body, remark", queue
        )]  # fmt: skip
        for formerly, body, remark in letters:
            message_id = self.put(queue, body, now, remark)
            message = Message(message_id, body, remark, 0, "", *header_of(body))
            self._record(
                message, now, "async", place.queue.dead_letters, place.shown_as, "Redrive",
                Redriven(message_id, formerly),
            )  # fmt: skip
        return len(letters)

    def _bury(self, message: Message, place: Place, now: int) -> None:
        reason = message.reason or NO_REASON
        self._database.run(
            "UPDATE messages SET dead = 1, reason = ? WHERE id = ?", reason, message.message_id
        )
        detail = Failed(message.message_id, reason)
        letters = place.queue.dead_letters
        self._record(message, now, "async", place.shown_as, letters, "Dead letter:", detail)

    # The trace.

    def _note(
        self, now: int, kind: Kind, source: str, target: str, label: str, event: Event,
        message_id: int = 0,
    ) -> None:  # fmt: skip
        _, _, causation_id, _, _, version = event.header
        detail = Published(causation_id, version, event.payload(), message_id)
        self._database.write(_about(event, now, kind, source, target, label, detail))

    def _record(
        self, message: Message, now: int, kind: Kind, source: str, target: str, label: str,
        detail: Detail | None = None,
    ) -> None:  # fmt: skip
        self._database.write(
            Record(now, kind, source, target, label, message.event, message.saga, message.event_id,
                   0, detail or message.queued)
        )  # fmt: skip


def _type(event: Event) -> str:
    return event.header.event_type


def _about(
    event: Event, now: int, kind: Kind, source: str, target: str, label: str, detail: Detail
) -> Record:
    event_id, correlation_id, _, name, *_ = event.header
    return Record(now, kind, source, target, label, name, correlation_id, event_id, 0, detail)
