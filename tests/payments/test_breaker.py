"""The circuit breaker: its table of transitions, and that only one probe goes through at a time."""

from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sagakit.payments.breaker import Breaker, CircuitBreaker
from tests.payments.fakes import FakeClock, FakeStore, drive

THRESHOLD = 3
OPEN_FOR = 1_000  # ms
LEASE = 3_000  # ms
NOW = 5_000

CLOSED = Breaker("CLOSED", failures=0, since=100, era=2)
FAILING = Breaker("CLOSED", failures=2, since=100, era=2)
OPEN = Breaker("OPEN", since=4_500, era=3)
HALF_OPEN = Breaker("HALF_OPEN", since=4_900, era=4)


@pytest.mark.parametrize(
    ("before", "era", "after"),
    [
        (CLOSED, 2, CLOSED),
        (FAILING, 2, FAILING._replace(failures=0)),
        (FAILING, 1, FAILING),
        (OPEN, 2, OPEN),
        (HALF_OPEN, 4, Breaker("CLOSED", since=NOW, era=5)),
        (HALF_OPEN, 3, HALF_OPEN),
    ],
)
def test_after_an_answer(before: Breaker, era: int, after: Breaker) -> None:
    assert before.after_answer(era, NOW) == after


@pytest.mark.parametrize(
    ("before", "era", "after"),
    [
        (CLOSED, 2, CLOSED._replace(failures=1)),
        (FAILING, 2, Breaker("OPEN", since=NOW, era=3)),
        (FAILING, 1, FAILING),
        (OPEN, 2, OPEN),
        (HALF_OPEN, 4, Breaker("OPEN", since=NOW, era=5)),
        (HALF_OPEN, 2, HALF_OPEN),
    ],
)
def test_after_a_call_without_an_answer(before: Breaker, era: int, after: Breaker) -> None:
    assert before.after_failure(era, NOW, THRESHOLD) == after


@pytest.mark.parametrize(
    ("breaker", "now", "may"),
    [
        (CLOSED, 10**9, False),
        (OPEN, OPEN.since + OPEN_FOR - 1, False),
        (OPEN, OPEN.since + OPEN_FOR, True),
        (HALF_OPEN, HALF_OPEN.since + LEASE - 1, False),
        (HALF_OPEN, HALF_OPEN.since + LEASE, True),  # the probe's gateway had a power cut
    ],
)
def test_when_a_probe_may_be_made(breaker: Breaker, now: int, may: bool) -> None:
    assert breaker.may_probe(now, OPEN_FOR, LEASE) is may


def breaker_on(store: FakeStore[Breaker], now: int) -> CircuitBreaker:
    return CircuitBreaker(
        store, FakeClock(now), threshold=THRESHOLD, open_for=OPEN_FOR, lease=LEASE
    )


@pytest.mark.parametrize(
    ("stored", "now", "era"),
    [
        (None, 0, 0),
        (CLOSED, NOW, 2),
        (OPEN, OPEN.since + OPEN_FOR - 1, None),
        (OPEN, OPEN.since + OPEN_FOR, 4),
        (HALF_OPEN, NOW, None),
    ],
)
def test_a_call_is_admitted_in_an_era_or_not_at_all(
    stored: Breaker | None, now: int, era: int | None
) -> None:
    store = FakeStore(*filter(None, [stored]))
    assert drive(breaker_on(store, now).admit()) == era


def test_a_second_caller_is_not_admitted_while_a_probe_is_under_way() -> None:
    store = FakeStore(OPEN)
    store.before_commit.append(Breaker("HALF_OPEN", since=NOW, era=4, version=2))
    assert drive(breaker_on(store, OPEN.since + OPEN_FOR).admit()) is None


def test_no_failure_is_forgotten_when_two_report_at_once() -> None:
    store = FakeStore(CLOSED)
    store.before_commit.append(CLOSED._replace(failures=1, version=2))
    drive(breaker_on(store, NOW).failed(2))
    assert store.items["provider"].failures == 2


def test_nor_is_an_answer() -> None:
    store = FakeStore(FAILING)
    store.before_commit.append(FAILING._replace(failures=1, version=2))
    drive(breaker_on(store, NOW).answered(2))
    assert store.items["provider"].failures == 0


class ManyGateways(RuleBasedStateMachine):
    """Gateways ask and report step by step in any order, some never report, and time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.store = FakeStore(Breaker())
        self.clock = FakeClock()
        self.breaker = CircuitBreaker(
            self.store, self.clock, threshold=1, open_for=OPEN_FOR, lease=LEASE
        )
        self.at_work: list[Coroutine[Any, Any, int | None]] = []
        self.calls: list[int] = []  # the eras of the calls that are under way
        self.admitted = Counter[int]()  # how many calls were admitted in each era
        self.states = {0: Breaker()}  # what each era is

    @rule(ms=st.sampled_from([400, OPEN_FOR]))
    def time_goes_by(self, ms: int) -> None:
        self.clock.time += ms

    @rule()
    def one_asks(self) -> None:
        self._begin(self.breaker.admit())

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), answered=st.booleans())
    def a_call_ends(self, data: st.DataObject, answered: bool) -> None:
        era = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        self._begin(self.breaker.answered(era) if answered else self.breaker.failed(era))

    def _begin(self, coroutine: Coroutine[Any, Any, int | None]) -> None:
        coroutine.send(None)
        self.at_work.append(coroutine)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def one_goes_to_its_end(self, data: st.DataObject) -> None:
        coroutine = data.draw(st.sampled_from(self.at_work))
        while coroutine in self.at_work:
            self._step(coroutine)

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def one_takes_a_step(self, data: st.DataObject) -> None:
        self._step(data.draw(st.sampled_from(self.at_work)))

    def _step(self, coroutine: Coroutine[Any, Any, int | None]) -> None:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            self.at_work.remove(coroutine)
            if stop.value is not None:
                self.calls.append(stop.value)
                self.admitted[stop.value] += 1
        stored = self.store.items["provider"]
        self.states.setdefault(stored.era, stored)

    @invariant()
    def at_most_one_probe_an_era_and_no_call_while_open(self) -> None:
        for era, calls in self.admitted.items():
            most = {"CLOSED": calls, "HALF_OPEN": 1, "OPEN": 0}
            assert calls <= most[self.states[era].state]

    @invariant()
    def it_stays_open_long_enough(self) -> None:
        for era, breaker in self.states.items():
            if breaker.state == "HALF_OPEN":
                assert breaker.since - self.states[era - 1].since >= OPEN_FOR

    def teardown(self) -> None:
        for coroutine in self.at_work:
            coroutine.close()


ManyGateways.TestCase.settings = settings(max_examples=60, stateful_step_count=60)
TestManyGateways = ManyGateways.TestCase
