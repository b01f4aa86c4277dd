"""A state diagram: which states something goes through, and what moves it on."""

from collections.abc import Collection, Iterable
from math import atan2, hypot
from typing import NamedTuple

from sagakit.draw.icons import CROSS, FILLED, Points, arc, box, turned
from sagakit.draw.palette import ALARM, INK, RED
from sagakit.draw.svg import WIDTH, Picture, Sheet
from sagakit.draw.text_metrics import width, wrapped

EDGE, TITLE = 12.0, 34.0
SIZE, SMALL, LINE = 10.0, 9.0, 11.5
ROW = 96.0  # from one row of states to the next
HALF = 15.0  # half a box's height
PADDING = 12.0
LABEL = 112.0  # the widest line of a label
LOOP = 26.0  # how far a move from a state to itself goes out
DETOUR = 76.0  # how far below all states an arrow aims that goes around one; it comes 3/4 as far
ASIDE = 6.0  # how far each of two opposite arrows keeps to its right
START = 34.0  # room for the dot from which all begins


class Move(NamedTuple):
    """Something goes from one state to another; the label says what moved it on."""

    source: str
    target: str
    label: str = ""


class _Box(NamedTuple):
    x: float  # its middle
    y: float
    half: float  # half its width


def states(moves: Iterable[Move], *, ends: Collection[str] = (), title: str) -> Picture:
    """Draw the states from left to right, as they follow each other, and the moves between them.

    `ends` are the states that nothing may leave: they have a double frame, and a move out of one
    is drawn as wrong. Moves between the same two states share an arrow. Raises `ValueError` if
    there are no moves.
    """
    arrows: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        labels = arrows.setdefault((move.source, move.target), [])
        if move.label and move.label not in labels:
            labels.append(move.label)
    if not arrows:
        raise ValueError("there are no moves to draw")
    boxes = _placed(arrows, ends)
    lowest = max(box.y for box in boxes.values()) + HALF
    detour = any(_in_the_way(boxes, *pair) for pair in arrows)
    high = lowest + EDGE + (DETOUR * 0.75 if detour else LOOP)
    sheet = Sheet(WIDTH, high, _alternative(arrows, ends, title))
    sheet.words(EDGE, 20, title, 11.5, bold=True)
    _begin(sheet, next(iter(boxes.values())))
    for name, at in boxes.items():
        _state(sheet, name, at, end=name in ends)
    for (source, target), labels in arrows.items():
        wrong = source in ends and source != target
        both = source != target and (target, source) in arrows
        _arrow(sheet, boxes, source, target, " or ".join(labels), wrong=wrong, both=both)
    return sheet


# Where the states stand.


def _placed(arrows: Collection[tuple[str, str]], ends: Collection[str]) -> dict[str, _Box]:
    columns: dict[int, list[str]] = {}
    for name, level in _levels(list(arrows), ends).items():
        columns.setdefault(level, []).append(name)
    most = max(len(names) for names in columns.values())
    tops = [names[0] for names in columns.values() if len(names) == most]
    loop = any((name, name) in arrows for name in tops)
    half = max(width(name, SIZE, bold=True) for names in columns.values() for name in names) / 2
    half += PADDING
    first, last = EDGE + START + half, WIDTH - EDGE - half
    step = (last - first) / max(len(columns) - 1, 1)
    middle = TITLE + (LOOP + 8) * loop + HALF + ROW * (most - 1) / 2
    return {
        name: _Box(first + step * level, middle + ROW * (row - (len(names) - 1) / 2), half)
        for level, names in sorted(columns.items())
        for row, name in enumerate(names)
    }


def _levels(arrows: list[tuple[str, str]], ends: Collection[str]) -> dict[str, int]:
    """State to its column: one to the right of all that lead to it. What leads back, or out of an
    end, does not count."""
    names = list(dict.fromkeys(name for pair in arrows for name in pair))
    forward: list[tuple[str, str]] = []
    begun: list[str] = []
    done: set[str] = set()

    def follow(name: str) -> None:
        begun.append(name)
        for source, target in arrows:
            if source == name and source not in ends and target not in begun:
                forward.append((source, target))
                if target not in done:
                    follow(target)
        done.add(begun.pop())

    for name in names:
        if name not in done:
            follow(name)
    levels = dict.fromkeys(names, 0)
    for _ in names:
        for source, target in forward:
            levels[target] = max(levels[target], levels[source] + 1)
    return levels


def _in_the_way(boxes: dict[str, _Box], source: str, target: str) -> bool:
    """Return true if a straight arrow would go through another state."""
    a, b = boxes[source], boxes[target]
    for name, other in boxes.items():
        if name in (source, target) or not min(a.x, b.x) < other.x < max(a.x, b.x):
            continue
        y = a.y + (b.y - a.y) * (other.x - a.x) / (b.x - a.x)
        if abs(y - other.y) < HALF + 6:
            return True
    return False


# How they are drawn.


def _begin(sheet: Sheet, first: _Box) -> None:
    x = first.x - first.half - START + 6
    sheet.lines([arc(x, first.y, 4, 4)], width=0, fill=INK, z=3)
    _path(sheet, [(x, first.y), (first.x - first.half, first.y)], INK)


