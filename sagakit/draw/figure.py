"""The ground that every figure stands on: colours, fonts, and an SVG that is the same every time.

A `Plot` is a matplotlib figure with a text alternative. Its SVG depends on nothing but the
picture: the salt of its ids is fixed and it carries no date. Jupyter shows it as an `<img>`, since
it shows an SVG itself only in a notebook that it trusts, which a clone or a download is not.
"""

import re
from io import StringIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from sagakit.contract.terminal import printable_lines
from sagakit.draw.palette import BLACK as BLACK
from sagakit.draw.palette import BLUE as BLUE
from sagakit.draw.palette import GREEN as GREEN
from sagakit.draw.palette import GREY as GREY
from sagakit.draw.palette import INK as INK
from sagakit.draw.palette import ORANGE as ORANGE
from sagakit.draw.palette import PALE as PALE
from sagakit.draw.palette import PURPLE as PURPLE
from sagakit.draw.palette import RED as RED
from sagakit.draw.palette import SKY as SKY
from sagakit.draw.palette import YELLOW as YELLOW
from sagakit.draw.palette import saga_colours as saga_colours
from sagakit.draw.svg import Picture, as_img, checked_path

WIDTH = 10.0  # inches at 72 dots
SHOWN = 630.0  # points: as wide as a cell on a screen of 1280 pixels, beside JupyterLab's files

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

PALETTE = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY, BLACK)


class Plot(Picture, Figure):
    """A figure that says in words what it shows: `alt`, made from the trace."""

    def __init__(self, width: float, height: float, alt: str) -> None:
        with mpl.rc_context(STYLE):
            super().__init__(figsize=(width, height))
        self.alt = printable_lines(alt)

    def svg(self) -> str:
        """The picture as SVG text, with its text alternative inside for a screen reader."""
        start, body = self._drawn()
        return f'<svg {start} role="img"><desc>{escape(self.alt)}</desc>{body}'

    def img(self) -> str:
        """The picture as HTML that JupyterLab shows in any notebook, and nbval compares."""
        start, body = self._drawn()
        svg = f"<svg {start}>{body}".replace("xlink:href", "href").replace('"', "'")
        return as_img(svg, self.alt)

    def _drawn(self) -> tuple[str, str]:
        """The attributes of the SVG, and what is inside."""
        text = StringIO()
        with mpl.rc_context(STYLE):
            self.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        _, _, drawn = text.getvalue().partition("<svg ")
        start, _, body = drawn.partition(">")
        return self._sized(start), _compact(body)

    def save(self, path: str | Path) -> None:
        path = checked_path(path)
        suffix = path.suffix.lower()
        if suffix == ".svg":
            path.write_text(self.svg(), encoding="utf-8", newline="\n")
            return
        with mpl.rc_context(STYLE):
            undated = {"CreationDate": None} if suffix == ".pdf" else None
            self.savefig(path, dpi=150, metadata=undated)

    def _sized(self, attributes: str) -> str:
        """JupyterLab draws an SVG as wide as it says it is, whatever the width of the cell."""
        width, height = (side * 72 for side in self.get_size_inches())
        scale = min(SHOWN / WIDTH / 72, SHOWN / width)
        attributes = re.sub(r'width="[^"]*"', f'width="{width * scale:g}pt"', attributes, count=1)
        return re.sub(r'height="[^"]*"', f'height="{height * scale:g}pt"', attributes, count=1)


def _compact(svg: str) -> str:
    """The same drawing in half as many letters, since every notebook carries its pictures."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="\w+"', "<g", svg)  # nothing refers to a group
    svg = svg.replace("DejaVuSans-", "g")  # the letters' ids
    svg = re.sub(r'transform="translate\((\S+) 0\)"/>', r'x="\1"/>', svg)
    svg = re.sub(r' (?:d|x|y)="[^"]*"|translate\([^)]*\)', _rounded, svg)
    svg = " ".join(svg.split()).replace("> <", "><")
    return re.sub(r"(?<=[:;]) | (?=[MLQCz])|(?<=[MLQC]) ", "", svg)


def _rounded(numbers: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d+", lambda number: f"{round(float(number[0]), 2):g}", numbers[0])
