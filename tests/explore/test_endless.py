"""A system that goes on and on is given up, and told so, within seconds."""

from sagakit import run
from sagakit.contract.ports import on
from sagakit.explore import explore
from sagakit.payments.events import ProviderPaymentInit
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.trace.facts import StillGoingOn
from sagakit.zoo.flaw import ONE_PAYMENT


class PutsOff(ProviderGateway):
    """Puts a payment off by a minute, whenever it comes."""

    @on(ProviderPaymentInit)
    async def handle(self, event: ProviderPaymentInit) -> None:
        charge = await self.charges.get(event.payment_id) or Charge(event.payment_id)
        await self._again(charge, event, "NEW", 60_000)


SERVICES = {"Provider Gateway": PutsOff}


def test_a_run_by_a_schedule_is_given_up_like_one_by_the_clock() -> None:
    records = run(ONE_PAYMENT, services=SERVICES, schedule=[]).records
    assert isinstance(records.entries[-1].fact, StillGoingOn)


def test_an_exploration_finds_that_the_saga_does_not_end() -> None:
    answer = explore(ONE_PAYMENT, services=SERVICES, limit=500)
    assert [one.verdict.law for one in answer.broken] == ["every saga ends"]
    assert "there is no end to it" in answer.broken[0].sentence
