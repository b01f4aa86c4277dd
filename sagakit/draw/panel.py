"""A picture with one panel: a title above, axes of known size in inches, and a legend below."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from sagakit.draw.figure import GREY, WIDTH, Picture

TITLE = 0.42  # inches
COLUMNS = 5


class Panel(NamedTuple):
    """`wide` and `high` are the axes' size in inches."""

    picture: Picture
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
    ) -> "Panel":
        """`above` is room between title and axes; `legend` has matplotlib's handles with labels."""
        below = 0.62 + 0.2 * -(-len(legend) // COLUMNS)
        height = TITLE + above + high + below
        wide = WIDTH - left - right
        picture = Picture(WIDTH, height, alt)
        axes = picture.add_axes((left / WIDTH, below / height, wide / WIDTH, high / height))
        picture.text(0.1 / WIDTH, 1 - 0.24 / height, title, size=11.5, weight="bold", va="center")
        if legend:
            picture.legend(
                handles=list(legend), loc="upper left", ncols=COLUMNS, fontsize=8.5, frameon=False,
                bbox_to_anchor=(0.1 / WIDTH, (below - 0.52) / height), borderaxespad=0,
                columnspacing=1.6, handletextpad=0.6,
            )  # fmt: skip
        axes.tick_params(labelsize=9)
        return cls(picture, axes, wide, high)

    def name_x(self, text: str, end: float | None = None) -> None:
        """Name the x axis below its right end, or below `end` inches from its left."""
        self.axes.set_xlabel(text, size=9, ha="right")
        at = 1.0 if end is None else end / self.wide
        self.axes.xaxis.set_label_coords(at, -0.33 / self.high)


def message(title: str, text: str) -> Picture:
    """A picture that says why there is nothing to show."""
    panel = Panel.of(title, f"{title}. {text}", 0.3, left=0.1)
    panel.axes.set_axis_off()
    panel.axes.text(0.0, 0.5, text, size=10, color=GREY, va="center", wrap=True)
    return panel.picture
