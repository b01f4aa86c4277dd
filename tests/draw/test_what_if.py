"""Heat maps and distributions of a sweep: each number is one of the table, in picture and words."""

from collections.abc import Callable

import pandas as pd
import pytest

from sagakit.draw.distributions import distributions, worded
from sagakit.draw.figure import Picture
from sagakit.draw.heatmap import heatmap
from sagakit.sweeps.intervals import bootstrap, wilson

ROWS = pd.DataFrame(
    [(delay, outage, seed, delay * seed + outage, seed == 1)
     for delay in (1, 2) for outage in (10, 30) for seed in range(5)],
    columns=["delay", "outage", "seed", "failed", "well"],
)  # fmt: skip


def letters(picture: Picture) -> list[str]:
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
def test_the_same_table_gives_the_same_bytes(picture: Callable[[], Picture]) -> None:
    assert picture().svg() == picture().svg()


def test_a_column_that_does_not_exist() -> None:
    with pytest.raises(KeyError, match="delays"):
        heatmap(ROWS, x="outage", y="delays", value="failed")
