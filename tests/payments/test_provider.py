"""The Provider Gateway: each way that a message can go, and why no payment is charged twice.

The handler is driven by hand: the fake provider answers what the test says, in order.
"""

from decimal import Decimal

import pytest

from sagakit.contract.ports import Answer, Delayed, TimedOut, Unavailable, VersionConflict
from sagakit.payments import events as e
from sagakit.payments.breaker import Breaker, CircuitBreaker
from sagakit.payments.provider import Charge, ProviderGateway, State
from tests.payments.fakes import FakeClock, FakeProvider, FakeStore, drive
from tests.payments.saga import event

OK = Answer(200, "OK")
DECLINED = Answer(402, "declined")
VOIDED = Answer(200, "voided")
SILENCE = TimedOut()
DOWN = Unavailable()

EXECUTE = ("executePayment()", "tx-ana:A", ("ana", Decimal("70.00")), 5_000)
VOID = ("voidPayment()", "tx-ana:A", 5_000)
MINUTE = 60_000


def message(attempt: int) -> e.ProviderPaymentInit:
    """The message of that attempt: each but the first follows from the one before."""
    first = event(e.ProviderPaymentInit)
    if attempt == 1:
        return first
    return e.ProviderPaymentInit.after(message(attempt - 1), attempt=attempt)


class Bench:
    """A gateway with two attempts, a minute apart, and what it has around it."""

    def __init__(
        self,
        *answers: Answer | BaseException,
        charge: Charge | None = None,
        breaker: Breaker | None = None,
        now: int = 0,
    ) -> None:
        self.charges = FakeStore(*filter(None, [charge]))
        self.breakers = FakeStore(*filter(None, [breaker]))
        self.provider = FakeProvider(*answers)
        circuit_breaker = CircuitBreaker(
            self.breakers, FakeClock(now), threshold=5, open_for=30_000, lease=10_000
        )
        self.gateway = ProviderGateway(
            self.charges, circuit_breaker, self.provider,
            attempts=2, retry_delay=MINUTE, timeout=5_000,
        )  # fmt: skip

    def handle(self, attempt: int = 1) -> None:
        drive(self.gateway.handle(message(attempt)))

    @property
    def charge(self) -> tuple[State, int]:
        """The charge's state, and its last attempt that is decided."""
        charge = self.charges.items["ana:A"]
        return charge.state, charge.attempt

    @property
    def published(self) -> e.PaymentEvent | Delayed:
        (entry,) = self.charges.outbox
        return entry

    @property
    def failures(self) -> int:
        return self.breakers.items["provider"].failures


def charge(state: State, attempt: int = 0) -> Charge:
    return Charge("ana:A", state, attempt)


def test_an_approved_payment_is_charged_and_reported() -> None:
    bench = Bench(OK)
    bench.handle()
    assert bench.provider.asked == [EXECUTE]
    assert bench.charge == ("SUCCEEDED", 1)
    assert isinstance(bench.published, e.ProviderPaymentSuccess)
    assert bench.breakers.commits == 0


def test_the_gateway_writes_that_it_tries_before_it_asks() -> None:
    bench = Bench(KeyboardInterrupt())  # a power cut while it asks
    with pytest.raises(KeyboardInterrupt):
        bench.handle()
    assert bench.charge == ("TRYING", 0)
    assert bench.charges.outbox == []


def test_a_declined_payment_has_failed_for_good() -> None:
    bench = Bench(DECLINED)
    bench.handle()
    assert bench.charge == ("FAILED", 1)
    assert isinstance(bench.published, e.ProviderPaymentFailed)
    assert bench.published.reason == "PROVIDER_DECLINED"


@pytest.mark.parametrize("nothing", [SILENCE, DOWN], ids=["silence", "out of reach"])
def test_the_first_attempt_without_an_answer_is_followed_by_another_a_minute_later(
    nothing: Exception,
) -> None:
    bench = Bench(nothing)
    bench.handle(attempt=1)
    assert bench.charge == ("TRYING", 1)
    assert isinstance(bench.published, Delayed)
    following, delay = bench.published
    assert (following.attempt, delay) == (2, MINUTE)
    assert following.transaction_id == "tx-ana:A"
    assert bench.failures == 1


def test_the_second_attempt_asks_with_the_same_key_and_parameters() -> None:
    bench = Bench(SILENCE, OK)
    bench.handle(attempt=1)
    bench.handle(attempt=2)
    assert bench.provider.asked == [EXECUTE, EXECUTE]
    assert bench.charge == ("SUCCEEDED", 2)
    assert bench.failures == 0


