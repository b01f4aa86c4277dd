"""The Provider Gateway: has the external provider charge a payment, at most once.

A call that got no answer may have charged all the same. So the gateway keeps a record for each
payment, and decides there before it acts: it writes TRYING before it asks, and after the last
attempt without an answer it writes VOIDING. From then on nobody completes the payment; the charge
is voided, as often as it takes, and only then is the payment reported as failed.
"""

from typing import Literal, NamedTuple

from sagakit.contract.ports import Delayed, External, Store, TimedOut, Unavailable, on
from sagakit.payments.breaker import CircuitBreaker
from sagakit.payments.events import (
    ProviderPaymentFailed,
    ProviderPaymentInit,
    ProviderPaymentSuccess,
)

State = Literal["NEW", "TRYING", "SUCCEEDED", "VOIDING", "FAILED"]


class Charge(NamedTuple):
    """The gateway's record of one payment. `attempt` is the last one whose outcome is decided."""

    payment_id: str
    state: State = "NEW"
    attempt: int = 0
    version: int = 0

    @property
    def key(self) -> str:
        return self.payment_id

    @property
    def settled(self) -> bool:
        return self.state in ("SUCCEEDED", "FAILED")

    def __str__(self) -> str:
        return f"charge: {self.state}"


class ProviderGateway:
    """Owns the charges. One message makes at most one call to the provider.

    attempts     how often the provider is asked to charge
    retry_delay  ms between attempts
    timeout      ms the gateway waits for an answer
    """

    def __init__(
        self,
        charges: Store[Charge],
        breaker: CircuitBreaker,
        provider: External,
        *,
        attempts: int,
        retry_delay: int,
        timeout: int,
    ) -> None:
        self.charges = charges
        self.breaker = breaker
        self.provider = provider
        self.attempts = attempts
        self.retry_delay = retry_delay
        self.timeout = timeout

    @on(ProviderPaymentInit)
    async def handle(self, event: ProviderPaymentInit) -> None:
        """Charge, or go on with the void, unless this attempt was decided before."""
        charge = await self.charges.get(event.payment_id) or Charge(event.payment_id)
        if charge.settled or event.attempt <= charge.attempt:
            return
        era = await self.breaker.admit()
        if era is None:
            await self._fail_fast(charge, event)
        elif charge.state == "VOIDING":
            await self._void(charge, event, era)
        else:
            await self._charge(charge, event, era)

    async def _charge(self, charge: Charge, event: ProviderPaymentInit, era: int) -> None:
        if charge.state == "NEW":
            written = await self.charges.commit(charge._replace(state="TRYING"))
            charge = written or charge
        try:
            answer = await self.provider.execute(
                event.transaction_id,
                (event.user_id, event.amount),
                timeout=self.timeout,
                label="executePayment()",
            )
        except (TimedOut, Unavailable):
            await self.breaker.failed(era)
            await self._no_answer(charge, event)
            return
        await self.breaker.answered(era)
        if answer.status == 200:
            await self._settle(charge, event, "SUCCEEDED", ProviderPaymentSuccess.after(event))
        else:
            failed = ProviderPaymentFailed.after(event, reason=f"PROVIDER_{answer.outcome.upper()}")
            await self._settle(charge, event, "FAILED", failed)

    async def _void(self, charge: Charge, event: ProviderPaymentInit, era: int) -> None:
        """Have the charge undone or forbidden; ask until there is an answer."""
        try:
            await self.provider.void(
                event.transaction_id, timeout=self.timeout, label="voidPayment()"
            )
        except (TimedOut, Unavailable):
            await self.breaker.failed(era)
            await self._again(charge, event, "VOIDING", self.retry_delay)
            return
        await self.breaker.answered(era)
        failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
        await self._settle(charge, event, "FAILED", failed)

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        if event.attempt < self.attempts:
            await self._again(charge, event, "TRYING", self.retry_delay)
        else:
            await self._again(charge, event, "VOIDING", 0)

    async def _fail_fast(self, charge: Charge, event: ProviderPaymentInit) -> None:
        """Fail at once, while the breaker is open, what was never sent; have the rest voided."""
        if charge.state == "NEW":
            failed = ProviderPaymentFailed.after(event, reason="CIRCUIT_OPEN")
            await self._settle(charge, event, "FAILED", failed)
        else:
            await self._again(charge, event, "VOIDING", self.retry_delay)

    async def _again(
        self, charge: Charge, event: ProviderPaymentInit, state: State, delay: int
    ) -> None:
        """Decide how this attempt ended, and have the next one come after `delay` ms."""
        following = ProviderPaymentInit.after(event, attempt=event.attempt + 1)
        await self.charges.commit(
            charge._replace(state=state, attempt=event.attempt),
            publish=[Delayed(following, delay)],
            handled=event,
        )

    async def _settle(
        self,
        charge: Charge,
        event: ProviderPaymentInit,
        state: State,
        outcome: ProviderPaymentSuccess | ProviderPaymentFailed,
    ) -> None:
        settled = charge._replace(state=state, attempt=event.attempt)
        await self.charges.commit(settled, publish=[outcome], handled=event)
