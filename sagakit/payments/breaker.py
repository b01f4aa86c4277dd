"""The circuit breaker: stops calling a provider that does not answer.

    CLOSED -> OPEN        after `threshold` consecutive failures
    OPEN -> HALF_OPEN     after `open_for` ms, for one probe
    HALF_OPEN again       for another probe, if the last has not reported within its `lease`
    HALF_OPEN -> CLOSED   the probe got an answer
    HALF_OPEN -> OPEN     it did not

Its state is in a store, since a service keeps nothing in memory. See Nygard, "Release It!", ch. 5.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Literal, NamedTuple

from sagakit.contract.ports import Clock, Store, VersionConflict

State = Literal["CLOSED", "OPEN", "HALF_OPEN"]
KEY = "provider"


class Breaker(NamedTuple):
    """`era` counts the changes of state: an answer to a call of an earlier era says nothing now."""

    state: State = "CLOSED"
    failures: int = 0
    since: int = 0  # ms, when this state began
    era: int = 0
    version: int = 0

    @property
    def key(self) -> str:
        return KEY

    def may_probe(self, now: int, open_for: int, lease: int) -> bool:
        """Return whether it is time for a probe, or for another since the last one was lost."""
        if self.state == "HALF_OPEN":
            return now >= self.since + lease
        return self.state == "OPEN" and now >= self.since + open_for

    def becoming(self, state: State, now: int) -> "Breaker":
        return self._replace(state=state, failures=0, since=now, era=self.era + 1)

    def after_answer(self, era: int, now: int) -> "Breaker":
        if era != self.era:
            return self
        return (
            self.becoming("CLOSED", now) if self.state == "HALF_OPEN" else self._replace(failures=0)
        )

    def after_failure(self, era: int, now: int, threshold: int) -> "Breaker":
        if era != self.era:
            return self
        if self.state == "HALF_OPEN" or self.failures + 1 >= threshold:
            return self.becoming("OPEN", now)
        return self._replace(failures=self.failures + 1)

    def __str__(self) -> str:
        return f"breaker: {self.state}, failures: {self.failures}"


class CircuitBreaker:
    """Asks the stored breaker before a call, and tells it afterwards how the call went.

    `lease` (ms) is as long as a call can take at most, so that there is one probe at a time.
    """

    def __init__(
        self, store: Store[Breaker], clock: Clock, *, threshold: int, open_for: int, lease: int
    ) -> None:
        self.store = store
        self.clock = clock
        self.threshold = threshold
        self.open_for = open_for
        self.lease = lease

    async def admit(self) -> int | None:
        """Return the era in which a call may be made now, or None: fail fast.

        The first to find that the breaker has been open for long enough takes the probe, by a
        conditional write; for the others it stays shut.
        """
        breaker = await self._read()
        if breaker.state == "CLOSED":
            return breaker.era
        now = await self.clock.now()
        if not breaker.may_probe(now, self.open_for, self.lease):
            return None
        probing = breaker.becoming("HALF_OPEN", now)
        try:
            await self.store.commit(probing)
        except VersionConflict:
            return None
        return probing.era

    async def answered(self, era: int) -> None:
        """Report that the provider answered the call of that era, whatever it said."""
        await self._change(lambda breaker, now: breaker.after_answer(era, now))

    async def failed(self, era: int) -> None:
        """Report that the call of that era got no answer."""
        await self._change(lambda breaker, now: breaker.after_failure(era, now, self.threshold))

    async def _change(self, change: Callable[[Breaker, int], Breaker]) -> None:
        """Write the changed breaker. A conflict means that another call reported first: again."""
        now = await self.clock.now()
        while True:
            before = await self._read()
            after = change(before, now)
            if after == before:
                return
            with suppress(VersionConflict):
                await self.store.commit(after)
                return

    async def _read(self) -> Breaker:
        return await self.store.get(KEY) or Breaker()
