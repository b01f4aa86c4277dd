"""The ground that every figure stands on: colours, fonts, and an SVG that is the same every time.

A `Picture` is a matplotlib figure with a text alternative. Its SVG depends on nothing but the
picture: the salt of its ids is fixed and it carries no date. Jupyter shows it as an `<img>`, since
it shows an SVG itself only in a notebook that it trusts, which a clone or a download is not.
"""

import html
import re
from collections.abc import Iterable
from io import StringIO
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from sagakit.contract.terminal import printable_lines

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

# Okabe and Ito, "Color Universal Design" (2008): told apart with every common colour blindness.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, BLACK = "#CC79A7", "#56B4E9", "#F0E442", "#000000"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY, BLACK)
INK, GREY, PALE = "#222222", "#6B6B6B", "#D9D9D9"


def saga_colours(sagas: Iterable[str]) -> dict[str, str]:
    """A colour for each saga: the same in all pictures of a run if all its sagas are given."""
    return dict(zip(sagas, cycle(PALETTE), strict=False))


class Picture(Figure):
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
        address = svg.replace("%", "%25").replace("#", "%23")
        return (
            f'<img alt="{html.escape(self.alt)}" style="max-width: 100%"'
            f' src="data:image/svg+xml,{address}">'
        )

    def _drawn(self) -> tuple[str, str]:
        """The attributes of the SVG, and what is inside."""
        text = StringIO()
        with mpl.rc_context(STYLE):
            self.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        _, _, drawn = text.getvalue().partition("<svg ")
        start, _, body = drawn.partition(">")
        return self._sized(start), _compact(body)

    def save(self, path: str | Path) -> None:
        """Write the picture to a file: `.svg`, with the bytes of `svg()`, `.png` or `.pdf`.

        Raises `ValueError` for another suffix, `FileNotFoundError` if the folder does not exist.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in (".svg", ".png", ".pdf"):
            raise ValueError(f"{path}: name a file that ends in .svg, .png or .pdf")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: there is no folder {path.parent}: make it first")
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

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.img(), "text/plain": self.alt}

    def __repr__(self) -> str:
        return self.alt


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
