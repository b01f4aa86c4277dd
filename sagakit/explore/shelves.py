"""What a step does to what is kept: a store, an external party's books, what was published.

Nothing here knows who made the step or how it goes on: a shelf and an operation give the shelf
after it and what the operation is answered.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from sagakit.contract import operations as ops
from sagakit.contract.events import Event
from sagakit.contract.external import Entry, booked
from sagakit.contract.ports import (
    AlreadyHandled,
    TimedOut,
    Unavailable,
    VersionConflict,
    event_of,
)
from sagakit.payments.events import BalanceDebited, BalanceRefunded

LEDGER: dict[type[Event], str] = {
    BalanceDebited: "amount_debited",
    BalanceRefunded: "amount_refunded",
}
TIMED_OUT = TimedOut("no answer")
DOWN = Unavailable("cannot be reached")
CONFLICT = VersionConflict("another write came first")
HANDLED = AlreadyHandled("handled before")


class Shelf(NamedTuple):
    """What one store holds, or an external party's books with the requests it got, or what was
    published past all outboxes.

    `past` is what the laws ask of the past and the rest does not tell: whose message changed an
    item by how much and published what, and the answers that callers heard. So what a law says of
    a run at rest depends on its last state alone. A sound service does each of these once, and
    has no more states for it.
    """

    items: tuple[tuple[str, Any], ...] = ()
    inbox: frozenset[Any] = frozenset()
    past: frozenset[tuple[Any, int]] = frozenset()

    def remembering(self, fact: Any) -> frozenset[tuple[Any, int]]:
        """The past with one fact more; what happened twice is in it twice."""
        times = 1
        while (fact, times) in self.past:
            times += 1
        return self.past | {(fact, times)}


class Done(NamedTuple):
    """What became of an operation: the shelf after it, the answer, and the fault that is spent on
    it, if any. A refused one had no effect."""

    shelf: Shelf
    answer: Any
    fault: str | None = None
    effect: bool = True


def commit(shelf: Shelf, operation: ops.Commit, cause: Any) -> Done:
    """One atomic transaction. `cause` is what it was made for."""
    if operation.handled is not None and operation.handled in shelf.inbox:
        return Done(shelf, HANDLED, effect=False)
    items, item = dict(shelf.items), operation.item
    changed: tuple[Any, ...] = ()
    if item is not None:
        before = items.get(item.key)
        if (before.version if before else 0) != item.version:
            return Done(shelf, CONFLICT, effect=False)
        if item != before:
            changed = (item.key, *_changes(before, item))
            item = items[item.key] = item._replace(version=item.version + 1)
    inbox = shelf.inbox | {operation.handled} if operation.handled else shelf.inbox
    said = tuple([_said(event_of(entry)) for entry in operation.publish])
    past = shelf.past
    if changed or said:
        past = shelf.remembering((cause, changed, said))
    return Done(Shelf(tuple(sorted(items.items())), inbox, past), item)


def unheard(operation: ops.Commit, done: Done) -> Done:
    """The answer of a commit is lost, and the client's retry meets its own write."""
    return Done(done.shelf, HANDLED if operation.handled else CONFLICT, "lost_answer")


def publish(shelf: Shelf, operation: ops.Publish, cause: Any) -> Done:
    """An event that goes past all outboxes."""
    past = shelf.remembering((cause, _said(operation.event)))
    return Done(shelf._replace(past=past), None)


def ask(shelf: Shelf, operation: ops.Ask, saga: str) -> Iterable[Done]:
    """All that an external party may do with a request: answer, or else."""
    books, key = dict(shelf.items), operation.key
    asked = shelf.inbox | {(saga, key, operation.void, operation.request)}

    def done(entry: Entry | None, heard: Any, fault: str | None = None) -> Done:
        kept = shelf.items if entry is None else tuple(sorted({**books, key: entry}.items()))
        past = shelf.past | {((saga, key, str(heard)), 1)}  # heard again, it tells nothing new
        return Done(Shelf(kept, asked, past), heard, fault)

    entry, answer = booked(books.get(key), operation)
    yield done(entry, answer)
    yield done(entry, TIMED_OUT, "timeout_after")
    yield done(None, TIMED_OUT, "timeout_before")
    yield done(None, DOWN, "down")
    if not operation.void and key not in books:
        yield done(*booked(None, operation, decline=True), "decline")


def _said(event: Event) -> tuple[Any, ...]:
    """What the laws ask of an event: its header, and the amount if it says that money moved."""
    return event.header, getattr(event, LEDGER.get(type(event), ""), None)


def _changes(before: Any, item: Any) -> Iterable[tuple[str, Any]]:
    """What a commit changes in an item: of an amount by how much, so that the order in which two
    amounts come makes no difference."""
    for field in item._fields:
        was, becomes = getattr(before, field, None), getattr(item, field)
        if was != becomes and field != "version":
            amounts = isinstance(was, Decimal) and isinstance(becomes, Decimal)
            yield field, becomes - was if amounts else (was, becomes)
