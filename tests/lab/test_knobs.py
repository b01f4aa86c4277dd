"""What of a scenario can be turned: kind, bounds and unit come from its models."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit import scenarios
from sagakit.lab.knobs import Knob, knobs, turned
from sagakit.scenarios import BadScenario, Scenario
from sagakit.sim.faults import Duplicate

OUTAGE = scenarios.circuit_breaker
KNOBS = {knob.name: knob for knob in knobs(scenarios.provider_error)}
NUMBERS = [knob for knob in knobs(scenarios.provider_error) if knob.kind == "number"]


def test_a_number_has_the_bounds_and_the_unit_of_its_model() -> None:
    assert KNOBS["settings.retry_delay"] == Knob(
        "settings.retry_delay", "number", 60_000, 1_000, 900_000, 240_000, "ms"
    )
    attempts = KNOBS["settings.provider_attempts"]
    assert (attempts.least, attempts.most, attempts.unit) == (1, None, "")


def test_a_truth_value_is_a_switch_and_an_amount_stays_exact() -> None:
    assert KNOBS["settings.wallet_reports"] == Knob("settings.wallet_reports", "switch", True)
    assert KNOBS["payments[0].amount"].value == "70.00"
    cheaper = turned(scenarios.happy_path, {"payments[0].amount": "0.1"})
    assert cheaper.payments[0].amount == Decimal("0.10")


def test_every_setting_has_a_knob_and_they_come_first() -> None:
    settings = [f"settings.{field}" for field, _ in OUTAGE.settings]
    assert [knob.name for knob in knobs(OUTAGE)][: len(settings)] == settings


def test_a_rule_of_the_provider_and_a_fault_can_be_left_out() -> None:
    doubled = OUTAGE.but(faults=(Duplicate(queue="Wallet SQS"),))
    assert turned(doubled, {"provider[0]": False, "faults[0]": False}) == OUTAGE.but(provider=())


def test_many_wallets_have_no_knobs() -> None:
    assert not [knob for knob in knobs(OUTAGE) if knob.name.startswith("wallets")]


@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda one: one.name)
def test_turned_to_what_they_are_nothing_changes(scenario: Scenario) -> None:
    assert turned(scenario, {knob.name: knob.value for knob in knobs(scenario)}) == scenario


@given(knob=st.sampled_from(NUMBERS), share=st.floats(0, 1))
def test_a_slider_never_leaves_what_the_model_allows(knob: Knob, share: float) -> None:
    value = max(knob.least or 0, round(share * knob.top))
    if knob.name.startswith("provider["):
        return  # its start and end are bound by each other
    scenario = turned(scenarios.provider_error, {knob.name: value})
    assert {one.name: one.value for one in knobs(scenario)}[knob.name] == value


def test_what_the_model_does_not_allow_is_refused_by_its_name() -> None:
    with pytest.raises(BadScenario, match="breaker_threshold: must be at least 1, not 0"):
        turned(OUTAGE, {"settings.breaker_threshold": 0})
    with pytest.raises(BadScenario, match="must be later than start"):
        turned(OUTAGE, {"provider[0].end": 5})
