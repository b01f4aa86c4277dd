"""The Wallet Service: debits for payments, credits for refunds."""

from decimal import Decimal
from typing import NamedTuple

from sagakit.contract.ports import Store, on
from sagakit.payments.events import (
    BalanceDebited,
    BalanceRefunded,
    InsufficientBalance,
    PaymentInit,
    ReembolsarUsuario,
)
from sagakit.payments.money import ZERO


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
