"""Laws about a saga: its money adds up, nobody pays twice, and it ends with all sides agreed."""

from decimal import Decimal
from typing import Any

from sagakit.contract.terminal import count
from sagakit.laws.evidence import Breach, Found
from sagakit.laws.payments import PAYMENTS, WALLETS, Life, PaymentEvidence, Standing
from sagakit.payments.events import BalanceDebited, BalanceRefunded
from sagakit.payments.money import ZERO
from sagakit.payments.payment import FINAL, TRANSITIONS
from sagakit.trace.facts import Committed, Opening, Seen
from sagakit.trace.stores import CHANGES, apply, items_put

DEBITED, REFUNDED = BalanceDebited.__name__, BalanceRefunded.__name__


def conservation(evidence: PaymentEvidence) -> Found:
    """At rest, the wallets and what the provider keeps add up to what there was at the opening.

    For a saga that is not at rest, what was debited and is neither refunded nor charged is added:
    it is on its way.
    """
    if WALLETS in evidence.unrepaired and not evidence.over:
        return (), f"not at rest: {WALLETS} is lost, and not rebuilt yet"
    opening, wallets = _opening_and_end(evidence)
    standings = evidence.standings
    kept = sum((standing.provider_keeps for standing in standings.values()), ZERO)
    unsettled = {saga: standing for saga, standing in standings.items() if standing.on_the_way}
    moving = [standing for saga, standing in unsettled.items() if saga in evidence.under_way]
    on_the_way = sum((standing.on_the_way for standing in moving), ZERO)
    total = wallets + kept + on_the_way
    text = f"wallets {wallets:.2f} + provider {kept:.2f}"
    if on_the_way:
        text += f" + on the way {on_the_way:.2f}"
    if total == opening:
        return (), f"{text} = {opening:.2f}, as at the start; {evidence.rest}"
    text += f" = {total:.2f}, but there were {opening:.2f} at the start"
    breaches = [
        Breach(
            standing.last,
            f"{text}: for {saga} the wallet is debited {standing.net_debit:.2f} and the provider "
            f"keeps {standing.provider_keeps:.2f}",
        )
        for saga, standing in unsettled.items()
        if saga not in evidence.under_way
    ]
    last = max((seen.position for seen in evidence.history), default=0)
    return breaches or [Breach(last, text)], ""


def no_overdraft(evidence: PaymentEvidence) -> Found:
    """No balance is ever below zero, and each is the opening balance plus its ledger entries.

    The entries of a wallet are the published `BalanceDebited` and `BalanceRefunded`: each commit
    changes the balances by just what its events say, so one without such an event by nothing. A
    commit whose event is not published yet, or was lost with the store, is taken at its word.
    """
    ledger = _Ledger(evidence)
    breaches: list[Breach] = []
    balances: dict[str, Decimal] = {}
    moved = 0
    for seen in evidence.history:
        if not isinstance(seen.fact, CHANGES) or seen.fact.store != WALLETS:
            continue
        changes: dict[str, Decimal] = {}
        for item in items_put(seen.fact):
            changes[item.key] = item.balance - balances.get(item.key, ZERO)
            balances[item.key] = item.balance
            if item.balance < 0:
                text = f"the balance of {item.key} is {item.balance:.2f} {seen}"
                breaches.append(Breach(seen.position, text))
        if not isinstance(seen.fact, Committed):
            continue
        moved += any(changes.values())
        entries = ledger.entries(seen, seen.fact)
        if entries is None:
            continue
        for wallet in changes | entries:
            change, entry = changes.get(wallet, ZERO), entries.get(wallet, ZERO)
            if change != entry:
                text = f"the balance of {wallet} changed by {change:+.2f} {seen}, but its ledger "
                breaches.append(Breach(seen.position, f"{text}says {entry:+.2f}"))
    looked_at = f"{count(len(balances), 'wallet')}, whose balance changed {count(moved, 'time')}"
    return breaches, looked_at


def at_most_once(evidence: PaymentEvidence) -> Found:
    """For each payment: at most one debit, no more refunds than debits, at most one charge.

    A debit that was undone with a lost store, before anyone heard of it, does not count, nor does
    its repetition by a replay.
    """
    breaches = []
    debited = refunded = charged = 0
    for saga, standing in evidence.standings.items():
        debits, refunds, charges = standing.debits, standing.refunds, standing.charges
        debited, refunded = debited + len(debits), refunded + len(refunds)
        charged += len(charges)
        for again in debits[1:]:
            text = f"{saga} was debited {debits[0].seen} and again {again.seen}"
            breaches.append(Breach(again.seen.position, text))
        for number, refund in enumerate(refunds, start=1):
            before = sum(debit.seen.position < refund.seen.position for debit in debits)
            if number > before:
                text = f"{saga} had {count(before, 'debit')}, but refund {number} {refund.seen}"
                breaches.append(Breach(refund.seen.position, text))
        for charge in charges[1:]:
            text = f"the provider charged {saga} {charges[0]} and again {charge}"
            breaches.append(Breach(charge.position, text))
    looked_at = f"{count(debited, 'debit')}, {count(refunded, 'refund')}, "
    return breaches, looked_at + count(charged, "charge")


