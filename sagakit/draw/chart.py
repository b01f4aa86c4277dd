"""The frame of every chart: matplotlib with a style of its own, and one frame.

A `Chart` is a matplotlib figure with a text alternative. Its SVG depends on nothing but the
picture: the salt of its ids is fixed and it carries no date. Lengths are in points.
"""

import re
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sagakit.contract.terminal import printable_lines
from sagakit.contract.timing import unit
from sagakit.draw.labels import Labels
from sagakit.draw.palette import GREY, INK, PALE
from sagakit.draw.svg import SHOWN, WIDTH, Picture, as_img

EDGE = 7.0  # around the whole picture
TITLE = 30.0
COLUMNS, LINE = 5, 14.5  # of the legend
TEXT, SMALL = 9, 8.5
INCH = 72.0  # in which matplotlib measures

# Whatever the reader's own style is, a picture starts from matplotlib's: it must not change.
_DRAWN = (
    "_internal", "axes", "figure", "font", "grid", "hatch", "legend", "lines", "markers",
    "mathtext", "patch", "path", "savefig", "scatter", "svg", "text", "xaxis", "xtick", "yaxis",
    "ytick",
)  # fmt: skip
STYLE: Any = {
    **{name: value for name, value in mpl.rcParamsDefault.items() if name.startswith(_DRAWN)},
    "svg.hashsalt": "sagakit",
    "text.parse_math": False,  # a saga may be called "costs $5 and $6"
    "svg.fonttype": "path",  # the same letters on a machine with other fonts
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "path.sketch": None,
}


class Chart(Picture, Figure):
    """A title, axes that are `wide` and `high`, and a legend below."""

    def __init__(
        self,
        title: str,
        alt: str,
        high: float,
        *,
        left: float = 72.0,
        right: float = 22.0,
        above: float = 0.0,
        legend: Sequence[Any] = (),
    ) -> None:
        """Frame axes that are so high. `left`, `right` and `above` are room beside them; `legend`
        has matplotlib's handles with labels."""
        below = 45 + LINE * -(-len(legend) // COLUMNS)
        height = TITLE + above + high + below
        self.alt = printable_lines(alt)
        self.wide, self.high = WIDTH - left - right, high
        with mpl.rc_context(STYLE):
            super().__init__(figsize=(WIDTH / INCH, height / INCH))
            self.plot = self.add_axes(
                (left / WIDTH, below / height, self.wide / WIDTH, high / height)
            )
            self.text(EDGE / WIDTH, 1 - 17 / height, title, size=11.5, weight="bold", va="center")
            if legend:
                self.legend(
                    handles=list(legend), loc="upper left", ncols=COLUMNS, fontsize=SMALL,
                    frameon=False, bbox_to_anchor=(EDGE / WIDTH, (below - 37.5) / height),
                    borderaxespad=0, columnspacing=1.6, handletextpad=0.6,
                )  # fmt: skip
        self.plot.tick_params(labelsize=TEXT)

    def name_x(self, text: str) -> None:
        """Name the x axis below its right end."""
        self.plot.set_xlabel(text, size=TEXT, ha="right")
        self.plot.xaxis.set_label_coords(1.0, -23.8 / self.high)

    def count_time(self, end: float, name: str = "virtual time", more: str = "") -> None:
        """Make the x axis count time up to `end`, in ms or s, and name it."""
        called, size = unit(end)
        self.plot.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 5, 10]))
        self.plot.xaxis.set_major_formatter(FuncFormatter(lambda t, _index: f"{t / size:.10g}"))
        self.name_x(f"{name} ({called}){more}")

    def name_rows(self, names: Sequence[str], middles: Sequence[float]) -> None:
        """Make the y axis one of named rows, in units that are points or rows from the top."""
        self.plot.spines["left"].set_visible(False)
        self.plot.tick_params(axis="y", length=0)
        self.plot.set_yticks(list(middles), list(names))

    def name_heights(self, text: str) -> None:
        """Make the y axis one of numbers, with faint lines across."""
        self.plot.set_ylabel(text, size=TEXT)
        self.plot.grid(axis="y", color=PALE, lw=0.6)
        self.plot.set_axisbelow(True)

    def write(self, labels: Labels, y: Callable[[float], float] = float) -> None:
        """Write labels that were placed in points; `y` turns their height into the axis's unit."""
        start, end = self.plot.get_xlim()
        for label in labels.placed:
            x = start + label.x / self.wide * (end - start)
            self.plot.text(x, y(label.y), label.text, size=label.size, color=INK, va="center",
                           zorder=6)  # fmt: skip

    def svg(self) -> str:
        start, body = self._drawn()
        return f'<svg {start} role="img"><desc>{escape(self.alt)}</desc>{body}'

    def img(self) -> str:
        start, body = self._drawn()
        svg = f"<svg {start}>{body}".replace("xlink:href", "href").replace('"', "'")
        return as_img(svg, self.alt)

    def _drawn(self) -> tuple[str, str]:
        """Return the attributes of the SVG, and what is inside."""
        text = StringIO()
        with mpl.rc_context(STYLE):
            self.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        _, _, drawn = text.getvalue().partition("<svg ")
        start, _, body = drawn.partition(">")
        # JupyterLab draws an SVG as wide as it says it is, whatever the width of the cell.
        for name, side in zip(("width", "height"), self.get_size_inches(), strict=True):
            size = f'{name}="{side * INCH * SHOWN / WIDTH:g}"'
            start = re.sub(rf'\b{name}="[^"]*"', size, start, count=1)
        return start, _compact(body)

    def save_pixels(self, path: Path) -> None:
        with mpl.rc_context(STYLE):
            undated = {"CreationDate": None} if path.suffix.lower() == ".pdf" else None
            self.savefig(path, dpi=150, metadata=undated)


def message(title: str, text: str) -> Chart:
    """Return a picture that says why there is nothing to show."""
    chart = Chart(title, f"{title}. {text}", 22.0, left=EDGE)
    chart.plot.set_axis_off()
    chart.plot.text(0.0, 0.5, text, size=10, color=GREY, va="center", wrap=True)
    return chart


def _compact(svg: str) -> str:
    """Return the same drawing in half as many letters: every notebook carries its pictures."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="\w+"', "<g", svg)  # nothing refers to a group
    svg = svg.replace("DejaVuSans-", "g")  # the letters' ids
    svg = re.sub(r'transform="translate\((\S+) 0\)"/>', r'x="\1"/>', svg)
    svg = re.sub(r' (?:d|x|y)="[^"]*"|translate\([^)]*\)', _rounded, svg)
    svg = " ".join(svg.split()).replace("> <", "><")
    return re.sub(r"(?<=[:;]) | (?=[MLQCz])|(?<=[MLQC]) ", "", svg)


def _rounded(numbers: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d+", lambda number: f"{round(float(number[0]), 2):g}", numbers[0])
