"""What is made in Python is told what is wrong with it as a scenario's file is."""

from collections.abc import Callable

import pytest

from sagakit.contract.faults import Crash, Drop, Duplicate, Outage
from sagakit.contract.timing import Timing
from sagakit.contract.validation import BadScenario, Validated
from sagakit.payments.topology import Settings
from sagakit.scenarios import OpeningWallet, ProviderRule, Recovery, Scenario, happy_path

RULE = ProviderRule(behaviour="decline")


def told(make: Callable[..., object], *unnamed: object, **fields: object) -> str:
    with pytest.raises(BadScenario) as error:
        make(*unnamed, **fields)
    assert "pydantic" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (ProviderRule, {"behaviour": "timeout"}, "ProviderRule: behaviour: must be 'approve', "),
        (ProviderRule, {"behaviour": "slow"}, "ProviderRule: slow by how much?"),
        (
            ProviderRule,
            {"behaviour": "down", "calls": 1},
            "ProviderRule: calls: must be a list, [...], not 1",
        ),
        (Crash, {"service": "A", "when": "between"}, "Crash: when: must be 'before' or 'after'"),
        (Crash, {"servise": "A"}, "Crash: service: is missing"),
        (Drop, {"queue": "A", "evnt": "B"}, "Drop: evnt: is unknown: did you mean event?"),
        (Outage, {"participant": "A", "start": 9, "end": 9}, "Outage: end (9 ms) must be later"),
        (Recovery, {"snapshot_at": 5, "start_at": 1}, "Recovery: start_at (1 ms) must be later"),
        (Settings, {"retry_delay": 1}, "Settings: retry_delay: must be at least 1000, not 1"),
        (Timing, {"bus": (5, 1)}, "Timing: bus: from 5 to 1 ms cannot be"),
        (Scenario, {"name": "x", "title": "y", "wallets": ()}, "Scenario: payments: is missing"),
        (
            Scenario,
            {"name": "x", "title": "y", "wallets": (), "payments": ()},
            "Scenario: payments: nothing happens without one: give at least one, or a text",
        ),
    ],
)
def test_a_model_names_its_wrong_field(
    model: type[Validated], fields: dict[str, object], words: str
) -> None:
    assert told(model, **fields).startswith(words)


def test_every_wrong_field_of_a_part_is_told() -> None:
    assert told(Crash, step=0, when="now").splitlines() == [
        "Crash: service: is missing",
        "  step: must be at least 1, not 0",
        """  when: must be 'before' or 'after', not "now\"""",
    ]


def test_values_without_names_are_told_the_names() -> None:
    assert told(Crash, "Payment Service", 2) == (
        "Crash: name its fields: Crash(service='Payment Service', step=2)"
    )
    assert "OpeningWallet(user_id='ana', balance=100)" in told(OpeningWallet, "ana", 100)


@pytest.mark.parametrize(
    ("field", "one", "written"),
    [
        ("provider", RULE, "provider=(ProviderRule(...),)"),
        ("faults", Duplicate(queue="Wallet SQS"), "faults=(Duplicate(...),)"),
        ("wallets", OpeningWallet(user_id="ana", balance=1), "wallets=(OpeningWallet(...),)"),
    ],
)
def test_a_forgotten_comma_is_told_once(field: str, one: Validated, written: str) -> None:
    words = f"{field}: must be a list or a tuple: write {written}"
    assert told(happy_path.but, **{field: one}) == words


def test_a_model_in_the_place_of_another_is_refused() -> None:
    found = told(happy_path.but, recovery=RULE)
    assert found == "recovery: must be an object, {...}, not a ProviderRule"


def test_a_mistake_within_a_scenario_is_told_with_its_place() -> None:
    assert told(happy_path.but, faults=[{"fault": "crash", "service": "A", "step": 0}]) == (
        "faults[0].step: must be at least 1, not 0"
    )
