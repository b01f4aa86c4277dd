"""Where everything of a sequence diagram stands: rows, bars, frames and gaps, in points.

Every step has a row of its own, so a label may go beyond its arrow and still stands alone.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from sagakit.draw.clock import roughly
from sagakit.draw.folding import Frame, Step
from sagakit.draw.lanes import Lane, Lanes
from sagakit.draw.story import Activation, Story
from sagakit.draw.text_metrics import width, wrapped

SIZE = 9.0  # of a label
LINE = 11.0  # from one line of text to the next
LABEL_WIDTHS = (205.0, 240.0, 280.0, 150.0, 110.0)  # to try for a label whose arrow is short
LABEL_LINES = 4
FEW_LINES = 3
NOTE_WIDTH = 150.0
NOTE_LINES = 4
BAR = 7.0  # width of an activation
BESIDE = 5.0  # from one activation to a concurrent one on the same lane
CLEAR = 3.0  # between a label and a bar
STUB = 32.0  # length of an arrow that starts or ends in the open
TAIL = 6.0  # how far an activation goes on after its last step
FAR = 560.0  # from the lanes' names until they are said again
BOLT_ROOM = 13.0


Align = Literal["left", "center", "right"]


class Label(NamedTuple):
    """A text in lines and where it stands from left to right."""

    lines: tuple[str, ...]
    align: Align
    left: float
    right: float


class Row(NamedTuple):
    """One step: its text in lines within left, top, right and bottom, and its arrow from x1 to x2.

    `y` is where its arrow is; for a box, its bottom. `from_outside`: it starts on no lane.
    """

    step: Step
    lines: tuple[str, ...]
    align: Align
    left: float
    top: float
    right: float
    bottom: float
    x1: float
    x2: float
    y: float
    from_outside: bool = False

    @property
    def boxed(self) -> bool:
        return self.step.sign in ("note", "alarm")


class Bar(NamedTuple):
    lane: Lane
    x: float
    top: float
    bottom: float
    crashed: bool


class Strip(NamedTuple):
    """A torn strip across the picture, where something is left out."""

    top: float
    bottom: float
    text: str


class Outline(NamedTuple):
    frame: Frame
    top: float
    bottom: float
    splits: tuple[float, ...]


@dataclass(frozen=True)
class Layout:
    """All rows and what stands around them. `again` is where the lanes' names stand once more."""

    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    strips: tuple[Strip, ...]
    outlines: tuple[Outline, ...]
    again: tuple[float, ...]
    top: float
    bottom: float


def lay_out(story: Story, lanes: Lanes, top: float, gap: int, rest: str) -> Layout:
    """Put the steps below each other from `top` on.

    gap   a jump of virtual time by more than that (ms) gets a strip
    rest  what the strip at the end says, if anything
    """
    placing = _Placing(story, lanes)
    rows: list[Row] = []
    strips: list[Strip] = []
    begins = {frame.first: frame for frame in story.frames}
    ends = {frame.last: frame for frame in story.frames}
    open_frame: tuple[Frame, float] | None = None
    splits: list[float] = []
    outlines: list[Outline] = []
    jumps = story.jumps(gap)
    crashes = {one.last for one in story.activations if one.crashed}
    again: list[float] = []
    y = seen = top + 6
    for place, step in enumerate(story.steps):
        if y - seen > FAR and place + 6 < len(story.steps) and not open_frame:
            again.append(y + 8)
            y += lanes.names_height + 14
            seen = y
        if place in jumps:
            strips.append(Strip(y + 4, y + 22, f"{roughly(jumps[place])} later"))
            y += 24
        if place in begins:
            open_frame = begins[place], y + 5
            y += 22
        elif open_frame and place in open_frame[0].splits:
            splits.append(y + 3)
            y += 5
        row = placing.row(place, step, y)
        rows.append(row)
        y = row.y + (14 if place in crashes else 4)
        if place in ends and open_frame:
            y += 6
            outlines.append(Outline(open_frame[0], open_frame[1], y, tuple(splits)))
            open_frame, splits = None, []
            y += 4
    if rest:
        strips.append(Strip(y + 8, y + 28, rest))
        y += 30
    bottom = y + TAIL + 3
    bars = tuple(_bar(activation, placing, rows, top, bottom) for activation in story.activations)
    return Layout(tuple(rows), bars, tuple(strips), tuple(outlines), tuple(again), top, bottom)


