"""How a number spreads over the seeds, a column of dots for each value of a setting.

A dot is a run; beside the dots is the mean with its 95 % confidence interval (bootstrap). Of a
column of yes and no it is the share of yes instead, with the interval of Wilson.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sagakit.draw.figure import BLUE, INK, PALE, RED, STYLE, WIDTH, Picture
from sagakit.sweeps.intervals import Interval, bootstrap, wilson

HIGH = 1.75  # inches a panel
GAP = 0.22
LEFT, RIGHT, TOP, BOTTOM = 0.85, 0.2, 0.45, 0.85
BESIDE = 0.28  # how far right of the dots' middle the mean stands; values are 1 apart
SPREAD = 0.16  # how far left and right of the middle dots lie


def distributions(table: pd.DataFrame, *, by: str, values: Sequence[str], title: str) -> Picture:
    """Draw each of the columns `values` by the values of the column `by`, one panel below another.
    The names of the columns are those of the axes.

    Raises `KeyError` for a column that does not exist.
    """
    settings = sorted(table[by].unique())
    lines = [f"{title}. A dot is a run; means and shares with 95 % confidence intervals."]
    found: dict[str, list[Interval | None]] = {}
    for value in values:
        found[value] = [_interval(table.loc[table[by] == one, value]) for one in settings]
        told = "; ".join(
            f"{worded(one)}: {_told(interval)}"
            for one, interval in zip(settings, found[value], strict=True)
        )
        lines.append(f"{value}, by {by}: {told}.")
    with mpl.rc_context(STYLE):
        high = TOP + HIGH * len(values) + GAP * (len(values) - 1) + BOTTOM
        picture = Picture(WIDTH, high, "\n".join(lines))
        picture.text(0.1 / WIDTH, 1 - 0.2 / high, title, size=11.5, weight="bold", va="center")
        for place, value in enumerate(values):
            bottom = high - TOP - HIGH * (place + 1) - GAP * place
            wide = WIDTH - LEFT - RIGHT
            axes = picture.add_axes((LEFT / WIDTH, bottom / high, wide / WIDTH, HIGH / high))
            _panel(axes, table, by, value, settings, found[value])
        axes.set_xticks(range(len(settings)), [worded(one) for one in settings])
        axes.set_xlabel(by, size=9)
        _legend(picture, high, any(_is_share(table[value]) for value in values))
    return picture


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
    axes.tick_params(labelsize=9, length=0)
    axes.grid(axis="y", color=PALE, lw=0.6)
    axes.set_axisbelow(True)
    axes.set_ylabel(value, size=9)
    share = _is_share(table[value])
    for place, (one, interval) in enumerate(zip(settings, intervals, strict=True)):
        if not share:
            runs = numbers(table.loc[table[by] == one, value])
            across = [
                place + SPREAD * (2 * at / max(len(runs) - 1, 1) - 1) for at in range(len(runs))
            ]
            axes.scatter(across, runs, s=16, fc=BLUE, ec="white", lw=0.4, alpha=0.8, zorder=2)
        if interval is not None:
            x = place if share else place + BESIDE
            ends = [interval.low, interval.high]  # wider than the mean: never hidden
            axes.plot([x, x], ends, color=RED, lw=1.5, marker="_", ms=11, mew=1.5, zorder=3)
            axes.plot([x], [interval.estimate], marker="D", ms=5, color=RED, zorder=4)
    if share:
        axes.set_ylim(-0.03, 1.03)
    else:
        axes.set_ylim(bottom=-0.04 * axes.get_ylim()[1])


def _legend(picture: Picture, high: float, shares: bool) -> None:
    mean = "mean of the runs, 95 % confidence interval (bootstrap)"
    if shares:
        mean = "mean (bootstrap) or share of the runs (Wilson), 95 % confidence interval"
    handles = [
        Line2D([], [], ls="", marker="o", mfc=BLUE, mec="white", ms=6, label="a run"),
        Line2D([], [], lw=1.5, marker="D", color=RED, ms=5, label=mean),
    ]
    picture.legend(
        handles=handles, loc="lower left", ncols=2, fontsize=8.5, frameon=False, labelcolor=INK,
        bbox_to_anchor=(0.1 / WIDTH, 0.06 / high), borderaxespad=0,
    )  # fmt: skip


def _is_share(column: "pd.Series[Any]") -> bool:
    return pd.api.types.is_bool_dtype(column)


def _interval(column: "pd.Series[Any]") -> Interval | None:
    runs = numbers(column)
    if not runs:
        return None
    return wilson(round(sum(runs)), len(runs)) if _is_share(column) else bootstrap(runs)


def numbers(column: "pd.Series[Any]") -> list[float]:
    """The values of a column that are there."""
    return [float(one) for one in column.dropna()]


def worded(value: Any) -> str:
    """A value for people: two or three digits are enough of what was measured."""
    if isinstance(value, float):
        size = abs(value)
        return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 1 else f"{value:.2g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _told(interval: Interval | None) -> str:
    if interval is None:
        return "no run"
    estimate, low, high = map(worded, interval)
    return f"{estimate} ({low} to {high})"
