"""What happened to each payment: where its money is, and how its saga went."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from sagakit.laws.messages import Seen
from sagakit.payments.events import FINAL_EVENTS
from sagakit.payments.money import ZERO

WALLETS, PAYMENTS = "Wallet DB", "Payments DB"


class Movement(NamedTuple):
    """One commit that changed a wallet's balance: a debit if the amount is below zero."""

    seen: Seen
    wallet: str
    saga: str | None
    amount: Decimal


class Standing:
    """What was moved for one payment: debits and refunds at the wallet, charges at the provider."""

    __slots__ = ("charges", "debits", "kept", "last", "refunds")

    def __init__(self) -> None:
        self.debits: list[Movement] = []
        self.refunds: list[Movement] = []
        self.charges: list[Seen] = []
        self.kept: dict[str, Decimal] = {}  # what the provider keeps, by Idempotency-Key
        self.last = 0  # the place of the last of these

    @property
    def net_debit(self) -> Decimal:
        return -sum((one.amount for one in (*self.debits, *self.refunds)), ZERO)

    @property
    def provider_keeps(self) -> Decimal:
        return sum(self.kept.values(), ZERO)

    @property
    def on_the_way(self) -> Decimal:
        """What left the wallet and is not with the provider."""
        return self.net_debit - self.provider_keeps


class Life:
    """One payment as the Payment Service's store has it, and its final events."""

    __slots__ = ("amount", "finals", "last", "status")

    def __init__(self, first: Seen) -> None:
        self.amount: Decimal = ZERO
        self.status = ""  # as long as the store knows no such payment
        self.last = first
        self.finals: list[Seen] = []


def movements(commits: Iterable[Seen]) -> list[Movement]:
    """The commits that changed a wallet's balance."""
    found = []
    for seen in commits:
        record, written = seen.record, seen.record.detail
        if record.source == WALLETS and written.item is not None:
            before = written.before.balance if written.before is not None else ZERO
            amount = written.item.balance - before
            if amount:
                found.append(Movement(seen, written.key, record.correlation_id, amount))
    return found


def standings(moved: Iterable[Movement], books: Iterable[Seen]) -> dict[str | None, Standing]:
    """Saga to what was moved for it, by the wallets and by the provider's own books."""
    found: dict[str | None, Standing] = defaultdict(Standing)
    for movement in moved:
        standing = found[movement.saga]
        (standing.debits if movement.amount < 0 else standing.refunds).append(movement)
        standing.last = movement.seen.place
    for seen in books:
        standing, entry = found[seen.record.correlation_id], seen.record.detail
        executed = entry.outcome == "executed"
        standing.kept[entry.key] = _amount(entry.request) if executed else ZERO
        standing.last = max(standing.last, seen.place)
        if executed:
            standing.charges.append(seen)
    return dict(found)


def lives(commits: Iterable[Seen], published: Iterable[Seen]) -> dict[str | None, Life]:
    """Saga to its payment's life; a saga of which an event was published has one at least so."""
    found: dict[str | None, Life] = {}
    for seen in commits:
        written = seen.record.detail
        if seen.record.source == PAYMENTS and written.item is not None:
            life = found.get(written.key)
            if life is None:
                life = found[written.key] = Life(seen)
            life.last = seen
            life.status, life.amount = written.item.status, written.item.amount
    for seen in published:
        saga = seen.record.correlation_id
        life = found.get(saga)
        if life is None:
            life = found[saga] = Life(seen)
        if seen.record.event in FINAL_EVENTS:
            life.finals.append(seen)
    return found


def _amount(request: tuple[Any, ...]) -> Decimal:
    """The amount in a request to the provider: (user_id, amount)."""
    return next((part for part in request if isinstance(part, Decimal)), ZERO)
