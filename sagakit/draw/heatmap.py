"""A number by two settings: a cell for each pair, with its mean over the seeds."""

from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.patches import Rectangle

from sagakit.draw.distributions import numbers, worded
from sagakit.draw.figure import GREY, STYLE, Picture
from sagakit.draw.panel import Panel
from sagakit.sweeps.intervals import Interval, bootstrap

ROW = 0.52  # inches
COLOURS = "cividis"  # reads alike with and without a colour blindness (Nuñez et al., 2018)
DARK = 0.5  # below this share of the scale letters are white


class _Cell(NamedTuple):
    column: int
    row: int
    interval: Interval


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
    head = f"{title}. Means of {runs} runs each, with 95 % confidence intervals."
    lines = [head]
    for place, down in enumerate(rows):
        told = ", ".join(
            f"{worded(columns[one.column])}: {_told(one.interval)}"
            for one in cells
            if one.row == place
        )
        lines.append(f"{y} {worded(down)}; by {x}: {told}.")
    with mpl.rc_context(STYLE):
        return _draw(cells, columns, rows, (x, y), value, (title, "\n".join(lines)), runs)


def _draw(
    cells: list[_Cell],
    columns: list[Any],
    rows: list[Any],
    names: tuple[str, str],
    value: str,
    texts: tuple[str, str],
    runs: int,
) -> Picture:
    panel = Panel.of(*texts, ROW * len(rows), left=1.0, above=0.18)
    axes = panel.axes
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    axes.set_xticks(
        [place + 0.5 for place in range(len(columns))], [worded(one) for one in columns]
    )
    axes.set_yticks([place + 0.5 for place in range(len(rows))], [worded(one) for one in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_ylabel(names[1], size=9)
    panel.name_x(names[0])
    means = [one.interval.estimate for one in cells]
    lowest, highest = min(means, default=0.0), max(means, default=1.0)
    colours = mpl.colormaps[COLOURS]
    for one in cells:
        share = (one.interval.estimate - lowest) / (highest - lowest or 1)
        axes.add_patch(Rectangle((one.column, one.row), 1, 1, fc=colours(share), ec="white", lw=2))
        letters = "white" if share < DARK else "black"
        middle = one.column + 0.5
        axes.text(middle, one.row + 0.4, worded(one.interval.estimate), size=11, color=letters,
                  ha="center", va="center", weight="bold")  # fmt: skip
        span = f"{worded(one.interval.low)} to {worded(one.interval.high)}"
        axes.text(middle, one.row + 0.75, span, size=8.5, color=letters, ha="center", va="center")
    note = f"{value}: mean of {runs} runs, and its 95 % confidence interval (bootstrap)"
    axes.annotate(note, (0, 1), xytext=(0, 5), xycoords="axes fraction", size=9, color=GREY,
                  textcoords="offset points")  # fmt: skip
    return panel.picture


def _told(interval: Interval) -> str:
    estimate, low, high = map(worded, interval)
    return f"{estimate} ({low} to {high})"
