"""A run against virtual time: a lane a service, what it worked on, and what it published.

Events are marked where they were published, in the colour of their saga; a line leads to each piece
of work that one of them caused. Long idle stretches are cut, and say how long they were. Who is
outside of the system has the lanes at the bottom, on white.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from itertools import cycle, pairwise
from math import atan2

from sagakit.contract.timing import moment, must_be_times, roughly
from sagakit.contract.validation import whole_number
from sagakit.draw.icons import FILLED, Points, box, polygon, star, turned
from sagakit.draw.labels import Labels, spread
from sagakit.draw.legend import EDGE, Legend, Sample
from sagakit.draw.palette import (
    GREY,
    LOST,
    OUTSIDE,
    RED,
    WHITE,
    domain_hues,
    paled,
    saga_colours,
)
from sagakit.draw.svg import WIDTH, Picture, Sheet
from sagakit.draw.text_metrics import width
from sagakit.draw.timeline_layout import Chain, Rows, Scene, TimeScale, cuts
from sagakit.trace.activity import Activity, Mark, OutsideCall, Wait
from sagakit.trace.trace import Trace

MOST_TOLD = 16  # of each sort: up to here the text alternative tells each
FEW_EVENTS = 16  # up to here each event is named beside its marker
FEW_MARKS = 14  # up to here each is named beside its sign
FEW_SAGAS = 7  # up to here each has a colour of its own, named in the legend
LEFT, RIGHT = 122.0, 30.0  # beside the lanes
TITLE = 12.0
TEXT, SMALL = 9.0, 8.0
TURNED = 9.7  # from one upright saga id to the next
BAR = 9.4
SIGN = 4.6  # half a mark's width

SHAPES: tuple[Points, ...] = (
    polygon(20), box(-0.9, -0.9, 0.9, 0.9), polygon(4), polygon(3), polygon(3, 180), star(4),
    polygon(6), star(5), polygon(5), polygon(3, 90), polygon(3, 270), polygon(8),
)  # fmt: skip
"""Of events, one large."""
COFFIN = box(-6, -3.2, 6, 3.2)
CROSS: Points = [
    (x * SIGN, y * SIGN)
    for x, y in (
        (-1, -0.5), (-0.5, -1), (0, -0.5), (0.5, -1), (1, -0.5), (0.5, 0), (1, 0.5), (0.5, 1),
        (0, 0.5), (-0.5, 1), (-1, 0.5), (-0.5, 0), (-1, -0.5),
    )
]  # fmt: skip


def timeline(
    trace: Trace,
    *,
    saga: str | None = None,
    start: int | None = None,
    end: int | None = None,
    most: int = 40,
    legend: bool = True,
) -> Picture:
    """Draw a run, or one saga of it, or a stretch of its time.

    saga        the correlation id of the one saga to show
    start, end  ms, the stretch of time to show
    most        how many sagas to show at most: the first ones
    legend      whether to explain the signs

    Raises `ValueError` for a saga that is not in the trace and for an empty stretch of time.
    """
    activity = Activity(trace)
    sagas = list(dict.fromkeys(work.saga for work in activity.works if work.saga))
    if saga is not None and saga not in sagas:
        names = ", ".join(sagas[:8]) or "none"
        raise ValueError(f"no saga {saga!r} in this trace: there are {names}")
    must_be_times(start=start, end=end)
    if start is not None and end is not None and start >= end:
        raise ValueError(f"start ({start} ms) must be earlier than end ({end} ms)")
    most = whole_number("most", most, least=1)
    scene = Scene.of(activity, [saga] if saga is not None else sagas, start, end, most)
    return _Drawing(trace, scene, activity, saga_colours(sagas), legend).drawn()


class _Drawing:
    """Lays a scene out when it is made, and draws it."""

    def __init__(
        self,
        trace: Trace,
        scene: Scene,
        activity: Activity,
        colours: Mapping[str, str],
        legend: bool,
    ) -> None:
        self.scene, self.activity, self.colours = scene, activity, colours
        hues = domain_hues(trace.participants)
        outside = {lane.name for lane in trace.participants if lane.kind in ("external", "actor")}
        self.hues = {
            lane.name: OUTSIDE if lane.name in outside else hues[lane.domain]
            for lane in trace.participants
        }
        self.right = WIDTH - RIGHT
        self.x = TimeScale(
            scene.start, scene.end, cuts(scene.moments()), self.right - LEFT, left=LEFT
        )
        types = dict.fromkeys(event.event for event in activity.emissions if event.how != "renamed")
        self.shapes = dict(zip(types, cycle(SHAPES), strict=False))
        self.names = {event.event_id: event.event for event in activity.emissions}
        self.roomy = len(scene.events) <= FEW_EVENTS
        self.rows = Rows(scene, activity.by, self.x)
        for mark in scene.marks:  # also where nothing could be done
            for lane in activity.services_of(mark.place):
                if activity.kinds.get(lane) == "service":
                    self.rows.lanes.setdefault(lane, 1)
        order = activity.order
        self.lanes = sorted(
            self.rows.lanes, key=lambda lane: (lane in outside, order.get(lane, -1))
        )
        self.legend = Legend(self._samples() if legend else (), WIDTH)
        many = len(scene.sagas) > FEW_SAGAS
        self.upright = many and len(scene.sagas) * TURNED <= self.right - LEFT
        ids = max(width(saga, SMALL) for saga in scene.sagas) + 14 if self.upright else 0.0
        self.top = EDGE + 19 + self.legend.height + ids + 6
        self.tops: dict[str, float] = {}
        self.steps: dict[str, float] = {}
        self.bottom = self._lay_out()
        self.labels = Labels(WIDTH - EDGE, LEFT)
        self.title = _title(scene)
        alt = "\n".join([f"{self.title}.", f"Lanes: {', '.join(self.lanes)}.", *_sentences(scene)])
        self.sheet = Sheet(WIDTH, self.bottom + 36, alt)

    def _lay_out(self) -> float:
        """Place the lanes below each other. Returns where the last one ends."""
        rows = self.rows
        named = {chain.lane for chain in (*rows.events, *rows.calls, *rows.waits)}
        named |= {lane for mark in self.scene.marks for lane in self._lanes_of(mark)}
        top = self.top + (17 if self.x.cuts else 3)
        for lane in self.lanes:
            labelled = lane in named and self.roomy
            step = self.steps[lane] = 36 if labelled else 21 if self.roomy else 15
            self.tops[lane] = top
            top += max(rows.lanes[lane] * step, 24) + (0 if labelled else 4)
        return top + (6 if self.roomy else 0)

    def _y(self, chain: Chain) -> float:
        step = self.steps[chain.lane]
        single = max(step, 24) if self.rows.lanes[chain.lane] == 1 else step
        return self.tops[chain.lane] + 2 + single / 2 + chain.row * step

    def _colour(self, saga: str | None) -> str:
        return self.colours.get(saga or "", GREY)

    def drawn(self) -> Picture:
        self.sheet.words(EDGE, EDGE + 10, self.title, TITLE, bold=True)
        self.legend.draw(self.sheet, EDGE + 19)
        self._draw_lanes()
        self._draw_time()
        self._draw_links()
        self._draw_pieces()
        for mark, x, y in self._signs():
            with self._told(f"{moment(mark.t)}, {mark.place}: {mark.text}", mark.saga):
                _draw_mark(self.sheet, mark.kind, x, y)
            self.labels.block(x - 4.5, y - _far(mark), x + 4.5, y + _far(mark))
        if self.roomy:
            self._name_pieces()
        if len(self.scene.marks) <= FEW_MARKS:
            self._name_marks()
        for label in self.labels.placed:
            self.sheet.words(label.x, label.y + 3, label.text, label.size)
        if self.upright:
            self._draw_sagas()
        return self.sheet

    def _told(self, words: str, saga: str | None) -> AbstractContextManager[None]:
        """Say in words what is drawn meanwhile."""
        return self.sheet.told(f"{words} ({saga})" if saga else words)

    # The ground: lanes, time, and what was cut from it.

    def _draw_lanes(self) -> None:
        edges = [*(self.tops[lane] for lane in self.lanes), self.bottom]
        for lane, (top, bottom) in zip(self.lanes, pairwise(edges), strict=True):
            hue = self.hues.get(lane, OUTSIDE)
            self.sheet.area(EDGE, top, WIDTH - EDGE, bottom - 1.5, hue.tint, z=0)
            middle = (top + bottom) / 2 + 2
            self.sheet.words(LEFT - 8, middle, lane, TEXT, align="right", colour=hue.strong)
            for span in self.scene.spans:
                if lane in span.services:
                    self._draw_absence(span.begin, span.end, top, bottom, span.text)

    def _draw_absence(self, begin: int, end: int, top: float, bottom: float, text: str) -> None:
        left, right = self.x(begin), self.x(end)
        self.sheet.lines(
            [box(left, top, right, bottom - 2)], colour=GREY, width=0.8, dash=(3, 2), fill=LOST,
            z=0.5,
        )  # fmt: skip
        self.labels.beside(text, (left + right) / 2, bottom - 9, off=0.0)
        for x in (left, right):
            self.labels.block_line(x, top, x, bottom)

    def _draw_time(self) -> None:
        sheet, bottom = self.sheet, self.bottom
        sheet.lines([[(LEFT, bottom), (self.right, bottom)]], width=0.8, z=1)
        unit, ticks = self.x.ticks()
        until = 0.0
        for x, text in ticks:
            half = width(text, TEXT) / 2 + 2
            if x - half > until:
                until = x + half
                sheet.lines([[(x, bottom), (x, bottom + 3.5)]], width=0.8, z=1)
                sheet.words(x, bottom + 13, text, TEXT, align="center")
        sheet.words(self.right, bottom + 27, f"virtual time ({unit})", TEXT, align="right")
        for cut in self.x.cuts:
            left, right = self.x(cut.begin), self.x(cut.end)
            sheet.area(left, self.top, right, bottom, WHITE, z=0.7)
            for x in (left, right):
                sheet.lines(
                    [[(x, self.top), (x, bottom)]], colour=GREY, width=0.8, dash=(1, 2), z=6
                )
                sheet.lines([[(x - 3.5, bottom + 5), (x + 3.5, bottom - 5)]], z=8)
            middle = (left + right) / 2
            sheet.words(middle, self.top + 9, roughly(cut.idle), 8.5, align="center")

    # What happened.

    def _draw_links(self) -> None:
        """Draw a line from each event to the work that received it."""
        scene = self.scene
        published: dict[str, list[tuple[int, float]]] = {}  # event id to when and at what height
        for event, chain in zip(scene.events, self.rows.events, strict=True):
            published.setdefault(event.event_id, []).append((event.t, self._y(chain)))
        for event in scene.emissions:
            if event.how == "renamed" and event.causation_id in published:
                published.setdefault(event.event_id, published[event.causation_id])
        waited = {wait.before: wait for wait in scene.waits}
        for index, work in scene.works.items():
            wait = waited.get(index)
            arrived = wait.begin if wait else work.begin
            earlier = [at for at in published.get(work.event_id or "", ()) if at[0] <= arrived]
            if not earlier or (wait and wait.why != "queued"):
                continue
            (x, y), end = (
                (self.x(earlier[-1][0]), earlier[-1][1]),
                (self.x(arrived), self._y(self.rows.works[index])),
            )
            self.labels.block_line(x, y, *end)
            colour = self._colour(work.saga)
            thick = 0.9 if self.roomy else 0.6
            self.sheet.lines([[(x, y), end]], colour=colour, width=thick, z=3)
            if self.roomy:
                head = turned(FILLED, atan2(end[1] - y, end[0] - x))
                self.sheet.shape(head, *end, colour=colour, width=0.5, z=3)

    def _draw_pieces(self) -> None:
        scene, rows = self.scene, self.rows
        for wait, chain in zip(scene.waits, rows.waits, strict=True):
            with self._told(_of_wait(wait), wait.saga):
                _draw_wait(
                    self.sheet, self.x(wait.begin), self.x(wait.end), self._y(chain),
                    self._colour(wait.saga),
                )  # fmt: skip
            self.labels.block_line(
                self.x(wait.begin), self._y(chain), self.x(wait.end), self._y(chain)
            )
        for index, work in scene.works.items():
            what = self.names.get(work.event_id or "", "")
            said = f"{work.service} at work{f' on {what}' if what else ''}"
            with self._told(f"{said}, {_span(work.begin, work.end)}", work.saga):
                self._bar(work.begin, work.end, self._y(rows.works[index]), work.saga)
        for call, chain in zip(scene.calls, rows.calls, strict=True):
            with self._told(f"{_of_call(call)}, {_span(call.begin, call.end)}", call.saga):
                self._bar(call.begin, call.end, self._y(chain), call.saga, call.answered)
        size = 4.4 if self.roomy else 3.2
        for event, chain in zip(scene.events, rows.events, strict=True):
            x, y = self.x(event.t), self._y(chain)
            again = event.how in ("again", "enqueued")
            with self._told(f"{moment(event.t)}, {event.publisher}: {event.event}", event.saga):
                shape = self.shapes[event.event]
                _draw_event(self.sheet, shape, x, y, size, self._colour(event.saga), again)
            self.labels.block_around(x, y)

    def _bar(
        self, begin: int, end: int, y: float, saga: str | None, answered: bool | None = None
    ) -> None:
        left = self.x(begin)
        right = max(self.x(end), left + 1.8)
        thick = 0.8 if self.roomy else 0.5
        _draw_bar(self.sheet, left, right, y, self._colour(saga), answered, thick)
        self.labels.block(left, y - BAR / 2, right, y + BAR / 2)

    def _name_pieces(self) -> None:
        for event, chain in zip(self.scene.events, self.rows.events, strict=True):
            self.labels.beside(event.event, self.x(event.t), self._y(chain))
        for wait, chain in zip(self.scene.waits, self.rows.waits, strict=True):
            left, right = self.x(wait.begin), self.x(wait.end)
            if right - left > 22:
                text = f"waits {roughly(wait.end - wait.begin)}"
                self.labels.beside(text, (left + right) / 2, self._y(chain))
        for call, chain in zip(self.scene.calls, self.rows.calls, strict=True):
            middle = (self.x(call.begin) + self.x(call.end)) / 2
            self.labels.beside(_of_call(call), middle, self._y(chain))

    def _lanes_of(self, mark: Mark) -> list[str]:
        found = [lane for lane in self.activity.services_of(mark.place) if lane in self.rows.lanes]
        if found or mark.event_id is None:
            return found
        return [
            chain.lane
            for event, chain in zip(self.scene.events, self.rows.events, strict=True)
            if event.event_id == mark.event_id
        ][:1]

    def _signs(self) -> Iterator[tuple[Mark, float, float]]:
        for mark in self.scene.marks:
            for lane in self._lanes_of(mark):
                yield mark, self.x(mark.t), self._y(self._chain_at(lane, mark))

    def _name_marks(self) -> None:
        """Name each mark; what is said again and again of one saga on one lane is said once."""
        said = set()
        for mark, x, y in self._signs():
            if (mark.text, mark.saga, y) not in said:
                said.add((mark.text, mark.saga, y))
                self.labels.beside(mark.text, x, y, off=_far(mark) + 7.5, most=158)

    def _chain_at(self, lane: str, mark: Mark) -> Chain:
        """Return the row of the work that the mark is about, or of the wait that ends or begins
        there, or the lane's first."""
        works = self.scene.works
        inside = [
            self.rows.works[index]
            for index, work in works.items()
            if work.service == lane and work.begin <= mark.t <= work.end
        ]
        same = [chain for chain in inside if any(works[at].saga == mark.saga for at in chain.works)]
        waits = [
            chain
            for wait, chain in zip(self.scene.waits, self.rows.waits, strict=True)
            if chain.lane == lane and wait.saga == mark.saga and mark.t in (wait.begin, wait.end)
        ]
        return (same or waits or inside or [Chain(lane, mark.t, mark.t)])[0]

    # Which saga is which, and which sign.

    def _draw_sagas(self) -> None:
        """Name each saga upright, above where it begins."""
        first: dict[str, float] = {}
        for work in self.scene.works.values():
            if work.saga:
                first.setdefault(work.saga, self.x(work.begin))
        xs = spread(list(first.values()), TURNED, LEFT, WIDTH - EDGE)
        for (saga, wished), x in zip(first.items(), xs, strict=True):
            line = [(wished, self.top + 3), (x, self.top - 5)]
            self.sheet.lines([line], colour=self._colour(saga), width=0.8)
            self.sheet.words(x + 3, self.top - 7, saga, SMALL, angle=90)

    def _samples(self) -> Iterator[tuple[Sample, float, str]]:
        """Return what is in the scene, for the legend."""
        scene = self.scene
        if 1 < len(scene.sagas) <= FEW_SAGAS:
            for saga in scene.sagas:
                yield partial(_sample_bar, self._colour(saga), None), 18, f"saga {saga}"
        if not self.roomy:
            for name in dict.fromkeys(event.event for event in scene.events):
                yield partial(_sample_event, self.shapes[name], False), 9, name
        yield partial(_sample_bar, GREY, None), 18, "a service works"
        if any(call.answered for call in scene.calls):
            yield partial(_sample_bar, GREY, True), 18, "call, answered"
        if any(not call.answered for call in scene.calls):
            yield partial(_sample_bar, GREY, False), 18, "call, no answer"
        if scene.waits:
            yield _sample_wait, 18, "message waits"
        if any(event.how in ("again", "enqueued") for event in scene.events):
            yield partial(_sample_event, SHAPES[0], True), 9, "queued by the service itself"
        kinds = {mark.kind for mark in scene.marks}
        if kinds - {"note", "dead letter"}:
            yield partial(_sample_mark, "failed"), 9, "conflict or failure"
        if "dead letter" in kinds:
            yield partial(_sample_mark, "dead letter"), 12, "dead letter"
        if "note" in kinds:
            yield partial(_sample_mark, "note"), 5, "note"
        if self.x.cuts:
            yield _sample_cut, 5, "time cut out"


