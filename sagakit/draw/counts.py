"""Counts on a logarithmic axis: numbers that grow so fast that only their digits matter."""

from collections.abc import Mapping
from itertools import cycle

import matplotlib as mpl
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sagakit.draw.chart import SMALL, STYLE, Chart, message
from sagakit.draw.palette import INK, SAGAS
from sagakit.draw.svg import Picture

HEIGHT = 230.0  # points
SIGNS = "osD^vP"
EXACT = 1_000_000  # from here on a number is told by its digits
MOST_TICKS = 8
CLOSE = 18  # px between two signs whose labels would meet

Counts = Mapping[str, Mapping[int, int]]
"""What is counted, to its number for each value of what is varied."""


@mpl.rc_context(STYLE)
def counts(counted: Counts, *, over: str, title: str) -> Picture:
    """Draw counts on an axis of powers of ten, a line each.

    over   what is varied: the name of the x axis
    title  one line

    Raises `ValueError` for a count below 1, which has no place on such an axis.
    """
    lines = {name: dict(sorted(points.items())) for name, points in counted.items() if points}
    if not lines:
        return message(title, "Nothing was counted.")
    for name, points in lines.items():
        for x, number in points.items():
            if number < 1:
                raise ValueError(f"{name}: {number} at {over} {x}: only counts from 1 on are drawn")
    looks = list(zip(lines, SAGAS, cycle(SIGNS), strict=False))
    legend = [
        Line2D([], [], color=colour, marker=sign, markersize=6, label=name)
        for name, colour, sign in looks
    ]
    alt = _alternative(lines, over, title)
    chart = Chart(title, alt, HEIGHT, left=65, right=65, legend=legend)
    for name, colour, sign in looks:
        points = lines[name]
        chart.plot.plot(
            [*points], [float(number) for number in points.values()], color=colour, marker=sign
        )
    chart.plot.set_yscale("log")
    chart.name_heights("how many (logarithmic)")
    _axes(chart, lines)
    _label(chart, lines)
    chart.name_x(over)
    return chart


def _axes(chart: Chart, lines: Counts) -> None:
    axes = chart.plot
    every = sorted({x for points in lines.values() for x in points})
    axes.xaxis.set_major_locator(FixedLocator(every))
    axes.set_xlim(every[0] - 0.2, every[-1] + 0.2)
    digits = max(len(str(number)) for points in lines.values() for number in points.values())
    step = -(-digits // MOST_TICKS)
    axes.set_ylim(10.0 ** (-0.1 * digits), 10.0 ** (1.05 * digits))
    axes.yaxis.set_major_locator(
        FixedLocator([10.0**power for power in range(0, digits + 1, step)])
    )
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: told(round(value))))


def _label(chart: Chart, lines: Counts) -> None:
    """Write each number at its sign: above it to the left, where a line that rises leaves room, or
    below it if there is another one close above. Lines that meet at a point share its label."""
    axes = chart.plot
    first = min(x for points in lines.values() for x in points)
    by_x: dict[int, set[int]] = {}
    for points in lines.values():
        for x, number in points.items():
            by_x.setdefault(x, set()).add(number)
    for x, numbers in by_x.items():
        higher = float("inf")
        for number in sorted(numbers, reverse=True):
            y = float(axes.transData.transform((x, float(number)))[1])
            below = higher - y < CLOSE
            right = below or x == first
            axes.annotate(
                told(number), (x, float(number)), (6 if right else -6, -13 if below else 5),
                textcoords="offset points", ha="left" if right else "right", size=SMALL, color=INK,
            )  # fmt: skip
            higher = y


def told(number: int) -> str:
    """Return a whole number for people: in full up to a million, else by its power of ten."""
    if number < EXACT:
        return f"{number:,}"
    digits = str(number)
    power = len(digits) - 1
    first = round(number / 10**power, 1)
    if first == 10:
        first, power = 1.0, power + 1
    begin = "" if first == 1 else f"{first:g} × "
    return f"{begin}10{_raised(power)}"


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _alternative(lines: Counts, over: str, title: str) -> str:
    said = [f"{title}."]
    for name, points in lines.items():
        told_of = ", ".join(f"{told(number)} at {x}" for x, number in points.items())
        said.append(f"{name}, by {over}: {told_of}.")
    return "\n".join(said)
