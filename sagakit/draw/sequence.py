"""A run as a UML sequence diagram."""

from typing import NamedTuple

from sagakit.draw.arrows import ALARM, WRONG, arrow, note, torn
from sagakit.draw.icons import CROSS, DOT, HEADS, Points, box
from sagakit.draw.lanes import HEAD_SIZE, SIGN, Lane, Lanes, lay_lanes
from sagakit.draw.lanes import LINE as HEAD_LINE
from sagakit.draw.layout import (
    BAR,
    BOLT_ROOM,
    CLEAR,
    LINE,
    SIZE,
    STUB,
    Layout,
    Outline,
    Row,
    lay_out,
)
from sagakit.draw.legend import EDGE, Legend, Margin, samples
from sagakit.draw.palette import GREY, INK, RED, saga_colours
from sagakit.draw.story import Names, Story, tell
from sagakit.draw.svg import WIDTH, Picture, Sheet
from sagakit.draw.text_metrics import width, wrapped
from sagakit.draw.words import alternative, heading, what_is_left
from sagakit.trace.trace import Trace

TITLE = 12.0
LIFELINE = "#9A9A9A"


def sequence(
    trace: Trace,
    *,
    saga: Names = None,
    participants: Names = None,
    outside: bool = True,
    start: int | None = None,
    end: int | None = None,
    notes: bool = True,
    acknowledgements: bool = False,
    limit: int = 80,
    gap: int = 1_000,
    title: str | None = None,
) -> Picture:
    """Draw a trace, or what is chosen of it.

    saga              one saga's correlation id, or several; all if not given
    participants      whose lanes to show; an arrow from or to others starts or ends in the open
    outside           whether there are such arrows
    start, end        a stretch of virtual time (ms), both included
    notes             whether notes are shown; what went wrong always is
    acknowledgements  whether returns that say nothing but "done" are shown
    limit             how many arrows at most; the picture says how many are left out
    gap               a jump of virtual time by more than that (ms) is marked
    title             one line; by default it says which sagas and when

    Raises `ValueError` for a saga or participant that the trace does not have, for a stretch of
    time that ends before it starts, and if the choice leaves nothing.
    """
    story = tell(
        trace, saga=saga, participants=participants, outside=outside, start=start, end=end,
        notes=notes, acknowledgements=acknowledgements, limit=limit,
    )  # fmt: skip
    return drawn(story, title=title, gap=gap).picture


class Drawn(NamedTuple):
    """A picture and where its steps stand, in points from the top left; `heads`: from where to
    where the lanes' heads go, with the names of the domains."""

    picture: Picture
    rows: tuple[Row, ...]
    heads: tuple[float, float]


def drawn(story: Story, *, title: str | None = None, gap: int = 1_000) -> Drawn:
    """Draw what a story tells; see `sequence`."""
    colours = saga_colours(story.sagas) if len(story.shown) > 1 else {}
    title = title or heading(story)
    rest = what_is_left(story)

    margin = Margin(story, colours)
    lanes = lay_lanes(story.lanes, margin.right, WIDTH - EDGE, STUB if story.open_ends else 2)
    wide = lanes.right + EDGE
    titles = wrapped(title, TITLE, wide - 2 * EDGE, 2, bold=True)
    legend = Legend(samples(story, bool(story.jumps(gap))), wide)
    legend_top = EDGE + 15 * len(titles) + 4
    top = legend_top + legend.height + (36 if rest else 22)
    layout = lay_out(story, lanes, top + lanes.head_height, gap, rest)
    tall = layout.bottom + lanes.head_height + EDGE + 4

    sheet = Sheet(wide, tall, alternative(story, title))
    for place, line in enumerate(titles):
        sheet.words(EDGE, EDGE + 10 + 15 * place, line, TITLE, bold=True)
    legend.draw(sheet, legend_top)
    sheet.words(EDGE, legend_top + legend.height + 12, rest, SIZE, bold=True)
    margin.draw(sheet, layout.rows, layout.top - 4)
    _behind(sheet, lanes, layout, top, tall - EDGE)
    for outline in layout.outlines:
        _frame(sheet, lanes, outline)
    for row in layout.rows:
        _step(sheet, row, colours.get(row.step.record.correlation_id or "", INK))
    for strip in layout.strips:
        torn(sheet, EDGE, wide - EDGE, strip.top, strip.bottom)
        middle = (lanes.left + lanes.right) / 2
        y = (strip.top + strip.bottom) / 2 + 4
        sheet.words(middle, y, strip.text, SIZE, align="center", z=12)
    return Drawn(sheet.picture, layout.rows, (top - 17, layout.top))


