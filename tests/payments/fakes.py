"""A world small enough to read: fakes of the ports, and a hand that drives a handler through them.

A fake port waits once and then has its effect, so two handlers can be driven in any order.
"""

from collections.abc import Coroutine, Generator, Iterable, Sequence
from typing import Any, Generic, TypeVar

from sagakit.contract.events import Event
from sagakit.contract.ports import AlreadyHandled, Answer, Delayed, VersionConflict

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Step:
    def __await__(self) -> Generator[None]:
        yield


def drive(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a handler to its end; returns what it returns, raises what it raises."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value


class FakeStore(Generic[Item]):
    """Items by key, with the versions, the outbox and the inbox that were committed."""

    def __init__(self, *items: Item) -> None:
        self.items = {item.key: item._replace(version=1) for item in items}
        self.outbox: list[Event | Delayed] = []
        self.inbox: set[str] = set()
        self.commits = 0
        self.before_commit: list[Item] = []  # what others write before the next commits

    async def get(self, key: str) -> Item | None:
        await _Step()
        return self.items.get(key)

    async def commit(
        self,
        item: Item | None,
        *,
        publish: Sequence[Event | Delayed] = (),
        handled: Event | str | None = None,
    ) -> Item | None:
        await _Step()
        if self.before_commit:
            other = self.before_commit.pop(0)
            self.items[other.key] = other
        message = handled.header.event_id if isinstance(handled, Event) else handled
        if message in self.inbox:
            raise AlreadyHandled(message)
        if item is not None:
            stored = self.items.get(item.key)
            if item.version != (stored.version if stored else 0):
                raise VersionConflict(item.key)
            if item != stored:
                item = self.items[item.key] = item._replace(version=item.version + 1)
        self.inbox |= {message} - {None}
        self.outbox += publish
        self.commits += 1
        return item


class FakeClock:
    def __init__(self, now: int = 0) -> None:
        self.time = now

    async def now(self) -> int:
        await _Step()
        return self.time


class FakeProvider:
    """Answers, or raises, what it was given, one a request; keeps what it was asked."""

    def __init__(self, *answers: Answer | BaseException) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []

    async def execute(
        self, key: str, request: Iterable[Any], *, timeout: int, label: str
    ) -> Answer:
        self.asked.append((label, key, tuple(request), timeout))
        return await self._answer()

    async def void(self, key: str, *, timeout: int, label: str) -> Answer:
        self.asked.append((label, key, timeout))
        return await self._answer()

    async def _answer(self) -> Answer:
        await _Step()
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class FakeCaller:
    """Another service; raises or returns what it was given, and keeps the commands."""

    def __init__(self, outcome: object = None) -> None:
        self.outcome = outcome
        self.commands: list[Any] = []

    async def invoke(self, command: Any) -> Any:
        await _Step()
        self.commands.append(command)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class FakePerson:
    def __init__(self) -> None:
        self.told: list[str] = []

    async def tell(self, text: str) -> None:
        await _Step()
        self.told.append(text)
