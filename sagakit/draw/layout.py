"""Where everything of a sequence diagram stands: lanes, rows, bars, frames and gaps, in points.

What is told in one breath shares a row: a request and its answer, the way of an event over bus and
queue to its service. All else has a row of its own, so a label may go beyond its arrow.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from sagakit.contract.deployment import Participant
from sagakit.contract.timing import roughly
from sagakit.draw.palette import OUTSIDE, Hue, domain_hues
from sagakit.draw.story import Activation, Frame, Step, Story, domain_of
from sagakit.draw.svg import Align
from sagakit.draw.text_metrics import humps, width, wrapped
from sagakit.trace.arrows import Arrow

SIZE = 8.0  # of a label and a head: the smallest letters that a cell's width can take
LINE = 9.0  # from one line of text to the next
ICON = 16.0  # height of the icon in a head
NARROWEST = 30.0  # lane
GAP = 2.0  # between two domains
PAD = 3.0  # beside the words of a head
HEAD_LINES = 3
LABEL_WIDTHS = (240.0, 290.0, 340.0, 180.0, 130.0)  # to try for a label whose arrow is short
LABEL_LINES = 4
FEW_LINES = 2
NOTE_WIDTH = 250.0
BAR = 7.0  # width of an activation
BESIDE = 5.0  # from one activation to a concurrent one on the same lane
CLEAR = 3.0  # between a label and a bar
STUB = 32.0  # length of an arrow that starts or ends in the open
TAIL = 5.0  # how far an activation goes on after its last step
FAR = 640.0  # from the lanes' names until they are said again
BOLT_ROOM = 13.0
ANSWER = 5.0  # from a request down to its answer


class Lane(NamedTuple):
    """One participant's lane: its middle, its width, its name in lines, its domain's colours."""

    participant: Participant
    x: float
    width: float
    lines: tuple[str, ...]
    hue: Hue


class Domain(NamedTuple):
    """A box around the lanes of one domain."""

    name: str
    left: float
    right: float
    hue: Hue


@dataclass(frozen=True)
class Lanes:
    left: float
    right: float
    all: tuple[Lane, ...]
    domains: tuple[Domain, ...]

    @property
    def head_height(self) -> float:
        """All heads are as tall as the one with the most lines."""
        return ICON + self.names_height

    @property
    def names_height(self) -> float:
        return 5 + LINE * max((len(lane.lines) for lane in self.all), default=1)


def lay_lanes(story: Story, left: float, right: float, margin: float) -> Lanes:
    """Put the lanes between `left` and `right`, and go further right if they need more room.

    `margin` is kept free on both sides of all lanes.
    """
    hues = domain_hues(story.everyone)
    groups = [(domain, list(members)) for domain, members in groupby(story.lanes, key=domain_of)]
    needs = [_needed(domain, members) for domain, members in groups]
    taken = sum(map(sum, needs)) + GAP * (len(groups) - 1) + 2 * margin
    spare = max(0.0, right - left - taken) / max(1, len(story.lanes))
    x = left + margin
    lanes: list[Lane] = []
    domains: list[Domain] = []
    for (domain, members), need in zip(groups, needs, strict=True):
        start, hue = x, hues.get(domain, OUTSIDE)
        for participant, narrowest in zip(members, need, strict=True):
            slot = narrowest + spare
            lines = wrapped(participant.name, SIZE, slot - PAD, HEAD_LINES)
            lanes.append(Lane(participant, x + slot / 2, slot, lines, hue))
            x += slot
        if domain:
            domains.append(Domain(domain, start, x, hue))
        x += GAP
    return Lanes(left, max(right, x - GAP + margin), tuple(lanes), tuple(domains))


def _needed(domain: str | None, members: Sequence[Participant]) -> list[float]:
    """Return the least width of each lane: its name must fit, and together the domain's name."""
    need = [_narrowest(member.name) for member in members]
    title = width(domain, SIZE, bold=True) + 6 if domain else 0.0
    short = max(0.0, title - sum(need)) / len(need)
    return [each + short for each in need]


def _narrowest(name: str) -> float:
    """Return the least width in which a name has few lines and is divided at its humps only."""
    parts = [part for word in name.split() for part in humps(word)]
    slot = max(NARROWEST, *(width(part, SIZE) + PAD for part in parts))
    while "…" in "".join(wrapped(name, SIZE, slot - PAD, HEAD_LINES)) and slot < 120:
        slot += 6
    return slot


class Leg(NamedTuple):
    """One arrow from x1 to x2. `from_outside`: it starts on no lane."""

    step: Step
    x1: float
    x2: float
    y: float
    from_outside: bool = False


class Row(NamedTuple):
    """A text in lines within left, top, right and bottom, and below it the arrows that it tells.

    A note or alarm has its text in a box, and one leg without length. `y` is where the row ends.
    """

    legs: tuple[Leg, ...]
    lines: tuple[str, ...]
    align: Align
    left: float
    top: float
    right: float
    bottom: float
    y: float

    @property
    def step(self) -> Step:
        return self.legs[0].step


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


