"""The frame of every chart: a title above, axes of known size in inches, and a legend below."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sagakit.draw.clock import unit
from sagakit.draw.figure import GREY, INK, PALE, WIDTH, Plot
from sagakit.draw.labels import Labels

TITLE = 0.42  # inches
COLUMNS = 5
TEXT, SMALL = 9, 8.5  # points


class Chart(NamedTuple):
    """`wide` and `high` are the axes' size in inches."""

    picture: Plot
    axes: Axes
    wide: float
    high: float

    @classmethod
    def of(
        cls,
        title: str,
        alt: str,
        high: float,
        *,
        left: float = 1.0,
        right: float = 0.3,
        above: float = 0.0,
        legend: Sequence[Any] = (),
    ) -> "Chart":
        """Frame axes that are so high. `above` is room between title and axes; `legend` has
        matplotlib's handles with labels."""
        below = 0.62 + 0.2 * -(-len(legend) // COLUMNS)
        height = TITLE + above + high + below
        wide = WIDTH - left - right
        picture = Plot(WIDTH, height, alt)
        axes = picture.add_axes((left / WIDTH, below / height, wide / WIDTH, high / height))
        picture.text(0.1 / WIDTH, 1 - 0.24 / height, title, size=11.5, weight="bold", va="center")
        if legend:
            picture.legend(
                handles=list(legend), loc="upper left", ncols=COLUMNS, fontsize=SMALL,
                frameon=False, bbox_to_anchor=(0.1 / WIDTH, (below - 0.52) / height),
                borderaxespad=0, columnspacing=1.6, handletextpad=0.6,
            )  # fmt: skip
        axes.tick_params(labelsize=TEXT)
        return cls(picture, axes, wide, high)

    def name_x(self, text: str) -> None:
        """Name the x axis below its right end."""
        self.axes.set_xlabel(text, size=TEXT, ha="right")
        self.axes.xaxis.set_label_coords(1.0, -0.33 / self.high)

    def count_time(self, end: float, name: str = "virtual time", more: str = "") -> None:
        """Make the x axis count time up to `end`, in ms or s, and name it."""
        called, size = unit(end)
        self.axes.xaxis.set_major_locator(MaxNLocator(9, steps=[1, 2, 5, 10]))
        self.axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _index: f"{t / size:.10g}"))
        self.name_x(f"{name} ({called}){more}")

    def name_rows(self, names: Sequence[str], middles: Sequence[float]) -> None:
        """Make the y axis one of named rows, in units that are inches or rows from the top."""
        self.axes.spines["left"].set_visible(False)
        self.axes.tick_params(axis="y", length=0)
        self.axes.set_yticks(list(middles), list(names))

    def name_heights(self, text: str) -> None:
        """Make the y axis one of numbers, with faint lines across."""
        self.axes.set_ylabel(text, size=TEXT)
        self.axes.grid(axis="y", color=PALE, lw=0.6)
        self.axes.set_axisbelow(True)

    def write(self, labels: Labels, y: Callable[[float], float] = float) -> None:
        """Write labels that were placed in inches; `y` turns their height into the axis's unit."""
        start, end = self.axes.get_xlim()
        for label in labels.placed:
            x = start + label.x / self.wide * (end - start)
            self.axes.text(x, y(label.y), label.text, size=label.size, color=INK, va="center",
                           zorder=6)  # fmt: skip


def message(title: str, text: str) -> Plot:
    """Return a picture that says why there is nothing to show."""
    chart = Chart.of(title, f"{title}. {text}", 0.3, left=0.1)
    chart.axes.set_axis_off()
    chart.axes.text(0.0, 0.5, text, size=10, color=GREY, va="center", wrap=True)
    return chart.picture
