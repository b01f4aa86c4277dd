"""The scenarios in which most flaws show, as small as they can be, and what a wallet decides."""

from sagakit.payments.events import BalanceDebited, InsufficientBalance, PaymentInit
from sagakit.payments.money import ZERO
from sagakit.payments.wallet import Wallet
from sagakit.scenarios import OpeningWallet, PaymentRequest, Scenario

ONE_PAYMENT = Scenario(
    name="one_payment",
    title="One payment, covered",
    wallets=(OpeningWallet(user_id="ana", balance=100),),
    payments=(PaymentRequest(user_id="ana", amount=40, idempotency_key="1"),),
)

TWO_PAYMENTS = ONE_PAYMENT.but(
    name="two_payments",
    title="Two payments from one wallet, which covers both",
    payments=(
        PaymentRequest(user_id="ana", amount=40, idempotency_key="1"),
        PaymentRequest(user_id="ana", amount=30, idempotency_key="2"),
    ),
)


def decided(
    wallet: Wallet | None, event: PaymentInit
) -> tuple[Wallet | None, BalanceDebited | InsufficientBalance]:
    """What the sound wallet service makes of a request: the wallet after it, and the outcome."""
    if wallet is None or not wallet.covers(event.amount):
        available = wallet.balance if wallet else ZERO
        return wallet, InsufficientBalance.after(event, available=available)
    wallet = wallet.debited(event.amount)
    return wallet, BalanceDebited.after(
        event,
        amount_debited=event.amount,
        amount_left=wallet.balance,
        wallet_version=wallet.version + 1,
    )
