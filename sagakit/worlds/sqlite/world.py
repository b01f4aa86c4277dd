"""The world: takes what is due out of the file, has it handled, and rests when nothing is left.

Several processes may have one file open, each with a world of its own: whoever takes a message
first has it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sagakit.contract.deployment import Deployment, Function
from sagakit.contract.driver import failed, reason_of
from sagakit.contract.events import Event, decode
from sagakit.contract.external import Reaction
from sagakit.contract.operations import SimulatedPorts
from sagakit.contract.ports import handlers
from sagakit.contract.suggest import suggest
from sagakit.scenarios.build import GIVE_UP_AFTER
from sagakit.sim.effects import heard
from sagakit.sim.world import STILL_GOING_ON
from sagakit.trace.trace import A_TEXT, Failed, Queued, Read, Record, Trace
from sagakit.worlds.driving import Subject
from sagakit.worlds.packing import pack
from sagakit.worlds.sqlite import stores
from sagakit.worlds.sqlite.clock import A_TEXT_COMES, Clock
from sagakit.worlds.sqlite.database import BadDatabase, Database
from sagakit.worlds.sqlite.handling import Decide, Handling
from sagakit.worlds.sqlite.messages import Mail, Message

POLL = 0.01  # s between two looks into the file, when nothing is due
ANSWERED = 29_000  # ms after which a request without an answer is sent again (API Gateway: 29 s)


def _approve(_request: Any, _call: int, _now: int) -> Reaction:
    return Reaction("approve")


class Redrive(NamedTuple):
    queue: str


class TakeSnapshot(NamedTuple):
    store: str
    snapshots: str


class LoseStore(NamedTuple):
    store: str


Happening = Redrive | TakeSnapshot | LoseStore


class World:
    """A deployment on a file. `hurry` skips the waits; then no other process may be at work."""

    def __init__(
        self,
        database: Database,
        deployment: Deployment,
        *,
        externals: Mapping[str, Decide] | None = None,
        hurry: bool = False,
    ) -> None:
        self._database = database
        self._deployment = deployment
        self._clock = Clock(database, hurry=hurry)
        self._mail = Mail(database, deployment)
        self._functions = {one.name: one for one in deployment.functions}
        self._running: dict[str, int] = dict.fromkeys(self._functions, 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        services = {
            one.name: handlers(one.make(SimulatedPorts(one.name, deployment)))
            for one in deployment.functions
        }
        parties = [one.name for one in deployment.others if one.kind == "external"]
        decide = {name: (externals or {}).get(name, _approve) for name in parties}
        self._services = services
        self._handling = Handling(
            database, self._mail, self._clock, services, decide, self._running
        )

    # What there is at the start.

    def seed_store(self, name: str, items: Iterable[Any]) -> None:
        """Put items in a store; each is a note in the trace. Within a transaction."""
        for item in items:
            item = item._replace(version=1)
            stores.put(self._database, name, item)
            detail = Read(item.key, item)
            self._database.write(
                Record(0, "note", name, name, "opening", None, None, None, 0, detail)
            )

    def request(self, at: int, actor: str, service: str, command: Any, saga: str | None) -> None:
        """Have an actor send a command at a time (ms), until it is answered. Within a
        transaction."""
        self._database.run(
            "INSERT INTO requests (due, actor, service, command, saga) VALUES (?, ?, ?, ?, ?)",
            at, actor, service, pack(command), saga,
        )  # fmt: skip

    def put(self, at: int, queue: str, text: str, source: str) -> None:
        """Put a text in a queue, to be received at a time (ms). Within a transaction."""
        message_id = self._mail.put(queue, text, at)
        self._database.write(
            Record(at, "async", source, queue, A_TEXT_COMES, None, None, None, 0,
                   Queued(message_id, 0, A_TEXT))
        )  # fmt: skip

    def plan(self, at: int, happening: Happening) -> None:
        """Have something happen to the world itself at a time (ms). Within a transaction."""
        self.request(at, "", "", happening, None)

    def redrive(self, queue: str) -> int:
        """Send a queue's dead letters back now. Returns how many. Within a transaction. Raises
        `ValueError` for a queue that does not exist."""
        if queue not in self._mail.places:
            raise ValueError(f"there is no queue {queue!r}: {suggest(queue, self._mail.places)}")
        return self._mail.redrive(queue, self._clock.now())

    def trace(self) -> Trace:
        there = self._deployment
        return Trace(there.participants(), self._database.records(), there.rules)

    # The work.

    def stop(self) -> None:
        """Leave the rest for the next start; from any thread."""
        self._stopped = True

    async def run(self, at: int, actions: int) -> None:
        """Work until nothing is left to happen, for any process, or until stopped.

        At a time (ms), or a day after it was started again, or after so many actions it is given up
        though something still goes on; a record says so then.
        """
        self._must_be_about_what_there_is()
        at = max(at, self._clock.now() + GIVE_UP_AFTER)
        try:
            while not self._stopped and not self._at_rest():
                if self._clock.now() >= at or not actions:
                    self._end()
                    return
                if self._relay() or self._begin_what_is_due():
                    actions -= 1
                    await asyncio.sleep(0)
                elif not self._hurried():
                    await asyncio.sleep(POLL)
                self._raise_what_failed()
        finally:
            for task in self._tasks:
                task.cancel()

    def _must_be_about_what_there_is(self) -> None:
        """Raises `BadDatabase` for what waits where nobody would ever look."""
        stores = [one.name for one in self._deployment.tables]
        for table, column, names in (
            ("messages", "queue", self._mail.places),
            ("requests", "service", ["", *self._functions]),
            ("outbox", "store", stores),
            ("items", "store", stores),
        ):
            for (name,) in self._database.rows(f"SELECT DISTINCT {column} FROM {table}"):
                if name not in names:
                    raise self._database.damaged(f"its {table} name {name!r:.40}")

    def _end(self) -> None:
        bus, now = self._deployment.bus, self._clock.now()
        with self._database.transaction():
            self._database.write(Record(now, "note", bus, bus, STILL_GOING_ON))

    def _at_rest(self) -> bool:
        row = self._database.one(
            "SELECT EXISTS (SELECT 1 FROM messages WHERE dead = 0) "
            "OR EXISTS (SELECT 1 FROM outbox) OR EXISTS (SELECT 1 FROM requests WHERE done = 0)"
        )
        return not row[0] and not self._tasks

    def _relay(self) -> bool:
        """Publish the oldest outbox entry: out of the outbox and into the queues at once."""
        if not self._database.one("SELECT 1 FROM outbox LIMIT 1"):
            return False
        with self._database.transaction():
            taken = stores.oldest_entry(self._database)
            if taken:
                store, entry = taken
                owner = next(one.owner for one in self._deployment.tables if one.name == store)
                self._mail.publish(entry, owner, self._clock.now())
        return taken is not None

    def _begin_what_is_due(self) -> bool:
        begun = self._begin_request()
        for function in self._functions.values():
            if self._database.meta(f"{function.name} is paused"):
                continue
            for queue in self._mail.queues_of[function.name]:
                if self._running[function.name] < function.concurrency:
                    begun |= self._receive(function, queue)
        return begun

    def _begin_request(self) -> bool:
        now = self._clock.now()
        due = "WHERE done = 0 AND due <= ? ORDER BY due, id LIMIT 1"
        if not self._database.one(f"SELECT 1 FROM requests {due}", now):
            return False
        with self._database.transaction():
            row = self._database.one(
                f"UPDATE requests SET due = ? WHERE id = (SELECT id FROM requests {due}) "
                "RETURNING id, actor, service, command, saga",
                now + ANSWERED, now,
            )  # fmt: skip
            if row is None:
                return False
            request, actor, service, command, saga = row
            command = self._database.kept(command)
            if isinstance(command, Happening):
                self._happens(command, now)
                self._database.run("UPDATE requests SET done = 1 WHERE id = ?", request)
                return True
            patience = getattr(command, "timeout", ANSWERED)
            self._database.run("UPDATE requests SET due = ? WHERE id = ?", now + patience, request)
            subject = Subject(service, self._database.number("invocations"), saga, None)
            label = getattr(command, "label", self._functions[service].invocation)
            self._handling.arrow(subject, "call", actor, service, label)
        self._start(service, self._serve(subject, request, actor, command))
        return True

    def _happens(self, happening: Happening, now: int) -> None:
        if isinstance(happening, Redrive):
            self._mail.redrive(happening.queue, now)
        elif isinstance(happening, TakeSnapshot):
            stores.take_snapshot(self._database, happening.store, happening.snapshots, now)
        else:
            stores.lose(self._database, happening.store, now)

    async def _serve(self, subject: Subject, request: int, actor: str, command: Any) -> None:
        try:
            answer = heard(await self._handling.handle(subject, command))
        except BadDatabase:  # the file's own: the request is sent again
            raise
        except Exception as error:
            answer = heard(None, failed(subject.service, error))
        with self._database.transaction():
            self._database.run("UPDATE requests SET done = 1 WHERE id = ?", request)
            self._database.write(
                Record(self._clock.now(), "return", subject.service, actor, answer, None,
                       subject.saga)
            )  # fmt: skip

    def _receive(self, function: Function, queue: str) -> bool:
        now = self._clock.now()
        due = "SELECT 1 FROM messages WHERE dead = 0 AND queue = ? AND due <= ? LIMIT 1"
        if not self._database.one(due, queue, now):
            return False
        with self._database.transaction():
            batch = self._mail.receive(queue, function.batch, now)
            number = self._database.number("invocations") if batch else 0
        if batch:
            self._start(function.name, self._work(function, queue, batch, number))
        return True

    async def _work(
        self, function: Function, queue: str, batch: list[Message], number: int
    ) -> None:
        """Handle a batch; those that were handled are deleted at its end."""
        source, handled = self._mail.places[queue].shown_as, []
        for message in batch:
            subject = Subject(function.name, number, message.saga, message.event_id)
            kind = "call" if message.event in {one.__name__ for one in function.calls} else "async"
            with self._database.transaction():
                self._handling.arrow(
                    subject, kind, source, function.name, function.invocation, message.queued,
                    message.event,
                )  # fmt: skip
            try:
                content = self._understood(function.name, message.body)
                within = function.timeout / 1000 if not self._clock.hurry else None
                await asyncio.wait_for(self._handling.handle(subject, content), within)
            except TimeoutError:
                self._failed(subject, message, source, f"timeout after {function.timeout} ms")
                return
            except BadDatabase:  # the file's own: the message comes again
                raise
            except Exception as error:
                self._failed(subject, message, source, reason_of(error))
                if not function.reports:
                    return
            else:
                handled.append((subject, message))
        with self._database.transaction():
            for subject, message in handled:
                self._mail.delete(message)
                self._handling.arrow(
                    subject, "return", function.name, source, "done", message.queued
                )

    def _understood(self, service: str, body: str) -> Event | str:
        known = self._services[service]
        return (
            body if str in known else decode(body, [one for one in known if issubclass(one, Event)])
        )

    def _failed(self, subject: Subject, message: Message, source: str, reason: str) -> None:
        with self._database.transaction():
            self._mail.failed(message, reason)
            detail = Failed(message.message_id, reason)
            self._handling.arrow(subject, "return", subject.service, source, "failed:", detail)

    def _start(self, service: str, work: Any) -> None:
        self._running[service] += 1
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(
            lambda _: self._running.__setitem__(service, self._running[service] - 1)
        )

    def _raise_what_failed(self) -> None:
        """The file's own errors end the work; what they interrupted comes again."""
        for task in [one for one in self._tasks if one.done()]:
            self._tasks.remove(task)
            task.result()

    def _hurried(self) -> bool:
        """In a hurry, when all that is under way waits for a time: it is that time. What is due
        already waits for somebody, not for a time."""
        if not self._clock.hurry:
            return False
        if self._clock.asleep < len(self._tasks):
            return False
        row = self._database.one(
            "SELECT min(due) FROM (SELECT due FROM messages WHERE dead = 0 "
            "UNION ALL SELECT due FROM requests WHERE done = 0) WHERE due > ?",
            self._clock.now(),
        )
        moments = [one for one in (row[0], self._clock.next_waking()) if one is not None]
        if not moments:
            return False
        self._clock.skip_to(min(moments))
        return True