def lay_out(story: Story, lanes: Lanes, top: float) -> Layout:
    """Put the steps below each other from `top` on."""
    placing = _Placing(story, lanes)
    rows: list[Row] = []
    strips: list[Strip] = []
    begins = {frame.first: frame for frame in story.frames}
    ends = {frame.last: frame for frame in story.frames}
    open_frame: tuple[Frame, float] | None = None
    splits: list[float] = []
    outlines: list[Outline] = []
    crashes = {activation.last for activation in story.activations if activation.crashed}
    again: list[float] = []
    y = seen = top + 4
    index = 0
    while index < len(story.steps):
        if y - seen > FAR and index + 6 < len(story.steps) and not open_frame:
            again.append(y + 8)
            y += lanes.names_height + 12
            seen = y
        if index in story.jumps:
            strips.append(Strip(y + 4, y + 20, f"{roughly(story.jumps[index])} later"))
            y += 22
        if index in begins:
            open_frame = begins[index], y + 4
            y += 16
        elif open_frame and index in open_frame[0].splits:
            splits.append(y + 1)
            y += 3
        row = placing.row(index, y)
        rows.append(row)
        index += len(row.legs)
        y = row.y + (11 if index - 1 in crashes else 2)
        if index - 1 in ends and open_frame:
            y += 3
            outlines.append(Outline(open_frame[0], open_frame[1], y, tuple(splits)))
            open_frame, splits = None, []
            y += 3
    if story.rest:
        strips.append(Strip(y + 6, y + 24, story.rest))
        y += 26
    bottom = y + TAIL
    if bottom - seen > FAR:  # else the heads are still in sight
        again.append(bottom)
    bars = tuple(placing.bar(activation, rows, top, bottom) for activation in story.activations)
    return Layout(tuple(rows), bars, tuple(strips), tuple(outlines), tuple(again), top, bottom)


def _onward(steps: Sequence[Step]) -> Iterator[str]:
    """Yield what the further legs of an event's way say that those before do not."""
    event = f" [{steps[0].arrow.event}]"
    said = {steps[0].arrow.label.replace(event, ""), ""}
    for step in steps[1:]:
        label, remark = step.arrow.label.replace(event, ""), step.arrow.remark
        if words := " ".join(part for part in (label, remark) if part not in said):
            yield words
        said |= {label, remark}


