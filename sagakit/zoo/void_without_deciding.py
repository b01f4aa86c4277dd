"""The gateway voids after the last timeout without first writing down that it will.

The obvious repair of `refund_unknown`, and refuted by exploration: two deliveries of one message
run side by side. The call of the one times out, and it voids. Between the two, the call of the
other succeeds, and completes the payment. In the end the payment is COMPLETED, and the provider
has given the money back to nobody.

Decide, then act, then publish: VOIDING is committed first, on the condition that nobody has settled
the charge. From then on nobody can complete it, and the void can be repeated until it is answered.
"""

from sagakit.payments.events import ProviderPaymentFailed, ProviderPaymentInit
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw


class VoidWithoutDeciding(ProviderGateway):
    """Voids at once when the last attempt got no answer."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        if event.attempt < self.attempts:
            await super()._no_answer(charge, event)
            return
        await self.provider.void(event.transaction_id, timeout=self.timeout, label="voidPayment()")
        failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
        await self._settle(charge, event, "FAILED", failed)


FLAW = Flaw(
    name="void_without_deciding",
    origin="the obvious repair of refund_unknown",
    law="agreement",
    scenario=ONE_PAYMENT,
    budget={"duplicates": 1, "provider": {"timeout_before": 2}},
    services={"Provider Gateway": VoidWithoutDeciding},
    repair="commit the decision to void on a condition, then void, then publish",
)
