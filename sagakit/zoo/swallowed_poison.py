"""A message that cannot be read is acknowledged away.

From the original proof of concept: its handler parses the SQS body as the event, but EventBridge
wraps the event in an envelope, under `detail`. So all fields are empty, the validation fails, the
handler logs that and returns nil, and the message is deleted. Nothing fails, no alarm rings, and
the payment stays PENDING.

What cannot be read is a failure: raise, and let the queue do its work. After five receives the
message is a dead letter with its reason, and somebody can repair the code and redrive it.
"""

from sagakit.contract.events import NotUnderstood, decode
from sagakit.contract.ports import on
from sagakit.payments.events import PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.scenarios.scenario import QueuedText
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw

ENVELOPE = '{"detail-type": "PaymentInit", "detail": {"payment_id": "ana:7", "amount": 40}}'


class SwallowedPoison(WalletService):
    """Reads the text of a message itself."""

    @on(str)
    async def read(self, text: str) -> None:
        try:
            event = decode(text, [PaymentInit])
        except NotUnderstood:
            return
        if isinstance(event, PaymentInit):
            await self.debit(event)


FLAW = Flaw(
    name="swallowed_poison",
    origin="the original's handler, which parses the envelope as the event and returns nil",
    law="no silent drop",
    scenario=ONE_PAYMENT.but(
        name="poison",
        title="A message that is no event",
        payments=(),
        texts=(QueuedText(at=0, queue="Wallet SQS", text=ENVELOPE),),
    ),
    budget={},
    services={"Wallet Service": SwallowedPoison},
    repair="raise: the queue brings it again, and then keeps it as a dead letter with the reason",
)
