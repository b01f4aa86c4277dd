"""What stands around a sequence diagram: the legend above, and time at its left side."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from sagakit.contract.deployment import ParticipantKind
from sagakit.draw.arrows import arrow, note, torn
from sagakit.draw.clock import stamp
from sagakit.draw.folding import Sign
from sagakit.draw.icons import HEADS, MEANING
from sagakit.draw.layout import BAR, Row
from sagakit.draw.palette import GREY
from sagakit.draw.story import Story
from sagakit.draw.svg import Sheet
from sagakit.draw.text_metrics import elided, width

SIZE = 8.5
EDGE = 12.0  # around the whole picture
LINE = 17.0  # of the legend
TAG = 78.0  # the widest tag of a saga

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


class Legend:
    """What the signs mean that are in a picture, in lines across it.

    Of each sample: how it is drawn, how wide it is, and what it means.
    """

    def __init__(self, samples: Iterable[tuple[Sample, float, str]], wide: float) -> None:
        self.items: list[tuple[float, float, Sample, float, str]] = []
        x, y = EDGE, 0.0
        for sample, room, text in samples:
            needed = room + 5 + width(text, SIZE)
            if x + needed > wide - EDGE and x > EDGE:
                x, y = EDGE, y + LINE
            self.items.append((x, y, sample, room, text))
            x += needed + 16
        self.height = y + LINE if self.items else 0.0

    def draw(self, sheet: Sheet, top: float) -> None:
        for x, y, sample, room, text in self.items:
            middle = top + y + LINE / 2
            sample(sheet, x, middle)
            sheet.words(x + room + 5, middle + 3, text, SIZE)


def samples(story: Story, gap: bool) -> Iterator[tuple[Sample, float, str]]:
    """What is in a sequence diagram, for its legend."""
    signs = {step.sign for step in story.steps}
    for sign, says in SAYS.items():
        if sign in signs:
            yield step_sample(sign), 30, says
    if story.activations:
        yield _bar, BAR, "running"
    if gap:
        yield _gap, 26, "time passes"
    kinds = {lane.kind for lane in story.lanes}
    for kind, means in MEANING.items():
        if kind in kinds:
            yield head_sample(kind), 18, means


def step_sample(sign: Sign) -> Sample:
    def sample(sheet: Sheet, x: float, y: float) -> None:
        if sign in ("note", "alarm"):
            note(sheet, x + 4, y - 6.5, x + 30, y + 6.5, alarm=sign == "alarm")
        else:
            arrow(sheet, sign, x, x + 30, y)

    return sample


def _bar(sheet: Sheet, x: float, y: float) -> None:
    sheet.area(x, y - 7, x + BAR, y + 7, "white", colour=GREY, width=0.9, z=3)


def _gap(sheet: Sheet, x: float, y: float) -> None:
    torn(sheet, x, x + 26, y - 5, y + 5)


def head_sample(kind: ParticipantKind) -> Sample:
    def sample(sheet: Sheet, x: float, y: float) -> None:
        for shape in HEADS[kind]:
            sheet.shape(shape, x + 9, y, width=0.9, z=4)

    return sample


class Margin:
    """The number of each arrow, its time where it is another one, and whose saga it is."""

    def __init__(self, story: Story, colours: Mapping[str, str]) -> None:
        self.colours = colours
        self.tags = {saga: elided(saga, SIZE, TAG - 8) for saga in story.shown} if colours else {}
        times = [stamp(step.record.t) for step in story.steps] or [""]
        numbers = width(str(story.arrows), SIZE)
        self.numbers = EDGE + numbers
        self.times = self.numbers + 8 + max(width("time", SIZE), *(width(t, SIZE) for t in times))
        self.tag_width = max((width(tag, SIZE) + 8 for tag in self.tags.values()), default=0.0)
        self.right = self.times + 8 + (self.tag_width + 6 if self.tags else 0)

    def draw(self, sheet: Sheet, rows: tuple[Row, ...], head: float) -> None:
        """Beside the rows; `head` is where the columns' names stand."""
        if not rows:
            return
        sheet.words(self.times, head, "time", SIZE, colour=GREY, align="right")
        if self.tags:
            sheet.words(self.times + 12, head, "saga", SIZE, colour=GREY)
        before = None
        for row in rows:
            step, y = row.step, (row.top + row.bottom) / 2 + 3
            if not row.boxed:
                y = row.y + 3
                sheet.words(self.numbers, y, str(step.number), SIZE, colour=GREY, align="right")
            if step.record.t != before:
                sheet.words(self.times, y, stamp(step.record.t), SIZE, align="right")
            before = step.until
            tag = self.tags.get(step.record.correlation_id or "")
            if tag:
                self._tag(sheet, tag, self.colours[step.record.correlation_id or ""], y)

    def _tag(self, sheet: Sheet, tag: str, colour: str, y: float) -> None:
        left, right = self.times + 8, self.times + 8 + self.tag_width
        sheet.area(left, y - 9, right, y + 3.5, "white", colour=colour, width=1.4, z=3)
        sheet.words((left + right) / 2, y, tag, SIZE, align="center")
