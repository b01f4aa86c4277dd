"""The exercises of notebook 01."""

from typing import Any

import pytest

from exercises.happy_path import asked_twice, chain, longest_delay
from sagakit import run, scenarios
from sagakit.contract.faults import Crash, Outage


@pytest.mark.parametrize("check", [chain, asked_twice, longest_delay])
def test_three_dots_are_no_answer(check: Any) -> None:
    assert "Not answered yet" in repr(check(...))


def recursive(events: Any, event_id: str) -> list[str]:
    found = events[events.event_id == event_id]
    if found.empty:
        return []
    return [*recursive(events, found.causation_id.iloc[0]), found.event.iloc[0]]


def with_an_index(events: Any, event_id: str) -> tuple[str, ...]:
    by_id = events.set_index("event_id")
    names: list[str] = []
    while event_id in by_id.index:
        names.append(by_id.event[event_id])
        event_id = by_id.causation_id[event_id]
    return tuple(reversed(names))


@pytest.mark.parametrize("answer", [recursive, with_an_index])
def test_a_chain_of_causes(answer: Any) -> None:
    assert chain(answer)


def by_time(events: Any, event_id: str) -> list[str]:
    """Flaw: what came earlier in the saga is taken for a cause."""
    last = events[events.event_id == event_id].iloc[0]
    saga = events[events.correlation_id == last.correlation_id].sort_values("t", kind="stable")
    return list(saga.event[saga.t <= last.t])


def one_step(events: Any, event_id: str) -> list[str]:
    """Flaw: it goes back only once."""
    cause = events.causation_id[events.event_id == event_id].iloc[0]
    return [*events.event[events.event_id == cause], *events.event[events.event_id == event_id]]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda events, event_id: recursive(events, event_id)[::-1], "the last one first"),
        (lambda events, event_id: recursive(events, event_id)[:-1], "The list ends with it"),
        (lambda events, event_id: list(events.event_id), "so many, but no names"),
        (one_step, "it returns ProviderPaymentSuccess, PaymentCompleted"),
        (lambda events, event_id: None, "returns nothing"),
        (lambda events, event_id: ..., "returns nothing"),
        (lambda events, event_id: "PaymentInit", "Return a list"),
        (lambda events, event_id: 3, "Return a list"),
        (lambda events: [], "TypeError"),
        (["PaymentInit"], "no function"),
    ],
)
def test_another_chain_is_told_what_is_wrong(answer: Any, word: str) -> None:
    feedback = chain(answer)
    assert not feedback
    assert word in repr(feedback)


def test_a_chain_by_time_is_no_chain_of_causes() -> None:
    assert not chain(by_time)


def asking(*repeats: int, **changes: Any) -> Any:
    payment = {"user_id": "ana", "amount": 70, "idempotency_key": "A", "repeats": repeats}
    return scenarios.happy_path.but(payments=[payment], **changes)


def crash(step: int, when: str) -> dict[str, Any]:
    return {"faults": [Crash(service="Payment Service", step=step, when=when)]}


@pytest.mark.parametrize(
    "answer",
    [
        asking(5_000, **crash(2, "after")),
        asking(30, 60, **crash(2, "after")),
        asking(
            100, faults=[Crash(service="Payment Service", step=2, event="CreatePayment")], seed=7
        ),
    ],
)
def test_asked_twice_and_paid_once(answer: object) -> None:
    feedback = asked_twice(answer)
    assert feedback
    assert "debited once" in feedback.says


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (scenarios.happy_path, "answered 202"),
        (asking(5_000), "answered 202"),
        (asking(**crash(2, "after")), "never asks again"),
        (asking(5_000, **crash(1, "after")), "crash came too early"),
        (asking(5_000, **crash(2, "before")), "crash came too early"),
        (asking(5, **crash(2, "after")), "asks again at 5 ms, before its answer"),
        (
            scenarios.happy_path.but(
                payments=[
                    {"user_id": "ana", "amount": 30},
                    {"user_id": "ana", "amount": 30, "at": 5_000},
                ],
                **crash(2, "after"),
            ),
            "2 payments were begun",
        ),
        (
            asking(
                100,
                faults=[
                    Crash(service="Payment Service", step=2),
                    Outage(participant="Payment Service", start=50, end=200),
                ],
            ),
            "last POST is answered 503",
        ),
        (
            asking(
                5_000, wallets=[{"user_id": "ana", "balance": 50}], **crash(2, "after")
            ),
            "payment is FAILED",
        ),
        (
            scenarios.happy_path.but(
                payments=[], texts=[{"at": 0, "queue": "Wallet SQS", "text": "hello"}]
            ),
            "Nobody pays",
        ),
        (run(scenarios.happy_path), "This is a run"),
        ("happy_path", "no scenario"),
    ],
)  # fmt: skip
def test_another_scenario_is_told_what_is_missing(answer: object, word: str) -> None:
    feedback = asked_twice(answer)
    assert not feedback
    assert word in repr(feedback)


def attempts(delay: int) -> int:
    slow = scenarios.happy_path.but(provider=[{"behaviour": "slow", "delay": delay}])
    return int((run(slow).trace.label == "executePayment()").sum())


def test_the_longest_delay_is_the_last_with_one_attempt() -> None:
    right = [delay for delay in range(4_780, 4_810) if longest_delay(delay)]
    assert len(right) == 1
    assert attempts(right[0]) == 1
    assert attempts(right[0] + 1) == 2


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (5_000, "asks 2 times"),
        (10**9, "asks 2 times"),
        (0, "with more as well"),
        (-1, "faster"),
        (4_796.5, "no whole number"),
        ("long", "no whole number"),
        (False, "no whole number"),
    ],
)
def test_another_delay_is_told_what_happens(answer: object, word: str) -> None:
    feedback = longest_delay(answer)
    assert not feedback
    assert word in repr(feedback)
