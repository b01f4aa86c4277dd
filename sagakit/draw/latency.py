"""Latency of the sagas, from their first event to their last, by how they ended."""

from collections.abc import Callable, Iterator
from itertools import count
from math import ceil, log10
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from sagakit.contract.timing import roughly
from sagakit.draw.chart import SMALL, STYLE, Chart, message
from sagakit.draw.palette import GREY, INK, PALE, SAGAS
from sagakit.draw.svg import Picture
from sagakit.draw.text_metrics import width
from sagakit.trace.activity import emissions
from sagakit.trace.trace import Trace

PERCENTILES = (50, 95, 99)
SPREAD = 20  # times: what ranges wider is shown on a logarithmic axis
MOST_DOTS = 150  # an outcome: beyond that a dot stands for several sagas
ROW = 83.0  # points an outcome
DOT = 6.1  # points
SHAPES = "oDs^vPh"


class Lasted(NamedTuple):
    """One saga: the name of its last event, and ms from its first event to that."""

    saga: str
    outcome: str
    ms: int


def lasted(trace: Trace) -> list[Lasted]:
    """Return all sagas that published an event, in the order in which they began."""
    first: dict[str, int] = {}
    last: dict[str, tuple[int, str]] = {}
    for event in emissions(trace.entries):
        if event.saga is not None and event.how == "published":
            first.setdefault(event.saga, event.t)
            last[event.saga] = event.t, event.event
    return [Lasted(saga, last[saga][1], last[saga][0] - t) for saga, t in first.items()]


def percentile(sorted_values: list[int], percent: int) -> int:
    """By nearest rank: the smallest value that so many percent of all do not exceed."""
    return sorted_values[max(ceil(len(sorted_values) * percent / 100), 1) - 1]


@mpl.rc_context(STYLE)
def latency(trace: Trace) -> Picture:
    """Draw a dot a saga and a row an outcome (its last event), with p50, p95 and p99."""
    by_outcome: dict[str, list[int]] = {}
    for saga in lasted(trace):
        by_outcome.setdefault(saga.outcome, []).append(saga.ms)
    if not by_outcome:
        return message("Latency of sagas", "No saga published an event in this run.")
    rows = {outcome: sorted(values) for outcome, values in sorted(by_outcome.items())}
    sagas = sum(map(len, rows.values()))
    title = f"How long {sagas} sagas took, by outcome" if sagas > 1 else "How long the saga took"
    alt = "\n".join([f"{title}, first to last event.", *_sentences(rows)])
    return _draw(rows, title, alt)


def _marks(values: list[int]) -> list[tuple[int, str]]:
    """Return the percentiles with their names; those that read the same share one."""
    named: dict[str, tuple[int, list[str]]] = {}
    for percent in PERCENTILES:
        value = percentile(values, percent)
        named.setdefault(roughly(value), (value, []))[1].append(f"p{percent}")
    return [(value, f"{' = '.join(names)} {text}") for text, (value, names) in named.items()]


def _sentences(rows: dict[str, list[int]]) -> Iterator[str]:
    for outcome, values in rows.items():
        told = ", ".join(text for _, text in _marks(values))
        yield (
            f"{outcome}: {_sagas(len(values))}, {roughly(values[0])} to {roughly(values[-1])}; "
            f"{told}."
        )


