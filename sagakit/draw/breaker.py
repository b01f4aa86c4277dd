"""The circuit breaker against virtual time: its state, calls, answers and rejections."""

from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from sagakit.contract.timing import moment, roughly
from sagakit.draw.chart import SMALL, STYLE, TEXT, Chart, message
from sagakit.draw.labels import Labels
from sagakit.draw.palette import BLUE, INK, RED, YELLOW
from sagakit.draw.svg import WIDTH, Picture
from sagakit.draw.text_metrics import width
from sagakit.trace.activity import OutsideCall
from sagakit.trace.observed import BreakerStory
from sagakit.trace.trace import Trace

TINTS = {"CLOSED": "#BFE5D8", "HALF_OPEN": "#F7F0A8", "OPEN": "#F4C9AC"}
TITLE = "Circuit breaker"
MOST_CALLS = 600  # answered ones: beyond that only some are drawn
LEFT, RIGHT = 108.0, 25.0  # points
BAND, STEPS, ROW, GAP = 24.5, 44.6, 9.4, 21.6  # heights of the rows and between them


@mpl.rc_context(STYLE)
def breaker(trace: Trace) -> Picture:
    """Draw the breaker of a run; one that stored no breaker's state gets a picture that says so."""
    story = BreakerStory.of(trace)
    return _draw(story) if story.stretches else message(TITLE, _why_nothing(story))


def _why_nothing(story: BreakerStory) -> str:
    calls = len(story.answered)
    if story.silent:
        return "This run has calls without an answer, but no breaker: nothing stored its state."
    if calls:
        return (
            f"All {calls} calls were answered, so no breaker changed and no state was stored."
            if calls > 1
            else "The one call was answered, so no breaker changed and no state was stored."
        )
    return "This run made no call to an external party and stored no breaker's state."


def _sentences(story: BreakerStory) -> Iterator[str]:
    for stretch in story.stretches:
        yield f"{stretch.state} from {moment(stretch.begin)} to {moment(stretch.end)}."
    yield (
        f"{len(story.answered)} calls were answered, {len(story.silent)} were not; of all, "
        f"{len(story.probes)} were probes. Rejected at once: {len(story.rejections)}."
    )
    for begin, end in story.silences():
        yield f"Calls got no answer from {moment(begin)} to {moment(end)}."
    yield f"Most failures in a row: {max(failures for _, failures in story.failures)}."


def _draw(story: BreakerStory) -> Picture:
    answered = story.answered[:: ceil(len(story.answered) / MOST_CALLS) or 1]
    calls = sorted((*answered, *story.silent), key=lambda call: call.begin)
    scale = (WIDTH - LEFT - RIGHT) / (1.015 * story.end or 1)
    rows = _stacked(calls, scale)
    heights = [BAND, STEPS, ROW * (max(rows, default=0) + 1), 11.5]
    tops = [24.5]
    for height in heights[:-1]:
        tops.append(tops[-1] + height + GAP)
    alt = "\n".join([f"{TITLE}.", *_sentences(story)])
    chart = Chart(TITLE, alt, tops[-1] + heights[-1] + 11, left=LEFT, right=RIGHT,
                     legend=list(_legend(story, len(answered))))  # fmt: skip
    axes = chart.plot
    axes.set_xlim(-0.015 * story.end, story.end)
    chart.count_time(story.end)
    axes.set_ylim(chart.high, 0)
    names = ["state", "failures in a row", f"calls ({len(story.answered) + len(story.silent)})",
             f"rejected ({len(story.rejections)})"]  # fmt: skip
    chart.name_rows(names, [t + h / 2 for t, h in zip(tops, heights, strict=True)])
    for begin, end in story.silences():
        axes.axvspan(begin, end, fc="#E9E9E9", lw=0, zorder=0)
    _draw_states(chart, story, tops[0])
    _draw_failures(chart, story, tops[1])
    for call, row in zip(calls, rows, strict=True):
        y = tops[2] + ROW * (row + 0.5)
        _draw_call(axes, call, y, call.number in story.probes)
    middle = tops[3] + heights[3] / 2
    axes.axhline(middle, color="#E0E0E0", lw=0.6, zorder=0)
    axes.scatter(story.rejections, [middle] * len(story.rejections), marker="D", s=24, color=RED,
                 ec="white", lw=0.4, zorder=4)  # fmt: skip
    return chart


