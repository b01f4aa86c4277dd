"""The parts of a state, and what an operation does to a store.

A state is kept as numbers: equal parts have one number, so states are short to compare and keep.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from sagakit.contract import operations as ops
from sagakit.contract import ports
from sagakit.contract.events import Event
from sagakit.contract.external import Entry, booked
from sagakit.explore.purity import BadService, not_compared

State = tuple[int, int, tuple[int, ...], tuple[int, ...]]
"""(stores, clock in ms, tokens in order, budget left)"""

FAULTS = (
    "crash", "duplicate", "drop", "lost_answer",
    "decline", "timeout_before", "timeout_after", "down",
)  # fmt: skip
CRASH, DUPLICATE, DROP, LOST_ANSWER = range(4)
ANSWERS = FAULTS[4:]  # what an external party may do besides approve

TIMED_OUT = ports.TimedOut("no answer")
DOWN = ports.Unavailable("cannot be reached")
CONFLICT = ports.VersionConflict("another write came first")
HANDLED = ports.AlreadyHandled("handled before")


class Running(NamedTuple):
    """A handler in flight. `operation` is what it waits for, None for its acknowledgement, or the
    error with which it failed."""

    service: str
    message: int
    receives: int
    retries: int
    results: tuple[Any, ...]
    operation: Any
    crashable: bool  # False after a read, say: a crash there is the one of a step earlier


class Waiting(NamedTuple):
    """A message that comes at a time (ms)."""

    service: str
    message: int
    receives: int
    due: int


class Dead(NamedTuple):
    """A dead letter."""

    service: str
    message: int
    reason: str


Token = Running | Waiting | Dead
"""Something that is under way"""


class Numbers:
    """Numbers for things: equal things have one."""

    def __init__(self) -> None:
        self._number: dict[Any, int] = {}
        self.things: list[Any] = []

    def __call__(self, thing: Any, of: Any = None) -> int:
        """Return the number of a thing. Raises `BadService` about `of`, whose key it is, if it
        cannot be compared."""
        try:
            number = self._number.get(thing)
        except TypeError:  # unhashable
            raise BadService(not_compared(of or thing)) from None
        if number is None:
            number = self._number[thing] = len(self.things)
            self.things.append(thing)
        return number


class Move(NamedTuple):
    """One way on from a state.

    token              whose step it is
    fault              the number of the fault that is spent on it, or None
    stores             the stores after it
    tokens             what stands in the token's place
    if_nobody_crashes  those without acknowledgements: if no crash can come any more, the moment of
                       an acknowledgement matters to nobody, and it is made at once
    """

    token: int
    fault: int | None
    stores: int
    tokens: tuple[int, ...]
    if_nobody_crashes: tuple[int, ...]


Outcome = tuple[int | None, int, tuple[int, ...]]
"""One result of a step: the fault spent or None, the store (or all stores) and the tokens after"""


class Store(NamedTuple):
    """The contents of a store, of an external party's books with the requests it got, or of the
    bus: what was published past all outboxes.

    `past` is what the laws ask of the past and the rest does not tell: whose message changed an
    item by how much and published what, and the answers that callers heard. So what a law says of
    a run at rest depends on its last state alone. A sound service does each of these once, and
    has no more states for it.
    """

    items: tuple[tuple[str, Any], ...] = ()
    inbox: frozenset[Any] = frozenset()
    past: frozenset[tuple[Any, int]] = frozenset()

    def remembering(self, fact: Any) -> frozenset[tuple[Any, int]]:
        """Return the past with one fact more; what happened twice is in it twice."""
        times = 1
        while (fact, times) in self.past:
            times += 1
        return self.past | {(fact, times)}


class Done(NamedTuple):
    """A result of an operation: the store after it, the answer, and the fault that is spent on it,
    if any. A refused one had no effect."""

    store: Store
    answer: Any
    fault: str | None = None
    effect: bool = True


class Effects:
    """The effects of operations. `amounts` is event to its field that says how much money moved."""

    def __init__(self, amounts: Mapping[type[Event], str]) -> None:
        self._amounts = amounts

    def of(self, operation: Any, store: Store, cause: Any, saga: str) -> Iterable[Done]:
        """Yield all that an operation can come to. `cause` is what it was made for."""
        match operation:
            case ops.Get():
                yield Done(store, dict(store.items).get(operation.key), effect=False)
            case ops.Commit():
                done = self.commit(store, operation, cause)
                yield done
                if done.store != store:  # the answer is lost: the client's retry meets its write
                    answer = HANDLED if operation.handled else CONFLICT
                    yield Done(done.store, answer, "lost_answer")
            case ops.Ask():
                yield from _ask(store, operation, saga)
            case ops.Publish():
                past = store.remembering((cause, self._said(operation.event)))
                yield Done(store._replace(past=past), None)
            case _:
                raise TypeError(f"explore knows no {type(operation).__name__}")

    def commit(self, store: Store, operation: ops.Commit, cause: Any) -> Done:
        """Return the result of one atomic transaction."""
        if operation.handled is not None and operation.handled in store.inbox:
            return Done(store, HANDLED, effect=False)
        items, item = dict(store.items), operation.item
        changed: tuple[Any, ...] = ()
        if item is not None:
            before = items.get(item.key)
            if (before.version if before else 0) != item.version:
                return Done(store, CONFLICT, effect=False)
            if item != before:
                changed = (item.key, *_changes(before, item))
                item = items[item.key] = item._replace(version=item.version + 1)
        inbox = store.inbox | {operation.handled} if operation.handled else store.inbox
        said = tuple([self._said(ports.event_of(entry)) for entry in operation.publish])
        past = store.past
        if changed or said:
            past = store.remembering((cause, changed, said))
        return Done(Store(tuple(sorted(items.items())), inbox, past), item)

    def _said(self, event: Event) -> tuple[Any, ...]:
        """Return what the laws ask of an event: its header, and the amount that moved, if any."""
        return event.header, getattr(event, self._amounts.get(type(event), ""), None)


def _ask(store: Store, operation: ops.Ask, saga: str) -> Iterable[Done]:
    """Yield all that an external party may do with a request: answer, or else."""
    books, key = dict(store.items), operation.key
    asked = store.inbox | {(saga, key, operation.void, operation.request)}

    def done(entry: Entry | None, heard: Any, fault: str | None = None) -> Done:
        kept = store.items if entry is None else tuple(sorted({**books, key: entry}.items()))
        past = store.past | {((saga, key, str(heard)), 1)}  # heard again, it tells nothing new
        return Done(Store(kept, asked, past), heard, fault)

    entry, answer = booked(books.get(key), operation)
    yield done(entry, answer)
    yield done(entry, TIMED_OUT, "timeout_after")
    yield done(None, TIMED_OUT, "timeout_before")
    yield done(None, DOWN, "down")
    if not operation.void and key not in books:
        yield done(*booked(None, operation, decline=True), "decline")


def _changes(before: Any, item: Any) -> Iterable[tuple[str, Any]]:
    """Yield what a commit changes in an item. Of an amount it is by how much, so that the order in
    which two amounts come makes no difference."""
    for field in item._fields:
        was, becomes = getattr(before, field, None), getattr(item, field)
        if was != becomes and field != "version":
            amounts = isinstance(was, Decimal) and isinstance(becomes, Decimal)
            yield field, becomes - was if amounts else (was, becomes)