def _behind(sheet: Sheet, lanes: Lanes, layout: Layout, top: float, bottom: float) -> None:
    """Domain boxes, lifelines, heads and activations."""
    for domain in lanes.domains:
        sheet.area(domain.left, top - 16, domain.right, bottom, domain.tint, z=0)
        middle = (domain.left + domain.right) / 2
        sheet.words(middle, top - 5, domain.name, HEAD_SIZE, bold=True, align="center", colour=GREY)
    for lane in lanes.all:
        _lifeline(sheet, lane, layout)
        _head(sheet, lane, top, layout.top)
        _head(sheet, lane, layout.bottom, layout.bottom + lanes.head_height)
        for y in layout.again:
            _name_again(sheet, lane, y, y + lanes.names_height)
    for bar in layout.bars:
        left, right = bar.x - BAR / 2, bar.x + BAR / 2
        sheet.area(left, bar.top, right, bar.bottom, "white", colour=GREY, width=0.9, z=3)
        if bar.crashed:
            sheet.shape(CROSS, bar.x, bar.bottom, colour=RED, width=2, z=6)
        for row in _labels_over(layout, left, right):  # where the bar gives way
            above, below = max(row.top, bar.top - 1), min(row.bottom, bar.bottom + 1)
            if above < below:
                sheet.area(left - 1, above, right + 1, below, bar.lane.tint, z=4)


def _labels_over(layout: Layout, left: float, right: float) -> list[Row]:
    """The rows whose label stands over this stretch. A note covers what is behind it anyway."""
    return [
        row
        for row in layout.rows
        if not row.boxed and row.left - CLEAR < right and left < row.right + CLEAR
    ]


def _lifeline(sheet: Sheet, lane: Lane, layout: Layout) -> None:
    """A dashed line with a gap wherever a label stands, so that no letter is struck through."""
    pieces: list[Points] = []
    y = layout.top
    for row in _labels_over(layout, lane.x, lane.x):
        pieces.append([(lane.x, y), (lane.x, row.top)])
        y = row.bottom
    pieces.append([(lane.x, y), (lane.x, layout.bottom)])
    sheet.lines(pieces, colour=LIFELINE, width=0.8, dash=(3, 3), z=1)


def _head(sheet: Sheet, lane: Lane, top: float, bottom: float) -> None:
    left, right = lane.x - lane.width / 2 + 1.5, lane.x + lane.width / 2 - 1.5
    sheet.area(left, top, right, bottom, "white", colour=LIFELINE, width=0.8, z=5)
    for shape in HEADS[lane.participant.kind]:
        sheet.shape(shape, lane.x, top + 11, width=0.9, z=6)
    _name(sheet, lane, top + SIGN)


def _name_again(sheet: Sheet, lane: Lane, top: float, bottom: float) -> None:
    """A lane's name amid the picture, where its heads are out of sight."""
    sheet.area(lane.x - lane.width / 2, top, lane.x + lane.width / 2, bottom, lane.tint, z=5)
    _name(sheet, lane, top, GREY)


def _name(sheet: Sheet, lane: Lane, top: float, colour: str = INK) -> None:
    for place, line in enumerate(lane.lines):
        y = top + 12 + HEAD_LINE * place
        sheet.words(lane.x, y, line, HEAD_SIZE, align="center", colour=colour)


def _frame(sheet: Sheet, lanes: Lanes, outline: Outline) -> None:
    frame, left, right = outline.frame, lanes.left + 1, lanes.right - 1
    top, bottom = outline.top, outline.bottom
    sheet.lines([box(left, top, right, bottom)], colour=GREY, width=1, z=2)
    tab = left + width(frame.kind, SIZE, bold=True) + 16
    corner = [
        (left, top), (tab, top), (tab, top + 9), (tab - 5, top + 14), (left, top + 14), (left, top),
    ]  # fmt: skip
    sheet.lines([corner], colour=GREY, width=1, fill="white", z=4)
    sheet.words(left + 6, top + 10.5, frame.kind, SIZE, bold=True)
    sheet.words(tab + 6, top + 10.5, f"[{frame.title}]", SIZE)
    for y in outline.splits:
        sheet.lines([[(left, y), (right, y)]], colour=GREY, width=0.8, dash=(4, 3), z=2)


def _step(sheet: Sheet, row: Row, colour: str) -> None:
    sign, (left, top, right, bottom) = row.step.sign, (row.left, row.top, row.right, row.bottom)
    ink = ALARM if sign == "alarm" or sign in WRONG else INK
    if row.boxed:
        note(sheet, left, top, right, bottom, alarm=sign == "alarm")
        left += 5 + (BOLT_ROOM if sign == "alarm" else 0)
        for place, line in enumerate(row.lines):
            sheet.words(left, top + 11 + LINE * place, line, SIZE, colour=ink)
        return
    arrow(sheet, sign, row.x1, row.x2, row.y, colour)
    if row.from_outside:
        sheet.shape(DOT, row.x1, row.y, colour=colour, z=6)
    x = {"left": left, "center": (left + right) / 2, "right": right}[row.align]
    for place, line in enumerate(row.lines):
        sheet.words(x, top + 9 + LINE * place, line, SIZE, align=row.align, colour=ink)