class _Placing:
    """Puts arrows to their lanes, and concurrent activations of one lane beside each other."""

    def __init__(self, story: Story, lanes: Lanes) -> None:
        self.lanes = lanes
        self.by_name = {lane.participant.name: lane for lane in lanes.all}
        self.order = {name: place for place, name in enumerate(story.everyone)}
        self.beside: dict[Activation, float] = {}
        self.on_lane: dict[str, list[Activation]] = {}
        for one in story.activations:
            others = self.on_lane.setdefault(one.lane, [])
            taken = {self.beside[other] for other in others if other.last >= one.first}
            self.beside[one] = next(
                level * BESIDE for level in range(len(taken) + 1) if level * BESIDE not in taken
            )
            others.append(one)

    def row(self, place: int, step: Step, y: float) -> Row:
        """The row of a step, from `y` on."""
        source, target = step.record.source, step.record.target
        if step.sign in ("note", "alarm"):
            return self._box(step, self.by_name[source].x, y)
        text = step.text
        if source == target:
            x1 = self._edge(source, place, step, 1)
            x2 = x1
        elif source not in self.by_name:
            text += f" (from {source})"
            side = self._side(source, target)
            x2 = self._edge(target, place, step, side)
            x1 = x2 + side * STUB
        elif target not in self.by_name:
            text += f" (to {target})"
            side = self._side(target, source)
            x1 = self._edge(source, place, step, side)
            x2 = x1 + side * STUB
        else:
            side = 1 if self.by_name[target].x > self.by_name[source].x else -1
            x1 = self._edge(source, place, step, side)
            x2 = self._edge(target, place, step, -side)
        lines, align, left, right = self._label(text, place, min(x1, x2), max(x1, x2))
        bottom = y + 3 + LINE * len(lines)
        outside = source not in self.by_name
        return Row(step, lines, align, left, y + 3, right, bottom, x1, x2, bottom + 3, outside)

    def _label(self, text: str, place: int, start: float, end: float) -> Label:
        """Lay a text over its arrow, amid it or from one end on, clear of bars if it can be."""
        running = [
            self.by_name[one.lane].x + beside
            for one, beside in self.beside.items()
            if one.first < place <= one.last
        ]
        half = BAR / 2 + CLEAR

        first, last = self.lanes.all[0], self.lanes.all[-1]
        edges = first.x - first.width / 2, last.x + last.width / 2

        def badness(label: Label) -> tuple[bool, int, bool, bool]:
            bars = sum(label.left < x + half and x - half < label.right for x in running)
            cut = label.lines[-1].endswith("…") and not text.endswith("…")
            outside = label.left < edges[0] or label.right > edges[1]
            return cut, bars, len(label.lines) > FEW_LINES, outside

        labels = []
        for label_width in LABEL_WIDTHS:
            lines = wrapped(text, SIZE, max(end - start - 10, label_width), LABEL_LINES)
            wide = max(width(line, SIZE) for line in lines)
            labels += [
                Label(lines, "center", *self._clamped((start + end) / 2, wide)),
                Label(lines, "left", *self._clamped(start + 4 + wide / 2, wide)),
                Label(lines, "right", *self._clamped(end - 4 - wide / 2, wide)),
            ]
            if not any(badness(labels[-3])):
                break
        return min(labels, key=badness)

    def _box(self, step: Step, x: float, y: float) -> Row:
        lines = wrapped(step.text, SIZE, NOTE_WIDTH, NOTE_LINES)
        extra = 14 + (BOLT_ROOM if step.sign == "alarm" else 0)
        left, right = self._clamped(x, max(width(line, SIZE) for line in lines) + extra)
        bottom = y + 4 + LINE * len(lines) + 6
        return Row(step, lines, "left", left, y + 4, right, bottom, x, x, bottom)

    def _side(self, away: str, at: str) -> int:
        return 1 if self.order[away] > self.order[at] else -1

    def _clamped(self, x: float, wide: float) -> tuple[float, float]:
        left = min(max(x - wide / 2, self.lanes.left + 3), self.lanes.right - 3 - wide)
        return left, left + wide

    def _edge(self, name: str, place: int, step: Step, side: int) -> float:
        """Where an arrow touches a lane on its right (1) or left (-1) side: a bar, or the line."""
        lane = self.by_name[name]
        running = [one for one in self.on_lane.get(name, ()) if one.first <= place <= one.last]
        record = step.record
        own = [one for one in running if one.invocation == record.invocation]
        own = own or [one for one in running if one.answered and one.last == place]
        own = own or [one for one in running if one.saga == record.correlation_id] or running
        edges = [lane.x + self.beside[one] + side * BAR / 2 for one in own]
        return (max(edges) if side > 0 else min(edges)) if edges else lane.x


def _bar(one: Activation, placing: _Placing, rows: list[Row], top: float, bottom: float) -> Bar:
    lane = placing.by_name[one.lane]
    first, last = rows[one.first], rows[one.last]
    begin = top if one.from_above else first.top if first.boxed else first.y
    end = bottom if one.to_below else last.y if one.answered else last.y + TAIL
    return Bar(lane, lane.x + placing.beside[one], begin, max(end, begin + 9), one.crashed)
