"""A sheet to draw on: lines, shapes and words on a picture, in points from the top left."""

from typing import Literal

from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from sagakit.draw.figure import INK, Picture
from sagakit.draw.icons import Points, Shape, box
from sagakit.draw.text_metrics import FAMILY

Dash = tuple[float, ...] | None


class Sheet:
    """Draws on a picture that is `width` x `height` points. What has a higher `z` lies above."""

    def __init__(self, width: float, height: float, alt: str) -> None:
        self.picture = Picture(width / 72, height / 72, alt)
        self.picture.set_facecolor("white")
        down = Affine2D().scale(1 / 72, -1 / 72).translate(0, height / 72)
        self._points = down + self.picture.dpi_scale_trans
        self._fonts: dict[tuple[float, bool], FontProperties] = {}

    def lines(
        self,
        lines: list[Points],
        *,
        colour: str = INK,
        width: float = 1.0,
        dash: Dash = None,
        fill: str | None = None,
        z: float = 1,
    ) -> None:
        """Polylines of one look, filled if a colour is given to fill them with."""
        path = Path.make_compound_path(*(Path(points) for points in lines if points))
        patch = PathPatch(
            path,
            transform=self._points,
            edgecolor=colour if width else "none",
            facecolor=fill or "none",
            linewidth=width,
            linestyle=(0, dash) if dash else "solid",
            joinstyle="round",
            capstyle="butt",
            zorder=z,
        )
        patch.set_clip_on(False)
        self.picture.add_artist(patch, clip=False)

    def area(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        fill: str,
        *,
        colour: str = INK,
        width: float = 0.0,
        z: float = 1,
    ) -> None:
        """A rectangle."""
        self.lines([box(left, top, right, bottom)], colour=colour, width=width, fill=fill, z=z)

    def shape(
        self,
        shape: Shape,
        x: float,
        y: float,
        *,
        colour: str = INK,
        width: float = 1.0,
        flip: bool = False,
        z: float = 1,
    ) -> None:
        """A sign with its middle (an arrowhead with its tip) there. Flipped, it points left."""
        side = -1 if flip else 1
        lines = [[(x + side * dx, y + dy) for dx, dy in line] for line in shape.lines]
        fill = (colour if shape.solid else "white") if shape.closed else None
        self.lines(lines, colour=colour, width=width, fill=fill, z=z)

    def words(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        colour: str = INK,
        align: Literal["left", "center", "right"] = "left",
        bold: bool = False,
        angle: float = 0,
        z: float = 9,
    ) -> None:
        """One line of text on its baseline, turned by `angle` degrees around its beginning."""
        font = self._fonts.get((size, bold))
        if font is None:
            weight = "bold" if bold else "normal"
            font = self._fonts[size, bold] = FontProperties(family=FAMILY, size=size, weight=weight)
        self.picture.text(
            x, y, text, transform=self._points, fontproperties=font, color=colour, ha=align,
            va="baseline", zorder=z, parse_math=False, usetex=False, clip_on=False, rotation=angle,
            rotation_mode="anchor" if angle else "default",
        )  # fmt: skip
