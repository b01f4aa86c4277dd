"""Perform on the file what services await: each step in a transaction of its own.

Between two of them the process may be killed: then nothing of what follows happens, and its message
comes again. That is the only clean-up there is.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.driver import Driver, Finished, failed
from sagakit.contract.external import Decide, Reaction, booked, silent, unreachable
from sagakit.contract.ports import WorldError
from sagakit.trace import facts, narrator
from sagakit.trace.facts import Fact, Record
from sagakit.trace.trace import archived
from sagakit.worlds.invocation import Handlers, Invocation
from sagakit.worlds.packing import pack
from sagakit.worlds.sqlite import stores
from sagakit.worlds.sqlite.database import BadDatabase, Clock, Database
from sagakit.worlds.sqlite.messages import Mail

MOST_STEPS = 2_000  # of a handler, which elsewhere its function's timeout ends: here no time passes


class Handling:
    """Performs what services await. `services` is name to handlers, `externals` name to how that
    party reacts, `running` name to how many invocations are under way in this process."""

    def __init__(
        self,
        database: Database,
        mail: Mail,
        clock: Clock,
        services: Mapping[str, Handlers],
        externals: Mapping[str, Decide],
        running: Mapping[str, int],
    ) -> None:
        self._database = database
        self._mail = mail
        self._clock = clock
        self._services = services
        self._externals = externals
        self._running = running

    def invocation(
        self, service: str, number: int, saga: str | None, event_id: str | None = None
    ) -> Invocation:
        # The clock is read when nobody else can write: no record is older than the one before it.
        write, now, alone = self._database.write, self._clock.now, self._database.transaction
        return Invocation(write, now, service, number, saga, event_id, alone)

    def command(self, by: Invocation, source: str, command: Any, label: str) -> None:
        """Tell that a command was sent to the service of an invocation."""
        by.tell(facts.Invoked(source, by.service, getattr(command, "label", label)))

    async def handle(self, by: Invocation, content: Any) -> Any:
        """Run the handler of a message or command to its end. Returns what it returns, and raises
        what it raises, and `TimeoutError` for one that does not come to an end."""
        driver = Driver(by.service, self._services[by.service], content, by)
        try:
            step = driver.resume()
            for _ in range(MOST_STEPS):
                if isinstance(step, Finished):
                    return step.result
                try:
                    result = await self._perform(by, step, driver.last_read)
                except (WorldError, ValueError) as error:
                    result = error
                step = driver.resume(result)
            raise TimeoutError(f"no end after {MOST_STEPS:,} steps")
        finally:
            driver.close()

    async def _perform(self, by: Invocation, operation: Any, last_read: Any) -> Any:
        match operation:
            case ops.Get(store, key):
                return self._at_store(by, operation, facts.ReadRequested(by.service, store, key))
            case ops.Commit():
                requested = narrator.commit_requested(by.service, operation, last_read)
                return self._at_store(by, operation, requested)
            case ops.Ask():
                return await self._ask(by, operation)
            case ops.Invoke():
                return await self._invoke(by, operation)
            case ops.Now():
                return self._clock.now()
            case ops.Pause():
                return await self._pause(by)
        with self._database.transaction():
            return self._at_once(by, operation)

    def _at_once(self, by: Invocation, operation: Any) -> Any:
        """Perform what takes one transaction: a message to somebody, or a step of a recovery."""
        database, service = self._database, by.service
        match operation:
            case ops.Publish(event):
                now = self._clock.now()
                self._mail.publish(event.stamped(now), service, now)
            case ops.Tell(person, text):
                by.tell(facts.Told(service, person, text))
            case ops.Resume():
                database.run("DELETE FROM meta WHERE name = ?", f"{service} is paused")
                by.tell(facts.Resumed(service))
            case ops.LatestSnapshot(store, snapshots):
                backup = stores.latest_snapshot(database, store)
                by.tell(facts.SnapshotRequested(service, snapshots))
                by.tell(facts.SnapshotRead(service, snapshots, backup.taken_at))
                return backup
            case ops.ReadEvents(archive, types):
                found = archived(database.records(), types)
                by.tell(facts.EventsRequested(service, archive))
                by.tell(facts.EventsRead(service, archive, len(found)))
                return found
            case ops.Restore(store, backup):
                stores.restore(database, store, backup)
                by.tell(facts.Restored(service, store, backup.items))
            case ops.DeliverAgain(event):
                self._mail.deliver_again(event, service, self._clock.now())
            case _:
                raise TypeError(f"a handler may await ports only, not {operation!r:.80}")
        return None

    async def _pause(self, by: Invocation) -> None:
        with self._database.transaction():
            self._database.set_meta(f"{by.service} is paused", "yes")
            by.tell(facts.Paused(by.service))
        while self._running[by.service] > 1:  # it is itself one of them
            await asyncio.sleep(0)

    # Stores.

    def _at_store(self, by: Invocation, operation: ops.Get | ops.Commit, requested: Fact) -> Any:
        """Have a store do something; what it refuses leaves only the records of that."""
        database, service = self._database, by.service
        try:
            with database.transaction():
                by.tell(requested)
                if isinstance(operation, ops.Get):
                    item = stores.get(database, *operation)
                    by.tell(facts.ItemRead(service, *operation, item))
                    return item
                committed = stores.commit(database, service, operation, self._clock.now())
                by.tell(committed)
                return committed.item
        except (WorldError, ValueError) as error:
            with database.transaction():
                by.tell(requested)
                by.tell(narrator.store_refused(service, operation.store, error))
            raise

    # Others.

    async def _ask(self, by: Invocation, operation: ops.Ask) -> Any:
        """Ask an external party, which acts in a transaction of its own: nobody shares one with
        what is asked over a network."""
        by.tell(narrator.asked(by.service, operation))
        (behaviour, delay), answer = self._act(by, operation)
        timeout = operation.timeout
        if delay:
            await self._clock.sleep(min(delay, timeout))
        if behaviour in ("timeout_before", "timeout_after") or delay >= timeout:
            await self._clock.sleep(max(0, timeout - delay))
            by.tell(narrator.party_silent(by.service, operation))
            raise silent(operation)
        if answer is None:
            by.tell(narrator.party_unreachable(by.service, operation))
            raise unreachable(operation)
        by.tell(narrator.party_answered(by.service, operation, answer))
        return answer

    def _act(self, by: Invocation, operation: ops.Ask) -> tuple[Reaction, Any]:
        """Have the party act, in its own books. Its answer is None if it cannot be reached."""
        party, key = operation.party, operation.key
        with self._database.transaction():
            row = self._database.one(
                "SELECT entry, calls FROM books WHERE party = ? AND key = ?", party, key
            )
            kept, calls = row or (None, 0)
            before: Any = kept and self._database.kept(kept)
            now = self._clock.now()
            reaction = self._externals[party](operation, calls + 1, now)
            after, answer = before, None
            if reaction.behaviour not in ("down", "timeout_before"):
                decline = reaction.behaviour == "decline"
                after, answer = booked(before, operation, decline=decline)
            self._database.run(
                "INSERT OR REPLACE INTO books VALUES (?, ?, ?, ?)",
                party, key, after and pack(after), calls + 1,
            )  # fmt: skip
            if after != before:
                entry = facts.Booked(party, key, after.request, after.state)
                self._database.write(Record(now, by.saga, None, 0, entry))
        return reaction, answer

    async def _invoke(self, by: Invocation, operation: ops.Invoke) -> Any:
        """Run another service, in this process, and wait for it."""
        service, command = operation
        with self._database.transaction():
            inner = self.invocation(service, self._database.number("invocations"), by.saga)
            self.command(inner, by.service, command, "Invoke Lambda")
        try:
            result = await self.handle(inner, command)
        except BadDatabase:
            raise
        except Exception as error:
            unheard = failed(service, error)
            by.tell(narrator.answered(service, by.service, None, unheard))
            raise unheard from error
        by.tell(narrator.answered(service, by.service, result))
        return result
