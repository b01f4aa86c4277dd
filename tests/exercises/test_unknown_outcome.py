"""Notebook 10: its checks take what is right, whatever it looks like, and nothing else."""

from itertools import pairwise
from typing import Any

import pytest

from exercises.unknown_outcome import (
    ENDS,
    GATEWAY,
    GIVEN,
    SILENCE,
    CompletesBlindly,
    DecidesBlindly,
    history,
    settled_for_good,
    smallest_budget,
    without_breaker,
)
from sagakit.explore import explore


@pytest.mark.parametrize("check", [smallest_budget, settled_for_good])
def test_three_dots_are_no_answer_yet(check: Any) -> None:
    assert "three dots" in repr(check(...))
    assert "three dots" in repr(smallest_budget({"duplicates": ...}))
    assert "three dots" in repr(smallest_budget({"provider": {"timeout_before": ...}}))
    assert "three dots" in repr(settled_for_good(lambda states: ...))


@pytest.mark.parametrize("twin", [DecidesBlindly, CompletesBlindly])
def test_the_twins_are_flawed(twin: type) -> None:
    explored = explore(GIVEN, duplicates=1, provider=SILENCE, services={GATEWAY: twin})
    assert explored.broken
    assert history(explored.broken[0].run)[:2] == ["NEW", "TRYING"]
    drawn = without_breaker(explored.broken[0].run)
    assert "Breaker DB" not in drawn.sequence().alt


# The smallest budget.


@pytest.mark.parametrize(
    "answer",
    [
        {"duplicates": 1, "provider": {"timeout_before": 1}},
        {"provider": {"timeout_after": 1, "timeout_before": 0}, "duplicates": 1, "crashes": 0},
    ],
)
def test_the_smallest_budget(answer: Any) -> None:
    assert smallest_budget(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"duplicates": 1, "provider": SILENCE}, "is enough"),
        ({"duplicates": 2, "provider": {"timeout_after": 1}}, "is enough"),
        ({"duplicates": 1}, "every law holds"),
        ({"crashes": 1, "provider": SILENCE}, "at work on the same message"),
        ({}, "With nothing at all every law holds"),
        ({"duplicated": 1}, "does not take this"),
        ({"provider": {"silence": 1}}, "does not take this"),
        ({"duplicates": -1}, "does not take this"),
        ({"duplicates": "one"}, "does not take this"),
        ({"drops": 1}, "none of the words of this exercise"),
        ({"stop": "all", "duplicates": 1, "provider": SILENCE}, "'stop' is none of the words"),
        ({"crashes": 1, "provider": None}, "With crashes: 1 every law holds"),
        (explore(GIVEN), "the budget alone"),
        (2, "no budget"),
    ],
)
def test_other_budgets(answer: Any, says: str) -> None:
    assert not smallest_budget(answer)
    assert says in repr(smallest_budget(answer))


# A law of one's own.


def by_pairs(states: list[str]) -> str | None:
    for before, after in pairwise(states):
        if before in ENDS and after != before:
            return f"it was {before}, and became {after}"
        if (before, after) == ("VOIDING", "SUCCEEDED"):
            return "it was to be voided, and succeeded"
    return None


def by_allowed(states: list[str]) -> str | None:
    allowed = {
        "NEW": {"TRYING", "FAILED"},
        "TRYING": {"TRYING", "SUCCEEDED", "VOIDING", "FAILED"},
        "VOIDING": {"VOIDING", "FAILED"},
        "SUCCEEDED": {"SUCCEEDED"},
        "FAILED": {"FAILED"},
    }
    wrong = [(one, other) for one, other in pairwise(states) if other not in allowed[one]]
    return f"not allowed: {wrong}" if wrong else None


@pytest.mark.parametrize("answer", [by_pairs, by_allowed])
def test_a_law_of_ones_own(answer: Any) -> None:
    assert settled_for_good(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda states: None, "your law says nothing"),
        (lambda states: "always wrong", "That is allowed"),
        (
            lambda states: "ends twice" if len({*ENDS} & {*states}) == 2 else None,
            "your law says nothing",
        ),
        (lambda states: "left" if states[-1] not in ENDS else None, "SUCCEEDED"),
        (lambda states: len(states) < 5, "Return None if all is well"),
        (lambda states: states.first, "AttributeError"),
        ("SUCCEEDED is the end", "no function"),
    ],
)
def test_other_laws(answer: Any, says: str) -> None:
    assert not settled_for_good(answer)
    assert says in repr(settled_for_good(answer))
