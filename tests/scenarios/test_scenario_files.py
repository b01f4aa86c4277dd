"""A scenario as a file: what is written is read back, and what is wrong is told in words."""

import json
import re
from contextlib import suppress
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit import run
from sagakit.contract.events import loads
from sagakit.scenarios import ALL, BadScenario, Scenario, happy_path
from sagakit.scenarios.build import build_world
from sagakit.trace.facts import StillGoingOn

FULL: dict[str, Any] = {
    "name": "full",
    "title": "Every part of a scenario",
    "wallets": [{"user_id": "ana", "balance": 100.5}, {"user_id": "ben", "balance": 0}],
    "payments": [
        {"user_id": "ana", "amount": 70, "at": 5, "idempotency_key": "A", "repeats": [10, 20]},
        {"user_id": "ben", "amount": 0.1},
    ],
    "provider": [
        {"behaviour": "slow", "calls": [1], "payment_id": "ana:A", "start": 1, "end": 9, "delay": 3}
    ],
    "faults": [
        {"fault": "duplicate", "queue": "Wallet SQS", "event": "PaymentInit", "after": 50},
        {"fault": "drop", "queue": "SNS Topic", "nth": 2},
        {"fault": "delay", "queue": "Payment SQS", "by": 100, "correlation_id": "ana:A"},
        {"fault": "reorder", "queue": "Provider SQS"},
        {"fault": "crash", "service": "Wallet Service", "step": 2, "when": "before"},
        {"fault": "outage", "participant": "EventBridge", "start": 10, "end": 20},
        {"fault": "throttle", "participant": "Wallet DB", "start": 10, "end": 20, "limit": 2},
        {"fault": "loss", "store": "Wallet DB", "at": 900},
    ],
    "texts": [{"at": 3, "queue": "Wallet SQS", "text": "not JSON"}],
    "redrives": [{"at": 200_000, "queue": "Wallet SQS"}],
    "recovery": {"snapshot_at": 800, "start_at": 1_000},
    "settings": {"provider_attempts": 3},
    "timing": {"bus": [20, 20]},
    "seed": 7,
}
EVERY_SCENARIO = pytest.mark.parametrize(
    "scenario", [*ALL, Scenario.from_json(json.dumps(FULL))], ids=lambda scenario: scenario.name
)


def changed(place: str, value: Any) -> str:
    """The full scenario as JSON text with another value at `place`, written like `faults[0].by`."""
    values: Any = deepcopy(FULL)
    *way, last = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", place)]
    inner = values
    for part in way:
        inner = inner[part]
    inner[last] = value
    return json.dumps(values)


def refused(text: str) -> str:
    with pytest.raises(BadScenario) as told:
        build_world(Scenario.from_json(text))
    return str(told.value)


@EVERY_SCENARIO
def test_a_saved_scenario_is_loaded_as_it_was(scenario: Scenario, tmp_path: Path) -> None:
    scenario.save(tmp_path / "my.json")
    loaded = Scenario.load(tmp_path / "my.json")
    assert loaded == scenario
    assert list(run(loaded).records.jsonl()) == list(run(scenario).records.jsonl())


@EVERY_SCENARIO
def test_a_file_holds_amounts_as_exact_numbers(scenario: Scenario) -> None:
    values = loads(scenario.to_json())
    amounts = [one["balance"] for one in values["wallets"]]
    amounts += [one["amount"] for one in values["payments"]]
    assert all(type(amount) is Decimal for amount in amounts)
    assert [wallet.balance for wallet in scenario.wallets] == amounts[: len(scenario.wallets)]


