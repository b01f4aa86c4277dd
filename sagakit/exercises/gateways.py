"""Provider gateways that look right: each has one flaw, and is named for it.

They take the place of the sound one with `run(scenario, services={"Provider Gateway": ...})`.
"""

from sagakit.payments.events import ProviderPaymentFailed, ProviderPaymentInit
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.ports import on


class NewKeyGateway(ProviderGateway):
    """Flaw: every attempt carries an Idempotency-Key of its own."""

    @on(ProviderPaymentInit)
    async def handle(self, event: ProviderPaymentInit) -> None:
        key = f"tx-{event.payment_id}-{event.attempt}"
        await super().handle(event.model_copy(update={"transaction_id": key}))


class HastyGateway(ProviderGateway):
    """Flaw: after the last attempt it takes silence for a refusal."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        if event.attempt < self.attempts:
            await super()._no_answer(charge, event)
            return
        failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
        await self._settle(charge, event, "FAILED", failed)


class VoidFirstGateway(ProviderGateway):
    """Flaw: after the last attempt it voids first, and writes down its decision afterwards."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        if event.attempt < self.attempts:
            await super()._no_answer(charge, event)
            return
        await self.provider.void(event.transaction_id, timeout=self.timeout, label="voidPayment()")
        failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
        await self._settle(charge, event, "FAILED", failed)
