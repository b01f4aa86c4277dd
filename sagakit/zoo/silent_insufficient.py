"""Insufficient funds are raised as an error, and no event tells of them.

From the original proof of concept: error 4001 fails the invocation, as if it were a passing fault.
So the message comes again and again. If nothing changes, it ends as a dead letter and the payment
never ends; and if the wallet is topped up in the meantime, it is debited for a payment that its
user has long given up.

That the balance does not cover an amount is a result, not a fault: decide once, and publish
`InsufficientBalance`.
"""

from sagakit.contract.ports import WorldError, on
from sagakit.payments.events import InsufficientBalance, PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.scenarios import PaymentRequest
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw, decided


class InsufficientFunds(WorldError):
    """The balance does not cover the amount."""

    code = 4001


class SilentInsufficient(WalletService):
    """Fails when the balance does not cover the amount."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        if isinstance(outcome, InsufficientBalance):
            raise InsufficientFunds(f"{event.amount} of {outcome.available}")
        await self.wallets.commit(wallet, publish=[outcome], handled=event)


FLAW = Flaw(
    name="silent_insufficient",
    origin="the original's error 4001, which is tried again like a passing fault",
    law="every saga ends",
    scenario=ONE_PAYMENT.but(
        name="too_much",
        title="One payment that the wallet does not cover",
        payments=(PaymentRequest(user_id="ana", amount=150, idempotency_key="1"),),
    ),
    budget={},
    services={"Wallet Service": SilentInsufficient},
    repair="publish InsufficientBalance: it is a result, and it is decided once",
)
