"""The figures of a sweep: a number by one setting as dots, by two as a heat map, and how far chance
may have moved it: 95 % confidence intervals, of runs that know nothing of one another (each has a
seed of its own)."""

from collections.abc import Sequence
from math import sqrt
from random import Random
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from sagakit.draw.chart import SMALL, STYLE, TEXT, Chart
from sagakit.draw.palette import BLUE, GREY, PALE, RED
from sagakit.draw.svg import Picture

Z = 1.959964  # of a normal distribution, 95 % lie within so many standard deviations
RESAMPLES = 1_000

PANEL, GAP = 126.0, 16.0  # points: a panel of dots, and from one to the next
BESIDE = 0.28  # how far right of the dots' middle the mean stands; values are 1 apart
SPREAD = 0.16  # how far left and right of the middle dots lie

ROW = 37.5  # points, of a heat map
COLOURS = "cividis"  # reads alike with and without a colour blindness (Nuñez et al., 2018)
DARK = 0.5  # below this share of the scale letters are white


class Interval(NamedTuple):
    """An estimate, and from where to where it may be."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        estimate, low, high = map(worded, self)
        return f"{estimate} ({low} to {high})"


def wilson(hits: int, of: int) -> Interval:
    """Return the interval of a share. E. B. Wilson, "Probable Inference, the Law of Succession, and
    Statistical Inference", Journal of the American Statistical Association 22 (1927): unlike the
    textbook's plus or minus it stays within 0 and 1, and 0 of 20 is not taken for never.

    >>> low, high = wilson(0, 20)[1:]
    >>> round(low, 2), round(high, 2)
    (0.0, 0.16)
    """
    if not 0 <= hits <= of or not of:
        raise ValueError(f"{hits} of {of} is no share")
    share = hits / of
    middle = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z / (1 + Z * Z / of) * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0))


def bootstrap(values: Sequence[float]) -> Interval:
    """Return the interval of a mean: the mean is taken again of 1,000 samples that are drawn from
    the values with replacement, and of these means the middle 95 % are kept (the percentile
    interval of B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993). The draws are
    the same every time. Raises `ValueError` if there are no values.
    """
    if not values:
        raise ValueError("there are no values to take a mean of")
    count, random = len(values), Random("bootstrap")
    means = sorted(sum(random.choices(values, k=count)) / count for _ in range(RESAMPLES))
    outside = round(RESAMPLES * 0.025)
    return Interval(sum(values) / count, means[outside], means[-1 - outside])


@mpl.rc_context(STYLE)
def distributions(table: pd.DataFrame, *, by: str, values: Sequence[str], title: str) -> Picture:
    """Draw each of the columns `values` by the values of the column `by`, one panel below another.
    The names of the columns are those of the axes.

    A dot is a run; beside the dots is the mean with its interval (bootstrap). Of a column of yes
    and no it is the share of yes instead, with the interval of Wilson.

    Raises `KeyError` for a column that does not exist.
    """
    settings = sorted(table[by].unique())
    lines = [f"{title}. A dot is a run; means and shares with 95 % confidence intervals."]
    found: dict[str, list[Interval | None]] = {}
    for value in values:
        found[value] = [_interval(table.loc[table[by] == setting, value]) for setting in settings]
        told = "; ".join(
            f"{worded(setting)}: {interval or 'no run'}"
            for setting, interval in zip(settings, found[value], strict=True)
        )
        lines.append(f"{value}, by {by}: {told}.")
    shares = any(map(_is_share, (table[value] for value in values)))
    high = PANEL * len(values) + GAP * (len(values) - 1)
    chart = Chart(title, "\n".join(lines), high, left=61, right=14, legend=_legend(shares))
    frame = chart.plot.get_position()
    chart.plot.remove()
    for index, value in enumerate(values):
        bottom = frame.y1 - frame.height * (PANEL * (index + 1) + GAP * index) / high
        panel = chart.add_axes((frame.x0, bottom, frame.width, frame.height * PANEL / high))
        _panel(panel, table, by, value, settings, found[value])
    panel.set_xticks(range(len(settings)), [worded(setting) for setting in settings])
    panel.set_xlabel(by, size=TEXT)
    return chart


def _panel(
    axes: Axes,
    table: pd.DataFrame,
    by: str,
    value: str,
    settings: list[Any],
    intervals: list[Interval | None],
) -> None:
    axes.set_xlim(-0.5, len(settings) - 0.5)
    axes.set_xticks(range(len(settings)), [""] * len(settings))
    axes.tick_params(labelsize=TEXT, length=0)
    axes.grid(axis="y", color=PALE, lw=0.6)
    axes.set_axisbelow(True)
    axes.set_ylabel(value, size=TEXT)
    share = _is_share(table[value])
    for index, (setting, interval) in enumerate(zip(settings, intervals, strict=True)):
        if not share:
            runs = numbers(table.loc[table[by] == setting, value])
            across = [
                index + SPREAD * (2 * at / max(len(runs) - 1, 1) - 1) for at in range(len(runs))
            ]
            axes.scatter(across, runs, s=16, fc=BLUE, ec="white", lw=0.4, alpha=0.8, zorder=2)
        if interval is not None:
            x = index if share else index + BESIDE
            ends = [interval.low, interval.high]  # wider than the mean: never hidden
            axes.plot([x, x], ends, color=RED, lw=1.5, marker="_", ms=11, mew=1.5, zorder=3)
            axes.plot([x], [interval.estimate], marker="D", ms=5, color=RED, zorder=4)
    if share:
        axes.set_ylim(-0.03, 1.03)
    else:
        axes.set_ylim(bottom=-0.04 * axes.get_ylim()[1])


def _legend(shares: bool) -> list[Line2D]:
    mean = "mean of the runs, 95 % confidence interval (bootstrap)"
    if shares:
        mean = "mean (bootstrap) or share of the runs (Wilson), 95 % confidence interval"
    return [
        Line2D([], [], ls="", marker="o", mfc=BLUE, mec="white", ms=6, label="a run"),
        Line2D([], [], lw=1.5, marker="D", color=RED, ms=5, label=mean),
    ]


class _Cell(NamedTuple):
    column: int
    row: int
    interval: Interval


@mpl.rc_context(STYLE)
def heatmap(table: pd.DataFrame, *, x: str, y: str, value: str, title: str = "") -> Picture:
    """Draw the mean of a column for each pair of values of `x` and `y`, and below it its 95 %
    confidence interval (bootstrap over the runs). The names of the columns are those of the axes.

    Raises `KeyError` for a column that does not exist.
    """
    title = title or f"{value}, by {y} and {x}"
    columns, rows = sorted(table[x].unique()), sorted(table[y].unique())
    cells = [
        _Cell(columns.index(across), rows.index(down), bootstrap(numbers(runs[value])))
        for (across, down), runs in table.groupby([x, y])
        if runs[value].notna().any()
    ]
    runs = len(table) // (len(columns) * len(rows) or 1)
    lines = [f"{title}. Means of {runs} runs each, with 95 % confidence intervals."]
    for index, down in enumerate(rows):
        told = ", ".join(
            f"{worded(columns[cell.column])}: {cell.interval}"
            for cell in cells
            if cell.row == index
        )
        lines.append(f"{y} {worded(down)}; by {x}: {told}.")
    chart = Chart(title, "\n".join(lines), ROW * len(rows), above=13)
    axes = chart.plot
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([index + 0.5 for index in range(len(columns))], [*map(worded, columns)])
    axes.set_yticks([index + 0.5 for index in range(len(rows))], [*map(worded, rows)])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_ylabel(y, size=TEXT)
    chart.name_x(x)
    _fill(axes, cells)
    note = f"{value}: mean of {runs} runs, and its 95 % confidence interval (bootstrap)"
    axes.annotate(note, (0, 1), xytext=(0, 5), xycoords="axes fraction", size=TEXT, color=GREY,
                  textcoords="offset points")  # fmt: skip
    return chart


def _fill(axes: Axes, cells: list[_Cell]) -> None:
    means = [cell.interval.estimate for cell in cells]
    lowest, highest = min(means, default=0.0), max(means, default=1.0)
    colours = mpl.colormaps[COLOURS]
    for column, row, interval in cells:
        share = (interval.estimate - lowest) / (highest - lowest or 1)
        axes.add_patch(Rectangle((column, row), 1, 1, fc=colours(share), ec="white", lw=2))
        letters = "white" if share < DARK else "black"
        span = f"{worded(interval.low)} to {worded(interval.high)}"
        for text, y, size, weight in (
            (worded(interval.estimate), row + 0.4, 11, "bold"),
            (span, row + 0.75, SMALL, "normal"),
        ):
            axes.text(column + 0.5, y, text, size=size, color=letters, ha="center", va="center",
                      weight=weight)  # fmt: skip


def _is_share(column: "pd.Series[Any]") -> bool:
    return pd.api.types.is_bool_dtype(column)


def _interval(column: "pd.Series[Any]") -> Interval | None:
    runs = numbers(column)
    if not runs:
        return None
    return wilson(round(sum(runs)), len(runs)) if _is_share(column) else bootstrap(runs)


def numbers(column: "pd.Series[Any]") -> list[float]:
    """Return the values of a column that are there."""
    return [float(value) for value in column.dropna()]


def worded(value: Any) -> str:
    """Return a value for people: two or three digits are enough of what was measured."""
    if isinstance(value, float):
        size = abs(value)
        return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 1 else f"{value:.2g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
