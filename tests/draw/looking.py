"""What a reader needs of a figure: texts that are large enough, inside, and not on each other."""

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from sagakit.draw.figure import Picture

SMALLEST = 8  # pt
TOUCH = 1.5  # pt by which boxes may overlap: letters seldom fill theirs
FINE = 4


def texts(picture: Picture) -> list[tuple[str, Bbox, float]]:
    """Each text that is drawn, where (in points), and in which size."""
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
            found.append((one.get_text(), Bbox(box.get_points() / FINE), one.get_size()))
    return found


def words(picture: Picture) -> list[str]:
    return [text for text, _, _ in texts(picture)]


def complaints(picture: Picture) -> list[str]:
    """What a critical reader would say, a line each."""
    found = []
    all_texts = texts(picture)
    width, height = picture.get_size_inches() * 72
    for text, box, size in all_texts:
        if size < SMALLEST:
            found.append(f"{text!r} is too small: {size} pt")
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height:
            found.append(f"{text!r} is cut off: {box.extents.round(1)} of {width} x {height}")
    places = [(text, *box.extents.tolist()) for text, box, _ in all_texts]
    for (text, left, low, right, top), (other, *its) in combinations(places, 2):
        across = min(right, its[2]) - max(left, its[0])
        if across > TOUCH and min(top, its[3]) - max(low, its[1]) > TOUCH:
            found.append(f"{text!r} lies on {other!r}")
    return found
