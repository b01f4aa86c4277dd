"""A run as a UML sequence diagram."""

from collections.abc import Iterator
from typing import NamedTuple

from sagakit.contract.timing import stamp
from sagakit.draw.icons import CROSS, DOT, HEADS, Points, box
from sagakit.draw.layout import (
    BAR,
    BOLT_ROOM,
    CLEAR,
    ICON,
    LINE,
    SIZE,
    STUB,
    Lane,
    Lanes,
    Layout,
    Outline,
    Row,
    lay_lanes,
    lay_out,
)
from sagakit.draw.legend import (
    EDGE,
    SAYS,
    WRONG,
    Legend,
    Sample,
    draw_arrow,
    draw_note,
    draw_strip,
    kinds_of_heads,
    step_sample,
)
from sagakit.draw.palette import ALARM, GREY, INK, RED, saga_colours
from sagakit.draw.story import Story, View, tell
from sagakit.draw.svg import WIDTH, Sheet
from sagakit.draw.text_metrics import elided, width, wrapped
from sagakit.trace.trace import Trace

TITLE = 11.0
TAG = 70.0  # the widest tag of a saga
LIFELINE = "#9A9A9A"


def sequence(trace: Trace, view: View | None = None) -> Sheet:
    """Draw a trace, or what a view shows of it. Raises `ValueError` as `tell` does."""
    return draw_story(tell(trace, view)).picture


class Drawn(NamedTuple):
    """A picture and where its rows are, in points from the top left; `heads`: from where to where
    the lanes' heads go, with the names of the domains."""

    picture: Sheet
    rows: tuple[Row, ...]
    heads: tuple[float, float]


def draw_story(story: Story) -> Drawn:
    """Draw what a story tells."""
    margin = _Margin(story)
    stub = STUB if story.open_ends else 1
    lanes = lay_lanes(story, margin.right, WIDTH - EDGE, stub)
    wide = lanes.right + EDGE
    titles = wrapped(story.title, TITLE, wide - 2 * EDGE, 2, bold=True)
    legend = Legend(_samples(story) if story.view.legend else (), wide)
    legend_top = EDGE + 12 * len(titles) + 2
    top = legend_top + legend.height + (26 if story.rest else 13)
    layout = lay_out(story, lanes, top + lanes.head_height)
    below = lanes.names_height if layout.again[-1:] == (layout.bottom,) else 0
    tall = layout.bottom + below + EDGE

    sheet = Sheet(wide, tall, story.alt)
    for index, line in enumerate(titles):
        sheet.words(EDGE, EDGE + 9 + 12 * index, line, TITLE, bold=True, z=0)
    legend.draw(sheet, legend_top)
    sheet.words(EDGE, legend_top + legend.height + 10, story.rest, SIZE, bold=True)
    margin.draw(sheet, layout.rows, layout.top - 4)
    _draw_lanes(sheet, lanes, layout, top, tall - EDGE)
    _draw_bars(sheet, layout)
    for outline in layout.outlines:
        _draw_frame(sheet, lanes, outline)
    for row in layout.rows:
        with sheet.told("\n".join(story.sentence(leg.step) for leg in row.legs)):
            _draw_row(sheet, row, margin.colours.get(row.step.arrow.correlation_id or "", INK))
    for strip in layout.strips:
        draw_strip(sheet, EDGE, wide - EDGE, strip.top, strip.bottom)
        middle = (lanes.left + lanes.right) / 2
        y = (strip.top + strip.bottom) / 2 + 3
        sheet.words(middle, y, strip.text, SIZE, align="center", z=12)
    return Drawn(sheet, layout.rows, (top - 11.5, layout.top))


def _samples(story: Story) -> Iterator[tuple[Sample, float, str]]:
    """Yield what the legend explains of a story."""
    signs = {step.sign for step in story.steps}
    yield from ((step_sample(sign), 25, says) for sign, says in SAYS.items() if sign in signs)
    if story.activations:
        yield _bar_sample, BAR, "running"
    if story.jumps:
        yield _gap_sample, 26, "time passes"
    yield from kinds_of_heads({lane.kind for lane in story.lanes})


def _bar_sample(sheet: Sheet, x: float, y: float) -> None:
    sheet.area(x, y - 6, x + BAR, y + 6, "white", colour=GREY, width=0.9)


def _gap_sample(sheet: Sheet, x: float, y: float) -> None:
    draw_strip(sheet, x, x + 26, y - 5, y + 5)


class _Margin:
    """At the left: the number of each arrow, its time where it is another one, and its saga."""

    def __init__(self, story: Story) -> None:
        several = len(story.shown) > 1
        self.colours = saga_colours(story.sagas) if several else {}
        self.tags = {saga: elided(saga, SIZE, TAG - 6) for saga in story.shown * several}
        times = ["time", *(stamp(step.arrow.t) for step in story.steps)]
        self.numbers = EDGE + width(str(story.arrows), SIZE)
        self.times = self.numbers + 4 + max(width(time, SIZE) for time in times)
        self.tag_width = max((width(tag, SIZE) + 5 for tag in self.tags.values()), default=0.0)
        self.right = self.times + 3 + (self.tag_width + 4 if self.tags else 0)

    def draw(self, sheet: Sheet, rows: tuple[Row, ...], head: float) -> None:
        """Draw it beside the rows; `head` is where the columns' names stand."""
        if not rows:
            return
        sheet.words(self.times, head, "time", SIZE, colour=GREY, align="right")
        if self.tags:
            sheet.words(self.times + 8, head, "saga", SIZE, colour=GREY)
        before = None
        for row in rows:
            step, y = row.step, (row.top + row.bottom) / 2 + 3
            if step.number:
                y = row.legs[0].y + 3
                sheet.words(self.numbers, y, str(step.number), SIZE, colour=GREY, align="right")
            if step.arrow.t != before:
                sheet.words(self.times, y, stamp(step.arrow.t), SIZE, align="right")
            before = row.legs[-1].step.until
            saga = step.arrow.correlation_id or ""
            if saga in self.tags:
                left, right = self.times + 3, self.times + 3 + self.tag_width
                colour = self.colours[saga]
                sheet.area(left, y - 8.5, right, y + 3, "white", colour=colour, width=1.4, z=3)
                sheet.words((left + right) / 2, y, self.tags[saga], SIZE, align="center")


