"""Confidence intervals: they hold what they should as often as they say, and not always."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.sweeps.intervals import bootstrap, wilson

numbers = st.floats(-1e6, 1e6)


def test_wilsons_interval_is_that_of_a_published_table() -> None:
    """R. Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, 15 of 148, 0 of 20."""
    for hits, of, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)]:
        assert wilson(hits, of)[1:] == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(0, 20)[1:] == (0, pytest.approx(0.1611, abs=5e-5))


@given(of=st.integers(1, 500), part=st.floats(0, 1))
def test_a_share_lies_within_its_interval_and_that_within_0_and_1(of: int, part: float) -> None:
    hits = round(of * part)
    share, low, high = wilson(hits, of)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    assert wilson(of - hits, of).low == pytest.approx(1 - high)


@pytest.mark.parametrize(("hits", "of"), [(0, 0), (3, 2), (-1, 5)])
def test_what_is_no_share(hits: int, of: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(hits, of)


@given(values=st.lists(numbers, min_size=1, max_size=20))
def test_a_mean_has_the_same_interval_each_time_and_within_the_values(values: list[float]) -> None:
    found = bootstrap(values)
    assert found == bootstrap(values)
    slack = 1e-6
    assert min(values) - slack <= found.low <= found.high <= max(values) + slack


def test_the_interval_of_a_mean_holds_it_about_as_often_as_it_says() -> None:
    random = Random("samples")
    samples = [bootstrap([random.gauss(5, 2) for _ in range(40)]) for _ in range(200)]
    held = sum(one.low <= 5 <= one.high for one in samples)
    assert 0.90 <= held / 200 <= 0.98


def test_more_values_make_it_narrower() -> None:
    random = Random("more")
    values = [random.gauss(0, 1) for _ in range(160)]
    few, many = bootstrap(values[:40]), bootstrap(values)
    assert many.high - many.low < 0.7 * (few.high - few.low)


def test_no_values_have_no_mean() -> None:
    with pytest.raises(ValueError, match="no values"):
        bootstrap([])
