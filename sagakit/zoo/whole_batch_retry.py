"""One bad message makes the good ones of its batch run again.

From the original proof of concept: the handler goes through its batch and returns the first error.
To Lambda the whole batch has failed then, unless the function reports which messages did, which is
off by default (AWS Lambda Developer Guide, "Reporting batch item failures"). All messages come
again, those too that were debited already. No duplicate, no crash, no timeout is needed: a message
that nobody can read is enough.

It takes two weaknesses, and the original has both: this service trusts that a message which it has
handled is gone. With an inbox the good ones are late and no more, as the sound service shows in the
same deployment. With `ReportBatchItemFailures` they are not even late.
"""

from sagakit.contract.ports import on
from sagakit.payments.events import PaymentInit
from sagakit.payments.topology import Settings
from sagakit.payments.wallet import WalletService
from sagakit.scenarios.scenario import QueuedText
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw, decided


class WholeBatchRetry(WalletService):
    """Takes it that what is handled does not come again."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, publish=[outcome])


FLAW = Flaw(
    name="whole_batch_retry",
    origin="the original's handler, which returns the first error of a batch",
    law="at most once",
    scenario=ONE_PAYMENT.but(
        name="bad_batch",
        title="A payment and a message that is no event, in one batch",
        texts=(QueuedText(at=0, queue="Wallet SQS", text="no event"),),
        settings=Settings(wallet_batch=10, wallet_reports=False),
    ),
    budget={},
    services={"Wallet Service": WholeBatchRetry},
    repair="keep an inbox, and report which messages of a batch failed",
)