def _draw_lanes(sheet: Sheet, lanes: Lanes, layout: Layout, top: float, bottom: float) -> None:
    """Draw domains' boxes, lifelines and heads."""
    for domain in lanes.domains:
        sheet.area(domain.left, top - 13, domain.right, bottom, domain.hue.tint, z=0)
        middle = (domain.left + domain.right) / 2
        colour = domain.hue.strong
        sheet.words(middle, top - 4, domain.name, SIZE, bold=True, align="center", colour=colour)
    for lane in lanes.all:
        _draw_lifeline(sheet, lane, layout)
        left, right = lane.x - lane.width / 2, lane.x + lane.width / 2
        edge = lane.hue.strong
        sheet.area(left + 1, top, right - 1, layout.top, "white", colour=edge, width=0.8, z=5)
        sheet.icon(lane.participant.kind, HEADS[lane.participant.kind], lane.x, top + 10, z=6)
        _draw_name(sheet, lane, top + ICON + 9.5)
        for y in layout.again:  # amid the picture, where the heads are out of sight
            sheet.area(left, y, right, y + lanes.names_height, lane.hue.tint, z=5)
            _draw_name(sheet, lane, y + 9.5, GREY)


def _draw_name(sheet: Sheet, lane: Lane, y: float, colour: str = INK) -> None:
    for index, line in enumerate(lane.lines):
        sheet.words(lane.x, y + LINE * index, line, SIZE, align="center", colour=colour)


def _draw_lifeline(sheet: Sheet, lane: Lane, layout: Layout) -> None:
    """Draw a dashed line with a gap where a label stands, so that no letter is struck through."""
    pieces: list[Points] = []
    y = layout.top
    for row in _labels_over(layout, lane.x, lane.x):
        pieces.append([(lane.x, y), (lane.x, row.top)])
        y = row.bottom
    pieces.append([(lane.x, y), (lane.x, layout.bottom)])
    sheet.lines(pieces, colour=LIFELINE, width=0.8, dash=(3, 3), z=1)


def _labels_over(layout: Layout, left: float, right: float) -> list[Row]:
    """Return the rows whose label is over this stretch. A note covers what is behind it anyway."""
    return [
        row
        for row in layout.rows
        if not row.step.boxed and row.left - CLEAR < right and left < row.right + CLEAR
    ]


def _draw_bars(sheet: Sheet, layout: Layout) -> None:
    for bar in layout.bars:
        left, right = bar.x - BAR / 2, bar.x + BAR / 2
        sheet.area(left, bar.top, right, bar.bottom, "white", colour=GREY, width=0.9, z=3)
        if bar.crashed:
            sheet.shape(CROSS, bar.x, bar.bottom, colour=RED, width=2, z=6)
        for row in _labels_over(layout, left, right):  # where the bar gives way
            above, below = max(row.top, bar.top - 1), min(row.bottom, bar.bottom + 1)
            if above < below:
                sheet.area(left - 1, above, right + 1, below, bar.lane.hue.tint, z=4)


def _draw_frame(sheet: Sheet, lanes: Lanes, outline: Outline) -> None:
    frame, left, right = outline.frame, lanes.left, lanes.right
    top, bottom = outline.top, outline.bottom
    sheet.lines([box(left, top, right, bottom)], colour=GREY, z=2)
    tab = left + width(frame.kind, SIZE, bold=True) + 14
    corner = [
        (left, top), (tab, top), (tab, top + 8), (tab - 5, top + 13), (left, top + 13), (left, top),
    ]  # fmt: skip
    sheet.lines([corner], colour=GREY, fill="white", z=4)
    sheet.words(left + 5, top + 9.5, frame.kind, SIZE, bold=True)
    title = f"[{frame.title}]"
    sheet.area(tab + 2, top + 1, tab + 8 + width(title, SIZE), top + 12, "white", z=1.5)
    sheet.words(tab + 5, top + 9.5, title, SIZE)
    for y in outline.splits:
        sheet.lines([[(left, y), (right, y)]], colour=GREY, width=0.8, dash=(4, 3), z=2)


def _draw_row(sheet: Sheet, row: Row, colour: str) -> None:
    sign, left, x = row.step.sign, row.left, row.left
    ink = ALARM if sign == "alarm" or sign in WRONG else INK
    baseline = row.top + 7.4
    if row.step.boxed:
        draw_note(sheet, left, row.top, row.right, row.bottom, alarm=sign == "alarm")
        x += 5 + (BOLT_ROOM if sign == "alarm" else 0)
        baseline += 2
    else:
        x = {"left": left, "center": (left + row.right) / 2, "right": row.right}[row.align]
    for leg in row.legs if row.step.number else ():
        draw_arrow(sheet, leg.step.sign, leg.x1, leg.x2, leg.y, colour)
        if leg.from_outside:
            sheet.shape(DOT, leg.x1, leg.y, colour=colour)
    for index, line in enumerate(row.lines):
        sheet.words(x, baseline + LINE * index, line, SIZE, align=row.align, colour=ink)
