"""Counts on an axis of powers of ten."""

import pytest

from sagakit.draw.counts import counts, told
from tests.draw.looking import complaints

ORDERS = {1: 1, 2: 77_682, 3: 147_903_188_009_610}
STATES = {1: 13, 2: 56, 3: 419}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1"),
        (77_682, "77,682"),
        (999_999, "999,999"),
        (1_000_000, "10⁶"),
        (147_903_188_009_610, "1.5 × 10¹⁴"),
        (99_999_999, "10⁸"),
        (3 * 10**400, "3 × 10⁴⁰⁰"),
    ],
)
def test_numbers_for_people(number: int, text: str) -> None:
    assert told(number) == text


def test_all_numbers_are_told_and_shown() -> None:
    picture = counts({"orders": ORDERS, "states": STATES}, over="payments", title="How many")
    assert picture.alt.splitlines() == [
        "How many.",
        "orders, by payments: 1 at 1, 77,682 at 2, 1.5 × 10¹⁴ at 3.",
        "states, by payments: 13 at 1, 56 at 2, 419 at 3.",
    ]
    (axes,) = picture.axes
    shown = {text.get_text() for text in axes.texts}
    assert shown == {told(one) for one in (*ORDERS.values(), *STATES.values())}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("payments", "how many (logarithmic)")
    assert picture.svg() == picture.svg()
    assert complaints(picture) == []


def test_labels_do_not_meet() -> None:
    close = {"a": {1: 13, 2: 196, 3: 10**20}, "b": {1: 13, 2: 56, 3: 10**20}, "c": {2: 10**9}}
    picture = counts(close, over="payments", title="Close")
    assert complaints(picture) == []
    assert sum(text.get_text() == "13" for text in picture.axes[0].texts) == 1  # lines that meet


def test_nothing_to_count() -> None:
    assert "Nothing was counted" in counts({"orders": {}}, over="payments", title="None").alt


def test_zero_has_no_place() -> None:
    with pytest.raises(ValueError, match="orders: 0 at payments 2"):
        counts({"orders": {1: 1, 2: 0}}, over="payments", title="Zero")
