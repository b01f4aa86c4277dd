"""A half-open breaker that lets every waiting call through.

The `circuitbreaker` package for Python did so in a trial: of 8 calls that came while it was
half-open, 8 were let through. "Half-open" is a name for a state there, and nobody takes the one
place in it. So all that has piled up during an outage hits a provider that has just come back.

The probe must be taken, by a conditional write: the first gets it, and for all others the breaker
stays shut until the probe has reported, or its lease is over.
"""

from typing import Any

from sagakit.contract.ports import External, Store
from sagakit.payments.breaker import Breaker, CircuitBreaker
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.payments.topology import Settings
from sagakit.zoo.flaw import TWO_PAYMENTS, Flaw


class HalfOpenStampede(CircuitBreaker):
    """Asks for the state, and not whose probe it is."""

    async def admit(self) -> int | None:
        breaker = await self.store.get("provider") or Breaker()
        if breaker.state == "HALF_OPEN":
            return breaker.era
        return await super().admit()


class Gateway(ProviderGateway):
    """The sound gateway behind that breaker."""

    def __init__(
        self, charges: Store[Charge], breaker: CircuitBreaker, provider: External, **settings: Any
    ) -> None:
        flawed = HalfOpenStampede(
            breaker.store,
            breaker.clock,
            threshold=breaker.threshold,
            open_for=breaker.open_for,
            lease=breaker.lease,
        )
        super().__init__(charges, flawed, provider, **settings)


FLAW = Flaw(
    name="half_open_stampede",
    origin="the circuitbreaker package, which let 8 of 8 calls through",
    law="breaker",
    scenario=TWO_PAYMENTS.but(
        name="outage",
        title="Two payments and a breaker that opens at the first failure",
        settings=Settings(breaker_threshold=1),
    ),
    budget={"provider": {"timeout_before": 2}},
    services={"Provider Gateway": Gateway},
    repair="take the probe by a conditional write; only its winner may call",
)
