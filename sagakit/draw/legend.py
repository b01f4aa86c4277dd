"""The signs of a diagram, how each is drawn, and the legend that explains those that are in it.

What went wrong is told by its shape first and by its colour too.
"""

from collections.abc import Callable, Iterable

from sagakit.contract.deployment import ParticipantKind
from sagakit.draw.icons import (
    BOLT,
    CLOCK,
    COFFIN,
    CROSS,
    FILLED,
    HEADS,
    MEANING,
    OPEN,
    Points,
)
from sagakit.draw.palette import GREY, INK, NOTE, RED
from sagakit.draw.story import Sign
from sagakit.draw.svg import Dash, Sheet
from sagakit.draw.text_metrics import width

SIZE = 8.0
EDGE = 6.0  # around the whole picture
LINE = 14.0  # of the legend
EAR = 6.0  # the folded corner of a note
DASHES: dict[Sign, Dash] = {
    "return": (5, 3), "refused": (5, 3), "lost": (7, 2, 1.5, 2), "late": (7, 2, 1.5, 2),
}  # fmt: skip
WRONG: tuple[Sign, ...] = ("refused", "dead", "lost", "late")

SAYS: dict[Sign, str] = {
    "call": "call",
    "async": "event or message",
    "return": "answer",
    "refused": "refused or failed",
    "dead": "to the dead letters",
    "lost": "does not arrive",
    "late": "comes later",
    "doubled": "comes twice",
    "note": "note",
    "alarm": "failure",
}
Sample = Callable[[Sheet, float, float], None]  # draws at the left end and the middle line


def draw_arrow(sheet: Sheet, sign: Sign, x1: float, x2: float, y: float, colour: str = INK) -> None:
    """Draw an arrow from x1 to x2; one from a lane to itself turns back."""
    if sign in WRONG:
        colour = RED
    side = -1 if x2 < x1 else 1
    end = x2 - side * 13 if sign in ("lost", "late") else x2
    lines: list[Points] = [[(x1, y), (end, y)]]
    if x1 == x2:
        side = -1
        lines = [[(x1, y - 6), (x1 + 22, y - 6), (x1 + 22, y), (x1, y)]]
    elif sign == "doubled":
        lines = [[(x1, y + off), (end - side * 3, y + off)] for off in (-1.5, 1.5)]
    sheet.lines(lines, colour=colour, width=1.2, dash=DASHES.get(sign))
    flip = side < 0
    if sign == "call":
        sheet.shape(FILLED, end, y, colour=colour, flip=flip)
    elif sign == "dead":
        sheet.shape(COFFIN, end, y, colour=colour, flip=flip)
    elif sign == "lost":
        sheet.shape(CROSS, end, y, colour=colour, width=1.8)
    elif sign == "late":
        for shape in CLOCK:
            sheet.shape(shape, end, y, colour=colour, width=1.2)
    else:
        sheet.shape(OPEN, end, y, colour=colour, width=1.3, flip=flip)
    if sign == "refused":
        sheet.shape(CROSS, x1 + side * 8, y, colour=colour, width=1.8)
    if sign == "doubled":
        sheet.shape(OPEN, end - side * 5, y, colour=colour, width=1.3, flip=flip)


def draw_note(
    sheet: Sheet, left: float, top: float, right: float, bottom: float, *, alarm: bool
) -> None:
    """Draw paper with a folded corner; one that tells of a failure has a bolt on its left."""
    edge = RED if alarm else GREY
    outline = [
        (left, top), (right - EAR, top), (right, top + EAR), (right, bottom), (left, bottom),
        (left, top),
    ]  # fmt: skip
    sheet.lines([outline], colour=edge, width=1.6 if alarm else 0.8, fill=NOTE)
    fold = [(right - EAR, top), (right - EAR, top + EAR), (right, top + EAR)]
    sheet.lines([fold], colour=edge, width=0.8)
    if alarm:
        sheet.shape(BOLT, left + 10, (top + bottom) / 2, colour=RED)


def draw_strip(sheet: Sheet, left: float, right: float, top: float, bottom: float) -> None:
    """Draw a strip with torn edges over whatever is there."""
    teeth = max(2, round((right - left) / 12))
    step = (right - left) / teeth
    upper = [(left + step * tooth, top + (3 if tooth % 2 else 0)) for tooth in range(teeth + 1)]
    lower = [(x, y + bottom - top - 3) for x, y in upper]
    sheet.lines([[*upper, *reversed(lower), upper[0]]], width=0, fill="white", z=10)
    sheet.lines([upper, lower], colour=GREY, z=11)


def step_sample(sign: Sign) -> Sample:
    def sample(sheet: Sheet, x: float, y: float) -> None:
        if sign in ("note", "alarm"):
            draw_note(sheet, x + 2, y - 5.5, x + 24, y + 5.5, alarm=sign == "alarm")
        else:
            draw_arrow(sheet, sign, x, x + 25, y)

    return sample


def head_sample(kind: ParticipantKind) -> Sample:
    def sample(sheet: Sheet, x: float, y: float) -> None:
        sheet.icon(kind, HEADS[kind], x + 8, y)

    return sample


class Legend:
    """Explain the signs that are in a picture, in about equally long lines across it.

    Of each sample: how it is drawn, how wide it is, and what it means.
    """

    def __init__(self, samples: Iterable[tuple[Sample, float, str]], wide: float) -> None:
        samples = list(samples)
        needs = [room + 12 + width(text, SIZE) for _, room, text in samples]
        most = wide - 2 * EDGE + 8
        ends = _placed(needs, most)
        lines = ends[-1][1] if ends else 0
        while lines and _placed(needs, most - 10)[-1][1] == lines:  # no line more
            most -= 10
        self.items = [
            (EDGE + x, line * LINE, *sample)
            for (x, line), sample in zip(_placed(needs, most), samples, strict=True)
        ]
        self.height = LINE * (lines + 1) if ends else 0.0

    def draw(self, sheet: Sheet, top: float) -> None:
        for x, y, sample, room, text in self.items:
            middle = top + y + LINE / 2
            sample(sheet, x, middle)
            sheet.words(x + room + 4, middle + 3, text, SIZE)


def _placed(needs: list[float], most: float) -> list[tuple[float, int]]:
    """Return where each sample begins, and in which line, if lines are that wide at most."""
    x, line = 0.0, 0
    placed = []
    for need in needs:
        if x and x + need > most:
            x, line = 0.0, line + 1
        placed.append((x, line))
        x += need
    return placed


def kinds_of_heads(kinds: set[ParticipantKind]) -> Iterable[tuple[Sample, float, str]]:
    """Yield a sample of each kind of participant."""
    return ((head_sample(kind), 17, MEANING[kind]) for kind in MEANING if kind in kinds)
