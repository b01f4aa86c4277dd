"""The contents of stores: what each fact does to them."""

from collections.abc import Iterable
from typing import Any

from sagakit.trace.facts import Committed, Opening, Record, Restored, StoreLost

CHANGES = (Opening, Committed, StoreLost, Restored)
"""The facts after which a store may hold something else; each has its `store`"""


def items_put(fact: Any) -> tuple[Any, ...]:
    """Return the items that a fact puts in its store: opened, written, or brought back."""
    match fact:
        case Opening(item=item):
            return (item,)
        case Committed(item=item):
            return () if item is None else (item,)
        case Restored(items=items):
            return items
    return ()


def apply(fact: Any, store: dict[str, Any]) -> None:
    """Change a store, which is key to item, as a fact about it does."""
    if isinstance(fact, StoreLost | Restored):
        store.clear()
    for item in items_put(fact):
        store[item.key] = item


def contents(records: Iterable[Record], stores: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what each store holds after these records: store to key to item."""
    held: dict[str, dict[str, Any]] = {name: {} for name in stores}
    for record in records:
        if isinstance(record.fact, CHANGES):
            apply(record.fact, held[record.fact.store])
    return held
