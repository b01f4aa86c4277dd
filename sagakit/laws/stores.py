"""Laws about stores: no update is lost, and what was lost is rebuilt."""

from collections import defaultdict
from typing import Any

from sagakit.contract.terminal import count
from sagakit.laws.evidence import Breach, Evidence, Found, Loss, Restore
from sagakit.trace.arrows import arrow
from sagakit.trace.facts import Asked, Committed
from sagakit.trace.stores import CHANGES, apply


def versions(evidence: Evidence) -> Found:
    """Each committed write raises the item's version by one, over the item that was written last.

    So no update is lost: nobody writes over what he has not seen.
    """
    breaches = []
    stores: dict[str, dict[str, Any]] = defaultdict(dict)
    writes = 0
    for seen in evidence.history:
        fact = seen.fact
        if not isinstance(fact, CHANGES):
            continue
        store = stores[fact.store]
        if isinstance(fact, Committed) and fact.item is not None:
            last, what = store.get(fact.item.key), f"{fact.key} in {fact.store}"
            if fact.before != last:
                text = f"an update of {what} was lost {seen}: it was written over "
                text += f"{_shown(fact.before)}, but held {_shown(last)}"
                breaches.append(Breach(seen.position, text))
            if fact.writes:
                writes += 1
                version = fact.before.version if fact.before is not None else 0
                if fact.item.version != version + 1:
                    text = f"version {fact.item.version} of {what} follows {version} {seen}"
                    breaches.append(Breach(seen.position, text))
        apply(fact, store)
    kept = sum(map(len, stores.values()))
    return breaches, f"{count(writes, 'write')} of {count(kept, 'item')}"


def recovery(evidence: Evidence) -> Found:
    """Snapshot + replay = the state that was lost; the replay publishes nothing, calls no provider.

    The state that was lost is that of the moment of the loss without the commits of which nobody
    had heard: newer than the snapshot, and their events not yet published. The replay may publish
    what the snapshot has in its outbox and the loss kept from being published; nothing goes out a
    second time.
    """
    breaches = []
    told = []
    for restore in evidence.restores:
        breaches += _published_again(evidence, restore)
        breaches += _calls(evidence, restore)
        if restore.end is not None:
            found, text = _compare(evidence, restore)
            breaches += found
            told.append(text)
    for loss in evidence.unrepaired.values():
        text = f"{loss.store} was lost {loss.seen}, and not rebuilt"
        attempts = [restore for restore in evidence.restores if restore.loss == loss]
        cut = evidence.cut.get(attempts[-1].invocation) if attempts else None
        if cut is not None:
            text += f": the recovery ended {cut} with {arrow(cut.record).text!r}"
        if evidence.over:
            breaches.append(Breach(cut.position if cut else loss.seen.position, text))
        else:
            told.append(f"{text} yet")
    return breaches, "; ".join(told) or "no recovery in this run"


def _compare(evidence: Evidence, restore: Restore) -> tuple[list[Breach], str]:
    """Return where the rebuilt store differs from the one that was lost."""
    loss = restore.loss
    lost = _lost(evidence, loss)
    rebuilt = {item.key: item for item in restore.seen.fact.items}
    wrote: dict[str, int] = {}
    for seen in evidence.commits:
        by_replay = seen.record.invocation == restore.invocation
        if by_replay and seen.fact.store == loss.store and seen.fact.item is not None:
            rebuilt[seen.fact.key] = seen.fact.item
            wrote[seen.fact.key] = seen.position
    breaches = [
        Breach(
            wrote.get(key, restore.seen.position),
            f"{key} in {loss.store} was {_shown(lost.get(key))} when it was lost {loss.seen}, but "
            f"was rebuilt as {_shown(rebuilt.get(key))}",
        )
        for key in sorted({*lost, *rebuilt})
        if lost.get(key) != rebuilt.get(key)
    ]
    text = f"{loss.store}, lost {loss.seen}: {count(len(lost), 'item')} rebuilt as they were, "
    return breaches, f"{text}{len(wrote)} of them by replay; nothing published again, no call"


def _lost(evidence: Evidence, loss: Loss) -> dict[str, Any]:
    """Return what the store held when it was lost, without what nobody had heard of."""
    held: dict[str, Any] = {}
    for seen in evidence.history:
        if seen.position >= loss.seen.position:
            break
        about_it = isinstance(seen.fact, CHANGES) and seen.fact.store == loss.store
        if about_it and seen.position not in evidence.undone:
            apply(seen.fact, held)
    return held


def _published_again(evidence: Evidence, restore: Restore) -> list[Breach]:
    """Return what the restored store's service had published before, and published again."""
    service, start = restore.seen.fact.service, restore.seen.position
    breaches = []
    for first, *later in evidence.publications.values():
        if later and first.position < start and first.fact.source == service:
            breaches += [
                Breach(
                    again.position,
                    f"the recovery made {first.what}, published {first}, go out again {again}",
                )
                for again in later
                if again.position > start
            ]
    return breaches


def _calls(evidence: Evidence, restore: Restore) -> list[Breach]:
    return [
        Breach(seen.position, f"the recovery called {seen.fact.party} {seen}")
        for seen in evidence.of(Asked)
        if seen.record.invocation == restore.invocation
    ]


def _shown(item: Any) -> str:
    return "nothing" if item is None else f"{{{item}, version: {item.version}}}"
