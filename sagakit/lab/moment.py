"""The contents of the queues, the stores and the breaker at one moment of a run."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sagakit.laws.payments import BREAKER
from sagakit.payments.events import ReembolsarUsuario
from sagakit.trace import facts
from sagakit.trace.arrows import told
from sagakit.trace.facts import A_TEXT, Record
from sagakit.trace.messages import Messages
from sagakit.trace.trace import Trace


class Holding(NamedTuple):
    """One line of what is there: in which queue or store, under which key, and what."""

    where: str
    key: str
    text: str


class Moment(NamedTuple):
    """All that is there at one moment. `breaker` is empty in a system that has none."""

    queues: tuple[Holding, ...]
    stores: tuple[Holding, ...]
    breaker: tuple[Holding, ...]

    def sections(self) -> tuple[tuple[str, tuple[Holding, ...]], ...]:
        return ("Queues", self.queues), ("Stores", self.stores), ("Breaker", self.breaker)

    def changed_since(self, before: "Moment") -> set[Holding]:
        """Return what was not there, or not so, at an earlier moment."""
        now, then = ({held for section in each for held in section} for each in (self, before))
        return now - then


def moment(trace: Trace, index: int) -> Moment:
    """Return what is there after the record of that index; before the first one if it is -1."""
    until = Trace(trace.participants, trace.entries[: index + 1])
    stores = until.stores()
    breaker = stores.pop(BREAKER, None)
    return Moment(
        tuple(_queues(until, trace)),
        tuple(
            Holding(store, key, _versioned(told(item).removeprefix(f"key: {key}, "), item))
            for store, items in stores.items()
            for key, item in items.items()
        ),
        () if breaker is None else tuple(_breaker(breaker)),
    )


def _queues(until: Trace, trace: Trace) -> Iterator[Holding]:
    """Yield a line a queue that the run uses, with its messages, and one for its dead letters."""
    waiting: dict[str, Counter[str]] = {
        message.queue: Counter() for message in trace.messages().values()
    }
    dead: dict[str, Counter[str]] = {}
    for message in Messages(until.entries).by_id.values():
        name = message.event or A_TEXT
        if message.state == "dead":
            dead.setdefault(message.queue, Counter())[name] += 1
        elif message.state == "waiting":
            waiting[message.queue][f"{name} (in flight)" if message.in_flight else name] += 1
    for queue, held in waiting.items():
        yield Holding(queue, "", _counted(held) or "empty")
        if queue in dead:
            yield Holding(queue, "dead letters", _counted(dead[queue]))


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{count} × {name}" if count > 1 else name for name, count in names.items())


def _versioned(text: str, item: Any) -> str:
    return f"{text}, version: {item.version}"


def _breaker(items: dict[str, Any]) -> Iterator[Holding]:
    if not items:
        yield Holding(BREAKER, "", "nothing written yet: it is CLOSED")
    for key, item in items.items():
        yield Holding(BREAKER, key, _versioned(told(item), item))


def touched(records: Iterable[Record]) -> set[tuple[str, str]]:
    """Return the items that are read or written in these records, by store and key."""
    return {
        (record.fact.store, record.fact.key)
        for record in records
        if isinstance(record.fact, facts.ItemRead | facts.Committed)
        if record.fact.key is not None  # a commit of an outbox and an inbox alone
    }


def landmarks(records: Iterable[Record]) -> dict[str, int]:
    """Return the indices of the first conflict, retry and compensation, of those that there are."""
    found: dict[str, int] = {}
    for index, record in enumerate(records):
        for name in _marks(record.fact):
            found.setdefault(name, index)
    return found


def _marks(fact: facts.Fact) -> Iterator[str]:
    match fact:
        case facts.Retried():
            yield "conflict"
        case facts.Postponed():
            yield "retry"
        case facts.Received(receives=receives) if receives > 1:
            yield "retry"
    if getattr(fact, "event", None) == ReembolsarUsuario.__name__:
        yield "compensation"
