"""The compensation is not idempotent: a `ReembolsarUsuario` that comes twice is refunded twice.

Compensations are written last and tested least, and they meet the same queue as everything else.
The original's design does not acknowledge a refund, so whoever is not sure of it asks again.

The repair is the same as for the debit: the message's id is committed with the credit.
"""

from sagakit.contract.ports import on
from sagakit.payments.events import BalanceRefunded, ReembolsarUsuario
from sagakit.payments.wallet import WalletService
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw


class RefundTwice(WalletService):
    """Credits whatever comes."""

    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
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
        await self.wallets.commit(wallet, publish=[refunded])


FLAW = Flaw(
    name="refund_twice",
    origin="the original's design, whose refund is told to nobody",
    law="at most once",
    scenario=ONE_PAYMENT,
    budget={"duplicates": 1, "provider": {"decline": 1}},
    services={"Wallet Service": RefundTwice},
    repair="commit the message's id with the credit: handled=event",
)