def test_after_the_last_attempt_the_void_is_decided_before_it_is_done() -> None:
    bench = Bench(SILENCE, charge=charge("TRYING", 1))
    bench.handle(attempt=2)
    assert bench.provider.asked == [EXECUTE]
    assert bench.charge == ("VOIDING", 2)
    assert isinstance(bench.published, Delayed)
    following, delay = bench.published
    assert (following.attempt, delay) == (3, 0)


@pytest.mark.parametrize("word", [VOIDED, Answer(200, "declined")])
def test_a_payment_is_failed_only_with_the_provider_s_word_for_it(word: Answer) -> None:
    bench = Bench(word, charge=charge("VOIDING", 2))
    bench.handle(attempt=3)
    assert bench.provider.asked == [VOID]
    assert bench.charge == ("FAILED", 3)
    assert isinstance(bench.published, e.ProviderPaymentFailed)
    assert bench.published.reason == "PROVIDER_TIMEOUT"


@pytest.mark.parametrize("nothing", [SILENCE, DOWN], ids=["silence", "out of reach"])
def test_a_void_without_an_answer_is_asked_for_again_as_often_as_it_takes(
    nothing: Exception,
) -> None:
    bench = Bench(*[nothing] * 4, VOIDED, charge=charge("VOIDING", 2))
    for attempt in range(3, 8):
        bench.handle(attempt)
    assert bench.provider.asked == [VOID] * 5
    *again, failed = bench.charges.outbox
    assert [(one.event.attempt, one.delay) for one in again] == [
        (attempt, MINUTE) for attempt in range(4, 8)
    ]
    assert isinstance(failed, e.ProviderPaymentFailed)


# The breaker is open.

OPEN = Breaker("OPEN", since=0, era=1)


def test_a_payment_that_was_never_sent_fails_at_once_while_the_breaker_is_open() -> None:
    bench = Bench(breaker=OPEN, now=29_999)
    bench.handle()
    assert bench.provider.asked == []
    assert bench.charge == ("FAILED", 1)
    assert isinstance(bench.published, e.ProviderPaymentFailed)
    assert bench.published.reason == "CIRCUIT_OPEN"


@pytest.mark.parametrize("state", ["TRYING", "VOIDING"])
def test_an_open_breaker_has_a_payment_that_may_be_charged_voided_later(state: State) -> None:
    bench = Bench(breaker=OPEN, now=29_999, charge=charge(state, 1))
    bench.handle(attempt=2)
    assert bench.provider.asked == []
    assert bench.charge == ("VOIDING", 2)
    assert isinstance(bench.published, Delayed)
    assert bench.published.delay == MINUTE


def test_the_probe_is_a_payment_like_any_other() -> None:
    bench = Bench(OK, breaker=OPEN, now=30_000)
    bench.handle()
    assert bench.charge == ("SUCCEEDED", 1)
    assert bench.breakers.items["provider"].state == "CLOSED"


# A message that comes again, or beside another.


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED"])
@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_a_settled_payment_is_left_alone(state: State, attempt: int) -> None:
    bench = Bench(charge=charge(state, 1))
    bench.handle(attempt)
    assert bench.provider.asked == []
    assert bench.charges.commits == 0


@pytest.mark.parametrize("state", ["TRYING", "VOIDING"])
def test_an_attempt_that_was_decided_is_not_made_again(state: State) -> None:
    bench = Bench(charge=charge(state, 2))
    bench.handle(attempt=2)
    assert bench.provider.asked == []
    assert bench.charges.commits == 0


def test_an_attempt_that_was_cut_off_is_made_again_with_the_same_key() -> None:
    bench = Bench(OK, charge=charge("TRYING", 0))
    bench.handle(attempt=1)
    assert bench.provider.asked == [EXECUTE]
    assert bench.charge == ("SUCCEEDED", 1)


@pytest.mark.parametrize("outcome", [OK, DECLINED, SILENCE])
def test_a_charge_decided_by_another_delivery_is_not_overwritten(outcome: object) -> None:
    bench = Bench(outcome, charge=charge("TRYING", 1))
    bench.charges.before_commit.append(charge("VOIDING", 2)._replace(version=2))
    with pytest.raises(VersionConflict):
        bench.handle(attempt=2)
    assert bench.charge == ("VOIDING", 2)
    assert bench.charges.outbox == []


def test_of_two_deliveries_at_once_one_begins() -> None:
    bench = Bench(OK)
    bench.charges.before_commit.append(charge("TRYING")._replace(version=1))
    with pytest.raises(VersionConflict):
        bench.handle()
    assert bench.provider.asked == []
