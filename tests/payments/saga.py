"""A payment of 70.00 by Ana, and the events of its saga."""

from decimal import Decimal
from typing import Any, TypeVar

from sagakit.payments import events as e

PAYMENT = {
    "payment_id": "ana:A",
    "transaction_id": "tx-ana:A",
    "user_id": "ana",
    "amount": Decimal("70.00"),
}
MORE: dict[type[e.PaymentEvent], dict[str, Any]] = {
    e.BalanceDebited: {
        "amount_debited": Decimal("70.00"),
        "amount_left": Decimal("30.00"),
        "wallet_version": 2,
    },
    e.InsufficientBalance: {"available": Decimal("50.00")},
    e.ProviderPaymentFailed: {"reason": "PROVIDER_TIMEOUT"},
    e.ReembolsarUsuario: {"reason": "PROVIDER_TIMEOUT"},
    e.BalanceRefunded: {
        "amount_refunded": Decimal("70.00"),
        "amount_left": Decimal("100.00"),
        "wallet_version": 3,
    },
    e.PaymentFailed: {"reason": "PROVIDER_TIMEOUT"},
}
TYPES = (
    e.PaymentInit,
    e.BalanceDebited,
    e.InsufficientBalance,
    e.ProviderPaymentInit,
    e.ProviderPaymentSuccess,
    e.ProviderPaymentFailed,
    e.ReembolsarUsuario,
    e.BalanceRefunded,
    e.PaymentCompleted,
    e.PaymentFailed,
)

E = TypeVar("E", bound=e.PaymentEvent)


def event(cls: type[E], **changes: Any) -> E:
    """An event of that type in Ana's saga."""
    return cls.first("ana:A", **(PAYMENT | MORE.get(cls, {}) | changes))
