"""The message is marked as handled before the work is done.

At most once, by accident: a consumer with automatic acknowledgement (RabbitMQ's `autoAck`, Kafka's
`enable.auto.commit`), or an idempotency record that is written first and never taken back. After a
crash in between, the message comes again, is known already, and is passed over. The payment stays
PENDING for ever.

The mark belongs into the transaction that does the work: both are there, or neither.
"""

from sagakit.contract.ports import on
from sagakit.payments.events import PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw, decided


class AckBeforeWork(WalletService):
    """Takes the message off the list, then does what it says."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.commit(None, handled=event)
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, publish=[outcome])


FLAW = Flaw(
    name="ack_before_work",
    origin="consumers that acknowledge on receipt, such as RabbitMQ's with autoAck",
    law="every saga ends",
    scenario=ONE_PAYMENT,
    budget={"crashes": 1},
    services={"Wallet Service": AckBeforeWork},
    repair="mark the message in the transaction that does its work",
)