# The signs, in the picture and in its legend.


def _draw_bar(
    sheet: Sheet,
    left: float,
    right: float,
    y: float,
    colour: str,
    answered: bool | None,
    thick: float,
) -> None:
    """Draw work (`answered` is None) or a call; one that got no answer is hatched."""
    top, bottom = y - BAR / 2, y + BAR / 2
    fill = paled(colour) if answered is None else WHITE
    sheet.area(left, top, right, bottom, fill, colour=colour, width=thick, z=5)
    if answered is False:
        strokes: list[Points] = []
        x = left - BAR / 2
        while x < right:
            begin, end = max(x, left), min(x + BAR / 2, right)
            strokes.append([(begin, bottom - 2 * (begin - x)), (end, bottom - 2 * (end - x))])
            x += 4
        sheet.lines(strokes, colour=colour, width=0.7, z=5)


def _draw_wait(sheet: Sheet, left: float, right: float, y: float, colour: str) -> None:
    sheet.lines([[(left, y), (right, y)]], colour=colour, width=1.6, dash=(1.6, 2.6), z=4)


def _draw_event(
    sheet: Sheet, shape: Points, x: float, y: float, size: float, colour: str, again: bool
) -> None:
    outline = [(x + dx * size, y + dy * size) for dx, dy in shape]
    fill, edge = (WHITE, colour) if again else (colour, WHITE)
    sheet.lines([outline], colour=edge, width=1.2 if again else 0.6, fill=fill, z=7)


