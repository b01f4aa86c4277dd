"""The exercises of notebook 02, and what its flawed gateways do."""

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from exercises.provider_error import (
    breaks_void_first,
    one_key_a_payment,
    provider_keeps,
    requests,
    second_attempt_succeeds,
    two_views,
    who_keeps_the_money,
)
from sagakit import run, scenarios
from sagakit.contract.faults import Crash, Drop, Duplicate
from sagakit.scenarios import ProviderRule, Scenario
from sagakit.zoo.new_key_per_attempt import NewKeyPerAttempt
from sagakit.zoo.refund_unknown import RefundUnknown
from sagakit.zoo.void_without_deciding import VoidWithoutDeciding

GIVEN = scenarios.provider_error
RIGHT = {"A": "provider", "B": "provider", "C": "ana", "D": "ana"}


def asked(*rules: ProviderRule) -> Scenario:
    return GIVEN.but(provider=rules)


SILENT_ONCE = ProviderRule(behaviour="timeout_before", calls=(1,))
CHARGED_ONCE = ProviderRule(behaviour="timeout_after", calls=(1,))
ONE_ATTEMPT = GIVEN.but(settings={"provider_attempts": 1}, provider=(SILENT_ONCE,))


@pytest.mark.parametrize(
    "check", [who_keeps_the_money, second_attempt_succeeds, one_key_a_payment, breaks_void_first]
)
def test_three_dots_are_no_answer(check: Any) -> None:
    assert "Not answered yet" in repr(check(...))


@pytest.mark.parametrize(
    "answer", [RIGHT, {"A": "the provider", "B": "Provider", "C": "Ana", "D": " ana "}]
)
def test_who_keeps_the_money(answer: object) -> None:
    assert who_keeps_the_money(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (dict.fromkeys("ABCD", "provider"), "2 of 4 are right. Hint: For C"),
        (RIGHT | {"B": "ana"}, "3 of 4 are right. Hint: For B"),
        (RIGHT | {"D": "the bank"}, "'the bank' is nobody"),
        (RIGHT | {"D": ...}, "D: no answer yet"),
        ({"A": "provider"}, "B, C, D: no answer yet"),
        (dict.fromkeys("ABCD", ...), "Not answered yet"),
        (["provider", "ana"], "This is no dict"),
    ],
)
def test_another_keeper_is_told_where_to_look(answer: object, word: str) -> None:
    feedback = who_keeps_the_money(answer)
    assert not feedback
    assert word in repr(feedback)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (asked(SILENT_ONCE), "when the second request came"),
        (asked(CHARGED_ONCE), "before the second request"),
        (asked(ProviderRule(behaviour="slow", delay=6_000, calls=(1,))), "knew by its key"),
        (asked(ProviderRule(behaviour="timeout_before", end=30_000)), "keeps 70.00, once"),
    ],
)
def test_the_second_attempt_succeeds(answer: Scenario, word: str) -> None:
    feedback = second_attempt_succeeds(answer)
    assert feedback
    assert word in repr(feedback)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (GIVEN, "The payment is FAILED; the requests came to: timeout, timeout"),
        (asked(), "was answered: OK"),
        (asked(ProviderRule(behaviour="down", calls=(1,))), "was answered: unavailable"),
        (asked(SILENT_ONCE, ProviderRule(behaviour="decline")), "timeout, declined"),
        (
            asked(ProviderRule(behaviour="timeout_before", calls=(1, 2))).but(
                settings={"provider_attempts": 3}
            ),
            "It took 3 requests",
        ),
        (
            GIVEN.but(wallets=[{"user_id": "ana", "balance": 5}]),
            "Requests to the provider: 0; payments: 1",
        ),
        (SILENT_ONCE, "not yet a scenario"),
        ((SILENT_ONCE,), "not yet a scenario"),
        (run(GIVEN), "This is a run"),
        (2, "This is no scenario"),
    ],
)
def test_another_scenario_is_told_what_it_does(answer: object, word: str) -> None:
    feedback = second_attempt_succeeds(answer)
    assert not feedback
    assert word in repr(feedback)


def by_payment(table: pd.DataFrame) -> Any:
    return (table.groupby("payment_id")["key"].nunique() == 1).all()


def by_hand(table: pd.DataFrame) -> bool:
    keys: dict[str, str] = {}
    return all(
        keys.setdefault(payment, key) == key
        for payment, key in zip(table["payment_id"], table["key"], strict=True)
    )


