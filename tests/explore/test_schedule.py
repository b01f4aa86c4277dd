"""The way that explore found is the way that the world goes."""

import pytest

from sagakit import run, scenarios
from sagakit.contract.ports import TimedOut, on
from sagakit.explore import explore
from sagakit.payments.events import ProviderPaymentInit
from sagakit.payments.payment import CreatePayment, OtherRequest, Payment, PaymentService
from sagakit.payments.provider import ProviderGateway
from sagakit.sim.schedule import Choice, ScheduleMismatch
from sagakit.zoo.void_without_deciding import VoidWithoutDeciding

GIVEN = scenarios.provider_error.but(provider=(), settings={"provider_attempts": 1})


class AsksOnce(ProviderGateway):
    """Gives up at a silence, which then is its last step."""

    @on(ProviderPaymentInit)
    async def handle(self, event: ProviderPaymentInit) -> None:
        try:
            await self.provider.execute(event.transaction_id, (event.amount,), timeout=5_000)
        except TimedOut:
            return


def test_a_crash_after_a_silence_is_both() -> None:
    for gateway in (AsksOnce, VoidWithoutDeciding):
        explored = explore(
            GIVEN,
            crashes=1,
            provider={"timeout_before": 1, "timeout_after": 1},
            services={"Provider Gateway": gateway},
            stop="all",
        )
        assert explored.complete


def test_a_choice_may_be_an_act_and_then_a_crash() -> None:
    services = {"Provider Gateway": AsksOnce}
    begin = [Choice("Payment Service", "ana:A")] * 2
    first = run(GIVEN, services=services, schedule=begin).events.set_index("event").event_id
    schedule = [
        *begin,
        *[Choice("Wallet Service", first["PaymentInit"])] * 2,
        Choice("Provider Gateway", first["ProviderPaymentInit"], act="timeout_before_then_crash"),
    ]
    labels = [
        one.label for one in run(GIVEN, services=services, schedule=schedule).records.arrows()
    ]
    silence = labels.index("no response within 5000 ms:")
    assert labels[silence + 1] == "crash after step 1"
    assert labels.count("executePayment()") == 0
    assert labels.count("execute()") == 2


def test_a_schedule_of_no_choices_is_refused() -> None:
    with pytest.raises(ScheduleMismatch, match="a schedule is made of Choices, and not of 'x'"):
        run(GIVEN, schedule=["x"])  # type: ignore[list-item]


class ForgetsThatItHasIt(PaymentService):
    """Begins a payment again when its request comes again and it is not PENDING any more."""

    @on(CreatePayment)
    async def create(self, command: CreatePayment) -> Payment | OtherRequest:
        there = await self.payments.get(command.payment_id)
        if there is None or there.status == "PENDING":
            return await super().create(command)
        return await self.payments.commit(there._replace(status="PENDING")) or there


@pytest.mark.parametrize("later", [0, 2, 70_000])
def test_a_client_s_later_retry_meets_each_moment_of_its_payment(later: int) -> None:
    retried = scenarios.happy_path.but(
        payments=[{"user_id": "ana", "amount": 20, "repeats": [later]}]
    )
    answer = explore(retried)
    assert answer.proved
    assert "repeated later is there from the start" in "\n".join(answer.told())
    assert (answer.schedules or 0) > 50
    flawed = explore(retried, services={"Payment Service": ForgetsThatItHasIt})
    assert "final is final" in {one.verdict.law for one in flawed.broken}
