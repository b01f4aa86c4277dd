"""Laws about the external provider: what it is asked, when, and what its silence allows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from sagakit.contract.terminal import count
from sagakit.laws.evidence import CALLS, ENDS, Breach, Found
from sagakit.laws.payments import BREAKER, PaymentEvidence
from sagakit.trace import facts
from sagakit.trace.facts import Seen

NOT_CHARGED = ("declined", "voided")  # the provider's word that it keeps nothing, for good
PROBE = "the prober's HALF_OPEN"


def settle_the_unknown(evidence: PaymentEvidence) -> Found:
    """A refund is preceded by the provider's word that the payment was not charged, or was voided.

    The word is an answer to a request with the payment's key; silence is none. Without a word, a
    refund is right only if no request to charge reached the provider before it, and none is made
    after it.
    """
    breaches = []
    talks = _talks(evidence)
    refunds = [refund for standing in evidence.standings.values() for refund in standing.refunds]
    for refund in refunds:
        saga, when, talk = refund.saga, refund.seen, talks[refund.saga]
        settled, unknown = _known(seen for seen in talk if seen.position < when.position)
        for key, sent in unknown.items():
            text = f"{saga} was refunded {when}, but nobody knew whether {key} was charged: the "
            text += f"provider was asked {sent} and did not say that it was not"
            breaches.append(Breach(when.position, text))
        for seen in talk:
            if seen.position > when.position and _charges(seen) and seen.fact.key not in settled:
                text = f"{saga} was refunded {when}, and the provider asked to charge it {seen}"
                breaches.append(Breach(seen.position, text))
    asked = count(len(talks), "payment")
    looked_at = f"{count(len(refunds), 'refund')}; the provider was asked about {asked}"
    return breaches, looked_at


def _known(talk: Iterable[Seen]) -> tuple[set[str], dict[str, Seen]]:
    """Return the keys that the provider says it did not charge; and those of which nobody knows,
    with the request that may have charged them."""
    settled: set[str] = set()
    latest: dict[int, Seen] = {}
    unknown: dict[str, list[Seen]] = defaultdict(list)
    for seen in talk:
        invocation = seen.record.invocation
        match seen.fact:
            case facts.Asked(key=key, void=False):
                latest[invocation] = seen
                unknown[key].append(seen)
            case facts.PartyAnswered(key=key, outcome=outcome) if outcome in NOT_CHARGED:
                settled.add(key)
            case facts.PartyUnreachable(key=key) if latest.get(invocation) in unknown[key]:
                unknown[key].remove(latest[invocation])
    return settled, {
        key: requests[0] for key, requests in unknown.items() if requests and key not in settled
    }


def one_key(evidence: PaymentEvidence) -> Found:
    """All requests about a payment carry the same Idempotency-Key, which no other payment's do, and
    all requests to charge it the same parameters."""
    breaches = []
    owners: dict[str, tuple[str | None, Seen]] = {}
    talks = _talks(evidence)
    calls = 0
    for saga, talk in talks.items():
        requests = [seen for seen in talk if isinstance(seen.fact, facts.Asked)]
        charges = [seen for seen in requests if _charges(seen)]
        calls += len(requests)
        for seen in requests:
            first, key = requests[0], seen.fact.key
            owner, since = owners.setdefault(key, (saga, seen))
            if key != first.fact.key:
                text = f"{saga} was asked for with key {first.fact.key} {first}, then {key} {seen}"
                breaches.append(Breach(seen.position, text))
            elif owner != saga:
                text = f"key {key} is that of {owner} {since}, but {saga} has it too, {seen}"
                breaches.append(Breach(seen.position, text))
        for seen in charges:
            first = charges[0]
            if seen.fact.request != first.fact.request:
                text = f"{saga} was to be charged with {_shown(first)} {first}, then with "
                breaches.append(Breach(seen.position, f"{text}{_shown(seen)} {seen}"))
    looked_at = f"{count(calls, 'request')} about {count(len(talks), 'payment')}"
    return breaches, looked_at


def breaker(evidence: PaymentEvidence) -> Found:
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
    for seen in _around_the_breaker(evidence):
        who, saga = seen.record.invocation, seen.record.saga
        match seen.fact:
            case facts.ItemRead(item=item):
                goes_by[who] = item.state if item is not None else "CLOSED"
            case facts.Committed(item=item):
                stored = item.state
                goes_by[who] = PROBE if stored == "HALF_OPEN" else stored
                opened += stored == "OPEN"
                if stored == "HALF_OPEN":
                    for other in probes.values():
                        text = f"two probes at once: that of {saga} began {seen}, while that of "
                        text += f"{other.record.saga}, begun {other}, had no answer yet"
                        breaches.append(Breach(seen.position, text))
                    probes[who] = seen
            case facts.Asked(party=party):
                calls += 1
                state = goes_by.get(who, stored)
                if state == PROBE:
                    goes_by[who] = "HALF_OPEN"  # that was the one call
                elif state != "CLOSED":
                    text = f"{saga} called {party} {seen} although the breaker was {state}"
                    breaches.append(Breach(seen.position, text))
            case _:
                probes.pop(who, None)  # it has its answer, or is over
    looked_at = f"{count(calls, 'call')}; the breaker "
    looked_at += f"opened {count(opened, 'time')}" if opened else "never opened"
    return breaches, looked_at


def _around_the_breaker(evidence: PaymentEvidence) -> Iterator[Seen]:
    """Yield reads and writes of the breaker, requests to the provider, and of the invocations that
    made them what ends their interest: an answer, a crash, an acknowledgement, the next message."""
    callers: set[int] = set()
    for seen in evidence.of(
        facts.ItemRead, facts.Committed, *CALLS, *ENDS, facts.Received, facts.Acknowledged
    ):
        invocation, fact = seen.record.invocation, seen.record.fact
        if isinstance(fact, facts.ItemRead | facts.Committed):
            if fact.store != BREAKER or (isinstance(fact, facts.Committed) and not fact.writes):
                continue
            callers.add(invocation)
        elif isinstance(fact, facts.Asked):
            callers.add(invocation)
        if invocation in callers:
            yield seen


def _talks(evidence: PaymentEvidence) -> dict[str | None, list[Seen]]:
    """Return saga to its requests to the provider and what came back, without the books."""
    talks: dict[str | None, list[Seen]] = defaultdict(list)
    for seen in evidence.of(*CALLS):
        talks[seen.record.saga].append(seen)
    return talks


def _charges(seen: Seen) -> bool:
    """True for a request to charge; another is to void."""
    return isinstance(seen.fact, facts.Asked) and not seen.fact.void


def _shown(seen: Seen) -> str:
    return ", ".join(map(str, seen.fact.request))
