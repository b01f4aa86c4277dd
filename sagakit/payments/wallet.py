"""The Wallet Service: debits for payments, credits for refunds, and rebuilds what was lost."""

from decimal import Decimal
from typing import NamedTuple

from sagakit.events import Event
from sagakit.payments.events import (
    BalanceDebited,
    BalanceRefunded,
    InsufficientBalance,
    PaymentInit,
    ReembolsarUsuario,
)
from sagakit.payments.money import ZERO
from sagakit.ports import Archive, Intake, Person, Store, on


class Wallet(NamedTuple):
    user_id: str
    balance: Decimal
    version: int = 0

    @property
    def key(self) -> str:
        return self.user_id

    def covers(self, amount: Decimal) -> bool:
        return self.balance >= amount

    def debited(self, amount: Decimal) -> "Wallet":
        return self._replace(balance=self.balance - amount)

    def credited(self, amount: Decimal) -> "Wallet":
        return self._replace(balance=self.balance + amount)

    def __str__(self) -> str:
        return f"balance: {self.balance}"


class WalletService:
    """Owns the wallets: debits them for payments, credits them for refunds."""

    def __init__(self, wallets: Store[Wallet]) -> None:
        self.wallets = wallets

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        """Debit the payer, or report that the balance does not cover the amount."""
        wallet = await self.wallets.get(event.user_id)
        outcome: BalanceDebited | InsufficientBalance
        if wallet is not None and wallet.covers(event.amount):
            wallet = wallet.debited(event.amount)
            outcome = BalanceDebited.after(
                event,
                amount_debited=event.amount,
                amount_left=wallet.balance,
                wallet_version=wallet.version + 1,
            )
        else:
            available = wallet.balance if wallet else ZERO
            outcome = InsufficientBalance.after(event, available=available)
        await self.wallets.commit(wallet, publish=[outcome], handled=event)

    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        """Give back what was debited."""
        wallet = await self.wallets.get(event.user_id)
        if wallet is None:
            raise LookupError(f"no wallet of {event.user_id} to refund payment {event.payment_id}")
        wallet = wallet.credited(event.amount)
        refunded = BalanceRefunded.after(
            event,
            amount_refunded=event.amount,
            amount_left=wallet.balance,
            wallet_version=wallet.version + 1,
        )
        await self.wallets.commit(wallet, publish=[refunded], handled=event)


class StartRecovery(NamedTuple):
    """The wallet store was lost: rebuild it."""

    label: str = "start recovery"


class RecoverableWalletService(WalletService):
    """A wallet service that can rebuild its store from a snapshot and the archived events."""

    def __init__(
        self, wallets: Store[Wallet], archive: Archive, intake: Intake, operator: Person
    ) -> None:
        super().__init__(wallets)
        self.archive = archive
        self.intake = intake
        self.operator = operator

    @on(StartRecovery)
    async def recover(self, _command: StartRecovery) -> str:
        """Restore the snapshot, apply the events since by sequence, take up what went unanswered.

        The sequence of a wallet is its version, which its events carry: an event is applied when
        it is the next version, and passed over when the snapshot has it already. Timestamps are
        not asked. Nothing is published again: the outcomes are in the archive.
        """
        await self.intake.pause()
        snapshot = await self.archive.latest_snapshot()
        movements = await self.archive.events(BalanceDebited, BalanceRefunded)
        refusals = await self.archive.events(InsufficientBalance)
        requests = await self.archive.events(PaymentInit, ReembolsarUsuario)
        published = {event.header.event_id for event in (*movements, *refusals)}
        unpublished = tuple(
            event
            for event in snapshot.outbox
            if isinstance(event, Event) and event.header.event_id not in published
        )
        await self.archive.restore(snapshot._replace(outbox=unpublished))

        for event in sorted(movements, key=lambda event: (event.user_id, event.wallet_version)):
            await self._apply(event)
        for refusal in refusals:
            if refusal.header.causation_id not in snapshot.inbox:
                await self.wallets.commit(None, handled=refusal.header.causation_id)
        answered = snapshot.inbox | {event.header.causation_id for event in (*movements, *refusals)}
        for request in requests:
            if request.header.event_id not in answered:
                await self.archive.deliver_again(request)
        await self.operator.tell("recovery complete")
        await self.intake.resume()
        return "recovered"

    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is None or event.wallet_version <= wallet.version:
            return
        if isinstance(event, BalanceDebited):
            wallet = wallet.debited(event.amount)
        else:
            wallet = wallet.credited(event.amount)
        await self.wallets.commit(wallet, handled=event.header.causation_id)
