"""Virtual time in words."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.contract.timing import duration, moment, roughly, stamp

YEAR = 365 * 86_400_000  # ms
IN_MS = {"ms": 1, "s": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


def read(text: str) -> float:
    """What was written, in ms."""
    amount, unit = text.split()
    return round(float(amount) * IN_MS[unit if unit in IN_MS else unit.removesuffix("s")])


@pytest.mark.parametrize("write", [moment, stamp, duration])
@given(t=st.integers(0, YEAR))
def test_what_is_written_to_the_ms_is_read_back_as_the_same_ms(
    write: Callable[[int], str], t: int
) -> None:
    assert read(write(t)) == t


@pytest.mark.parametrize(
    ("t", "text", "in_a_column"),
    [
        (0, "0 ms", "0 ms"),
        (334, "334 ms", "334 ms"),
        (5_000, "5 s", "5.000 s"),
        (70_490, "70.49 s", "70.490 s"),
        (1_234_567, "1234.567 s", "1234.567 s"),
        (1_000_000_000, "1000000 s", "1000000.000 s"),
    ],
)
def test_a_moment_has_no_zeros_at_its_end_but_in_a_column(
    t: int, text: str, in_a_column: str
) -> None:
    assert (moment(t), stamp(t)) == (text, in_a_column)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (334, "334 ms"),
        (1_254, "1.25 s"),
        (70_493, "70.5 s"),
        (599_900, "599.9 s"),
        (720_000, "12 min"),
        (1_234_567, "20.6 min"),
        (172_800_000, "48 h"),
        (100 * YEAR, "876000 h"),
    ],
)
def test_a_stretch_is_told_in_few_digits(ms: int, text: str) -> None:
    assert roughly(ms) == text
