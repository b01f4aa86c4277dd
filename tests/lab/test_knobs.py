"""What of a scenario can be turned: kind, bounds and unit come from its models."""

from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit import scenarios
from sagakit.contract.faults import Crash, Duplicate
from sagakit.contract.ports import Store, on
from sagakit.lab.controls import Knob, knobs, turned
from sagakit.scenarios import BadScenario, Scenario, System

OUTAGE = scenarios.circuit_breaker
KNOBS = {knob.name: knob for knob in knobs(scenarios.provider_error)}
NUMBERS = [knob for knob in knobs(scenarios.provider_error) if knob.kind == "number"]


def test_a_number_has_the_bounds_and_the_unit_of_its_model() -> None:
    assert KNOBS["settings.retry_delay"] == Knob(
        "settings.retry_delay", "Retry delay", "number", 60_000, 1_000, 900_000, 240_000, "s", 1_000
    )
    attempts = KNOBS["settings.provider_attempts"]
    assert (attempts.least, attempts.most, attempts.unit) == (1, None, "attempts")


@pytest.mark.parametrize(
    ("name", "label", "said"),
    [
        ("settings.provider_timeout", "Provider timeout", "5 s"),
        ("settings.breaker_threshold", "Breaker threshold", "5 failures"),
        ("settings.wallet_reports", "Wallet reports a refusal", "on"),
        ("provider[0]", "Provider on calls 1, 2: rule applies", "on"),
        (
            "provider[0].behaviour",
            "What the provider does on calls 1, 2",
            "does nothing, and is silent",
        ),
        ("provider[0].end", "Provider on calls 1, 2: until", "none"),
        ("wallets[0].balance", "Wallet of ana: balance", "100.00"),
        ("payments[0].amount", "Payment ana:A: amount", "70.00"),
        ("timing.bus[0]", "Timing: bus, shortest", "10 ms"),
    ],
)
def test_a_knob_has_a_name_and_a_value_for_people(name: str, label: str, said: str) -> None:
    assert (KNOBS[name].label, KNOBS[name].said()) == (label, said)


@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda one: one.name)
def test_no_two_knobs_have_the_same_label(scenario: Scenario) -> None:
    labels = [knob.label for knob in knobs(scenario)]
    assert sorted(set(labels)) == sorted(labels)


def test_two_faults_of_a_kind_are_told_apart() -> None:
    twice = OUTAGE.but(faults=(Duplicate(queue="Wallet SQS"), Duplicate(queue="Wallet SQS", nth=2)))
    labels = [knob.label for knob in knobs(twice) if knob.name in ("faults[0]", "faults[1]")]
    assert labels == [f"Duplicate at Wallet SQS ({n} of 2): happens" for n in (1, 2)]


def test_a_truth_value_is_a_switch_and_an_amount_stays_exact() -> None:
    assert KNOBS["settings.wallet_reports"].kind == "switch"
    assert KNOBS["payments[0].amount"].value == "70.00"
    cheaper = turned(scenarios.happy_path, {"payments[0].amount": "0.1"})
    assert cheaper.payments[0].amount == Decimal("0.10")


def test_a_word_out_of_a_few_is_a_choice() -> None:
    knob = KNOBS["provider[0].behaviour"]
    assert (knob.kind, knob.value) == ("choice", "timeout_before")
    assert {("approve", "approves"), ("decline", "declines")} < set(knob.choices)
    crash = OUTAGE.but(faults=(Crash(service="Wallet Service"),))
    when = {knob.name: knob for knob in knobs(crash)}["faults[0].when"]
    assert when.choices == (("before", "before"), ("after", "after"))


def test_both_ends_of_a_span_of_time_have_a_knob() -> None:
    assert KNOBS["timing.bus[0]"] == Knob(
        "timing.bus[0]", "Timing: bus, shortest", "number", 10, 0, None, 120, "ms"
    )
    assert KNOBS["timing.bus[1]"].value == 30
    assert turned(OUTAGE, {"timing.bus[1]": 40}).timing.bus == (10, 40)
    with pytest.raises(BadScenario, match=r"timing.bus: from 50 to 30 ms"):
        turned(OUTAGE, {"timing.bus[0]": 50})


def test_every_setting_has_a_knob_and_they_come_first() -> None:
    settings = [f"settings.{field}" for field, _ in OUTAGE.settings]
    assert [knob.name for knob in knobs(OUTAGE)][: len(settings)] == settings


