"""No inbox: nobody remembers which messages were handled.

From the original proof of concept: the wallet service drops `payment_id` and `transaction_id`, so
it could not tell a redelivery if it wanted to. Queues deliver at least once (Amazon SQS Developer
Guide, "At-least-once delivery"): one day the same `PaymentInit` comes twice, and is debited twice.

The repair is the message's id, committed with the debit: the second commit is refused as
`AlreadyHandled`. Looking it up first, in a step of its own, is too early: two deliveries may both
find nothing.
"""

from sagakit.contract.ports import on
from sagakit.payments.events import PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw, decided


class NoInbox(WalletService):
    """Debits whatever comes."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, publish=[outcome])


FLAW = Flaw(
    name="no_inbox",
    origin="the original's wallet service, which drops the payment's id",
    law="at most once",
    scenario=ONE_PAYMENT,
    budget={"duplicates": 1},
    services={"Wallet Service": NoInbox},
    repair="commit the message's id with the debit: handled=event",
)