def test_a_cent_is_a_cent_after_a_thousand_times() -> None:
    scenario = happy_path.but(wallets=({"user_id": "ana", "balance": Decimal("999999999.99")},))
    for _ in range(1000):
        scenario = Scenario.from_json(scenario.to_json())
    assert scenario.wallets[0].balance == Decimal("999999999.99")


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "short.json"
    path.write_text(
        """{
          "name": "short", "title": "Two payments",
          "wallets": [{"user_id": "ana", "balance": 10}],
          "payments": [{"user_id": "ana", "amount": 0.10}, {"user_id": "ana", "amount": 0.20}]
        }"""
    )
    done = run(Scenario.load(path))
    assert done.records.stores()["Wallet DB"]["ana"].balance == Decimal("9.70")
    assert [one.idempotency_key for one in done.scenario.payments] == ["1", "2"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_file_may_be_as_an_editor_or_a_shell_wrote_it(encoding: str, tmp_path: Path) -> None:
    scenario = happy_path.but(title="Ação")
    text = scenario.to_json().replace(r"\u00e7\u00e3", "çã")
    (tmp_path / "my.json").write_text(text, encoding=encoding)
    assert Scenario.load(tmp_path / "my.json") == scenario


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("wallets[0].balance", -1, "a balance cannot be below zero, but is -1"),
        ("payments[0].amount", -5, "an amount must be more than zero, not -5"),
        ("payments[1].amount", 0, "an amount must be more than zero, not 0"),
        ("payments[0].amount", float("nan"), "an amount must be finite"),
        ("payments[0].amount", float("-inf"), "an amount must be finite"),
        ("payments[0].amount", 0.001, "an amount has at most two decimals, not 0.001"),
        ("payments[0].amount", 0.1 + 0.2, "an amount has at most two decimals, not 0.3000000"),
        ("payments[0].amount", 10**9, "an amount must be at most 999,999,999.99"),
        ("payments[0].amount", "70", 'an amount must be a number, not "70"'),
        ("payments[0].amount", None, "an amount must be a number, not null"),
        ("payments[0].amount", True, "an amount must be a number, not true"),
        ("payments[0].amount", [70], "an amount must be a number, not a list"),
        # Fields and types.
        ("wallet", [], "is unknown: did you mean wallets?"),
        ("payments[0].amout", 3, "is unknown: did you mean amount?"),
        ("faults[2].bye", 3, "is unknown: did you mean by?"),
        ("timing.buss", [1, 2], "is unknown: did you mean bus?"),
        ("settings.retries", 1, "is unknown: use one of breaker_open_for, breaker_threshold"),
        ("title", 5, "must be a text, not 5"),
        ("name", "my scenario", "must be 1 to 64 letters, digits, dots, dashes or underscores"),
        ("wallets[0].user_id", "", 'must be 1 to 64 letters, digits, dots, dashes or underscores'),
        ("wallets", {}, "must be a list, [...], not an object"),
        ("wallets[0]", 5, "must be an object, {...}, not 5"),
        ("recovery", [5], "must be an object, {...}, not a list"),
        ("timing", 5, "must be an object, {...}, not 5"),
        ("seed", "seven", 'must be a whole number, not "seven"'),
        ("seed", True, "must be a whole number, not true"),
        # Times.
        ("payments[0].at", -1, "must be at least 0, not -1"),
        ("payments[0].at", 1.5, "must be a whole number, not 1.5"),
        ("payments[0].at", 10**15, "must be at most 31536000000, not 1000000000000000"),
        ("payments[0].repeats[1]", -1, "must be at least 0, not -1"),
        ("faults[2].by", -100, "must be at least 0, not -100"),
        ("settings.retry_delay", 1, "must be at least 1000, not 1"),
        ("timing.bus", [1, 2, 3], "must be a list of at most 2"),
        ("timing.bus", [30, 10], "from 30 to 10 ms cannot be: give the shorter first"),
        ("timing.bus", [-5, 10], "from -5 to 10 ms cannot be"),
        # What does not exist.
        ("faults[0].fault", "explode", "there is no fault 'explode': use one of crash, delay"),
        ("faults[0].queue", "Walet SQS", "there is no 'Walet SQS' here: did you mean Wallet SQS?"),
        ("faults[0].event", "PaymentFailed", "there is no 'PaymentFailed' here"),
        ("faults[4].service", "Wallet DB", "there is no 'Wallet DB' here"),
        ("faults[4].event", "Nothing", "there is no 'Nothing' here: use one of PaymentInit"),
        ("faults[5].participant", "User", "there is no 'User' here"),
        ("faults[6].participant", "SNS Topic", "there is no 'SNS Topic' here"),
        ("faults[7].store", "Snapshot Store", "there is no 'Snapshot Store' here"),
        ("provider[0].payment_id", "ana:Z", "there is no payment 'ana:Z': did you mean ana:A?"),
        ("provider[0].behaviour", "explode", "must be 'approve', 'decline', 'timeout_before'"),
        ("provider[0].calls", [], "must be a list of at least 1"),
        ("provider[0].calls[0]", 0, "must be at least 1, not 0"),
        ("texts[0].queue", "Nowhere", "there is no 'Nowhere': use one of Payment SQS"),
        ("redrives[0].queue", "Wallet DLQ", "there is no 'Wallet DLQ': did you mean Wallet SQS?"),
        ("wallets[1].user_id", "ana", "'ana' has a wallet already: keep one"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_told_with_its_place(place: str, value: object, told: str) -> None:
    assert f"{place}: {told}" in refused(changed(place, value))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed("payments[0]", {}), "payments[0].user_id: is missing"),
        (changed("faults[2]", {"fault": "delay", "queue": "x"}), "faults[2].by: is missing"),
        (changed("faults[0]", {}), "faults[0].fault: is missing: use one of duplicate, drop"),
        (changed("timing.bus", [5]), "timing.bus[1]: is missing"),
        (changed("provider[0].end", 1), "provider[0]: end (1 ms) must be later than start (1 ms)"),
        (changed("faults[5].end", 9), "faults[5]: end (9 ms) must be later than start (10 ms)"),
        (changed("recovery.start_at", 800), "start_at (800 ms) must be later than snapshot_at"),
        ("", "not JSON: Expecting value at line 1, column 1"),
        ('{"name": "x",}', "not JSON: nothing follows the comma at line 1, column 13"),
        ("[]", "must be an object, {...}, not a list"),
        ("null", "must be an object, {...}, not null"),
        ("{}", "name: is missing\n  title: is missing\n  wallets: is missing"),
        ('{"name": "x", "title": "y", "name": "z"}', "'name' stands twice in one object: keep one"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5_000, "a number in it is too large"),
        ("1e" + "9" * 30, "a number in it is too large"),
        ('{"name": "\\ud800"}', "name: must be a text of whole characters"),
    ],
    ids=range(17),
)
def test_a_file_that_holds_no_scenario_is_refused(text: str, told: str) -> None:
    assert told in refused(text)