def _far(mark: Mark) -> float:
    """Return half of the height of a mark."""
    return 9.0 if mark.kind == "note" else 4.5


def _draw_mark(sheet: Sheet, kind: str, x: float, y: float, far: float = 9.0) -> None:
    if kind == "note":
        sheet.lines([[(x, y - far), (x, y + far)]], width=1.4, z=8)
        return
    shape = COFFIN if kind == "dead letter" else CROSS
    outline = [(x + dx, y + dy) for dx, dy in shape]
    sheet.lines([outline], colour=WHITE, width=0.7, fill=RED, z=8)


def _sample_bar(colour: str, answered: bool | None, sheet: Sheet, x: float, y: float) -> None:
    _draw_bar(sheet, x, x + 18, y, colour, answered, 0.8)


def _sample_wait(sheet: Sheet, x: float, y: float) -> None:
    _draw_wait(sheet, x, x + 18, y, GREY)


def _sample_event(shape: Points, again: bool, sheet: Sheet, x: float, y: float) -> None:
    _draw_event(sheet, shape, x + 4.5, y, 4.2, GREY, again)


def _sample_mark(kind: str, sheet: Sheet, x: float, y: float) -> None:
    _draw_mark(sheet, kind, x + (2 if kind == "note" else 4.5), y, far=6.0)


