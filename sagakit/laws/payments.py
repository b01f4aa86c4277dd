"""The evidence about payments: where each one's money is, and how its saga went."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from sagakit.laws.evidence import Evidence
from sagakit.payments.events import FINAL_EVENTS
from sagakit.payments.money import ZERO
from sagakit.payments.topology import payment_system
from sagakit.trace.facts import Booked, Seen
from sagakit.trace.trace import Trace

WALLETS, PAYMENTS, BREAKER = "Wallet DB", "Payments DB", "Breaker DB"


class Movement(NamedTuple):
    """One commit that changed a wallet's balance: a debit if the amount is below zero."""

    seen: Seen
    wallet: str
    saga: str | None
    amount: Decimal


@dataclass(slots=True)
class Standing:
    """The money of one payment: debits and refunds at the wallet, charges at the provider.

    `kept` is what the provider keeps, by Idempotency-Key; `last` is the index of the last of these.
    """

    debits: list[Movement] = field(default_factory=list)
    refunds: list[Movement] = field(default_factory=list)
    charges: list[Seen] = field(default_factory=list)
    kept: dict[str, Decimal] = field(default_factory=dict)
    last: int = 0

    @property
    def net_debit(self) -> Decimal:
        return -sum((moved.amount for moved in (*self.debits, *self.refunds)), ZERO)

    @property
    def provider_keeps(self) -> Decimal:
        return sum(self.kept.values(), ZERO)

    @property
    def on_the_way(self) -> Decimal:
        """The amount that left the wallet and is not with the provider."""
        return self.net_debit - self.provider_keeps


@dataclass(slots=True)
class Life:
    """One payment as the Payment Service's store has it, and its final events.

    `status` is empty as long as the store knows no such payment; `last` is the last that was seen.
    """

    last: Seen
    amount: Decimal = ZERO
    status: str = ""
    finals: list[Seen] = field(default_factory=list)


class UnderWay(NamedTuple):
    """Why a saga is not at rest: something of it waits, or lies among the dead letters."""

    position: int
    text: str
    dead: bool = False


class PaymentEvidence(Evidence):
    """The evidence of a run of the payment system; without rules, those of the system are taken."""

    def __init__(self, trace: Trace, *, ended: bool = True) -> None:
        rules = trace.rules if trace.rules is not None else payment_system().rules
        super().__init__(trace, ended=ended, rules=rules)

    @cached_property
    def movements(self) -> list[Movement]:
        """The commits that count and changed a wallet's balance."""
        found = []
        for seen in self.answers:
            commit = seen.fact
            if commit.store == WALLETS and commit.item is not None:
                before = commit.before.balance if commit.before is not None else ZERO
                amount = commit.item.balance - before
                if amount:
                    found.append(Movement(seen, commit.item.key, seen.record.saga, amount))
        return found

    @cached_property
    def standings(self) -> dict[str | None, Standing]:
        """Saga to where its money is, by the wallets and by the provider's own books."""
        found: dict[str | None, Standing] = defaultdict(Standing)
        for movement in self.movements:
            standing = found[movement.saga]
            (standing.debits if movement.amount < 0 else standing.refunds).append(movement)
            standing.last = movement.seen.position
        for seen in self.of(Booked):
            standing, entry = found[seen.record.saga], seen.fact
            executed = entry.state == "executed"
            standing.kept[entry.key] = _amount(entry.request) if executed else ZERO
            standing.last = max(standing.last, seen.position)
            if executed:
                standing.charges.append(seen)
        return dict(found)

    @cached_property
    def lives(self) -> dict[str | None, Life]:
        """Saga to how its payment went; one of which an event was published has a life at least."""
        found: dict[str | None, Life] = {}
        for seen in self.answers:
            commit = seen.fact
            if commit.store == PAYMENTS and commit.item is not None:
                life = found.setdefault(commit.key, Life(seen))
                life.last = seen
                life.status, life.amount = commit.item.status, commit.item.amount
        for event in self.published:
            life = found.setdefault(event.record.saga, Life(event))
            if event.fact.event in FINAL_EVENTS:
                life.finals.append(event)
        return found

    @property
    def rest(self) -> str:
        """Say that the run is at rest, or what is not."""
        if not self.under_way:
            return "at rest"
        saga, (_, text, _) = next(iter(self.under_way.items()))
        more = f"; and {len(self.under_way) - 1} more" if len(self.under_way) > 1 else ""
        return f"not at rest: of {saga}, {text}{more}"

    @cached_property
    def under_way(self) -> dict[str | None, UnderWay]:
        """Saga to why it is not at rest. A final event moves nothing more, so it does not count."""
        found: dict[str | None, UnderWay] = {}
        for message in self.messages.by_id.values():
            if not message.handled and message.saga and message.event not in FINAL_EVENTS:
                text = f"its {message.event or 'message'} "
                if message.dead:
                    text += f"is a dead letter of {message.queue} ({message.reason})"
                else:
                    text += f"waits in {message.queue}"
                text += f", {message.last}"
                found[message.saga] = UnderWay(message.last.position, text, message.dead)
        if self.ended:
            return found
        for (_, target), seen in self.messages.on_the_bus.items():
            if seen.fact.event not in FINAL_EVENTS:
                text = f"its {seen.fact.event} is on its way to {target}, {seen}"
                found[seen.record.saga] = UnderWay(seen.position, text)
        for seen in self.answers:
            if not all(event_id in self.publications for event_id in seen.fact.outbox):
                text = f"an event of it is in the outbox of {seen.fact.store}, {seen}"
                found[seen.record.saga] = UnderWay(seen.position, text)
        return found


def _amount(request: tuple[Any, ...]) -> Decimal:
    """Return the amount in a request to the provider: (user_id, amount)."""
    return next((part for part in request if isinstance(part, Decimal)), ZERO)
