"""The exercises of notebook 00."""

from typing import Any

import pytest

from exercises.start_here import at_work, ten_left, when_answered
from sagakit import run, scenarios


def paying(*amounts: object) -> Any:
    payments = [
        {"user_id": "ana", "amount": amount, "at": place * 1_000}
        for place, amount in enumerate(amounts)
    ]
    return scenarios.happy_path.but(payments=payments)


@pytest.mark.parametrize("check", [when_answered, at_work, ten_left])
def test_three_dots_are_no_answer(check: Any) -> None:
    assert "Not answered yet" in repr(check(...))


@pytest.mark.parametrize("answer", [19, 19.0, run(scenarios.happy_path).trace.t[8]])
def test_the_time_of_the_answer(answer: object) -> None:
    assert when_answered(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (0, "At 0 ms User calls API Gateway"),
        (23, "Publish event"),
        (20, "Nothing happens at 20 ms"),
        ("19", "is no time"),
        (None, "is no time"),
        (True, "is no time"),
    ],
)
def test_another_time_is_told_what_happens_then(answer: object, word: str) -> None:
    feedback = when_answered(answer)
    assert not feedback
    assert word in repr(feedback)


@pytest.mark.parametrize("answer", ["Provider Gateway", " provider gateway "])
def test_the_service_at_work(answer: str) -> None:
    assert at_work(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("External Provider API", "no service of ours"),
        ("Wallet Service", "not at work: it works from 51 to 59 ms"),
        ("Payment Service", "not at work: it works from 4 to 19 ms and from 341 to 355 ms"),
        ("Push Lambda", "not at work"),
        ("Wallet SQS", "is no service"),
        ("The Gateway", "Nobody is called"),
        (7, "is no name"),
    ],
)
def test_another_name_is_told_why_not(answer: object, word: str) -> None:
    feedback = at_work(answer)
    assert not feedback
    assert word in repr(feedback)


@pytest.mark.parametrize("answer", [paying(90), paying(50, 40), paying(30, 30, 30)])
def test_ten_are_left(answer: object) -> None:
    assert ten_left(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (scenarios.happy_path, "has 30.00 left"),
        (paying(90, 20), "INSUFFICIENT_FUNDS"),
        (paying(90).but(wallets=[{"user_id": "ana", "balance": 110}]), "wallets are others"),
        (scenarios.provider_error, "More than the payments"),
        (
            scenarios.happy_path.but(payments=[{"user_id": "bob", "amount": 90}]),
            "no wallet of bob",
        ),
        (run(scenarios.happy_path), "This is a run"),
        ("happy_path", "no scenario"),
    ],
)
def test_another_scenario_is_told_what_it_does(answer: object, word: str) -> None:
    feedback = ten_left(answer)
    assert not feedback
    assert word in repr(feedback)
