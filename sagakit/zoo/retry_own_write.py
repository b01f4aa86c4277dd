"""A conflict with one's own write is taken for another's.

From the original proof of concept: its debit is tried again after every
`ConditionalCheckFailedException`, at most three times. But when the answer to a write is lost, the
client tries again, meets the version that it has just written itself, and reports a conflict. So
the loop reads the debited wallet and debits it once more, within one invocation and for one
message; no inbox that was asked before can help.

The AWS SDKs do retry a request whose answer was lost. Conditional writes are not idempotent by
themselves; a `ClientRequestToken` makes them so (DynamoDB API Reference, TransactWriteItems).

The claim has the same trouble: if its own answer is lost, it finds the message claimed, by itself,
and the payment stays PENDING.

The repair is to have the claim and the debit in one transaction: the second try is then refused as
`AlreadyHandled`, which says what a version cannot say, namely whose write it was.
"""

from sagakit.contract.ports import VersionConflict, on
from sagakit.payments.events import PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw, decided

TRIES = 4


class RetryOwnWrite(WalletService):
    """Claims the message, then debits until there is no conflict."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.commit(None, handled=event)
        for _ in range(TRIES):
            wallet, outcome = decided(await self.wallets.get(event.user_id), event)
            try:
                await self.wallets.commit(wallet, publish=[outcome])
            except VersionConflict:
                continue
            return


FLAW = Flaw(
    name="retry_own_write",
    origin="the original's retry loop around a conditional write",
    law="at most once",
    scenario=ONE_PAYMENT,
    budget={"lost_answers": 1},
    services={"Wallet Service": RetryOwnWrite},
    repair="commit claim and debit together, so that the second try is refused as handled",
)
