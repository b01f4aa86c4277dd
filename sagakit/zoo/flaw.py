"""A flaw with all that it takes to show it, and what most flaws share."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sagakit.contract.ports import Service
from sagakit.explore import Exploration, explore
from sagakit.payments.events import BalanceDebited, InsufficientBalance, PaymentInit
from sagakit.payments.money import ZERO
from sagakit.payments.wallet import Wallet
from sagakit.scenarios import OpeningWallet, PaymentRequest, Scenario


class Flaw(NamedTuple):
    """One flaw of the zoo.

    name      what it is called, as its module is
    origin    where it comes from
    law       the law that it breaks, as `Run.check()` calls it
    scenario  the smallest one that shows it
    budget    the fewest faults that show it, as `explore` takes them
    services  the flawed service, by the name of the sound one whose place it takes
    repair    what to do instead
    """

    name: str
    origin: str
    law: str
    scenario: Scenario
    budget: Mapping[str, Any]
    services: Mapping[str, Service]
    repair: str

    def explore(self, **options: Any) -> Exploration:
        """Explore the flawed service within the flaw's budget; the options are `explore`'s."""
        return explore(self.scenario, **{"services": self.services, **self.budget, **options})


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
    """Decide as the sound wallet service does: return the wallet after it, and the outcome."""
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
