"""The signs of a sequence diagram as shapes: what stands in a head, and how an arrow ends.

A shape is a list of polylines in points around its middle, x to the right and y down.
"""

from itertools import cycle
from math import cos, pi, radians, sin
from typing import NamedTuple

from sagakit.contract.deployment import ParticipantKind

Points = list[tuple[float, float]]


class Shape(NamedTuple):
    """Lines to draw, of which the closed ones are filled: white, or solid in the line's colour."""

    lines: list[Points]
    closed: bool = False
    solid: bool = False


def arc(x: float, y: float, rx: float, ry: float, begin: float = 0, end: float = 2 * pi) -> Points:
    """Part of an ellipse as a polyline."""
    steps = 20
    angles = [begin + (end - begin) * step / steps for step in range(steps + 1)]
    return [(x + rx * cos(angle), y + ry * sin(angle)) for angle in angles]


def box(left: float, top: float, right: float, bottom: float) -> Points:
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def polygon(corners: int, turn: float = 0) -> Points:
    """Return a regular polygon around 0 that is 1 large, its first corner up or `turn`ed (°)."""
    angles = [radians(turn - 90 + 360 * corner / corners) for corner in range(corners + 1)]
    outline = [(cos(angle), sin(angle)) for angle in angles[:-1]]
    return [*outline, outline[0]]


def star(rays: int) -> Points:
    """Return a star around 0 that is 1 large."""
    sizes = cycle((1, 0.45))
    return [(x * size, y * size) for (x, y), size in zip(polygon(2 * rays), sizes, strict=False)]


def turned(shape: Shape, angle: float) -> Shape:
    """Return a shape that points to the right turned by an angle (radians, clockwise)."""
    across, down = cos(angle), sin(angle)
    lines = [
        [(x * across - y * down, x * down + y * across) for x, y in line] for line in shape.lines
    ]
    return shape._replace(lines=lines)


def _gear() -> Points:
    rim: Points = []
    for tooth in range(8):
        middle = tooth * pi / 4
        for angle, radius in ((-0.28, 5), (-0.18, 7), (0.18, 7), (0.28, 5)):
            rim.append((radius * cos(middle + angle), radius * sin(middle + angle)))
    return [*rim, rim[0]]


def _globe() -> list[Shape]:
    return [
        Shape([arc(0, 0, 7, 7)], closed=True),
        Shape([arc(0, 0, 3, 7), [(-7, 0), (7, 0)], [(-6, -3.5), (6, -3.5)], [(-6, 3.5), (6, 3.5)]]),
    ]


HEADS: dict[ParticipantKind, list[Shape]] = {
    "actor": [
        Shape([arc(0, -5, 2.4, 2.4)], closed=True),
        Shape([[(0, -2.6), (0, 3)], [(-5, -0.5), (5, -0.5)], [(-4, 7.5), (0, 3), (4, 7.5)]]),
    ],
    "service": [
        Shape([_gear()], closed=True),
        Shape([arc(0, 0, 2.2, 2.2)]),
    ],
    "queue": [  # messages in a row
        Shape([box(-9, -4.5, 9, 4.5)], closed=True),
        Shape([[(-4.5, -4.5), (-4.5, 4.5)], [(0, -4.5), (0, 4.5)], [(4.5, -4.5), (4.5, 4.5)]]),
    ],
    "store": [  # a cylinder
        Shape([[*arc(0, -4.5, 6.5, 2.4, pi, 2 * pi), *arc(0, 5, 6.5, 2.4, 0, pi), (-6.5, -4.5)]],
              closed=True),
        Shape([arc(0, -4.5, 6.5, 2.4, 0, pi)]),
    ],
    "bus": [  # a rail with stops
        Shape([box(-9, -1.3, 9, 1.3)], closed=True, solid=True),
        Shape([[(-5.5, -6), (-5.5, 0)], [(0, 0), (0, 6)], [(5.5, -6), (5.5, 0)]]),
    ],
    "topic": [  # one to many
        Shape([[(-5, 0), (7, -5.5)], [(-5, 0), (7, 0)], [(-5, 0), (7, 5.5)]]),
        Shape([arc(-5, 0, 2.6, 2.6)], closed=True, solid=True),
        Shape([arc(7, y, 1.5, 1.5) for y in (-5.5, 0, 5.5)], closed=True, solid=True),
    ],
    "external": _globe(),
}  # fmt: skip

MEANING: dict[ParticipantKind, str] = {
    "actor": "person",
    "service": "service",
    "queue": "queue",
    "store": "store",
    "bus": "bus",
    "topic": "topic",
    "external": "outside",
}

# How an arrow ends: the tip is at (0, 0), and the arrow comes from the left.
FILLED = Shape([[(0, 0), (-7, -3), (-7, 3), (0, 0)]], closed=True, solid=True)
OPEN = Shape([[(-6.5, -3.3), (0, 0), (-6.5, 3.3)]])
DOT = Shape([arc(0, 0, 2.2, 2.2)], closed=True, solid=True)
CROSS = Shape([[(-4, -4), (4, 4)], [(-4, 4), (4, -4)]])
COFFIN = Shape([box(-7, -3.5, 0, 3.5)], closed=True, solid=True)
CLOCK = [Shape([arc(0, 0, 4.5, 4.5)], closed=True), Shape([[(0, -3), (0, 0), (2.2, 1.2)]])]
BOLT = Shape([[(1.5, -6), (-3, 1), (0, 1), (-1.5, 6), (3, -1), (0, -1), (1.5, -6)]],
             closed=True, solid=True)  # fmt: skip
