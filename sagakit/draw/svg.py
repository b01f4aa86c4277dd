"""The SVG writer: lines, shapes and texts on a sheet of paper, in points from the top left.

What is drawn is the same to the byte wherever it is drawn. The paper is white: an `<img>` does not
know the theme of its page, and JupyterLab's dark theme does not tell the browser that it is dark.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any, Literal

from sagakit.contract.terminal import printable_lines
from sagakit.draw.icons import Points, Shape, box
from sagakit.draw.palette import INK, WHITE

WIDTH = 720.0  # points: as wide as a notebook's cell,
SHOWN = 840.0  # pixels, on a screen of 1280 beside JupyterLab's list of files
# An SVG in a data URI loads no font. `text_metrics` measures DejaVu Sans; Verdana, which Windows
# and macOS have, is as wide, and what else a browser may take is narrower. So a text never needs
# more room than it was given.
FONTS = "DejaVu Sans,Verdana,Bitstream Vera Sans,Arial,sans-serif"
NO_PNG = "writing .png or .pdf needs resvg-py: pip install 'sagakit[png]' (an .svg needs nothing)"

NO_CHARACTER = re.compile("[\ufffe\uffff]")  # nor can XML hold these two
TOLD = re.compile(r"<title>[^<]*</title>")

Dash = tuple[float, ...] | None
Align = Literal["left", "center", "right"]
ANCHORS: Mapping[Align, str | None] = {"left": None, "center": "middle", "right": "end"}


class Picture:
    """Something to look at, with a text alternative `alt` that is made from the same data."""

    alt: str

    def svg(self) -> str:
        """Return the picture as SVG text, with its text alternative inside for screen readers."""
        raise NotImplementedError

    def img(self) -> str:
        """Return the picture as HTML that JupyterLab shows in any notebook, and nbval compares.

        JupyterLab shows an SVG itself only in a notebook that it trusts, which a clone or a
        download is not.
        """
        raise NotImplementedError

    def save(self, path: str | Path) -> None:
        """Write the picture to a file: `.svg`, with the bytes of `svg()`, `.png` or `.pdf`.

        Raises `ValueError` for another suffix, `FileNotFoundError` if the folder does not exist,
        `ImportError` where .png or .pdf need the extra `png`.
        """
        path = Path(path)
        if path.suffix.lower() not in (".svg", ".png", ".pdf"):
            raise ValueError(f"{path}: name a file that ends in .svg, .png or .pdf")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: there is no folder {path.parent}: make it first")
        if path.suffix.lower() == ".svg":
            path.write_text(self.svg(), encoding="utf-8", newline="\n")
        else:
            self.save_pixels(path)

    def save_pixels(self, path: Path) -> None:
        """Write the picture to a .png or .pdf."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.img(), "text/plain": self.alt}

    def __repr__(self) -> str:
        return self.alt


def as_img(svg: str, alt: str) -> str:
    """Return an `<img>` of an SVG whose attributes stand in single quotes."""
    address = svg.replace("%", "%25").replace("#", "%23").replace("&", "&amp;")
    return f'<img alt="{escape(alt)}" style="max-width: 100%" src="data:image/svg+xml,{address}">'


