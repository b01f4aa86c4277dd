"""A late success moves a payment out of its final state.

Replies that arrive after a saga has ended are among what saga libraries are asked about most. Here
the provider declined, the user was refunded, and the payment FAILED; then a success for it comes
after all, from a webhook, say. The service does look whether the payment is COMPLETED already, to
complete it once. It forgets that there is another end, and completes what it has refunded.

A state machine has all its edges in one place. Ask it, whatever comes: there is no edge out of a
final state, so the late success is only remembered as handled.
"""

from sagakit.contract.ports import on
from sagakit.payments.events import PaymentCompleted, ProviderPaymentInit, ProviderPaymentSuccess
from sagakit.payments.payment import PaymentService
from sagakit.scenarios.scenario import QueuedText
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw

LATE = ProviderPaymentSuccess.after(
    ProviderPaymentInit.first(
        "ana:1", payment_id="ana:1", transaction_id="tx-ana:1", user_id="ana", amount=40
    )
)


class FinalTwice(PaymentService):
    """Completes what is not completed yet."""

    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        payment = await self.payments.get(event.payment_id)
        if payment is None:
            raise LookupError(f"no payment {event.payment_id}, which should be completed")
        if payment.status == "COMPLETED":
            await self.payments.commit(None, handled=event)
            return
        completed = PaymentCompleted.after(event)
        payment = payment._replace(status="COMPLETED")
        await self.payments.commit(payment, publish=[completed], handled=event)


FLAW = Flaw(
    name="final_twice",
    origin="replies that arrive after a saga has ended, a classic of saga libraries",
    law="final is final",
    scenario=ONE_PAYMENT.but(
        name="late_success",
        title="One payment, and a success that comes late",
        texts=(QueuedText(at=1_000, queue="Payment SQS", text=LATE.wire()),),
    ),
    budget={"provider": {"decline": 1}},
    services={"Payment Service": FinalTwice},
    repair="ask the state diagram before each move: no edge leaves a final state",
)