@pytest.mark.parametrize("answer", [by_payment, by_hand])
def test_one_key_a_payment(answer: object) -> None:
    assert one_key_a_payment(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda table: table["key"].nunique() == 1, "three payments, each with a key of its own"),
        (lambda table: True, "For a run of NewKeyPerAttempt it says True; the law says False"),
        (
            lambda table: by_hand(table[table["request"] == "executePayment()"]),
            "A void is a request about the payment too",
        ),
        (lambda table: bool(len(table)) and by_hand(table), "What is all() of nothing?"),
        (lambda table: table["key"] == table["key"][0], "of type Series"),
        (lambda table: None, "Is there a return?"),
        (lambda table: table["keys"], "raised KeyError"),
        (True, "This is no function"),
        (lambda table: ..., "Not answered yet"),
    ],
)
def test_another_function_is_told_for_which_run(answer: object, word: str) -> None:
    feedback = one_key_a_payment(answer)
    assert not feedback
    assert word in repr(feedback)


@pytest.mark.parametrize("after", [0, 1_000, 4_900])
def test_a_second_delivery_breaks_void_first(after: int) -> None:
    feedback = breaks_void_first(
        ONE_ATTEMPT.but(faults=(Duplicate(queue="Provider SQS", after=after),))
    )
    assert feedback
    assert "conservation" in repr(feedback)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (ONE_ATTEMPT, "Every law held. The provider was asked for: executePayment() at 99 ms"),
        (
            ONE_ATTEMPT.but(faults=(Duplicate(queue="Provider SQS", after=10_000),)),
            "another delivery of the same message",
        ),
        (ONE_ATTEMPT.but(faults=(Crash(service="Provider Gateway", step=5),)), "Every law held"),
        (ONE_ATTEMPT.but(faults=(Drop(queue="Provider SQS"),)), "does not survive that either"),
        (Duplicate(queue="Provider SQS"), "This is no scenario"),
        (run(ONE_ATTEMPT), "This is a run"),
    ],
)
def test_another_fault_is_told_what_came_of_it(answer: object, word: str) -> None:
    feedback = breaks_void_first(answer)
    assert not feedback
    assert word in repr(feedback)


def broken(scenario: Scenario, gateway: type) -> list[str]:
    finished = run(scenario, services={"Provider Gateway": gateway})
    return [verdict.law for verdict in finished.verdicts() if not verdict.held]


CHARGED_TWICE_SILENT = asked(ProviderRule(behaviour="timeout_after", calls=(1, 2)))
LOST_IN_THE_FIRST_MINUTE = asked(ProviderRule(behaviour="timeout_after", end=60_000))
TWICE_DELIVERED = ONE_ATTEMPT.but(faults=(Duplicate(queue="Provider SQS"),))


@pytest.mark.parametrize(
    ("scenario", "gateway", "law"),
    [
        (GIVEN, RefundUnknown, "settle the unknown"),
        (CHARGED_TWICE_SILENT, RefundUnknown, "conservation"),
        (LOST_IN_THE_FIRST_MINUTE, NewKeyPerAttempt, "at most once"),
        (
            ONE_ATTEMPT.but(faults=(Duplicate(queue="Provider SQS"),)),
            VoidWithoutDeciding,
            "agreement",
        ),
    ],
)
def test_a_flawed_gateway_breaks_its_law(scenario: Scenario, gateway: type, law: str) -> None:
    assert law in broken(scenario, gateway)
    assert [verdict.law for verdict in run(scenario).verdicts() if not verdict.held] == []


@pytest.mark.parametrize("gateway", [RefundUnknown, NewKeyPerAttempt, VoidWithoutDeciding])
def test_a_flawed_gateway_is_sound_while_nothing_goes_wrong(gateway: type) -> None:
    assert broken(scenarios.happy_path, gateway) == []


def test_the_gateway_sees_the_same_in_both_worlds() -> None:
    worlds = [two_views(run(scenario)) for scenario in (GIVEN, CHARGED_TWICE_SILENT)]
    nothing_done, charged = (world.set_index("t")["what the gateway sees"] for world in worlds)
    assert list(nothing_done[nothing_done != ""].items()) == list(charged[charged != ""].items())
    books = worlds[1]["the provider's books"]
    assert list(books[books != ""]) == ["executed", "voided"]


def test_requests_and_what_the_provider_keeps() -> None:
    assert list(requests(run(GIVEN))["request"]) == ["executePayment()"] * 2 + ["voidPayment()"]
    assert provider_keeps(run(GIVEN)) == 0
    assert provider_keeps(run(scenarios.happy_path)) == Decimal("70.00")
