"""The exercises of notebook 04, and the bill that it compares."""

from typing import Any

import pytest

from exercises.circuit_breaker import (
    bill,
    meets_the_goal,
    openings,
    opens_twice,
    settings_table,
    transition,
    unanswered,
)
from sagakit import run, scenarios
from sagakit.scenarios import ProviderRule, Scenario

GIVEN = scenarios.circuit_breaker


def out(start: int, end: int) -> Scenario:
    rule = ProviderRule(behaviour="timeout_before", start=start, end=end)
    return GIVEN.but(provider=(rule,))


def setting(threshold: Any, open_for: Any) -> dict[str, Any]:
    return {"breaker_threshold": threshold, "breaker_open_for": open_for}


@pytest.mark.parametrize("check", [transition, opens_twice, meets_the_goal])
def test_three_dots_are_no_answer(check: Any) -> None:
    assert "Not answered yet" in repr(check(...))


def by_cases(state: str, failures: int, happened: str, threshold: int) -> tuple[str, int]:
    match state, happened:
        case "CLOSED", "answer":
            return "CLOSED", 0
        case "CLOSED", "no answer" if failures + 1 < threshold:
            return "CLOSED", failures + 1
        case "CLOSED" | "HALF_OPEN", "no answer":
            return "OPEN", 0
        case "OPEN", "time is up":
            return "HALF_OPEN", 0
        case "HALF_OPEN", "answer":
            return "CLOSED", 0
    return state, failures


def by_table(state: str, failures: int, happened: str, threshold: int) -> list[object]:
    if state == "CLOSED" and happened != "time is up":
        failures = failures + 1 if happened == "no answer" else 0
        return ["OPEN", 0] if failures == threshold else [state, failures]
    table = {
        ("OPEN", "time is up"): "HALF_OPEN",
        ("HALF_OPEN", "answer"): "CLOSED",
        ("HALF_OPEN", "no answer"): "OPEN",
    }
    return [table.get((state, happened), state), failures]


@pytest.mark.parametrize("answer", [by_cases, by_table])
def test_a_breaker_as_a_function(answer: Any) -> None:
    assert transition(answer)


def never_resets(state: str, failures: int, happened: str, threshold: int) -> tuple[str, int]:
    if (state, happened) == ("CLOSED", "answer"):
        return state, failures
    return by_cases(state, failures, happened, threshold)


def one_late(state: str, failures: int, happened: str, threshold: int) -> tuple[str, int]:
    if state == "CLOSED":
        return by_cases(state, failures, happened, threshold + 1)
    return by_cases(state, failures, happened, threshold)


def patient_probe(state: str, failures: int, happened: str, threshold: int) -> tuple[str, int]:
    if (state, happened) == ("HALF_OPEN", "no answer"):
        return ("OPEN", 0) if failures + 1 >= threshold else (state, failures + 1)
    return by_cases(state, failures, happened, threshold)


def counts_late_reports(
    state: str, failures: int, happened: str, threshold: int
) -> tuple[str, int]:
    if (state, happened) == ("OPEN", "answer"):
        return "CLOSED", 0
    return by_cases(state, failures, happened, threshold)


def keeps_its_number(state: str, failures: int, happened: str, threshold: int) -> tuple[str, int]:
    after, number = by_cases(state, failures, happened, threshold)
    return (after, threshold) if after == "OPEN" else (after, number)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (never_resets, "Only failures in a row count"),
        (one_late, "threshold 1, CLOSED with 0 failures; then 'no answer'"),
        (patient_probe, "One is enough here"),
        (counts_late_reports, "Nothing changes here"),
        (keeps_its_number, "when it is OPEN, it is 0"),
        (lambda *given: ("closed", 0), "The states are CLOSED, OPEN, HALF_OPEN"),
        (lambda *given: "OPEN", "Return a pair"),
        (lambda *given: None, "returns nothing"),
        (lambda *given: ..., "Not answered yet"),
        (lambda state, failures: (state, failures), "raised TypeError"),
        ("CLOSED", "no function"),
    ],
)
def test_another_function_is_told_which_step(answer: Any, word: str) -> None:
    feedback = transition(answer)
    assert not feedback
    assert word in repr(feedback)


@pytest.mark.parametrize("answer", [out(10_000, 56_000), out(10_000, 60_000)])
def test_it_opens_twice(answer: Scenario) -> None:
    assert opens_twice(answer)
    assert len(openings(run(answer))) == 2


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (GIVEN, "It opens once (23.111 s)"),
        (out(10_000, 11_000), "It never opens"),
        (out(10_000, 610_000), "It opens 10 times"),
        (GIVEN.but(settings={"breaker_open_for": 5_000}), "More than the outage"),
        (ProviderRule(behaviour="down"), "not yet a scenario"),
        (run(GIVEN), "This is a run"),
        ("10 s", "no scenario"),
    ],
)
def test_another_outage_is_told_how_often(answer: Any, word: str) -> None:
    feedback = opens_twice(answer)
    assert not feedback
    assert word in repr(feedback)


@pytest.mark.parametrize("answer", [setting(3, 8_000), setting(5, 5_000), setting(5, 20_000)])
def test_settings_that_meet_the_goal(answer: Any) -> None:
    assert meets_the_goal(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (setting(5, 30_000), "Payments that fail: 15"),
        (setting(8, 5_000), "calls without an answer: 11"),
        (setting(1, 4_000), "One silence is no outage"),
        (setting(..., 5_000), "Not answered yet"),
        ({"retry_delay": 1_000}, "It sets retry_delay."),
        ({5: 5_000}, "It sets 5."),
        (setting(0, 5_000), "breaker_threshold"),
        (5, "no dict"),
    ],
)
def test_other_settings_are_told_what_they_cost(answer: Any, word: str) -> None:
    feedback = meets_the_goal(answer)
    assert not feedback
    assert word in repr(feedback)


def test_the_bill_of_the_outage_with_and_without_a_breaker() -> None:
    with_one = bill(run(GIVEN))
    without = bill(run(GIVEN.but(settings={"breaker_threshold": 1_000})))
    assert with_one["completed"] + with_one["failed"] == len(GIVEN.payments)
    assert without["failed"] == 0
    assert without["unanswered"] > with_one["unanswered"] == unanswered(run(GIVEN))
    assert without["waits over 10 s"] == without["unanswered"]


def test_a_table_of_settings() -> None:
    table = settings_table((5,), (5_000, 30_000))
    assert table.loc[5, ("failed", 30_000)] == bill(run(GIVEN))["failed"]
    assert list(table.columns.names) == [None, "open_for"]