def _state(sheet: Sheet, name: str, at: _Box, *, end: bool) -> None:
    for inset in (0.0, 3.0) if end else (0.0,):
        left, right = at.x - at.half + inset, at.x + at.half - inset
        top, bottom = at.y - HALF + inset, at.y + HALF - inset
        sheet.lines([box(left, top, right, bottom)], colour=INK, fill="white", z=4)
    sheet.words(at.x, at.y + 3.6, name, SIZE, bold=True, align="center")


def _arrow(
    sheet: Sheet,
    boxes: dict[str, _Box],
    source: str,
    target: str,
    label: str,
    *,
    wrong: bool,
    both: bool,
) -> None:
    """`both` says that there is an arrow back: then each keeps to its right."""
    colour = RED if wrong else INK
    a, b = boxes[source], boxes[target]
    if source == target:
        up = -1 if a.y <= min(other.y for other in boxes.values()) + 1 else 1
        y = a.y + up * HALF
        way = _curve((a.x - 14, y), (a.x - 22, y + up * LOOP), (a.x + 22, y + up * LOOP),
                     (a.x + 14, y))  # fmt: skip
        middle = (a.x, y + up * (LOOP + 3))  # clear of the arrow, which comes 3/4 as far
    elif _in_the_way(boxes, source, target):
        low = max(other.y for other in boxes.values()) + HALF + DETOUR
        way = _curve((a.x, a.y + HALF), (a.x, low), (b.x, low), (b.x, b.y + HALF))
        middle = way[len(way) // 2]
    else:
        (x, y), (x2, y2) = way = [_border(a, b), _border(b, a)]
        passes = any(min(a.x, b.x) + 1 < other.x < max(a.x, b.x) - 1 for other in boxes.values())
        share = 0.75 if passes else 0.32 if both else 0.5  # where no other label is
        if both:
            far = hypot(x2 - x, y2 - y) / ASIDE
            aside, down = (y - y2) / far, (x2 - x) / far
            way = [(x + aside, y + down), (x2 + aside, y2 + down)]
            x, y, x2, y2 = x + aside, y + down, x2 + aside, y2 + down
        middle = (x + (x2 - x) * share, y + (y2 - y) * share)
    _path(sheet, way, colour)
    if wrong:
        (x, y), (x2, y2) = way[0], way[-1]
        far = max(hypot(x2 - x, y2 - y), 1)
        sheet.shape(
            CROSS, x + (x2 - x) * 9 / far, y + (y2 - y) * 9 / far, colour=RED, width=1.8, z=6
        )
    _label(sheet, *middle, label, ALARM if wrong else INK)


def _label(sheet: Sheet, x: float, y: float, label: str, colour: str) -> None:
    if not label:
        return
    lines = wrapped(label, SMALL, LABEL, 3)
    half = max(width(line, SMALL) for line in lines) / 2 + 3
    top = y - LINE * len(lines) / 2
    sheet.area(x - half, top - 1, x + half, top + LINE * len(lines) + 1, "white", z=5)
    for index, line in enumerate(lines):
        sheet.words(x, top + 9 + LINE * index, line, SMALL, align="center", colour=colour)


def _path(sheet: Sheet, way: Points, colour: str) -> None:
    """Draw a line with an arrowhead at its end."""
    sheet.lines([way], colour=colour, width=1.2, z=2)
    (x0, y0), (x, y) = way[-2:]
    sheet.shape(turned(FILLED, atan2(y - y0, x - x0)), x, y, colour=colour, z=6)


def _border(source: _Box, target: _Box) -> tuple[float, float]:
    """Return the point where a straight line between two boxes' middles leaves the first."""
    dx, dy = target.x - source.x, target.y - source.y
    share = min(
        source.half / abs(dx) if dx else float("inf"), HALF / abs(dy) if dy else float("inf")
    )
    return source.x + dx * share, source.y + dy * share


def _curve(
    begin: tuple[float, float],
    first: tuple[float, float],
    second: tuple[float, float],
    end: tuple[float, float],
) -> Points:
    """Return a cubic Bézier curve as a polyline."""
    points = []
    for step in range(41):
        t = step / 40
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        four = (begin, first, second, end)
        x, y = (
            sum(weight * point[axis] for weight, point in zip(weights, four, strict=True))
            for axis in (0, 1)
        )
        points.append((x, y))
    return points


def _alternative(
    arrows: dict[tuple[str, str], list[str]], ends: Collection[str], title: str
) -> str:
    names = list(dict.fromkeys(name for pair in arrows for name in pair))
    said = [f"{title}.", f"States: {', '.join(names)}."]
    if final := [name for name in names if name in ends]:
        said.append(f"Final: {', '.join(final)}.")
    for (source, target), labels in arrows.items():
        what = f": {' or '.join(labels)}" if labels else ""
        wrong = ", although that is final" if source in ends and source != target else ""
        stays = f"{source} stays" if source == target else f"{source} to {target}{wrong}"
        said.append(f"{stays}{what}.")
    return "\n".join(said)