def test_a_fault_in_a_saga_that_does_not_happen_is_told() -> None:
    with pytest.raises(
        BadScenario, match=r"faults\[0\].correlation_id: there is no payment 'ana:B'"
    ):
        happy_path.but(faults=({"fault": "drop", "queue": "x", "correlation_id": "ana:B"},))


def test_a_mistake_is_told_without_what_only_programmers_know() -> None:
    values = {name: {"x": Decimal(1)} for name in FULL}
    with pytest.raises(BadScenario) as error:
        happy_path.but(**values)
    for word in (
        "Decimal(",
        "pydantic",
        "Input",
        "validation error",
        "dict",
        "tuple",
        "None",
        "True",
    ):
        assert word not in str(error.value)


def test_many_mistakes_are_not_all_told() -> None:
    told = refused(changed("payments", [{}] * 100))
    assert told.count("\n") < 10
    assert "... and 192 more" in told


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match=r"none\.json: there is no such file"):
        Scenario.load(tmp_path / "none.json")
    with pytest.raises(BadScenario, match="cannot be read: Is a directory"):
        Scenario.load(tmp_path)
    (tmp_path / "picture.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(BadScenario, match=r"picture\.json: not JSON: it is no text"):
        Scenario.load(tmp_path / "picture.json")


def test_a_file_that_has_no_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happy_path.save(tmp_path / "my.json")
    monkeypatch.setattr("sagakit.scenarios.scenario.LARGEST_FILE", 99)
    with pytest.raises(
        BadScenario, match=r"my\.json: it is larger than 99 bytes: is it a scenario"
    ):
        Scenario.load(tmp_path / "my.json")


def test_a_change_is_checked_like_a_file() -> None:
    with pytest.raises(BadScenario, match="walets: is unknown: did you mean wallets"):
        happy_path.but(walets=())
    with pytest.raises(BadScenario, match="seed: must be a whole number"):
        happy_path.but(seed="x")


def test_a_provider_that_never_answers_again_does_not_keep_a_run_going() -> None:
    silent = happy_path.but(provider=({"behaviour": "timeout_before"},))
    done = run(silent)
    assert isinstance(done.records.entries[-1].fact, StillGoingOn)
    assert [verdict.law for verdict in done.verdicts() if not verdict.held] == ["every saga ends"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals().map(str)
    | st.text()
    | st.sampled_from([*FULL, "delay", "ana", "Wallet SQS", 10**400, -0.0, 1e308]),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=8,
)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """The full scenario with some places changed, removed or added."""
    values = deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        place: Any = values
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.booleans()):
                place[key] = draw(JSON)
            else:
                del place[key]
            break
    return json.dumps(values)


@given(st.text() | st.binary() | JSON.map(json.dumps) | broken())
def test_no_text_makes_the_loader_fail_but_in_words(text: str | bytes) -> None:
    with suppress(BadScenario):
        scenario = Scenario.from_json(text)
        assert Scenario.from_json(scenario.to_json()) == scenario
        build_world(scenario)


def test_a_slow_provider_is_slow_by_so_much() -> None:
    with pytest.raises(BadScenario, match="slow by how much"):
        happy_path.but(provider=[{"behaviour": "slow"}])


def test_a_text_has_lines_that_can_be_read_and_what_is_long_goes_on_under_its_beginning() -> None:
    scenario = Scenario.from_json(json.dumps({**FULL, "title": "short", "about": ""}))
    lines = scenario.to_json().splitlines()
    assert max(map(len, lines)) <= 88
    begun = next(place for place, line in enumerate(lines) if line.startswith('  "settings": {'))
    assert lines[begun + 1].startswith(" " * len('  "settings": {') + '"')
    assert '    {"user_id": "ben", "balance": 0.00}' in lines
