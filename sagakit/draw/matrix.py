"""A kill matrix: which flaw breaks which law, a row a flaw and a column a law."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sagakit.draw.icons import arc, box
from sagakit.draw.palette import BLUE, GREY, INK, PALE
from sagakit.draw.svg import WIDTH, Picture, Sheet
from sagakit.draw.text_metrics import width

ROW, COLUMN = 19.0, 22.0  # points
EDGE, GAP = 10.0, 14.0
SIZE, SMALL = 9.0, 8.5
TITLE = 34.0
LEGEND = 34.0
TURNED = 55  # degrees
MARK = 5.0  # half a mark's width
SLOPE = 0.82  # the sine of that angle
HOLDS, MISSED = "·", "?"
Cells = tuple[str, ...]


class FlawRow(NamedTuple):
    """A row. `about` is the law that the flaw is about, if there is one; `cells` stand behind the
    marks. A row with `apart` has a line above it."""

    name: str
    about: str
    broken: Collection[str]
    cells: Cells
    apart: bool = False


def matrix(title: str, laws: Sequence[str], heads: Cells, rows: Sequence[FlawRow]) -> Picture:
    """Draw it. `heads` says what the cells are; a cell that is a number stands on the right."""
    return _Drawing(title, laws, heads, rows).drawn()


def alternative(title: str, heads: Cells, rows: Sequence[FlawRow]) -> str:
    """Tell the same in words, a line a row."""
    return "\n".join([f"{title}.", *(_told(row, heads) for row in rows)])


def _told(row: FlawRow, heads: Cells) -> str:
    cells = "; ".join(
        f"{head}: {cell}" for head, cell in zip(heads, row.cells, strict=True) if cell
    )
    others = ", ".join(f'"{law}"' for law in row.broken if law != row.about)
    if not row.about:
        told = f"breaking {others}" if others else "no law is broken"
    elif row.about in row.broken:
        told = f'breaks "{row.about}"' + (f", and besides {others}" if others else "")
    else:
        told = f'does not break "{row.about}"' + (f", but {others}" if others else "")
    return f"{row.name}: {told} ({cells})."


class _Drawing:
    def __init__(
        self, title: str, laws: Sequence[str], heads: Cells, rows: Sequence[FlawRow]
    ) -> None:
        self.title, self.laws, self.heads, self.rows = title, laws, heads, rows
        self.left = EDGE + max(width(row.name, SIZE) for row in rows) + GAP
        self.right = self.left + COLUMN * len(laws)
        self.top = TITLE + SLOPE * max(width(law, SIZE) for law in laws) + GAP
        self.bottom = self.top + ROW * len(rows)
        high = self.bottom + LEGEND
        self.sheet = Sheet(WIDTH, high, alternative(title, heads, rows))

    def drawn(self) -> Picture:
        self.sheet.words(EDGE, 18, self.title, 11.5, bold=True)
        for index, law in enumerate(self.laws):
            x = self._x(index)
            self.sheet.words(x + 3, self.top - 6, law, SIZE, angle=TURNED)
            self.sheet.lines([[(x, self.top - 4), (x, self.bottom)]], colour=PALE, width=0.6)
        self._cells(self.heads, self.top - 6, GREY)
        for index, row in enumerate(self.rows):
            self._row(row, self.top + ROW * index)
        self._legend()
        return self.sheet

    def _x(self, index: int) -> float:
        return self.left + COLUMN * (index + 0.5)

    def _row(self, row: FlawRow, top: float) -> None:
        base, middle = top + 0.68 * ROW, top + 0.5 * ROW
        colour, thick = (INK, 1.0) if row.apart else (PALE, 0.6)
        self.sheet.lines([[(EDGE, top), (WIDTH - EDGE, top)]], colour=colour, width=thick)
        self.sheet.words(EDGE, base, row.name, SIZE, bold=row.apart)
        for index, law in enumerate(self.laws):
            self._mark(self._x(index), middle, row, law)
        self._cells(row.cells, base, INK)

    def _mark(self, x: float, y: float, row: FlawRow, law: str) -> None:
        if law not in row.broken:
            self._sign(x, y, MISSED if law == row.about else HOLDS)
        elif law == row.about:
            self._square(x, y)
        else:
            self._ring(x, y)

    def _sign(self, x: float, y: float, sign: str) -> None:
        self.sheet.words(x, y + 3, sign, SIZE, align="center", colour=GREY)

    def _square(self, x: float, y: float) -> None:
        outline = box(x - MARK, y - MARK, x + MARK, y + MARK)
        self.sheet.lines([outline], colour=BLUE, fill=BLUE, z=3)
        cross = [[(x - 3, y - 3), (x + 3, y + 3)], [(x - 3, y + 3), (x + 3, y - 3)]]
        self.sheet.lines(list(cross), colour="white", width=1.4, z=4)

    def _ring(self, x: float, y: float) -> None:
        self.sheet.lines([arc(x, y, MARK - 1, MARK - 1)], colour=BLUE, width=1.3, fill="white", z=3)

    def _cells(self, cells: Cells, base: float, colour: str) -> None:
        x = self.right + GAP
        for index, cell in enumerate(cells):
            column = [row.cells[index] for row in self.rows]
            wide = max(width(text, SMALL) for text in (self.heads[index], *column))
            number = all(text[:1].isdigit() or not text for text in column)
            if number:
                self.sheet.words(x + wide, base, cell, SMALL, align="right", colour=colour)
            else:
                self.sheet.words(x, base, cell, SMALL, colour=colour)
            x += wide + GAP

    def _legend(self) -> None:
        self.pen = EDGE + MARK
        y = self.bottom + 20
        self._square(self.pen, y)
        self._says("breaks the law that the flaw is about", y)
        self._ring(self.pen, y)
        self._says("breaks this law too", y)
        self._sign(self.pen, y, HOLDS)
        self._says("holds in all that was explored", y)
        if any(row.about and row.about not in row.broken for row in self.rows):
            self._sign(self.pen, y, MISSED)
            self._says("should be broken, and was not", y)

    def _says(self, text: str, y: float) -> None:
        self.sheet.words(self.pen + 10, y + 3, text, SMALL)
        self.pen += 10 + width(text, SMALL) + 2 * GAP
