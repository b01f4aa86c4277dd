"""Laws about money: none appears, none is lost, nobody pays twice."""

from decimal import Decimal
from typing import Any

from sagakit.laws.facts import Facts
from sagakit.laws.messages import Seen
from sagakit.laws.standing import WALLETS
from sagakit.laws.verdict import Breach, Found, count
from sagakit.payments.events import BalanceDebited, BalanceRefunded
from sagakit.payments.money import ZERO
from sagakit.trace.trace import Read, Restored, Written

DEBITED, REFUNDED = BalanceDebited.__name__, BalanceRefunded.__name__


def conservation(facts: Facts) -> Found:
    """At rest, the wallets and what the provider keeps add up to what there was at the opening.

    For a saga that is not at rest, what was debited and is neither refunded nor charged is added:
    it is on its way.
    """
    if WALLETS in facts.disasters.unrepaired and not facts.over:
        return (), f"not at rest: {WALLETS} is lost, and not rebuilt yet"
    opening, wallets = _opening_and_end(facts)
    kept = sum((one.provider_keeps for one in facts.standings.values()), ZERO)
    unsettled = {saga: one for saga, one in facts.standings.items() if one.on_the_way}
    under_way = [one for saga, one in unsettled.items() if saga in facts.under_way]
    on_the_way = sum((one.on_the_way for one in under_way), ZERO)
    total = wallets + kept + on_the_way
    text = f"wallets {wallets:.2f} + provider {kept:.2f}"
    if on_the_way:
        text += f" + on the way {on_the_way:.2f}"
    if total == opening:
        return (), f"{text} = {opening:.2f}, as at the start; {facts.rest}"
    text += f" = {total:.2f}, but there were {opening:.2f} at the start"
    breaches = [
        Breach(
            one.last,
            f"{text}: for {saga} the wallet is debited {one.net_debit:.2f} and the provider keeps "
            f"{one.provider_keeps:.2f}",
        )
        for saga, one in unsettled.items()
        if saga not in facts.under_way
    ]
    last = max((seen.place for seen in facts.history), default=0)
    return breaches or [Breach(last, text)], ""


def no_overdraft(facts: Facts) -> Found:
    """No balance is ever below zero, and each is the opening balance plus its ledger entries.

    The entries of a wallet are the published `BalanceDebited` and `BalanceRefunded`: each commit
    changes the balances by just what its events say, so one without such an event by nothing. A
    commit whose event is not published yet, or was lost with the store, is taken at its word.
    """
    ledger = _Ledger(facts)
    breaches: list[Breach] = []
    balances: dict[str, Decimal] = {}
    moved = 0
    for seen in facts.history:
        changes: dict[str, Decimal] = {}
        for item in _wallets_written(seen):
            changes[item.key] = item.balance - balances.get(item.key, ZERO)
            balances[item.key] = item.balance
            if item.balance < 0:
                text = f"the balance of {item.key} is {item.balance:.2f} {seen}"
                breaches.append(Breach(seen.place, text))
        if not isinstance(seen.detail, Written) or seen.record.source != WALLETS:
            continue
        moved += any(changes.values())
        entries = ledger.entries(seen)
        if entries is None:
            continue
        for wallet in changes | entries:
            change, entry = changes.get(wallet, ZERO), entries.get(wallet, ZERO)
            if change != entry:
                text = f"the balance of {wallet} changed by {change:+.2f} {seen}, but its ledger "
                breaches.append(Breach(seen.place, f"{text}says {entry:+.2f}"))
    looked_at = f"{count(len(balances), 'wallet')}, whose balance changed {count(moved, 'time')}"
    return breaches, looked_at


