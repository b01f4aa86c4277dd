"""Figures of a sweep: each number is one of the table, in picture and words, and an interval holds
what it should as often as it says."""

from collections.abc import Callable
from random import Random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.draw.chart import Chart
from sagakit.draw.sweeps import bootstrap, distributions, heatmap, wilson, worded

ROWS = pd.DataFrame(
    [(delay, outage, seed, delay * seed + outage, seed == 1)
     for delay in (1, 2) for outage in (10, 30) for seed in range(5)],
    columns=["delay", "outage", "seed", "failed", "well"],
)  # fmt: skip


def letters(picture: Chart) -> list[str]:
    return [text.get_text() for axes in picture.axes for text in axes.texts]


def test_a_cell_has_the_mean_of_its_runs_and_its_interval() -> None:
    picture = heatmap(ROWS, x="outage", y="delay", value="failed")
    for (_, outage), runs in ROWS.groupby(["delay", "outage"]):
        mean, low, high = map(worded, bootstrap([float(one) for one in runs["failed"]]))
        assert mean in letters(picture)
        assert f"{low} to {high}" in letters(picture)
        assert f"{outage}: {mean} ({low} to {high})" in picture.alt
    assert "Means of 5 runs each" in picture.alt


def test_the_axes_are_called_as_the_columns_are() -> None:
    (axes,) = heatmap(ROWS, x="outage", y="delay", value="failed").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("outage", "delay")
    assert [one.get_text() for one in axes.get_xticklabels()] == ["10", "30"]


def test_letters_can_be_read_on_their_cell() -> None:
    picture = heatmap(ROWS, x="outage", y="delay", value="failed")
    (axes,) = picture.axes
    means = [text for text in axes.texts if text.get_weight() == "bold"]
    for cell, text in zip(axes.patches, means, strict=True):
        red, green, blue, _ = cell.get_facecolor()
        bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        assert text.get_color() == ("white" if bright < 0.5 else "black")


def test_a_pair_without_a_finished_run_has_no_number() -> None:
    gone = ROWS.assign(failed=ROWS["failed"].astype("Int64").mask(ROWS["outage"] == 30))
    picture = heatmap(gone, x="outage", y="delay", value="failed")
    assert len(picture.axes[0].patches) == 2
    assert "30:" not in picture.alt


def test_each_run_is_a_dot_and_each_setting_has_its_mean() -> None:
    picture = distributions(ROWS, by="outage", values=["failed"], title="By outage")
    (axes,) = picture.axes
    dots = [y for one in axes.collections for _, y in one.get_offsets()]
    assert sorted(dots) == sorted(ROWS["failed"])
    mean, low, high = map(
        worded, bootstrap([float(one) for one in ROWS.query("outage == 30")["failed"]])
    )
    assert f"30: {mean} ({low} to {high})" in picture.alt


def test_of_yes_and_no_the_share_is_shown_with_wilsons_interval() -> None:
    picture = distributions(ROWS, by="outage", values=["failed", "well"], title="By outage")
    share, low, high = map(worded, wilson(2, 10))
    assert f"well, by outage: 10: {share} ({low} to {high})" in picture.alt
    assert len(picture.axes) == 2
    assert not picture.axes[1].collections


@pytest.mark.parametrize("picture", [
    lambda: heatmap(ROWS, x="outage", y="delay", value="failed"),
    lambda: distributions(ROWS, by="outage", values=["failed", "well"], title="By outage"),
])  # fmt: skip
def test_the_same_table_gives_the_same_bytes(picture: Callable[[], Chart]) -> None:
    assert picture().svg() == picture().svg()


def test_a_column_that_does_not_exist() -> None:
    with pytest.raises(KeyError, match="delays"):
        heatmap(ROWS, x="outage", y="delays", value="failed")


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