def test_a_rule_of_the_provider_and_a_fault_can_be_left_out() -> None:
    doubled = OUTAGE.but(faults=(Duplicate(queue="Wallet SQS"),))
    assert turned(doubled, {"provider[0]": False, "faults[0]": False}) == OUTAGE.but(provider=())


def test_the_only_rule_can_be_left_out_and_put_back() -> None:
    assert turned(OUTAGE, {"provider[0]": False}).provider == ()
    assert turned(OUTAGE, {"provider[0]": True}) == OUTAGE


def test_a_number_that_is_not_given_has_a_knob_too() -> None:
    end = KNOBS["provider[0].end"]
    assert (end.value, end.optional, end.unit) == (None, True, "s")
    ended = turned(scenarios.provider_error, {"provider[0].end": 5})
    assert ended.provider[0].end == 5
    assert turned(ended, {"provider[0].end": None}) == scenarios.provider_error
    assert not KNOBS["provider[0].start"].optional


def test_many_wallets_have_no_knobs() -> None:
    assert not [knob for knob in knobs(OUTAGE) if knob.name.startswith("wallets")]


@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda one: one.name)
def test_turned_to_what_they_are_nothing_changes(scenario: Scenario) -> None:
    assert turned(scenario, {knob.name: knob.value for knob in knobs(scenario)}) == scenario


@given(knob=st.sampled_from(NUMBERS), share=st.floats(0, 1))
def test_a_slider_never_leaves_what_the_model_allows(knob: Knob, share: float) -> None:
    value = max(knob.least or 0, round(share * knob.top))
    if knob.name.startswith(("provider[", "timing.")):
        return  # its start and end, or its two ends, are bound by each other
    scenario = turned(scenarios.provider_error, {knob.name: value})
    assert {one.name: one.value for one in knobs(scenario)}[knob.name] == value


def test_a_value_out_of_bounds_is_refused_with_the_knobs_path() -> None:
    with pytest.raises(BadScenario, match="breaker_threshold: must be at least 1, not 0"):
        turned(OUTAGE, {"settings.breaker_threshold": 0})
    with pytest.raises(BadScenario, match="must be later than start"):
        turned(OUTAGE, {"provider[0].end": 5})


class Book(NamedTuple):
    """What is left of a book; the store counts its versions."""

    key: str
    left: int
    price: Decimal
    version: int = 0


class Order(NamedTuple):
    book: str
    copies: int = 1


class Shop:
    def __init__(self, books: Store[Book]) -> None:
        self.books = books

    @on(Order)
    async def sell(self, order: Order) -> None:
        book = await self.books.get(order.book)
        await self.books.commit(book._replace(left=book.left - order.copies))


BOOKS = System(
    name="books",
    services={"Shop": Shop},
    requests={"ana": Order("dune")},
    opening={"Shop": [Book("dune", 3, Decimal("9.90"))]},
    externals={"Van": "approve"},
)


class TestASystemOfOnesOwn:
    def test_a_system_has_knobs_for_requests_parties_and_timing(self) -> None:
        found = {
            knob.name: knob.value for knob in knobs(BOOKS) if not knob.name.startswith("timing")
        }
        assert found == {
            "externals[Van]": "approve",
            "opening[Shop][0].left": 3,
            "opening[Shop][0].price": "9.90",
            "requests[ana].copies": 1,
            "seed": 0,
        }

    def test_has_the_timing_too(self) -> None:
        assert turned(BOOKS, {"timing.store[1]": 9}).timing.store == (2, 9)
        with pytest.raises(BadScenario, match=r"books: timing.store: from 9 to 8 ms"):
            turned(BOOKS, {"timing.store[0]": 9})

    def test_keeps_what_is_not_turned(self) -> None:
        more = turned(BOOKS, {"requests[ana].copies": 2, "opening[Shop][0].price": "8"})
        assert more.requests == {"ana": Order("dune", 2)}
        assert list(more.opening["Shop"]) == [Book("dune", 3, Decimal(8))]
        assert (more.services, more.externals) == (BOOKS.services, BOOKS.externals)

    def test_turning_knobs_to_their_values_changes_nothing(self) -> None:
        same = turned(BOOKS, {knob.name: knob.value for knob in knobs(BOOKS)})
        assert (same.requests, same.externals) == (BOOKS.requests, BOOKS.externals)
        assert list(same.opening["Shop"]) == list(BOOKS.opening["Shop"])
        assert (same.timing, same.seed) == (BOOKS.timing, BOOKS.seed)
