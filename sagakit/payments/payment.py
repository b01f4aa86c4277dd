"""The Payment Service: begins the saga, hears how it went, and ends it.

PENDING -> COMPLETED
PENDING -> FAILED                the wallet did not cover it
PENDING -> REFUNDING -> FAILED   the provider did not charge it
"""

from decimal import Decimal
from typing import Any, Literal, NamedTuple

from sagakit.contract.ports import Store, on
from sagakit.payments.events import (
    BalanceRefunded,
    InsufficientBalance,
    PaymentCompleted,
    PaymentEvent,
    PaymentFailed,
    PaymentInit,
    ProviderPaymentFailed,
    ProviderPaymentSuccess,
    ReembolsarUsuario,
)

Status = Literal["PENDING", "REFUNDING", "COMPLETED", "FAILED"]
TRANSACTION = "tx-"
FINAL: tuple[Status, ...] = ("COMPLETED", "FAILED")
TRANSITIONS: dict[Status | None, tuple[Status, ...]] = {
    None: ("PENDING",),
    "PENDING": ("COMPLETED", "REFUNDING", "FAILED"),
    "REFUNDING": ("FAILED",),
    "COMPLETED": (),
    "FAILED": (),
}


class Payment(NamedTuple):
    payment_id: str
    transaction_id: str
    user_id: str
    amount: Decimal
    status: Status = "PENDING"
    reason: str = ""
    version: int = 0

    @property
    def key(self) -> str:
        return self.payment_id

    def may_become(self, status: Status) -> bool:
        """Return whether the state diagram has an arrow to that status."""
        return status in TRANSITIONS[self.status]

    def __str__(self) -> str:
        return f"status: {self.status}" + (f", reason: {self.reason}" if self.reason else "")


def transaction_id_of(payment_id: str) -> str:
    """Return the name of a payment at the provider: its Idempotency-Key there."""
    return f"{TRANSACTION}{payment_id}"


def payment_id_in(transaction_id: str) -> str:
    """Return the payment that a transaction is for."""
    return transaction_id.removeprefix(TRANSACTION)


class CreatePayment(NamedTuple):
    """Begin a payment. The same payment id twice is the same payment."""

    payment_id: str
    user_id: str
    amount: Decimal


class OtherRequest(NamedTuple):
    """The payment id was used for another request: the field that differs, and its first value."""

    field: str
    first: str


class PaymentService:
    """Owns the payments and their status."""

    def __init__(self, payments: Store[Payment]) -> None:
        self.payments = payments

    @on(CreatePayment)
    async def create(self, command: CreatePayment) -> Payment | OtherRequest:
        """Create the payment, or find the one that this request created before."""
        payment = await self.payments.get(command.payment_id)
        if payment is not None:
            if payment.amount != command.amount:
                return OtherRequest("amount", str(payment.amount))
            return payment
        payment_id, user_id, amount = command
        payment = Payment(payment_id, transaction_id_of(payment_id), user_id, amount)
        begun = PaymentInit.first(
            payment_id,
            payment_id=payment_id,
            transaction_id=payment.transaction_id,
            user_id=user_id,
            amount=amount,
        )
        await self.payments.commit(payment, publish=[begun])
        return payment

    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        """Complete the payment: the provider charged it."""
        await self._become("COMPLETED", event, PaymentCompleted)

    @on(InsufficientBalance)
    async def reject(self, event: InsufficientBalance) -> None:
        """Fail the payment: nothing was debited, so there is nothing to undo."""
        await self._become("FAILED", event, PaymentFailed, "INSUFFICIENT_FUNDS")

    @on(ProviderPaymentFailed)
    async def compensate(self, event: ProviderPaymentFailed) -> None:
        """Have the debit undone, before the payment may fail."""
        await self._become("REFUNDING", event, ReembolsarUsuario, event.reason)

    @on(BalanceRefunded)
    async def fail(self, event: BalanceRefunded) -> None:
        """Fail the payment: the user has the money back."""
        await self._become("FAILED", event, PaymentFailed)

    async def _become(
        self, status: Status, event: PaymentEvent, outcome: type[PaymentEvent], reason: str = ""
    ) -> None:
        """Move on if the state diagram allows it; else only remember that the event was handled."""
        payment = await self.payments.get(event.payment_id)
        if payment is None:
            raise LookupError(f"no payment {event.payment_id}, which should become {status}")
        if not payment.may_become(status):
            await self.payments.commit(None, handled=event)
            return
        payment = payment._replace(status=status, reason=reason or payment.reason)
        why: dict[str, Any] = {"reason": payment.reason} if payment.reason else {}
        published = outcome.after(event, **why)
        await self.payments.commit(payment, publish=[published], handled=event)
