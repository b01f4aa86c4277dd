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
from sagakit.contract.external import Decide, Reaction
from sagakit.contract.operations import ServicePorts
from sagakit.contract.ports import handlers
from sagakit.contract.suggest import suggest
from sagakit.scenarios.build import GIVE_UP_AFTER
from sagakit.trace import facts, narrator
from sagakit.trace.facts import Record
from sagakit.trace.trace import Trace
from sagakit.worlds.invocation import Invocation
from sagakit.worlds.packing import pack
from sagakit.worlds.sqlite import stores
from sagakit.worlds.sqlite.database import BadDatabase, Clock, Database
from sagakit.worlds.sqlite.handling import Handling
from sagakit.worlds.sqlite.messages import Mail, Message

POLL = 0.01  # s between two looks into the file, when nothing is due
ANSWERED = 29_000  # ms after which a request without an answer is sent again (API Gateway: 29 s)


class Redrive(NamedTuple):
    queue: str


class TakeSnapshot(NamedTuple):
    store: str
    snapshots: str


class LoseStore(NamedTuple):
    store: str


Happening = Redrive | TakeSnapshot | LoseStore


def _approve(_request: Any, _call: int, _now: int) -> Reaction:
    return Reaction("approve")


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
        self._functions = {function.name: function for function in deployment.functions}
        self._owners = {table.name: table.owner for table in deployment.tables}
        self._running: dict[str, int] = dict.fromkeys(self._functions, 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._services = {
            name: handlers(function.make(ServicePorts(name, deployment)))
            for name, function in self._functions.items()
        }
        parties = [other.name for other in deployment.others if other.kind == "external"]
        decide = dict.fromkeys(parties, _approve) | dict(externals or {})
        self._handling = Handling(
            database, self._mail, self._clock, self._services, decide, self._running
        )

    # What there is at the start. Within a transaction.

    def seed_store(self, name: str, items: Iterable[Any]) -> None:
        """Put items in a store; each is a note in the trace."""
        for item in items:
            item = item._replace(version=1)
            stores.put(self._database, name, item)
            self._database.write(Record(0, None, None, 0, facts.Opening(name, item)))

    def request(self, at: int, actor: str, service: str, command: Any, saga: str | None) -> None:
        """Have an actor send a command at a time (ms), until it is answered."""
        self._database.run(
            "INSERT INTO requests (due, actor, service, command, saga) VALUES (?, ?, ?, ?, ?)",
            at, actor, service, pack(command), saga,
        )  # fmt: skip

    def put(self, at: int, queue: str, text: str, source: str) -> None:
        """Put a text in a queue, to be received at a time (ms)."""
        self._mail.put_text(queue, text, at, source)

    def plan(self, at: int, happening: Happening) -> None:
        """Have something happen to the world itself at a time (ms)."""
        self.request(at, "", "", happening, None)

    def redrive(self, queue: str) -> int:
        """Send a queue's dead letters back now. Returns how many. Within a transaction. Raises
        `ValueError` for a queue that does not exist."""
        if queue not in self._mail.queues:
            raise ValueError(f"there is no queue {queue!r}: {suggest(queue, self._mail.queues)}")
        return self._mail.redrive(queue, self._clock.now())

    def trace(self) -> Trace:
        deployment = self._deployment
        return Trace(deployment.participants(), self._database.records(), deployment.rules)

    # The work.

    def stop(self) -> None:
        """Leave the rest for the next start; from any thread."""
        self._stopped = True

    async def run(self, at: int, actions: int) -> None:
        """Work until nothing is left to happen, for any process, or until stopped.

        At a time (ms), or a day after it was started again, or after so many actions it is given up
        though something still goes on; a record says so then.
        """
        self._refuse_what_nobody_would_take()
        at = max(at, self._clock.now() + GIVE_UP_AFTER)
        try:
            while not self._stopped and not self._at_rest():
                if self._clock.now() >= at or not actions:
                    with self._database.transaction():
                        ended = facts.StillGoingOn(self._deployment.bus)
                        self._database.write(Record(self._clock.now(), None, None, 0, ended))
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

    def _refuse_what_nobody_would_take(self) -> None:
        """Raises `BadDatabase` for what waits where nobody would ever look."""
        tables = [table.name for table in self._deployment.tables]
        for table, column, names in (
            ("messages", "queue", self._mail.queues),
            ("requests", "service", ["", *self._functions]),
            ("outbox", "store", tables),
            ("items", "store", tables),
        ):
            for (name,) in self._database.rows(f"SELECT DISTINCT {column} FROM {table}"):
                if name not in names:
                    raise self._database.damaged(f"its {table} name {name!r:.40}")

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
                owner = self._owners[store]
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

    # Requests.

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
            request, actor, service, text, saga = row
            command = self._database.kept(text)
            if isinstance(command, Happening):
                self._happens(command, now)
                self._database.run("UPDATE requests SET done = 1 WHERE id = ?", request)
                return True
            patience = getattr(command, "timeout", ANSWERED)
            self._database.run("UPDATE requests SET due = ? WHERE id = ?", now + patience, request)
            by = self._handling.invocation(service, self._database.number("invocations"), saga)
            self._handling.command(by, actor, command, self._functions[service].invocation)
        self._start(service, self._serve(by, request, actor, command))
        return True

    def _happens(self, happening: Happening, now: int) -> None:
        match happening:
            case Redrive(queue):
                self._mail.redrive(queue, now)
            case TakeSnapshot(store, snapshots):
                stores.take_snapshot(self._database, store, snapshots, now)
            case LoseStore(store):
                stores.lose(self._database, store, now)

    async def _serve(self, by: Invocation, request: int, actor: str, command: Any) -> None:
        try:
            heard = narrator.answered(by.service, actor, await self._handling.handle(by, command))
        except BadDatabase:  # the file's own: the request is sent again
            raise
        except Exception as error:
            heard = narrator.answered(by.service, actor, None, failed(by.service, error))
        with self._database.transaction():
            self._database.run("UPDATE requests SET done = 1 WHERE id = ?", request)
            self._database.write(Record(self._clock.now(), by.saga, None, 0, heard))

    # Messages.

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
        name, source = function.name, self._mail.queues[queue].name
        calls = {event.__name__ for event in function.calls}
        handled = []
        for message in batch:
            by = self._handling.invocation(name, number, message.saga, message.event_id)
            by.tell(facts.Received(
                source, name, message.event, message.message_id, message.receives, message.remark,
                function.invocation, message.event in calls,
            ))  # fmt: skip
            try:
                content = self._understood(name, message.body)
                within = function.timeout / 1000 if not self._clock.hurry else None
                await asyncio.wait_for(self._handling.handle(by, content), within)
            except TimeoutError:
                self._failed(by, message, source, facts.CutOff(name, function.timeout).reason)
                return
            except BadDatabase:  # the file's own: the message comes again
                raise
            except Exception as error:
                self._failed(by, message, source, reason_of(error))
                if not function.reports:
                    return
            else:
                handled.append((by, message))
        with self._database.transaction():
            for by, message in handled:
                self._mail.delete(message)
                by.tell(facts.Acknowledged(
                    name, source, message.message_id, message.receives, message.remark
                ))  # fmt: skip

    def _understood(self, service: str, body: str) -> Event | str:
        known = self._services[service]
        if str in known:
            return body
        return decode(body, [content for content in known if issubclass(content, Event)])

    def _failed(self, by: Invocation, message: Message, source: str, reason: str) -> None:
        with self._database.transaction():
            self._mail.failed(message, reason)
            by.tell(facts.Failed(by.service, source, message.message_id, reason))

    # What is under way.

    def _start(self, service: str, work: Any) -> None:
        self._running[service] += 1
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(
            lambda _: self._running.__setitem__(service, self._running[service] - 1)
        )

    def _raise_what_failed(self) -> None:
        """Raise the file's own errors, which end the work; what they interrupted comes again."""
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.remove(task)
            task.result()

    def _hurried(self) -> bool:
        """Skip to the next time that something waits for, in a hurry, once all that is under way
        waits for a time. What is due already waits for somebody, not for a time."""
        if not self._clock.hurry or self._clock.asleep < len(self._tasks):
            return False
        (due,) = self._database.one(
            "SELECT min(due) FROM (SELECT due FROM messages WHERE dead = 0 "
            "UNION ALL SELECT due FROM requests WHERE done = 0) WHERE due > ?",
            self._clock.now(),
        )
        moments = [moment for moment in (due, self._clock.next_waking()) if moment is not None]
        if not moments:
            return False
        self._clock.skip_to(min(moments))
        return True