def _sample_cut(sheet: Sheet, x: float, y: float) -> None:
    sheet.lines([[(x + 2, y - 6), (x + 2, y + 6)]], colour=GREY, width=0.8, dash=(1, 2))


# In words.


def _title(scene: Scene) -> str:
    count = len(scene.sagas)
    who = f"saga {scene.sagas[0]}" if count == 1 else f"{count} sagas"
    if scene.left:
        who = f"the first {count} of {count + scene.left} sagas"
    return f"Timeline of {who}, {_span(scene.start, scene.end)}"


def _span(begin: int, end: int) -> str:
    return f"{moment(begin)} to {moment(end)}"


def _of_call(call: OutsideCall) -> str:
    return f"{call.label}: {call.outcome if call.answered else 'no answer'}"


def _of_wait(wait: Wait) -> str:
    return f"message waits {roughly(wait.end - wait.begin)} ({wait.why})"


def _sentences(scene: Scene) -> Iterator[str]:
    several = len(scene.sagas) > 1
    verbs = {"enqueued": "puts aside", "again": "queues again"}
    if len(scene.events) <= MOST_TOLD:
        for event in scene.events:
            saga = f" of {event.saga}" if several else ""
            verb = verbs.get(event.how, "publishes")
            yield f"{moment(event.t)}: {event.publisher} {verb} {event.event}{saga}."
    else:
        yield f"Marked events: {_counted(event.event for event in scene.events)}."
    silent = [call for call in scene.calls if not call.answered]
    if silent:
        first, last = silent[0], max(call.end for call in silent)
        yield (
            f"{len(silent)} of {len(scene.calls)} calls to {first.party} got no answer, from "
            f"{_span(first.begin, last)}."
        )
    waits = [wait.end - wait.begin for wait in scene.waits if wait.end - wait.begin >= 1_000]
    if waits:
        yield f"Messages that wait for 1 s or more: {len(waits)}, at most {roughly(max(waits))}."
    if len(scene.marks) <= MOST_TOLD:
        for mark in scene.marks:
            saga = f" ({mark.saga})" if mark.saga and several else ""
            yield f"{moment(mark.t)}, {mark.place}: {mark.text}{saga}."
    else:
        yield f"Marks: {_counted(mark.text for mark in scene.marks)}."
    for span in scene.spans:
        yield f"{span.text} from {_span(span.begin, span.end)}."
    for cut in cuts(scene.moments()):
        yield f"The time axis leaves out {roughly(cut.idle)} in which nothing begins or ends."


def _counted(names: Iterator[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(names).items())
