"""Money is exact: what is written with two decimals is that amount, and nothing else is one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from sagakit.payments.money import LARGEST, Amount, Balance, exact

CENTS = st.integers(-int(LARGEST * 100), int(LARGEST * 100))


def money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


@given(CENTS)
def test_every_number_of_cents_is_read_exactly(cents: int) -> None:
    amount = exact(money(cents))
    assert amount * 100 == cents
    assert amount.as_tuple().exponent == -2


@given(CENTS)
def test_a_float_is_the_amount_that_it_is_written_as(cents: int) -> None:
    written = f"{money(cents)}"
    assert exact(float(written)) == Decimal(written)


@given(CENTS, CENTS)
def test_two_ways_of_writing_an_amount_are_equal_just_if_the_cents_are(one: int, two: int) -> None:
    assert (exact(money(one)) == exact(money(two).normalize())) == (one == two)


@given(st.lists(st.integers(0, 10**9), max_size=50))
def test_a_sum_of_amounts_has_no_error(cents: list[int]) -> None:
    assert sum(map(exact, map(money, cents))) * 100 == sum(cents)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_only_whole_cents_up_to_the_largest_amount_are_accepted(value: Decimal) -> None:
    cents = value.scaleb(2) if abs(value.adjusted()) < 100 else None
    sensible = cents is not None and cents == cents.to_integral_value() and abs(value) <= LARGEST
    if sensible or value == 0:
        assert exact(value) == value
    else:
        with pytest.raises(ValueError, match="an amount"):
            exact(value)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (float("nan"), "must be finite"),
        (float("inf"), "must be finite"),
        (Decimal("-Infinity"), "must be finite"),
        (Decimal("sNaN"), "must be finite"),
        (0.1 + 0.2, "at most two decimals, not 0.30000000000000004"),
        (Decimal("1.005"), "at most two decimals, not 1.005"),
        (Decimal("1e-400"), "at most two decimals"),
        (1_000_000_000, "at most 999,999,999.99, not 1000000000"),
        (-1_000_000_000, "at most 999,999,999.99"),
        (Decimal("1e1000000"), "at most 999,999,999.99"),
        (1e300, "at most 999,999,999.99"),
        ("70.00", "must be a number, not '70.00'"),
        (True, "must be a number, not True"),
        (None, "must be a number, not None"),
        ([70], r"must be a number, not \[70\]"),
    ],
)
def test_the_complaint_says_what_is_wrong(value: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        exact(value)


class Price(BaseModel):
    amount: Amount = Decimal("1.00")
    balance: Balance = Decimal("0.00")


def test_an_amount_is_more_than_zero_and_a_balance_is_not_below() -> None:
    assert Price(amount=0.01, balance=0) == Price(amount=Decimal("0.01"))
    for field, value, complaint in (
        ("amount", 0, "an amount must be more than zero, not 0"),
        ("amount", -1, "an amount must be more than zero, not -1"),
        ("balance", -0.01, "a balance cannot be below zero, but is -0.01"),
    ):
        with pytest.raises(ValidationError, match=complaint):
            Price(**{field: value})


def test_the_largest_amount_is_accepted() -> None:
    assert exact(LARGEST) == LARGEST
    assert exact(-LARGEST) == -LARGEST


def test_minus_zero_is_zero() -> None:
    assert str(exact(Decimal("-0.00"))) == str(exact(0)) == "0.00"