def agreement(evidence: PaymentEvidence) -> Found:
    """At rest, all sides agree on how a payment ended.

    COMPLETED: its amount is debited, not refunded, and the provider keeps just that. FAILED: what
    was debited is refunded, and the provider keeps nothing. The two exclude each other, so each
    status stands exactly when its condition does; a payment without a final status is the matter
    of `every saga ends`.
    """
    breaches = []
    ended = 0
    for saga, life in evidence.lives.items():
        if life.status not in FINAL or saga in evidence.under_way:
            continue
        ended += 1
        standing = evidence.standings.get(saga) or Standing()
        due = life.amount if life.status == "COMPLETED" else ZERO
        debited, kept = standing.net_debit, standing.provider_keeps
        if (debited, kept) != (due, due):
            last = max(standing.last, life.last.position)
            text = f"{saga} is {life.status}, so {due:.2f} should be debited and charged, but the "
            text += f"wallet is debited {debited:.2f} and the provider keeps {kept:.2f}"
            breaches.append(Breach(last, text))
    looked_at = f"{count(ended, 'payment')} ended; {evidence.rest}"
    return breaches, looked_at


def final_is_final(evidence: PaymentEvidence) -> Found:
    """A payment moves along the state diagram only, and nothing moves it once it is final; a saga
    has at most one final event."""
    breaches = []
    transitions = 0
    for seen in evidence.answers:
        commit = seen.fact
        if commit.store != PAYMENTS or not commit.writes:
            continue
        before = commit.before.status if commit.before is not None else None
        after = commit.item.status
        transitions += before != after
        if after not in TRANSITIONS.get(before, ()) and (before != after or after in FINAL):
            text = f"{commit.key} went from {before or 'nothing'} to {after} {seen}, which the "
            breaches.append(Breach(seen.position, f"{text}state diagram does not have"))
    finals = 0
    for saga, life in evidence.lives.items():
        finals += bool(life.finals)
        for later in life.finals:
            first = life.finals[0]
            if later.record.event_id != first.record.event_id:
                text = f"{saga} ended with {first.fact.event} {first} and again with "
                breaches.append(Breach(later.position, f"{text}{later.fact.event} {later}"))
    looked_at = f"{count(transitions, 'transition')}, {count(finals, 'final event')}"
    return breaches, looked_at


def every_saga_ends(evidence: PaymentEvidence) -> Found:
    """Every saga comes to a final status, and says so with its final event.

    A dead letter holds its saga up until somebody redrives it: a run that ends so breaks this law.
    """
    breaches = []
    ended = waiting = 0
    for saga, life in evidence.lives.items():
        if life.status in FINAL and life.finals:
            ended += 1
        elif not evidence.over and (saga in evidence.under_way or evidence.unrepaired):
            waiting += 1
        else:
            breaches.append(_stuck(evidence, saga, life))
    looked_at = f"{ended} of {count(len(evidence.lives), 'saga')} ended"
    if waiting:
        looked_at += f", {waiting} had not when the run was cut short"
    return breaches, looked_at


def _stuck(evidence: PaymentEvidence, saga: str | None, life: Life) -> Breach:
    """Say why a saga has not ended."""
    way = evidence.under_way.get(saga)
    status = life.status or "not among the payments"
    if life.status in FINAL:
        status += " without an event that says so,"
    if way is None:
        since = f"{life.last.record.t} ms (record {life.last.position})"
        return Breach(life.last.position, f"{saga} is {status} since {since}, and nothing follows")
    if way.dead:
        hint = ": redrive it"
    elif evidence.ended:
        hint = ", and nobody takes it"
    else:
        hint = ", and there is no end to it"
    return Breach(way.position, f"{saga} is {status}: {way.text}{hint}")


class _Ledger:
    """The published movements of money: by event id, and by the event that caused them, once of
    all movements and once of those that are in no commit's outbox."""

    def __init__(self, evidence: PaymentEvidence) -> None:
        self._evidence = evidence
        self._by_event: dict[str | None, tuple[str, Decimal]] = {}
        self._by_cause: dict[str | None, tuple[str, Decimal]] = {}
        self._past_the_outbox: dict[str | None, tuple[str, Decimal]] = {}
        committed = {event_id for seen in evidence.answers for event_id in seen.fact.outbox}
        for event in evidence.published:
            payload = event.fact.payload
            if event.fact.event == DEBITED:
                amount = -payload["amount_debited"]
            elif event.fact.event == REFUNDED:
                amount = payload["amount_refunded"]
            else:
                continue
            entry = (payload["user_id"], amount)
            self._by_event[event.record.event_id] = entry
            self._by_cause[event.fact.causation_id] = entry
            if event.record.event_id not in committed:
                self._past_the_outbox[event.fact.causation_id] = entry

    def entries(self, seen: Seen, commit: Committed) -> dict[str, Decimal] | None:
        """Return wallet to what the ledger says of this commit; None if it cannot say yet.

        A commit without an event stands for the one that answers its message: a replay repeats
        what was published long ago; any other may publish past its outbox, and if the event is in
        another commit's, that one has to account for it. What a replay takes up for publication
        was applied before the loss.
        """
        replayed = seen.record.invocation in self._evidence.replays
        if seen.position in self._evidence.undone:
            return None
        if commit.item is None and replayed:
            return {}
        if any(event_id not in self._evidence.publications for event_id in commit.outbox):
            return None
        if commit.outbox:
            found = [self._by_event.get(event_id) for event_id in commit.outbox]
        else:
            by_cause = self._by_cause if replayed else self._past_the_outbox
            found = [by_cause.get(commit.handled)]
        entries: dict[str, Decimal] = {}
        for wallet, amount in filter(None, found):
            entries[wallet] = entries.get(wallet, ZERO) + amount
        return entries


def _opening_and_end(evidence: PaymentEvidence) -> tuple[Decimal, Decimal]:
    """Return what the wallets held in all, at the opening and at the end."""
    opening = ZERO
    wallets: dict[str, Any] = {}
    for seen in evidence.history:
        if isinstance(seen.fact, CHANGES) and seen.fact.store == WALLETS:
            apply(seen.fact, wallets)
            if isinstance(seen.fact, Opening):
                opening += seen.fact.item.balance
    return opening, sum((wallet.balance for wallet in wallets.values()), ZERO)
