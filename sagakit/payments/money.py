"""Money: exact amounts with two decimals.

An amount is a `Decimal` with exactly two decimals, so that 0.10 three times is 0.30; no binary
float ever holds money.

    >>> exact(0.10) * 3 == exact(0.30), 0.10 * 3 == 0.30
    (True, False)
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

CENT = Decimal("0.01")
LARGEST = Decimal("999999999.99")
ZERO = Decimal("0.00")


def exact(value: Any) -> Decimal:
    """Return a number as money.

    A float is read by its shortest text, so 0.1 is 0.10, and 0.1 + 0.2 is refused as what it is:
    0.30000000000000004. Raises `ValueError` for what is no number, is not finite, has more than
    two decimals, or is larger than 999,999,999.99 either way.
    """
    if isinstance(value, Decimal) and value.same_quantum(CENT) and ZERO < value <= LARGEST:
        return value  # money already
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"an amount must be a number, not {value!r}")
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not number.is_finite():
        raise ValueError(f"an amount must be finite, not {value}")
    if not -LARGEST <= number <= LARGEST:  # abs() would overflow on 1e1000000
        raise ValueError(f"an amount must be at most {LARGEST:,}, not {value}")
    cents = number.quantize(CENT)
    if cents != number:
        raise ValueError(f"an amount has at most two decimals, not {value}")
    return cents + ZERO  # turns -0.00 into 0.00


def _positive(value: Any) -> Decimal:
    amount = exact(value)
    if amount <= 0:
        raise ValueError(f"an amount must be more than zero, not {value}")
    return amount


def _balance(value: Any) -> Decimal:
    balance = exact(value)
    if balance < 0:
        raise ValueError(f"a balance cannot be below zero, but is {value}")
    return balance


Amount = Annotated[Decimal, BeforeValidator(_positive), Field(description="more than zero")]
Balance = Annotated[Decimal, BeforeValidator(_balance), Field(description="zero or more")]