def _draw(rows: dict[str, list[int]], title: str, alt: str) -> Picture:
    lowest = min(values[0] for values in rows.values())
    highest = max(values[-1] for values in rows.values())
    logarithmic = lowest > 0 and highest > SPREAD * lowest
    left = max(width(outcome, 10) for outcome in rows) + 22
    each = {outcome: ceil(len(values) / MOST_DOTS) for outcome, values in rows.items()}
    chart = Chart(title, alt, ROW * len(rows), left=left, right=29, legend=_legend(each))
    axes = chart.plot
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xlim(lowest / 1.25, highest * 1.25)
        subs = (1, 2, 5) if log10(highest / lowest) < 3.2 else (1,)
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _index: roughly(t)))
        chart.name_x("virtual time from first to last event (logarithmic)")
    else:
        axes.set_xlim(0, highest * 1.06 or 1)
        chart.count_time(highest, "virtual time from first to last event")
    axes.set_ylim(ROW * len(rows), 0)
    chart.name_rows(
        [f"{outcome}\n{_sagas(len(values))}" for outcome, values in rows.items()],
        [ROW * (row + 0.42) for row in range(len(rows))],
    )
    axes.tick_params(axis="y", labelsize=10)
    start, end = axes.get_xlim()

    def x(t: float) -> float:
        """Points from the left."""
        if logarithmic:
            return chart.wide * log10(t / start) / log10(end / start)
        return chart.wide * (t - start) / (end - start)

    for row, (outcome, values) in enumerate(rows.items()):
        colour, shape = SAGAS[row % len(SAGAS)], SHAPES[row % len(SHAPES)]
        middle = ROW * (row + 0.42)
        axes.axhline(middle, color=PALE, lw=0.6, zorder=0)
        dots = [values[at] for at in range(each[outcome] // 2, len(values), each[outcome])]
        levels = _swarm([x(t) for t in dots])
        axes.scatter(
            dots, [middle + level for level in levels], s=26, marker=shape, fc=colour, ec="white",
            lw=0.4, zorder=3,
        )  # fmt: skip
        _name_marks(chart, x, values, middle)
    return chart


def _name_marks(
    chart: Chart, x: Callable[[float], float], values: list[int], middle: float
) -> None:
    marks = _marks(values)
    long = [width(text, SMALL) for _, text in marks]
    centres = _apart([x(value) for value, _ in marks], long, chart.wide + 22)
    bottom = middle + ROW * 0.36
    for (value, text), centre in zip(marks, centres, strict=True):
        chart.plot.plot([value, value], [middle - ROW * 0.32, bottom], color=INK, lw=1.1, zorder=2)
        chart.plot.annotate(
            text, (value, bottom), xytext=(centre / chart.wide, bottom + 8.6),
            textcoords=("axes fraction", "data"), size=SMALL, color=INK, ha="center", va="center",
            annotation_clip=False,
        )  # fmt: skip


def _apart(centres: list[float], long: list[float], limit: float) -> list[float]:
    """Return the centres of labels in a row, moved so that none lies on the next one."""
    last = 0.0
    rights = []
    for centre, wide in zip(centres, long, strict=True):
        last = max(centre + wide / 2, last + wide)
        rights.append(last)
        last += 8.6
    for at in reversed(range(len(rights))):
        rights[at] = min(rights[at], limit)
        limit = rights[at] - long[at] - 8.6
    return [right - wide / 2 for right, wide in zip(rights, long, strict=True)]


def _swarm(xs: list[float]) -> list[float]:
    """Return the distance of each dot from the middle, so that none lies on another (points)."""
    taken: dict[int, float] = {}  # level to where its last dot is
    levels = []
    for x in xs:
        level = next(level for level in _alternating() if x - taken.get(level, -DOT) >= DOT)
        taken[level] = x
        levels.append(level)
    most = max((abs(level) for level in levels), default=0)
    apart = min(DOT, ROW * 0.32 / most) if most else DOT
    return [level * apart for level in levels]


def _alternating() -> Iterator[int]:
    """0, 1, -1, 2, -2, ..."""
    yield 0
    for level in count(1):
        yield from (level, -level)


def _sagas(number: int) -> str:
    return f"{number} saga{'s' if number > 1 else ''}"


def _legend(each: dict[str, int]) -> list[Line2D]:
    found = []
    for row, (outcome, sagas) in enumerate(each.items()):
        if sagas > 1:
            text = f"about {sagas} sagas: {outcome}"
        elif max(each.values()) > 1:
            text = f"a saga: {outcome}"
        elif row == 0:
            text = "a saga"
        else:
            continue
        found.append(
            Line2D([], [], ls="", marker=SHAPES[row % len(SHAPES)], mec="white",
                   mfc=SAGAS[row % len(SAGAS)] if max(each.values()) > 1 else GREY, ms=7,
                   label=text)
        )  # fmt: skip
    text = "percentile (nearest rank)"
    return [*found, Line2D([], [], ls="", marker="|", ms=10, color=INK, label=text)]
