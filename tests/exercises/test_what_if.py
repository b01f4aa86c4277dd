"""Notebook 11: its checks take what is right, whatever it looks like, and nothing else."""

from typing import Any

import pandas as pd
import pytest

from exercises.what_if import (
    DELAY,
    GIVEN,
    LONGER,
    THRESHOLD,
    UNSEEN,
    cheapest,
    chosen_delay,
    differ,
)
from sagakit import sweep
from sagakit.draw.sweeps import bootstrap


def test_three_dots_are_no_answer_yet() -> None:
    for check in (cheapest, differ, chosen_delay):
        assert "three dots" in repr(check(...))
    assert "three dots" in repr(cheapest(lambda rows, failure, call: ...))
    assert "three dots" in repr(differ(lambda first, second: ...))
    assert "three dots" in repr(chosen_delay({"retry_delay": ..., "rows": ...}))


# A choice by its price.


def by_column(rows: pd.DataFrame, failure: float, call: float) -> Any:
    rows["cost"] = failure * rows["failed"] + call * rows["unanswered"]
    return rows.groupby(THRESHOLD)["cost"].mean().idxmin()


def by_hand(rows: pd.DataFrame, failure: float, call: float) -> int:
    costs = {}
    for threshold in rows[THRESHOLD].unique():
        own = rows[rows[THRESHOLD] == threshold]
        costs[failure * own["failed"].mean() + call * own["unanswered"].mean()] = int(threshold)
    return costs[min(costs)]


def by_sum(rows: pd.DataFrame, failure: float, call: float) -> Any:
    """A threshold with fewer runs seems cheaper."""
    return (
        (failure * rows["failed"] + call * rows["unanswered"])
        .groupby(rows[THRESHOLD])
        .sum()
        .idxmin()
    )


@pytest.mark.parametrize("answer", [by_column, by_hand])
def test_the_cheapest_threshold(answer: Any) -> None:
    assert cheapest(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda rows, failure, call: 8, "another one less"),
        (lambda rows, failure, call: by_column(rows, call, failure), "another one less"),
        (lambda rows, failure, call: by_column(rows, 1, 1), "another one less"),
        (lambda rows, failure, call: rows["failed"].min(), "no threshold"),
        (lambda rows, failure, call: by_sum(rows, failure, call), "another one less"),
        (lambda rows, failure, call: rows.groupby(THRESHOLD)["failed"].mean(), "type Series is no"),
        (lambda rows, failure, call: "the lowest", "no threshold"),
        (lambda rows, failure, call: rows["cost"], "KeyError"),
        (8, "no function"),
    ],
)
def test_other_choices(answer: Any, says: str) -> None:
    assert not cheapest(answer)
    assert says in repr(cheapest(answer))


# A difference that is no chance.


def by_interval(first: list[float], second: list[float]) -> bool:
    found = bootstrap([one - other for one, other in zip(first, second, strict=True)])
    return not found.low <= 0 <= found.high


def by_sides(first: list[float], second: list[float]) -> int:
    of_all = bootstrap((pd.Series(first) - pd.Series(second)).tolist())
    return int(of_all.low * of_all.high > 0)


@pytest.mark.parametrize("answer", [by_interval, by_sides])
def test_a_difference_that_is_no_chance(answer: Any) -> None:
    assert differ(answer)


def intervals_apart(first: list[float], second: list[float]) -> bool:
    one, other = bootstrap(first), bootstrap(second)
    return one.high < other.low or other.high < one.low


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (intervals_apart, "Seed by seed they differ"),
        (lambda first, second: sum(first) != sum(second), "other seeds"),
        (lambda first, second: by_interval(first, second) and sum(first) > sum(second), "3 and 2"),
        (lambda first, second: "yes", "True or False"),
        (lambda first, second: pd.Series(first) > pd.Series(second), "True or False"),
        (True, "no function"),
    ],
)
def test_other_ways_to_tell_settings_apart(answer: Any, says: str) -> None:
    assert not differ(answer)
    assert says in repr(differ(answer))


# A sweep of one's own.


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return sweep(LONGER, over={DELAY: [20_000, 36_000, 38_000, 60_000]}, seeds=20)


@pytest.mark.parametrize("delay", [36_000, 38_000])
def test_a_delay_that_meets_the_goal(rows: pd.DataFrame, delay: int) -> None:
    assert chosen_delay({"retry_delay": delay, "rows": rows})
    assert chosen_delay({"rows": rows[rows[DELAY] == delay], "retry_delay": delay})


def test_other_delays(rows: pd.DataFrame) -> None:
    def says(answer: Any) -> str:
        assert not chosen_delay(answer)
        return repr(chosen_delay(answer))

    assert "payments fail on average" in says({"retry_delay": 20_000, "rows": rows})
    assert "p95" in says({"retry_delay": 60_000, "rows": rows})
    assert "0 seeds" in says({"retry_delay": 37_000, "rows": rows})
    assert "these delays, in ms: 20,000, 36,000" in says({"retry_delay": 36, "rows": rows})
    assert "'36 s' is no delay" in says({"retry_delay": "36 s", "rows": rows})
    assert "[36000] is no delay" in says({"retry_delay": [36_000], "rows": rows})
    assert "10 seeds" in says({"retry_delay": 36_000, "rows": rows.query("seed < 10")})
    assert "not those of such a sweep" in says({"retry_delay": 36_000, "rows": [1, 2]})
    assert "no delay with its rows" in says(36_000)
    other = sweep(GIVEN, over={DELAY: [36_000]}, seeds=20)
    assert "another row with LONGER" in says({"retry_delay": 36_000, "rows": other})


def test_lucky_seeds_do_not_help(rows: pd.DataFrame) -> None:
    many = sweep(LONGER, over={DELAY: [22_000]}, seeds=100)
    best = many.sort_values(["failed", "p95"]).head(20)
    answer = {"retry_delay": 22_000, "rows": best}
    assert max(best["seed"]) < min(UNSEEN)
    assert "Your seeds were lucky" in repr(chosen_delay(answer))
