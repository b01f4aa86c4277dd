"""Labels beside what they name, where there is room: none lies on another one.

Lengths are in points, with y down.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sagakit.draw.text_metrics import elided, width

LONG = 288.0  # the longest label
OVER = 100.0  # square points by which a label that is there already may cover others


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """Return the area that both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(wide, 0.0) * max(high, 0.0)


class Placed(NamedTuple):
    """A label: its left end, its middle line and the text, which may be shortened."""

    x: float
    y: float
    text: str
    size: float


class Labels:
    """Places labels one after the other between `left` and `right`."""

    def __init__(self, right: float, left: float = 0.0) -> None:
        self.left, self.right = left, right
        self.taken: list[tuple[Box, float]] = []  # with how bad it is to cover it
        self.placed: list[Placed] = []

    def block(self, left: float, top: float, right: float, bottom: float) -> None:
        """Keep labels away from here, if there is another way."""
        self.taken.append((Box(left, top, right, bottom), 1.0))

    def block_around(self, x: float, y: float, far: float = 4.5) -> None:
        """Keep labels away from a sign, if there is another way."""
        self.block(x - far, y - far, x + far, y + far)

    def block_line(self, x: float, y: float, x_end: float, y_end: float) -> None:
        """Keep labels away from a line, over which one can still be read."""
        pieces = max(1, int(max(abs(x_end - x), abs(y_end - y)) / 6))
        for piece in range(pieces):
            a, b = piece / pieces, (piece + 1) / pieces
            xs = sorted((x + (x_end - x) * a, x + (x_end - x) * b))
            ys = sorted((y + (y_end - y) * a, y + (y_end - y) * b))
            self.taken.append((Box(xs[0] - 1.5, ys[0], xs[1] + 1.5, ys[1]), 0.5))

    def beside(
        self,
        text: str,
        x: float,
        y: float,
        *,
        off: float = 12.0,
        size: float = 8.5,
        most: float = LONG,
    ) -> None:
        """Put a label above or below a point, to its right, its left or centred: where it covers
        least. A text that is there already is not repeated over another label.
        """
        text = elided(text, size, most)
        long, half = width(text, size), size * 0.62
        best: tuple[float, Box] | None = None
        for index, (left, middle) in enumerate(_around(x, y, long, off)):
            left = min(max(left, self.left), self.right - long)
            box = Box(left - 1.5, middle - half, left + long + 2, middle + half)
            cost = sum(box.overlap(other) * weight for other, weight in self.taken) + index * 5
            if best is None or cost < best[0]:
                best = cost, box
        assert best is not None
        cost, box = best
        if cost > OVER and any(label.text == text for label in self.placed):
            return
        self.taken.append((box, 3.0))
        self.placed.append(Placed(box.left + 1.5, (box.top + box.bottom) / 2, text, size))


def _around(x: float, y: float, long: float, off: float) -> Iterator[tuple[float, float]]:
    """Return left end and middle line of a label that is `long`, the best place first."""
    for side in (-1, 1):
        for left in (x - 3.5, x - long / 2, x - long + 3.5):
            yield left, y + side * off
    for left in (x + 7, x - long - 7):
        for far in (0, -off, -2 * off, off, 2 * off):
            yield left, y + far


def spread(wished: list[float], apart: float, start: float, end: float) -> list[float]:
    """Return places in the order of the wished ones, each `apart` from the next, as near as can be.

    Those that are too near to each other are moved as one group around their mean (isotonic
    regression by pooling). All lie within the ends if there is room.
    """
    order = sorted(range(len(wished)), key=wished.__getitem__)
    groups: list[tuple[float, int]] = []  # the mean of what its members wish, and how many
    for index, which in enumerate(order):
        groups.append((wished[which] - index * apart, 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (mean, many), (other, more) = groups.pop(-2), groups.pop()
            groups.append(((mean * many + other * more) / (many + more), many + more))
    flat = [mean for mean, many in groups for _ in range(many)]
    room = end - (len(wished) - 1) * apart
    places = [0.0] * len(wished)
    for index, which in enumerate(order):
        places[which] = max(min(flat[index], room), start) + index * apart
    return places
