"""The steps of a sequence diagram as they are drawn: arrows, notes, and torn strips.

What went wrong is told by its shape first and by its colour too.
"""

from sagakit.draw.folding import Sign
from sagakit.draw.icons import BOLT, CLOCK, COFFIN, CROSS, FILLED, OPEN, Points
from sagakit.draw.palette import GREY, INK, RED
from sagakit.draw.svg import Dash, Sheet

ALARM = "#A33C00"  # RED, dark enough for letters
PAPER = "#FFFDF0"
EAR = 7.0  # the folded corner of a note
DASHES: dict[Sign, Dash] = {
    "return": (5, 3), "refused": (5, 3), "lost": (7, 2, 1.5, 2), "late": (7, 2, 1.5, 2),
}  # fmt: skip
WRONG: tuple[Sign, ...] = ("refused", "dead", "lost", "late")


def arrow(sheet: Sheet, sign: Sign, x1: float, x2: float, y: float, colour: str = INK) -> None:
    """An arrow from x1 to x2; one from a lane to itself turns back."""
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
    sheet.lines(lines, colour=colour, width=1.2, dash=DASHES.get(sign), z=6)

    flip = side < 0
    if sign == "call":
        sheet.shape(FILLED, end, y, colour=colour, flip=flip, z=6)
    elif sign == "dead":
        sheet.shape(COFFIN, end, y, colour=colour, flip=flip, z=6)
    elif sign == "lost":
        sheet.shape(CROSS, end, y, colour=colour, width=1.8, z=6)
    elif sign == "late":
        for shape in CLOCK:
            sheet.shape(shape, end, y, colour=colour, width=1.2, z=6)
    else:
        sheet.shape(OPEN, end, y, colour=colour, width=1.3, flip=flip, z=6)
    if sign == "refused":
        sheet.shape(CROSS, x1 + side * 8, y, colour=colour, width=1.8, z=6)
    if sign == "doubled":
        sheet.shape(OPEN, end - side * 5, y, colour=colour, width=1.3, flip=flip, z=6)


def note(
    sheet: Sheet, left: float, top: float, right: float, bottom: float, *, alarm: bool
) -> None:
    """A sheet with a folded corner; one that tells of a failure has a bolt on its left."""
    edge = RED if alarm else GREY
    outline = [
        (left, top), (right - EAR, top), (right, top + EAR), (right, bottom), (left, bottom),
        (left, top),
    ]  # fmt: skip
    sheet.lines([outline], colour=edge, width=1.6 if alarm else 0.8, fill=PAPER, z=7)
    fold = [(right - EAR, top), (right - EAR, top + EAR), (right, top + EAR)]
    sheet.lines([fold], colour=edge, width=0.8, z=7)
    if alarm:
        sheet.shape(BOLT, left + 11, (top + bottom) / 2, colour=RED, z=8)


def torn(sheet: Sheet, left: float, right: float, top: float, bottom: float) -> None:
    """A strip with torn edges over whatever is there."""
    teeth = max(2, round((right - left) / 12))
    step = (right - left) / teeth
    upper = [(left + step * tooth, top + (3 if tooth % 2 else 0)) for tooth in range(teeth + 1)]
    lower = [(x, y + bottom - top - 3) for x, y in upper]
    sheet.lines([[*upper, *reversed(lower), upper[0]]], width=0, fill="white", z=10)
    sheet.lines([upper, lower], colour=GREY, width=1, z=11)
