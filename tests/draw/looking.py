"""What a reader needs of a figure: texts that are large enough, inside, and not on each other."""

from itertools import combinations
from math import cos, radians, sin
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from sagakit.draw.chart import Chart
from sagakit.draw.svg import SHOWN, WIDTH, Picture
from sagakit.draw.text_metrics import width

SMALLEST = 8  # pt of a chart
SMALLEST_SHOWN = 9  # pixels of a drawing, in a cell of 840 pixels
TOUCH = 1.5  # pt by which boxes may overlap: letters seldom fill theirs
FINE = 4
ASCENT, DESCENT = 0.76, 0.24  # of the size: of DejaVu Sans' letters
SVG = "{http://www.w3.org/2000/svg}"


class Seen(NamedTuple):
    """A text, where it is from the bottom left (pt), and its size."""

    text: str
    box: Any
    size: float


def texts(picture: Picture) -> list[Seen]:
    """Return each text that is drawn."""
    return _of_chart(picture) if isinstance(picture, Chart) else _of_drawing(picture)


def _of_drawing(picture: Picture) -> list[Seen]:
    root = ET.fromstring(picture.svg())
    height = float(root.get("viewBox", "").split()[3])
    found = []
    for one in root.iter(f"{SVG}text"):
        text, size = one.text or "", float(one.get("font-size", 0))
        wide = width(text, size, one.get("font-weight") == "bold")
        x, y = float(one.get("x", 0)), float(one.get("y", 0))
        left = {"middle": -wide / 2, "end": -wide}.get(one.get("text-anchor", ""), 0.0)
        turned = one.get("transform", "rotate(0 0 0)").removeprefix("rotate(").split()[0]
        angle = radians(float(turned))
        corners = [
            (x + dx * cos(angle) - dy * sin(angle), height - y - dx * sin(angle) - dy * cos(angle))
            for dx in (left, left + wide)
            for dy in (-size * ASCENT, size * DESCENT)
        ]
        xs, ys = zip(*corners, strict=True)
        found.append(Seen(text, Bbox([[min(xs), min(ys)], [max(xs), max(ys)]]), size))
    return found


def _of_chart(picture: Chart) -> list[Seen]:
    picture.set_dpi(72 * FINE)  # a coarse drawing widens its letters to whole dots
    FigureCanvasAgg(picture).draw()
    out_of_sight = {
        label
        for axes in picture.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    found = []
    for one in picture.findobj(Text):
        assert isinstance(one, Text)
        if one.get_visible() and one.get_text().strip() and one not in out_of_sight:
            box = one.get_window_extent()
            found.append(Seen(one.get_text(), Bbox(box.get_points() / FINE), one.get_size()))
    return found


def words(picture: Picture) -> list[str]:
    return [seen.text for seen in texts(picture)]


def complaints(picture: Picture) -> list[str]:
    """Return what a critical reader would say, a line each."""
    found = []
    all_texts = texts(picture)
    if isinstance(picture, Chart):
        (wide, height), smallest = picture.get_size_inches() * 72, float(SMALLEST)
    else:
        _, _, wide, height = map(float, ET.fromstring(picture.svg()).get("viewBox", "").split())
        smallest = SMALLEST_SHOWN / min(SHOWN / WIDTH, SHOWN / wide)
    for text, box, size in all_texts:
        if size < smallest:
            found.append(f"{text!r} is too small: {size} pt")
        if box.x0 < 0 or box.y0 < 0 or box.x1 > wide or box.y1 > height:
            found.append(f"{text!r} is cut off: {box.extents.round(1)} of {wide} x {height}")
    places = [(text, *box.extents.tolist()) for text, box, _ in all_texts]
    for (text, left, low, right, top), (other, *its) in combinations(places, 2):
        across = min(right, its[2]) - max(left, its[0])
        if across > TOUCH and min(top, its[3]) - max(low, its[1]) > TOUCH:
            found.append(f"{text!r} lies on {other!r}")
    return found
