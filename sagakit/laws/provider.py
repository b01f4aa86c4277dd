"""Laws about the external provider: what it is asked, when, and what its silence allows."""

from collections import defaultdict
from collections.abc import Iterable

from sagakit.laws.facts import Facts
from sagakit.laws.messages import Seen
from sagakit.laws.verdict import Breach, Found, count
from sagakit.trace.trace import Asked, Read, Written

NOT_CHARGED = ("declined", "voided")  # the provider's word that it keeps nothing, for good
NEVER_THERE = "unavailable"  # the request did not reach it
PROBE = "the prober's HALF_OPEN"


def settle_the_unknown(facts: Facts) -> Found:
    """A refund is preceded by the provider's word that the payment was not charged, or was voided.

    The word is an answer to a request with the payment's key; silence is none. Without a word, a
    refund is right only if no request to charge reached the provider before it, and none is made
    after it.
    """
    breaches = []
    talks = _talks(facts)
    refunds = [refund for one in facts.standings.values() for refund in one.refunds]
    for refund in refunds:
        saga, when, talk = refund.saga, refund.seen, talks[refund.saga]
        settled, unknown = _known(seen for seen in talk if seen.place < when.place)
        for key, sent in unknown.items():
            text = f"{saga} was refunded {when}, but nobody knew whether {key} was charged: the "
            text += f"provider was asked {sent} and did not say that it was not"
            breaches.append(Breach(when.place, text))
        for seen in talk:
            if seen.place > when.place and _charges(seen) and seen.detail.key not in settled:
                text = f"{saga} was refunded {when}, and the provider asked to charge it {seen}"
                breaches.append(Breach(seen.place, text))
    asked = count(len(talks), "payment")
    looked_at = f"{count(len(refunds), 'refund')}; the provider was asked about {asked}"
    return breaches, looked_at


def _known(talk: Iterable[Seen]) -> tuple[set[str], dict[str, Seen]]:
    """The keys that the provider says it did not charge; and those of which nobody knows, with the
    request that may have charged them."""
    settled: set[str] = set()
    latest: dict[int, Seen] = {}
    unknown: dict[str, list[Seen]] = defaultdict(list)
    for seen in talk:
        key, outcome, invocation = seen.detail.key, seen.detail.outcome, seen.record.invocation
        if _charges(seen):
            latest[invocation] = seen
            unknown[key].append(seen)
        elif outcome in NOT_CHARGED:
            settled.add(key)
        elif outcome == NEVER_THERE and latest.get(invocation) in unknown[key]:
            unknown[key].remove(latest[invocation])
    return settled, {
        key: requests[0] for key, requests in unknown.items() if requests and key not in settled
    }


def one_key(facts: Facts) -> Found:
    """All requests about a payment carry the same Idempotency-Key, which no other payment's do, and
    all requests to charge it the same parameters."""
    breaches = []
    owners: dict[str, tuple[str | None, Seen]] = {}
    talks = _talks(facts)
    for saga, talk in talks.items():
        first: Seen | None = None
        charge: Seen | None = None
        for seen in talk:
            if seen.record.kind != "call":
                continue
            first = first or seen
            key, owner = seen.detail.key, owners.setdefault(seen.detail.key, (saga, seen))
            if key != first.detail.key:
                text = (
                    f"{saga} was asked for with key {first.detail.key} {first}, then {key} {seen}"
                )
                breaches.append(Breach(seen.place, text))
            elif owner[0] != saga:
                text = f"key {key} is that of {owner[0]} {owner[1]}, but {saga} has it too, {seen}"
                breaches.append(Breach(seen.place, text))
            if _charges(seen):
                charge = charge or seen
                if seen.detail.request != charge.detail.request:
                    text = f"{saga} was to be charged with {_shown(charge)} {charge}, then with "
                    breaches.append(Breach(seen.place, f"{text}{_shown(seen)} {seen}"))
    calls = sum(seen.record.kind == "call" for talk in talks.values() for seen in talk)
    looked_at = f"{count(calls, 'request')} about {count(len(talks), 'payment')}"
    return breaches, looked_at


def breaker(facts: Facts) -> Found:
    """Open: no calls. Half-open: at most its probe.

    An invocation goes by what it last read or wrote of the breaker; one that did not look is held
    to what the store says when it calls. Who goes by OPEN makes no call. Who wrote HALF_OPEN may
    make one; whoever only read it makes none, and nobody may write it again before that one has
    its answer or is over.
    """
    breaches = []
    goes_by: dict[int, str] = {}  # invocation to state
    stored = "CLOSED"
    probes: dict[int, Seen] = {}  # invocation to its write of HALF_OPEN, until it is over
    calls = opened = 0
    for seen in facts.breaker:
        record, detail = seen.record, seen.record.detail
        who, saga = record.invocation, record.correlation_id
        if isinstance(detail, Read):
            goes_by[who] = detail.item.state if detail.item is not None else "CLOSED"
        elif isinstance(detail, Written):
            stored = detail.item.state
            goes_by[who] = PROBE if stored == "HALF_OPEN" else stored
            opened += stored == "OPEN"
            if stored == "HALF_OPEN":
                for other in probes.values():
                    text = f"two probes at once: that of {saga} began {seen}, while that of "
                    text += f"{other.record.correlation_id}, begun {other}, had no answer yet"
                    breaches.append(Breach(seen.place, text))
                probes[who] = seen
        elif isinstance(detail, Asked) and record.kind == "call":
            calls += 1
            state = goes_by.get(who, stored)
            if state == PROBE:
                goes_by[who] = "HALF_OPEN"  # that was the one call
            elif state != "CLOSED":
                text = f"{saga} called {record.target} {seen} although the breaker was {state}"
                breaches.append(Breach(seen.place, text))
        else:
            probes.pop(who, None)  # it has its answer, or is over
    looked_at = f"{count(calls, 'call')}; the breaker "
    looked_at += f"opened {count(opened, 'time')}" if opened else "never opened"
    return breaches, looked_at


def _talks(facts: Facts) -> dict[str | None, list[Seen]]:
    """Saga to its requests to the provider and what came back, without the provider's books."""
    talks: dict[str | None, list[Seen]] = defaultdict(list)
    for seen in facts.asked:
        if seen.record.invocation:
            talks[seen.record.correlation_id].append(seen)
    return talks


def _charges(seen: Seen) -> bool:
    """Whether this is a request to charge; a request to void has no parameters."""
    return seen.record.kind == "call" and bool(seen.detail.request)


def _shown(seen: Seen) -> str:
    return ", ".join(map(str, seen.detail.request))
