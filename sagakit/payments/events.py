"""The ten events of the saga, named as on the wire.

PaymentInit
  BalanceDebited -> ProviderPaymentInit
    ProviderPaymentSuccess -> PaymentCompleted
    ProviderPaymentFailed -> ReembolsarUsuario -> BalanceRefunded -> PaymentFailed
  InsufficientBalance -> PaymentFailed
"""

from sagakit.contract.events import Event, Identifier
from sagakit.contract.timing import Count
from sagakit.payments.money import Amount, Balance


class PaymentEvent(Event):
    """The payload that all events of the saga share.

    transaction_id names the movement of money; it is the Idempotency-Key at the provider.
    """

    payment_id: Identifier
    transaction_id: Identifier
    user_id: Identifier
    amount: Amount


class PaymentInit(PaymentEvent):
    """A user asked for a payment; it is PENDING."""

    @property
    def remark(self) -> str:
        return f"payment of {self.amount}"


class BalanceDebited(PaymentEvent):
    """The wallet was debited: `wallet_version` is its place in the wallet's history."""

    amount_debited: Amount
    amount_left: Balance
    wallet_version: Count


class InsufficientBalance(PaymentEvent):
    """The wallet does not cover the amount, or there is no wallet; nothing was debited."""

    available: Balance


class ProviderPaymentInit(PaymentEvent):
    """The provider is to be asked, for the `attempt`-th time; made of `BalanceDebited`."""

    attempt: Count = 1

    @property
    def remark(self) -> str:
        return f"attempt={self.attempt}"


class ProviderPaymentSuccess(PaymentEvent):
    """The provider charged the payment."""


class ProviderPaymentFailed(PaymentEvent):
    """The provider did not charge the payment, and never will."""

    reason: str


class ReembolsarUsuario(PaymentEvent):
    """Refund the user: the compensation of the debit."""

    reason: str


class BalanceRefunded(PaymentEvent):
    """The wallet was credited with what was debited."""

    amount_refunded: Amount
    amount_left: Balance
    wallet_version: Count


class PaymentCompleted(PaymentEvent):
    """The payment is COMPLETED. Final."""


class PaymentFailed(PaymentEvent):
    """The payment is FAILED, and the user has all the money. Final."""

    reason: str


FINAL_EVENTS = (PaymentCompleted.__name__, PaymentFailed.__name__)
"""The names of the events with which a saga ends"""
