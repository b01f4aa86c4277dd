"""Laws about stores: no update is lost, and what was lost is rebuilt."""

from collections import defaultdict
from typing import Any

from sagakit.laws.disasters import Loss, Restore
from sagakit.laws.facts import Facts
from sagakit.laws.verdict import Breach, Found, count
from sagakit.trace.trace import Restored, Written


def versions(facts: Facts) -> Found:
    """Each committed write raises the item's version by one, over the item that was written last.

    So no update is lost: nobody writes over what he has not seen.
    """
    breaches = []
    stores: dict[str, dict[str | None, Any]] = defaultdict(dict)
    writes = 0
    for seen in facts.history:
        record, detail = seen.record, seen.record.detail
        if isinstance(detail, Restored):
            items = detail.items if record.kind != "fault" else ()
            stores[record.target] = {item.key: item for item in items}
            continue
        if detail is None or detail.item is None:
            continue
        store = stores[record.source]
        if isinstance(detail, Written):
            last, what = store.get(detail.key), f"{detail.key} in {record.source}"
            if detail.before != last:
                text = f"an update of {what} was lost {seen}: it was written over "
                text += f"{_shown(detail.before)}, but held {_shown(last)}"
                breaches.append(Breach(seen.place, text))
            if detail.item != detail.before:
                writes += 1
                version = detail.before.version if detail.before is not None else 0
                if detail.item.version != version + 1:
                    text = f"version {detail.item.version} of {what} follows {version} {seen}"
                    breaches.append(Breach(seen.place, text))
        store[detail.item.key] = detail.item
    kept = sum(map(len, stores.values()))
    return breaches, f"{count(writes, 'write')} of {count(kept, 'item')}"


def recovery(facts: Facts) -> Found:
    """Snapshot + replay = the state that was lost; the replay publishes nothing, calls no provider.

    The state that was lost is that of the moment of the loss without the commits of which nobody
    had heard: newer than the snapshot, and their events not yet published. The replay may publish
    what the snapshot has in its outbox and the loss kept from being published; nothing goes out a
    second time.
    """
    breaches = []
    told = []
    for restore in facts.disasters.restores:
        breaches += _published_again(facts, restore)
        breaches += _calls(facts, restore)
        if restore.end is not None:
            found, text = _compared(facts, restore)
            breaches += found
            told.append(text)
    for loss in facts.disasters.unrepaired.values():
        text = f"{loss.store} was lost {loss.seen}, and not rebuilt"
        attempts = [one for one in facts.disasters.restores if one.loss == loss]
        cut = facts.cut.get(attempts[-1].invocation) if attempts else None
        if cut is not None:
            text += f": the recovery ended {cut} with {cut.record.text!r}"
        if facts.over:
            breaches.append(Breach(cut.place if cut else loss.seen.place, text))
        else:
            told.append(f"{text} yet")
    return breaches, "; ".join(told) or "no recovery in this run"


def _compared(facts: Facts, restore: Restore) -> tuple[list[Breach], str]:
    """Where the rebuilt store differs from the one that was lost."""
    loss = restore.loss
    lost = _lost(facts, loss)
    rebuilt = {item.key: item for item in restore.seen.detail.items}
    wrote: dict[str, int] = {}
    for seen in facts.commits:
        written = seen.record.detail
        by_replay = seen.record.invocation == restore.invocation
        if by_replay and seen.record.source == loss.store and written.item is not None:
            rebuilt[written.key] = written.item
            wrote[written.key] = seen.place
    breaches = [
        Breach(
            wrote.get(key, restore.seen.place),
            f"{key} in {loss.store} was {_shown(lost.get(key))} when it was lost {loss.seen}, but "
            f"was rebuilt as {_shown(rebuilt.get(key))}",
        )
        for key in sorted({*lost, *rebuilt})
        if lost.get(key) != rebuilt.get(key)
    ]
    text = f"{loss.store}, lost {loss.seen}: {count(len(lost), 'item')} rebuilt as they were, "
    return breaches, f"{text}{len(wrote)} of them by replay; nothing published again, no call"


def _lost(facts: Facts, loss: Loss) -> dict[str, Any]:
    """What the store held when it was lost, without what nobody had heard of."""
    held: dict[str, Any] = {}
    for seen in facts.history:
        record, detail = seen.record, seen.record.detail
        if seen.place >= loss.seen.place:
            break
        if isinstance(detail, Restored):
            if record.target == loss.store:
                held = {item.key: item for item in detail.items}
        elif record.source != loss.store or detail is None or detail.item is None:
            continue
        elif seen.place not in facts.undone:
            held[detail.item.key] = detail.item
    return held


def _published_again(facts: Facts, restore: Restore) -> list[Breach]:
    """What the restored store's service had published before, and published again."""
    service, start = restore.seen.record.source, restore.seen.place
    breaches = []
    for times in facts.publications.values():
        first, *later = times
        if later and first.place < start and first.record.source == service:
            what = f"{first.record.event} of {first.record.correlation_id}, published {first}"
            breaches += [
                Breach(seen.place, f"the recovery made {what}, go out again {seen}")
                for seen in later
                if seen.place > start
            ]
    return breaches


def _calls(facts: Facts, restore: Restore) -> list[Breach]:
    return [
        Breach(seen.place, f"the recovery called {seen.record.target} {seen}")
        for seen in facts.asked
        if seen.record.kind == "call" and seen.record.invocation == restore.invocation
    ]


def _shown(item: Any) -> str:
    return "nothing" if item is None else f"{{{item}, version: {item.version}}}"