class _Placing:
    """Puts arrows to their lanes, and concurrent activations of one lane beside each other."""

    def __init__(self, story: Story, lanes: Lanes) -> None:
        self.story = story
        self.lanes = lanes
        self.by_name = {lane.participant.name: lane for lane in lanes.all}
        self.order = {each.name: index for index, each in enumerate(story.everyone)}
        self.borders = {
            index for frame in story.frames for index in (frame.first, *frame.splits)
        } | story.jumps.keys()
        self.beside: dict[Activation, float] = {}
        self.on_lane: dict[str, list[Activation]] = {}
        for activation in story.activations:
            others = self.on_lane.setdefault(activation.lane, [])
            taken = {self.beside[other] for other in others if other.last >= activation.first}
            levels = (level * BESIDE for level in range(len(taken) + 1))
            self.beside[activation] = next(level for level in levels if level not in taken)
            others.append(activation)

    def row(self, index: int, y: float) -> Row:
        """Return the row of a step, and of those that share it, from `y` on."""
        steps = self._together(index)
        if steps[0].boxed:
            return self._box(steps[0], y)
        legs = [self._leg(index + offset, step) for offset, step in enumerate(steps)]
        answered = len(steps) == 2 and steps[1].arrow.kind == "return"
        xs = [x for leg in legs for x in (leg.x1, leg.x2)]
        if answered:
            text = " → ".join(step.text for step in steps)
        else:
            text = " → ".join([self._worded(steps[0]), *_onward(steps)])
        lines, align, left, right = self._label(text, index, min(xs), max(xs))
        bottom = y + 1 + LINE * len(lines)
        arrow_y = bottom + 2.5
        legs = [
            leg._replace(y=arrow_y + (ANSWER if answered else 0) * offset)
            for offset, leg in enumerate(legs)
        ]
        return Row(tuple(legs), lines, align, left, y + 1, right, bottom, legs[-1].y)

    def _together(self, index: int) -> list[Step]:
        """Return the steps that share the row of the one at the index."""
        steps = self.story.steps[index : index + 3]
        first = steps[0]
        together = [first]
        if not self.story.view.compact or not self._shown(first):
            return together
        for offset, step in enumerate(steps[1:], start=index + 1):
            if offset in self.borders or not self._shown(step):
                break
            before, arrow = together[-1].arrow, step.arrow
            back = (arrow.source, arrow.target) == (first.arrow.target, first.arrow.source)
            if first.sign == "call" and step.sign == "return" and back and step.number:
                same = before.invocation == arrow.invocation and before is first.arrow
                return [first, step] if same else together
            onward = before.target == arrow.source and self._side(before) == self._side(arrow)
            alike = arrow.event and before.event == arrow.event
            carried = before.event_id == arrow.event_id and {first.sign, step.sign} <= {
                "call", "async",
            }  # fmt: skip
            if not (onward and alike and carried):
                break
            together.append(step)
        return together

    def _shown(self, step: Step) -> bool:
        """Say whether a step is an arrow from one lane to another."""
        arrow = step.arrow
        ends = arrow.source in self.by_name and arrow.target in self.by_name
        return bool(step.number) and ends and arrow.source != arrow.target

    def _side(self, arrow: Arrow) -> int:
        """Return 1 for an arrow to the right, -1 for one to the left."""
        return 1 if self.by_name[arrow.target].x > self.by_name[arrow.source].x else -1

    def _leg(self, index: int, step: Step) -> Leg:
        source, target = step.arrow.source, step.arrow.target
        if source == target:
            x = self._edge(source, index, step, 1)
            return Leg(step, x, x, 0)
        if source not in self.by_name:
            side = 1 if self.order[source] > self.order[target] else -1
            x = self._edge(target, index, step, side)
            return Leg(step, x + side * STUB, x, 0, from_outside=True)
        if target not in self.by_name:
            side = 1 if self.order[target] > self.order[source] else -1
            x = self._edge(source, index, step, side)
            return Leg(step, x, x + side * STUB, 0)
        side = self._side(step.arrow)
        return Leg(
            step, self._edge(source, index, step, side), self._edge(target, index, step, -side), 0
        )

    def _worded(self, step: Step) -> str:
        """Return a step's text, with the end of its arrow that is not shown."""
        source, target = step.arrow.source, step.arrow.target
        if source not in self.by_name:
            return f"{step.text} (from {source})"
        return step.text if target in self.by_name else f"{step.text} (to {target})"

    def _label(
        self, text: str, index: int, start: float, end: float
    ) -> tuple[tuple[str, ...], Align, float, float]:
        """Lay a text over its arrow, amid it or from one end on, clear of bars if it can be.

        Returns its lines, and where they stand from left to right.
        """
        half = BAR / 2 + CLEAR
        running = [
            self.by_name[activation.lane].x + beside
            for activation, beside in self.beside.items()
            if activation.first < index <= activation.last
        ]
        first, last = self.lanes.all[0], self.lanes.all[-1]
        outer = first.x - first.width / 2, last.x + last.width / 2
        best: tuple[tuple[float, ...], tuple[tuple[str, ...], Align, float, float]] | None = None
        for most in LABEL_WIDTHS:
            lines = wrapped(text, SIZE, max(end - start - 8, most), LABEL_LINES)
            wide = max(width(line, SIZE) for line in lines)
            cut = lines[-1].endswith("…") and not text.endswith("…")
            middles: list[tuple[Align, float]] = [
                ("center", (start + end) / 2),
                ("left", start + 4 + wide / 2),
                ("right", end - 4 - wide / 2),
            ]
            for align, middle in middles:
                left, right = self._clamped(middle, wide)
                bars = sum(left < x + half and x - half < right for x in running)
                outside = left < outer[0] or right > outer[1]
                badness = (cut, bars, len(lines) > FEW_LINES, outside)
                if best is None or badness < best[0]:
                    best = badness, (lines, align, left, right)
            if best and not any(best[0]):
                break
        assert best
        return best[1]

    def _box(self, step: Step, y: float) -> Row:
        x = self.by_name[step.arrow.source].x
        lines = wrapped(step.text, SIZE, NOTE_WIDTH, LABEL_LINES)
        extra = 14 + (BOLT_ROOM if step.sign == "alarm" else 0)
        left, right = self._clamped(x, max(width(line, SIZE) for line in lines) + extra)
        bottom = y + 2 + LINE * len(lines) + 5
        leg = Leg(step, x, x, bottom)
        return Row((leg,), lines, "left", left, y + 2, right, bottom, bottom)

    def _clamped(self, x: float, wide: float) -> tuple[float, float]:
        left = min(max(x - wide / 2, self.lanes.left + 3), self.lanes.right - 3 - wide)
        return left, left + wide

    def _edge(self, name: str, index: int, step: Step, side: int) -> float:
        """Return where an arrow touches a lane on its right (1) or left (-1) side."""
        lane = self.by_name[name]
        bars = [bar for bar in self.on_lane.get(name, ()) if bar.first <= index <= bar.last]
        own = (
            [bar for bar in bars if bar.invocation == step.arrow.invocation]
            or [bar for bar in bars if bar.answered and bar.last == index]
            or [bar for bar in bars if bar.saga == step.arrow.correlation_id]
            or bars
        )
        edges = [lane.x + self.beside[bar] + side * BAR / 2 for bar in own]
        return (max(edges) if side > 0 else min(edges)) if edges else lane.x

    def bar(self, activation: Activation, rows: Iterable[Row], top: float, bottom: float) -> Bar:
        """Return the bar of an activation."""
        at = [(row, leg) for row in rows for leg in row.legs]
        lane = self.by_name[activation.lane]
        (row, first), (_, last) = at[activation.first], at[activation.last]
        begin = top if activation.from_above else row.top if first.step.boxed else first.y
        end = bottom if activation.to_below else last.y if activation.answered else last.y + TAIL
        x = lane.x + self.beside[activation]
        return Bar(lane, x, begin, max(end, begin + 9), activation.crashed)
