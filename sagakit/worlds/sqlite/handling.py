"""What services await, performed on the file: each step in a transaction of its own.

Between two of them the process may be killed: then nothing of what follows happens, and its message
comes again. That is the only clean-up there is.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.driver import failed
from sagakit.contract.external import Reaction, booked
from sagakit.contract.ports import TimedOut, Unavailable, WorldError
from sagakit.sim.archive import READ_EVENTS
from sagakit.sim.effects import RESUMED, attempted, heard, refused
from sagakit.trace.trace import Asked, Failed, Read, Record, Restored, duration
from sagakit.worlds.driving import Subject, steps
from sagakit.worlds.packing import pack
from sagakit.worlds.sqlite import stores
from sagakit.worlds.sqlite.clock import Clock
from sagakit.worlds.sqlite.database import BadDatabase, Database
from sagakit.worlds.sqlite.messages import Mail

MOST_STEPS = 2_000  # of a handler, which elsewhere its function's timeout ends: here no time passes

Decide = Callable[[ops.Ask, int, int], Reaction]
"""(the request, which request about its key it is, the time in ms) -> how the party reacts"""


class Handling:
    """Performs what services await. `services` is name to handlers: message type to method;
    `running` is name to how many invocations are under way in this process."""

    def __init__(
        self,
        database: Database,
        mail: Mail,
        clock: Clock,
        services: dict[str, dict[type, Any]],
        externals: dict[str, Decide],
        running: Mapping[str, int],
    ) -> None:
        self._database = database
        self._mail = mail
        self._clock = clock
        self._services = services
        self._externals = externals
        self._running = running

    async def handle(self, subject: Subject, content: Any) -> Any:
        """Run the handler of a message or command to its end. Returns what it returns, and raises
        what it raises, and `TimeoutError` for one that does not come to an end."""
        course = steps(
            self._services[subject.service], content, lambda text: self.note(subject, text)
        )
        try:
            step = next(course)
            for _ in range(MOST_STEPS):
                try:
                    result = await self._perform(subject, *step)
                except (WorldError, ValueError) as error:
                    step = course.throw(error)
                else:
                    step = course.send(result)
            raise TimeoutError(f"no end after {MOST_STEPS:,} steps")
        except StopIteration as stop:
            return stop.value
        finally:
            course.close()

    async def _perform(self, subject: Subject, operation: Any, last_read: Any) -> Any:
        if isinstance(operation, ops.Get):
            return self._get(subject, operation)
        if isinstance(operation, ops.Commit):
            return self._commit(subject, operation, last_read)
        if isinstance(operation, ops.Ask):
            return await self._ask(subject, operation)
        if isinstance(operation, ops.Invoke):
            return await self._invoke(subject, operation)
        if isinstance(operation, ops.Now):
            return self._clock.now()
        if isinstance(operation, ops.Publish):
            with self._database.transaction():
                now = self._clock.now()
                self._mail.publish(operation.event.stamped(now), subject.service, now)
            return None
        if isinstance(operation, ops.Tell):
            with self._database.transaction():
                self.arrow(subject, "call", subject.service, operation.person, operation.text)
            return None
        return await self._recover(subject, operation)

    async def _recover(self, subject: Subject, operation: Any) -> Any:
        """What a recovery awaits: its intake and the stores."""
        database, service = self._database, subject.service
        if isinstance(operation, ops.Pause):
            with database.transaction():
                database.set_meta(f"{service} is paused", "yes")
                self.arrow(subject, "note", service, service, "stops taking messages")
            while self._running[service] > 1:  # it is itself one of them
                await asyncio.sleep(0)
            return None
        with database.transaction():
            if isinstance(operation, ops.Resume):
                database.run("DELETE FROM meta WHERE name = ?", f"{service} is paused")
                self.arrow(subject, "note", service, service, RESUMED)
                return None
            if isinstance(operation, ops.LatestSnapshot):
                backup = stores.latest_snapshot(database, operation.store)
                place, taken = operation.snapshots, duration(backup.taken_at)
                self.arrow(subject, "call", service, place, "GET latest_snapshot")
                self.arrow(subject, "return", place, service, f"snapshot taken at {taken}")
                return backup
            if isinstance(operation, ops.ReadEvents):
                found = stores.events(database, self._mail.bus, operation.types)
                place = operation.events
                self.arrow(subject, "call", service, place, READ_EVENTS)
                self.arrow(subject, "return", place, service, f"stream of {len(found)} events")
                return found
            if isinstance(operation, ops.Restore):
                stores.restore(database, operation.store, operation.backup)
                items = operation.backup.items
                label = f"restore the base state: {len(items)} items"
                self.arrow(subject, "call", service, operation.store, label, Restored(items))
                return None
            if isinstance(operation, ops.DeliverAgain):
                self._mail.deliver_again(operation.event, service, self._clock.now())
                return None
        raise TypeError(f"a handler may await ports only, not {operation!r:.80}")

    def _get(self, subject: Subject, operation: ops.Get) -> Any:
        store, service = operation.store, subject.service
        with self._database.transaction():
            self.arrow(subject, "call", service, store, "read item")
            lost = stores.is_lost(self._database, store)
            if lost:
                self._refused(subject, store, _lost(store))
            else:
                item = stores.get(self._database, store, operation.key)
                self.arrow(subject, "return", store, service, "", Read(operation.key, item))
        if lost:
            raise _lost(store)
        return item

    def _commit(self, subject: Subject, operation: ops.Commit, last_read: Any) -> Any:
        store, item, service = operation.store, operation.item, subject.service
        label, attempt = attempted(operation, last_read)
        try:
            with self._database.transaction():
                self.arrow(subject, "call", service, store, label, attempt)
                if stores.is_lost(self._database, store):
                    raise _lost(store)
                written = stores.commit(
                    self._database, store, item, operation.publish, operation.handled,
                    self._clock.now(),
                )  # fmt: skip
                self.arrow(subject, "return", store, service, "OK", written)
        except (WorldError, ValueError) as error:
            with self._database.transaction():
                self.arrow(subject, "call", service, store, label, attempt)
                self._refused(subject, store, error)
            raise
        return written.item

    def _refused(self, subject: Subject, store: str, error: Exception) -> None:
        self.arrow(subject, "return", store, subject.service, *refused(error))

    async def _ask(self, subject: Subject, operation: ops.Ask) -> Any:
        """Ask an external party, which acts in a transaction of its own: nobody shares one with
        what is asked over a network."""
        party, service = operation.party, subject.service
        with self._database.transaction():
            sent = Asked(operation.key, operation.request)
            self.arrow(subject, "call", service, party, operation.label, sent)
        reaction, answer = self._act(subject, operation)
        if reaction.delay:
            await self._clock.sleep(min(reaction.delay, operation.timeout))
        silent = reaction.behaviour in ("timeout_before", "timeout_after")
        if silent or reaction.delay >= operation.timeout:
            await self._clock.sleep(max(0, operation.timeout - reaction.delay))
            label = f"no response within {operation.timeout} ms:"
            self._heard(subject, operation, "note", service, label, "timeout")
            raise TimedOut(f"no answer from {party} within {operation.timeout} ms")
        if answer is None:
            self._heard(subject, operation, "return", party, "503", "unavailable")
            raise Unavailable(f"{party} cannot be reached")
        self._heard(subject, operation, "return", party, str(answer.status), answer.outcome)
        return answer

    def _heard(
        self, subject: Subject, operation: ops.Ask, kind: str, source: str, label: str, outcome: str
    ) -> None:
        with self._database.transaction():
            detail = Asked(operation.key, operation.request, outcome)
            self.arrow(subject, kind, source, subject.service, label, detail)

    def _act(self, subject: Subject, operation: ops.Ask) -> tuple[Reaction, Any]:
        """What the party does, in its own books. The answer is None if it cannot be reached."""
        party, key = operation.party, operation.key
        with self._database.transaction():
            row = self._database.one(
                "SELECT entry, calls FROM books WHERE party = ? AND key = ?", party, key
            )
            kept, calls = row or (None, 0)
            entry = kept and self._database.kept(kept)
            decide = self._externals[party]
            reaction = decide(operation, calls + 1, self._clock.now())
            answer, after = None, entry
            if reaction.behaviour not in ("down", "timeout_before"):
                after, answer = booked(entry, operation, decline=reaction.behaviour == "decline")
            self._database.run(
                "INSERT OR REPLACE INTO books VALUES (?, ?, ?, ?)",
                party, key, after and pack(after), calls + 1,
            )  # fmt: skip
            if after is not None and after != entry:
                detail = Asked(key, after.request, after.state)
                now = self._clock.now()
                self._database.write(
                    Record(now, "note", party, party, "books:", None, subject.saga, None, 0, detail)
                )
        return reaction, answer

    async def _invoke(self, subject: Subject, operation: ops.Invoke) -> Any:
        """Another service, in this process: it is waited for."""
        service, label = operation.service, getattr(operation.command, "label", "Invoke Lambda")
        with self._database.transaction():
            number = self._database.number("invocations")
            inner = Subject(service, number, subject.saga, None)
            self.arrow(inner, "call", subject.service, service, label)
        try:
            result = await self.handle(inner, operation.command)
        except BadDatabase:
            raise
        except Exception as error:
            told = failed(service, error)
            with self._database.transaction():
                self.arrow(subject, "return", service, subject.service, "", Failed(0, str(told)))
            raise told from error
        with self._database.transaction():
            self.arrow(subject, "return", service, subject.service, heard(result))
        return result

    # The trace.

    def note(self, subject: Subject, text: str) -> None:
        with self._database.transaction():
            self.arrow(subject, "note", subject.service, subject.service, text)

    def arrow(
        self, subject: Subject, kind: Any, source: str, target: str, label: str,
        detail: Any = None, event: str | None = None,
    ) -> None:  # fmt: skip
        """Write a record that belongs to an invocation. Within a transaction."""
        self._database.write(
            Record(self._clock.now(), kind, source, target, label, event, subject.saga,
                   subject.event_id, subject.invocation, detail)
        )  # fmt: skip


def _lost(store: str) -> Unavailable:
    return Unavailable(f"{store} is lost: restore it from a snapshot")
