"""Two timeouts are taken for "not charged".

From the original's design: after the second attempt without an answer, the picture publishes
`ProviderPaymentFailed`, and the user is refunded. But a request that got no answer may well have
been carried out. Then the user has the money back, and the provider keeps it too.

Silence is not an answer. The sound gateway settles the unknown first: it decides to void, has the
charge undone or forbidden by its Idempotency-Key, asks for that until it is told, and only then
reports a failure.
"""

from sagakit.payments.events import ProviderPaymentFailed, ProviderPaymentInit
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw


class RefundUnknown(ProviderGateway):
    """Reports a failure when the last attempt got no answer."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        if event.attempt < self.attempts:
            await super()._no_answer(charge, event)
            return
        failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
        await self._settle(charge, event, "FAILED", failed)


FLAW = Flaw(
    name="refund_unknown",
    origin="the original's sequence diagram of a provider error",
    law="settle the unknown",
    scenario=ONE_PAYMENT,
    budget={"provider": {"timeout_after": 2}},
    services={"Provider Gateway": RefundUnknown},
    repair="void the charge until the provider confirms it; only then report a failure",
)
