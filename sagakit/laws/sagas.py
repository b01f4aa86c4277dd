"""Laws about a payment's saga: how it moves, and that it ends with all sides agreed."""

from sagakit.contract.terminal import count
from sagakit.laws.payments import PAYMENTS, Life, PaymentEvidence, Standing
from sagakit.laws.verdict import Breach, Found
from sagakit.payments.money import ZERO
from sagakit.payments.payment import FINAL, TRANSITIONS


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