def at_most_once(facts: Facts) -> Found:
    """For each payment: at most one debit, no more refunds than debits, at most one charge.

    A debit that was undone with a lost store, before anyone heard of it, does not count, nor does
    its repetition by a replay.
    """
    breaches = []
    for saga, standing in facts.standings.items():
        debits, charges = standing.debits, standing.charges
        for again in debits[1:]:
            text = f"{saga} was debited {debits[0].seen} and again {again.seen}"
            breaches.append(Breach(again.seen.place, text))
        for number, refund in enumerate(standing.refunds, start=1):
            before = sum(debit.seen.place < refund.seen.place for debit in debits)
            if number > before:
                text = f"{saga} had {count(before, 'debit')}, but refund {number} {refund.seen}"
                breaches.append(Breach(refund.seen.place, text))
        for charge in charges[1:]:
            text = f"the provider charged {saga} {charges[0]} and again {charge}"
            breaches.append(Breach(charge.place, text))
    debited = sum(len(one.debits) for one in facts.standings.values())
    refunded = sum(len(one.refunds) for one in facts.standings.values())
    charged = sum(len(one.charges) for one in facts.standings.values())
    looked_at = f"{count(debited, 'debit')}, {count(refunded, 'refund')}, "
    return breaches, looked_at + count(charged, "charge")


class _Ledger:
    """What the published movements say: by event id, and by the event that caused them, once of
    all movements and once of those that are in no commit's outbox."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._by_event: dict[str | None, tuple[str, Decimal]] = {}
        self._by_cause: dict[str | None, tuple[str, Decimal]] = {}
        self._past_the_outbox: dict[str | None, tuple[str, Decimal]] = {}
        committed = {event_id for seen in facts.answers for event_id in seen.detail.outbox}
        for seen in facts.published:
            published = seen.detail
            if seen.record.event == DEBITED:
                amount = -published.payload["amount_debited"]
            elif seen.record.event == REFUNDED:
                amount = published.payload["amount_refunded"]
            else:
                continue
            entry = (published.payload["user_id"], amount)
            self._by_event[seen.record.event_id] = entry
            self._by_cause[published.causation_id] = entry
            if seen.record.event_id not in committed:
                self._past_the_outbox[published.causation_id] = entry

    def entries(self, seen: Seen) -> dict[str, Decimal] | None:
        """Wallet to what the ledger says of this commit; None if it cannot say yet.

        A commit without an event stands for the one that answers its message: a replay repeats
        what was published long ago; any other may publish past its outbox, and if the event is in
        another commit's, that one has to account for it. What a replay takes up for publication
        was applied before the loss.
        """
        written = seen.detail
        replayed = seen.record.invocation in self._facts.replays
        if seen.place in self._facts.undone:
            return None
        if written.item is None and replayed:
            return {}
        if any(event_id not in self._facts.publications for event_id in written.outbox):
            return None
        if written.outbox:
            found = [self._by_event.get(event_id) for event_id in written.outbox]
        else:
            by_cause = self._by_cause if replayed else self._past_the_outbox
            found = [by_cause.get(written.handled)]
        entries: dict[str, Decimal] = {}
        for wallet, amount in filter(None, found):
            entries[wallet] = entries.get(wallet, ZERO) + amount
        return entries


def _opening_and_end(facts: Facts) -> tuple[Decimal, Decimal]:
    """What the wallets held in all, at the opening and at the end."""
    opening = ZERO
    wallets: dict[str, Decimal] = {}
    for seen in facts.history:
        if isinstance(seen.detail, Restored) and seen.record.target == WALLETS:
            wallets.clear()
        for item in _wallets_written(seen):
            wallets[item.key] = item.balance
            if isinstance(seen.detail, Read):
                opening += item.balance
    return opening, sum(wallets.values(), ZERO)


def _wallets_written(seen: Seen) -> tuple[Any, ...]:
    """The wallets as this record has them: opened, written, or brought back by a restore."""
    record, detail = seen.record, seen.record.detail
    if isinstance(detail, Restored):
        return detail.items if record.target == WALLETS and record.kind != "fault" else ()
    if record.source != WALLETS or detail is None or detail.item is None:
        return ()
    return (detail.item,)
