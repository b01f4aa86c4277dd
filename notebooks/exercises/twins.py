"""Services that look right: each has one flaw. They belong to exercises, and are in no zoo.

They take the place of the sound ones with `run(scenario, services={"Wallet Service": ...})`.
"""

from contextlib import suppress
from typing import Any

from sagakit.contract.ports import VersionConflict, on
from sagakit.payments.events import PaymentInit, ProviderPaymentFailed, ProviderPaymentInit
from sagakit.payments.provider import Charge, ProviderGateway, State
from sagakit.payments.wallet import WalletService
from sagakit.zoo.flaw import decided


class LosesPatience(WalletService):
    """Flaw: after two conflicts it writes what it has, whatever happened meanwhile."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        for _ in range(2):
            wallet, outcome = decided(await self.wallets.get(event.user_id), event)
            with suppress(VersionConflict):
                await self.wallets.commit(wallet, publish=[outcome], handled=event)
                return
        latest = await self.wallets.get(event.user_id)
        if wallet is not None and latest is not None:
            wallet = wallet._replace(version=latest.version)
        await self.wallets.commit(wallet, publish=[outcome], handled=event)


class DecidesBlindly(ProviderGateway):
    """Flaw: it writes its decision over whatever has been decided meanwhile."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        latest = await self.charges.get(event.payment_id) or charge
        voiding = await self.charges.commit(latest._replace(state="VOIDING"))
        await self.provider.void(event.transaction_id, timeout=self.timeout, label="voidPayment()")
        failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
        await self._settle(voiding or latest, event, "FAILED", failed)


class CompletesBlindly(ProviderGateway):
    """Flaw: it writes a success over whatever has been decided meanwhile."""

    async def _settle(
        self, charge: Charge, event: ProviderPaymentInit, state: State, outcome: Any
    ) -> None:
        if state != "SUCCEEDED":
            await super()._settle(charge, event, state, outcome)
            return
        latest = await self.charges.get(event.payment_id) or charge
        await self.charges.commit(latest._replace(state=state), publish=[outcome])
