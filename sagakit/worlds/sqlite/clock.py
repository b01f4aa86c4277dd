"""The time of a file: ms since it was made, by the machine's clock.

It never goes back: where the machine's clock was set back, the file goes on by its own time, from
the last moment that it knows of.

In a hurry, time is virtual: it passes only when all that is under way waits for a time, which it is
then at once. That is for one process only, which alone can tell.
"""

import asyncio
import time
from heapq import heappop, heappush
from warnings import warn

from sagakit.trace.facts import Queued, Record
from sagakit.worlds.sqlite.database import Database

NOTICED = 1_000  # ms: by less it is set back every day


class Clock:
    def __init__(self, database: Database, *, hurry: bool = False) -> None:
        self.hurry = hurry
        self._database = database
        if database.meta("epoch") is None:
            if database.reading:
                raise database.damaged("nothing says when it was made")
            with database.transaction():
                database.set_meta("epoch", database.meta("epoch") or _machine_time())
        self._epoch = database.whole("epoch") or 0
        known = (record.t for record in database.records(newest_first=True) if not _is_text(record))
        self._latest = next(known, 0)
        self._virtual = self._by_the_machine()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = 0

    def now(self) -> int:
        return self._virtual if self.hurry else self._by_the_machine()

    def _by_the_machine(self) -> int:
        now = _machine_time() - self._epoch
        if now < self._latest:
            if self._latest - now > NOTICED:
                self._go_on_from(self._latest, now)
            now = self._latest
        self._latest = now
        return now

    def _go_on_from(self, moment: int, now: int) -> None:
        behind = moment - now
        self._epoch -= behind
        if not self._database.reading:
            self._database.set_meta("epoch", self._epoch)
        told = f"the machine's clock is {behind / 1000:,.0f} s behind what happened last"
        warn(f"{self._database.path}: {told}: it goes on by its own time", stacklevel=2)

    async def sleep(self, ms: int) -> None:
        """Wait. In a hurry, until `skip_to` that time."""
        if not self.hurry:
            await asyncio.sleep(ms / 1000)
            return
        woken = asyncio.get_running_loop().create_future()
        self._number += 1
        heappush(self._sleepers, (self.now() + ms, self._number, woken))
        await woken

    @property
    def asleep(self) -> int:
        """How many wait for a time, in a hurry."""
        return len(self._sleepers)

    def next_waking(self) -> int | None:
        return self._sleepers[0][0] if self._sleepers else None

    def skip_to(self, moment: int) -> None:
        """It is that time now, and whoever waited for it goes on."""
        if moment > self._virtual:
            self._virtual = moment
            with self._database.transaction():
                self._database.set_meta("epoch", _machine_time() - moment)
        while self._sleepers and self._sleepers[0][0] <= moment:
            _, _, woken = heappop(self._sleepers)
            woken.set_result(None)


def _machine_time() -> int:
    return int(time.time() * 1000)


def _is_text(record: Record) -> bool:
    """Texts are told of at the start, with the times at which they will come."""
    return isinstance(record.fact, Queued) and record.fact.event is None
