"""Notebook 08: its checks take what is right, whatever it looks like, and nothing else."""

from math import comb, factorial
from typing import Any

import pytest

from exercises.every_order import (
    TWO,
    WALLET,
    LosesPatience,
    at_once,
    at_the_wallet,
    breaks_by_hand,
    conflicts,
    counts_orders,
    refutes,
)
from sagakit import run
from sagakit.explore import explore
from sagakit.zoo.blind_write import BlindWrite

IMPATIENT: dict[str, Any] = {"services": {WALLET: LosesPatience}}


@pytest.mark.parametrize("check", [counts_orders, breaks_by_hand, refutes])
def test_three_dots_are_no_answer_yet(check: Any) -> None:
    assert "three dots" in repr(check(...))
    assert "three dots" in repr(counts_orders(lambda *steps: ...))


def test_the_schedule_at_the_wallet() -> None:
    assert conflicts(run(TWO, schedule=at_the_wallet("AABB"))) == 0
    assert conflicts(run(TWO, schedule=at_the_wallet("ABBA"))) == 1
    with pytest.raises(ValueError, match="no payment 'C': use A, B"):
        at_the_wallet("ABC")


# Orders, counted.


def by_factorials(*steps: int) -> int:
    number = factorial(sum(steps))
    for one in steps:
        number //= factorial(one)
    return number


def by_choosing(*steps: int) -> int:
    number, places = 1, sum(steps)
    for one in steps:
        number *= comb(places, one)
        places -= one
    return number


@pytest.mark.parametrize("answer", [by_factorials, by_choosing])
def test_orders_are_counted(answer: Any) -> None:
    assert counts_orders(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda *steps: comb(sum(steps), steps[0]), "There are 6: ABC, ACB, BAC, and so on"),
        (lambda *steps: factorial(sum(steps)), "orders(2, 2) returns 24. There are 6"),
        (lambda *steps: by_factorials(*steps) / 1, "whole number"),
        (lambda *steps: by_factorials(*steps) / 1, "Hint: // divides"),
        (lambda *steps: None, "Is there a return?"),
        (lambda *steps: 6, "orders(1) returns 6. There is one: A."),
        (lambda a, b: comb(a + b, a), "TypeError"),
        (6, "no function"),
    ],
)
def test_other_counts(answer: Any, says: str) -> None:
    assert not counts_orders(answer)
    assert says in repr(counts_orders(answer))


# An order that does harm.


@pytest.mark.parametrize(
    "answer", ["BAAABB", "abaabb", "B, A, A, A, B, B", ["B", "A", "A", "A", "B"]]
)
def test_an_order_that_does_harm(answer: Any) -> None:
    assert breaks_by_hand(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("AAABBB", "A writes 30.00, B reads 30.00, B reads 30.00, B declines"),
        ("ABABAB", "What must come between the two reads"),
        ("AAAA", "after AAA"),
        ("ABCABC", "no payment 'C'"),
        ("", "Nobody's turn is named"),
        (3, "no order"),
    ],
)
def test_other_orders(answer: Any, says: str) -> None:
    assert not breaks_by_hand(answer)
    assert says in repr(breaks_by_hand(answer))


# A proof that was too small.


def test_two_payments_do_not_show_it() -> None:
    assert explore(TWO, **IMPATIENT).proved


@pytest.mark.parametrize(
    ("scenario", "budget"),
    [(at_once(50, 20, 10), {}), (at_once(20, 30), {"provider": {"decline": 1}})],
)
def test_refuted(scenario: Any, budget: dict[str, Any]) -> None:
    assert refutes(explore(scenario, **IMPATIENT, **budget))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (explore(TWO, **IMPATIENT), "Complete, and every law holds"),
        (explore(at_once(60, 50, 70), **IMPATIENT), "Who else writes the wallet"),
        (explore(at_once(50, 20, 10), **IMPATIENT, limit=20), "Nothing was found"),
        (explore(TWO, **IMPATIENT, drops=1), "the sound service breaks a law, too"),
        (explore(TWO), "something else than LosesPatience"),
        (explore(TWO, services={WALLET: BlindWrite}), "something else than LosesPatience"),
        (TWO, "This is a scenario"),
        (run(TWO), "one run"),
        (3, "This is of type int"),
    ],
)
def test_not_refuted(answer: Any, says: str) -> None:
    assert not refutes(answer)
    assert says in repr(refutes(answer))