def _stacked(calls: list[OutsideCall], scale: float) -> list[int]:
    """Return a row for each call, so that none lies on another."""
    free: list[float] = []
    rows = []
    for call in calls:
        begin = call.begin * scale
        row = next((at for at, until in enumerate(free) if until <= begin), len(free))
        free[row : row + 1] = [call.end * scale + 7]
        rows.append(row)
    return rows


def _draw_states(chart: Chart, story: BreakerStory, top: float) -> None:
    """Draw the band; a stretch that is too short for its name gets it above."""
    axes = chart.plot
    start, end = axes.get_xlim()
    labels = Labels(chart.wide)
    for stretch in story.stretches:
        tint = TINTS.get(stretch.state, "#E6E6E6")
        axes.add_patch(
            Rectangle(
                (stretch.begin, top),
                stretch.end - stretch.begin,
                BAND,
                fc=tint,
                ec=INK,
                lw=0.7,
                zorder=3,
            )
        )
        text = f"{stretch.state}, {roughly(stretch.end - stretch.begin)}"
        room = (stretch.end - stretch.begin) / (end - start) * chart.wide
        middle = (stretch.begin + stretch.end) / 2
        fitting = [each for each in (text, stretch.state) if width(each, TEXT) < room - 6]
        if fitting:
            axes.text(middle, top + BAND / 2, fitting[0], size=TEXT, color=INK, ha="center",
                      va="center", zorder=4)  # fmt: skip
        else:
            labels.beside(text, (middle - start) / (end - start) * chart.wide, top, off=8.6)
    chart.write(labels)


def _draw_failures(chart: Chart, story: BreakerStory, top: float) -> None:
    """Draw the steps, each with its number where there is room for it; the highest before each fall
    always has it."""
    axes = chart.plot
    start, end = axes.get_xlim()
    counts = [failures for _, failures in story.failures]
    most = max(*counts, 1)
    times = [t for t, _ in story.failures] + [story.end]
    levels = [top + STEPS * (1 - failures / most) for failures in (*counts, counts[-1])]
    axes.step(times, levels, where="post", color=INK, lw=1.3, zorder=3)
    falls = [now > then for now, then in pairwise([*counts, 0])]
    free = float("inf")  # points from the left to what is written to the right
    steps = list(zip(times[:-1], counts, levels[:-1], falls, strict=True))
    for t, count, level, falls_then in reversed(steps):
        right = (t - start) / (end - start) * chart.wide
        if count and (falls_then or right <= free):
            axes.text(t, level - 2, str(count), size=SMALL, color=INK, ha="right", va="bottom")
            free = right - width(str(count), SMALL) - 2


def _draw_call(axes: Axes, call: OutsideCall, y: float, probe: bool) -> None:
    colour = BLUE if call.answered else RED
    axes.plot([call.begin, call.end], [y, y], color=colour, lw=1.6, zorder=3)
    if probe:
        axes.scatter([call.begin], [y], marker="*", s=150, fc=YELLOW, ec=INK, lw=0.8, zorder=5)
    shape, size = ("o", 20) if call.answered else ("X", 34)
    axes.scatter([call.end], [y], marker=shape, s=size, fc=colour, ec="white", lw=0.4, zorder=6)


def _legend(story: BreakerStory, drawn: int) -> Iterator[Any]:
    if story.answered:
        every = "" if drawn == len(story.answered) else f" ({drawn} of {len(story.answered)})"
        yield Line2D([], [], marker="o", ms=5, lw=1.6, color=BLUE, label=f"call, answered{every}")
    if story.silent:
        yield Line2D([], [], marker="X", ms=6, lw=1.6, color=RED, label="call, no answer")
        yield Patch(fc="#E9E9E9", label="time without answers")
    if story.probes:
        yield Line2D([], [], ls="", marker="*", ms=12, mfc=YELLOW, mec=INK, label="probe")
    if story.rejections:
        yield Line2D([], [], ls="", marker="D", ms=5, color=RED, label="rejected at once")