class Sheet(Picture):
    """A picture to draw on: `width` x `height` points of white paper.

    What has a higher `z` lies above; of one `z`, what comes later.
    """

    def __init__(self, width: float, height: float, alt: str) -> None:
        self.width = width
        self.height = height
        self.alt = printable_lines(alt)
        self._layers: dict[float, list[str]] = {}
        self._symbols: dict[str, str] = {}

    def svg(self) -> str:
        title, _, rest = self.alt.partition("\n")
        return self._written(f"<title>{_text(title)}</title><desc>{_text(rest or title)}</desc>")

    def img(self) -> str:
        return as_img(TOLD.sub("", self._written("")), self.alt)  # an image shows no tooltips

    def _written(self, described: str) -> str:
        scale = min(SHOWN / WIDTH, SHOWN / self.width)
        size = _attributes(width=self.width * scale, height=self.height * scale)
        paper = _element("rect", width=self.width, height=self.height, rx=6, fill=WHITE)
        content = "".join([*self._symbols.values(), paper, *self._in_order()])
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' role='img'{size}"
            f" viewBox='0 0 {_number(self.width)} {_number(self.height)}'>"
            f"{described}<g font-family='{FONTS}' fill='{INK}'>{content}</g></svg>"
        )

    def save_pixels(self, path: Path) -> None:
        if path.suffix.lower() == ".png":
            path.write_bytes(self.png())
            return
        from io import BytesIO

        from PIL import Image

        pixels = Image.open(BytesIO(self.png(zoom=4))).convert("RGB")
        undated: dict[str, Any] = {"creationDate": None, "modDate": None, "title": "sagakit"}
        pixels.save(path, "PDF", resolution=4 * SHOWN / WIDTH * 72, **undated)

    def png(self, zoom: float = 2) -> bytes:
        """Return the picture as PNG, drawn with matplotlib's DejaVu Sans on every machine."""
        try:
            from resvg_py import svg_to_bytes
        except ImportError:
            raise ImportError(NO_PNG) from None
        import matplotlib as mpl

        folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
        fonts = [str(folder / name) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
        return bytes(
            svg_to_bytes(
                svg_string=self.svg(), zoom=zoom, skip_system_fonts=True, font_files=fonts,
                font_family="DejaVu Sans", sans_serif_family="DejaVu Sans",
            )
        )  # fmt: skip

    def _in_order(self) -> Iterator[str]:
        for z in sorted(self._layers):
            yield from self._layers[z]

    def _put(self, z: float, element: str) -> None:
        self._layers.setdefault(z, []).append(element)

    @contextmanager
    def told(self, words: str, z: float = 6) -> Iterator[None]:
        """Group what is drawn meanwhile; the words are shown under the mouse and read aloud."""
        layers, self._layers = self._layers, {}
        yield
        inside = "".join(self._in_order())
        self._layers = layers
        self._put(z, f"<g><title>{_text(words)}</title>{inside}</g>")

    def lines(
        self,
        lines: Iterable[Points],
        *,
        colour: str = INK,
        width: float = 1.0,
        dash: Dash = None,
        fill: str | None = None,
        z: float = 1,
    ) -> None:
        """Draw polylines of one look, filled if a colour is given to fill them with."""
        self._put(z, _path(lines, colour, width, dash, fill))

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
        """Draw a rectangle."""
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
        """Draw a shape around a point (an arrowhead: to its left). Flipped, it points left."""
        self._put(z, _shape(shape, x, y, colour, width, flip))

    def icon(self, name: str, shapes: Iterable[Shape], x: float, y: float, z: float = 1) -> None:
        """Draw shapes that come often: the file has them once, as a `<symbol>` of that name."""
        name = f"sagakit-{name.replace(' ', '-')}"
        if name not in self._symbols:
            drawn = "".join(_shape(shape, 0, 0, INK, 0.9, False) for shape in shapes)
            self._symbols[name] = f"<symbol id='{name}' overflow='visible'>{drawn}</symbol>"
        self._put(z, _element("use", href=f"#{name}", x=x, y=y))

    def words(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        colour: str = INK,
        align: Align = "left",
        bold: bool = False,
        angle: float = 0,
        z: float = 9,
    ) -> None:
        """Write one line of text on its baseline, turned by `angle` degrees around its start."""
        if text:
            element = _element(
                "text",
                _text(text),
                x=x,
                y=y,
                font_size=size,
                fill=None if colour == INK else colour,
                text_anchor=ANCHORS[align],
                font_weight="bold" if bold else None,
                transform=f"rotate({_number(-angle)} {_number(x)} {_number(y)})" if angle else None,
            )
            self._put(z, element)


def _shape(shape: Shape, x: float, y: float, colour: str, width: float, flip: bool) -> str:
    side = -1 if flip else 1
    lines = [[(x + side * dx, y + dy) for dx, dy in line] for line in shape.lines]
    fill = (colour if shape.solid else WHITE) if shape.closed else None
    return _path(lines, colour, width, None, fill)


def _path(lines: Iterable[Points], colour: str, width: float, dash: Dash, fill: str | None) -> str:
    return _element(
        "path",
        d="".join(map(_drawn, filter(None, lines))),
        fill=fill or "none",
        stroke=colour if width else None,
        stroke_width=width if width not in (0, 1) else None,
        stroke_dasharray=" ".join(map(_number, dash)) if dash else None,
        stroke_linejoin="round" if width and fill else None,
    )


def _drawn(line: Points) -> str:
    """Return a polyline as a path's data; one that ends where it began is closed."""
    closed = len(line) > 2 and line[0] == line[-1]
    points = line[:-1] if closed else line
    return "M" + " ".join(f"{x:z.1f} {y:z.1f}" for x, y in points).replace(".0", "") + "Z" * closed


def _element(name: str, text: str = "", **attributes: float | str | None) -> str:
    start = f"<{name}{_attributes(**attributes)}"
    return f"{start}>{text}</{name}>" if text else f"{start}/>"


def _attributes(**attributes: float | str | None) -> str:
    return "".join(
        f" {name.replace('_', '-')}='{value if isinstance(value, str) else _number(value)}'"
        for name, value in attributes.items()
        if value is not None
    )


def _number(value: float) -> str:
    """Return a number with at most one decimal, which is a tenth of a point."""
    return f"{value:z.1f}".removesuffix(".0")


def _text(text: str) -> str:
    """Return a text that SVG can hold: no control characters, which XML cannot, and no markup."""
    return escape(NO_CHARACTER.sub("\ufffd", printable_lines(text)))
