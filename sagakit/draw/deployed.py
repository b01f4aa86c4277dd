"""A deployment as a picture: what the services are made of, and which events go where.

Each row is a domain. An event leaves a service by its outbox for the bus on the left; a rule takes
it from there to the queue or topic of whoever handles it.
"""

from collections.abc import Iterator
from itertools import groupby

from sagakit.contract.deployment import Deployment, ParticipantKind, Rule
from sagakit.draw.blocks import (
    LINE,
    NAME,
    NUMBER,
    ROWS,
    SIGN,
    Block,
    Feed,
    Part,
    Row,
    batch_of,
    columns_of,
    rows_of,
)
from sagakit.draw.icons import COFFIN, FILLED, HEADS, MEANING, OPEN, Points, Shape
from sagakit.draw.legend import EDGE, Legend, Sample, head_sample, step_sample
from sagakit.draw.palette import GREY, INK, PALE, RED, TINTS
from sagakit.draw.svg import WIDTH, Picture, Sheet
from sagakit.draw.text_metrics import width
from sagakit.draw.wiring import DIRECTLY, OUTBOX, alternative, heading, named
from sagakit.trace.trace import duration

TITLE = 12.0
TOP = 14.0  # below the legend
FRAME = "#9A9A9A"
MESSAGE, CALL, DEAD = "event or message", "call", "to the dead letters"


def deployed(deployment: Deployment, *, title: str | None = None, brief: bool = False) -> Picture:
    """Draw a deployment. `title` is one line; by default it says how many parts there are.

    `brief` leaves out the legend, numbers, dead letters, queues that no rule feeds, a service's
    further stores, and people other than the first.

    Raises `ValueError` for a deployment without a function, and for a service that asks for
    something that the deployment does not have.

    >>> from sagakit.payments.topology import payment_system
    >>> print(deployed(payment_system()).alt.splitlines()[0])
    Deployment: 7 functions, 4 queues, 9 rules, 1 topic, 4 tables.
    """
    rows = rows_of(deployment, brief)
    if not rows:
        raise ValueError("there are no functions to draw: a deployment needs one at least")
    return _Drawing(deployment, rows, title or heading(deployment), brief).drawn()


class _Drawing:
    def __init__(self, deployment: Deployment, rows: list[Row], title: str, brief: bool) -> None:
        self.deployment, self.rows, self.title = deployment, rows, title
        self.columns = columns_of(rows, EDGE, WIDTH, _room_for_rules(deployment, rows))
        wide = max(WIDTH, self.columns.parties[1] + EDGE)
        self.legend = Legend(() if brief else _samples(deployment, rows), wide)
        y = EDGE + 19 + self.legend.height + (0 if brief else TOP)
        for row in rows:
            y = row.put(y) + ROWS
        of_the_bus = rows[0].top + width(deployment.bus, NAME, bold=True) + 8
        rows[-1].bottom = max(rows[-1].bottom, of_the_bus)
        self.sheet = Sheet(wide, rows[-1].bottom + EDGE, alternative(deployment, rows, title))

    def drawn(self) -> Picture:
        self.sheet.words(EDGE, EDGE + 10, self.title, TITLE, bold=True)
        self.legend.draw(self.sheet, EDGE + 19)
        tints = iter(TINTS * len(self.rows))
        for row in self.rows:
            if row.domain:
                self._domain(row, next(tints))
            for block in row.blocks:
                self._block(block, row)
            for topic in row.topics:
                self._feed(topic)
                self._fan_out(topic)
            self._parties(row)
        self._bus()
        self._calls()
        return self.sheet.picture

    def _domain(self, row: Row, tint: str) -> None:
        left = min(self.columns.feeds[0], self.columns.functions[0]) - 8
        right = max(self.columns.stores[1], self.columns.functions[1]) + 14
        self.sheet.area(left, row.top, right, row.bottom, tint, z=0)
        self.sheet.words(left + 8, row.top + 11.5, row.domain or "", NAME, bold=True, colour=GREY)

    # The parts.

    def _part(self, part: Part, ends: tuple[float, float], colour: str = INK) -> None:
        left, right = ends
        self.sheet.area(left, part.top, right, part.bottom, "white", colour=FRAME, width=0.8, z=4)
        for shape in HEADS[part.kind]:
            self.sheet.shape(shape, left + SIGN / 2 + 1, part.middle, colour=colour, width=0.9, z=5)
        lines = [*((line, NAME, colour) for line in part.lines)]
        lines += [(part.numbers, NUMBER, GREY)] * bool(part.numbers)
        y = part.middle - LINE * (len(lines) - 1) / 2 + 3
        for place, (text, size, ink) in enumerate(lines):
            self.sheet.words(left + SIGN, y + LINE * place, text, size, colour=ink)

    def _block(self, block: Block, row: Row) -> None:
        left, right = self.columns.functions
        self._part(block.part, self.columns.functions)
        for feed in block.feeds:
            self._feed(feed)
            self._takes(block, feed)
        for store in block.stores:
            self._part(store, self.columns.stores)
            self._arrow([(right, store.middle), (self.columns.stores[0], store.middle)], FILLED)
        if not block.publishes:
            return
        way: Points = [(left + SIGN / 2, block.part.bottom), (left + SIGN / 2, row.out)]
        owned = {table.name for table in block.owned}
        for store in block.stores:
            if store.name in owned:
                out = self.columns.stores[1]
                way = [(out, store.middle), (out + 7, store.middle), (out + 7, row.out)]
                self.sheet.lines([way], width=1.2, z=3)
        bus = self.columns.bus[1]
        self._arrow([*way, (bus, row.out)], OPEN)
        self._says(bus + 12, row.out - 4, OUTBOX if owned else DIRECTLY)

    def _feed(self, feed: Feed) -> None:
        left, right = self.columns.feeds
        self._part(feed.part, (left, right))
        if feed.dead:
            self._part(feed.dead, (left, right))
            x = left + SIGN / 2 + 1
            self._arrow([(x, feed.part.bottom), (x, feed.dead.top)], COFFIN, RED)
            self._says(left + SIGN, feed.dead.top - 6, feed.gives_up)
        for rule, y in feed.arrivals():
            self._rule(rule, y)

    def _rule(self, rule: Rule, y: float) -> None:
        bus, end = self.columns.bus[1], self.columns.feeds[0]
        self._arrow([(bus, y), (end, y)], OPEN)
        x = (bus + end) / 2 - 2
        self.sheet.words(x, y - 3.5, rule.event.__name__, NAME, align="center")
        if rule.rename:
            self.sheet.words(x, y + 10, f"as {rule.rename.__name__}", NAME, align="center")

    def _takes(self, block: Block, feed: Feed) -> None:
        """From a queue to its function; and back, if that puts messages there."""
        here, there = self.columns.feeds[1], self.columns.functions[0]
        middle, y = (here + there) / 2, feed.part.middle
        back = block.function.retry_queue == feed.part.name
        y -= 6 * back
        self._arrow([(here, y), (there, y)], OPEN)
        if feed.part.numbers:
            said = batch_of(block.function)
            self.sheet.words(middle - 2, y - 3.5, said, NUMBER, align="center", colour=GREY)
        if back:
            y += 12
            self._arrow([(there, y), (here, y)], OPEN)
            self.sheet.words(middle + 2, y + 9.5, "delayed", NUMBER, align="center", colour=GREY)

    def _fan_out(self, topic: Feed) -> None:
        """From a topic to each of its functions."""
        x, end = self.columns.feeds[1], self.columns.functions[0]
        fork = x + 20
        for row in self.rows:
            for block in row.blocks:
                if block.function.name in topic.subscribers:
                    y = block.part.bottom - 7 if block.feeds else block.part.middle
                    way = [(x, topic.part.middle), (fork, topic.part.middle), (fork, y), (end, y)]
                    self._arrow(way, OPEN)

    # The parties outside, and who calls whom.

    def _parties(self, row: Row) -> None:
        """Blocks that follow each other and reach the same party share its box."""
        reached = [(block, part) for block in row.blocks for part in block.parties]
        for _, group in groupby(reached, key=lambda one: one[1].name):
            these = list(group)
            first, last = these[0][1], these[-1][1]
            for block, part in these:
                self._reaches(block, part)
            first.bottom = last.bottom
            self._part(first, self.columns.parties)

    def _reaches(self, block: Block, part: Part) -> None:
        here, there = self.columns.functions[1], self.columns.parties[0]
        told = part.name in block.uses.people
        asks = bool(part.kind == "actor" and block.uses.commands)
        y, apart = part.middle, 5 if told and asks else 0
        if part.kind == "external":
            self._arrow([(here, y), (there, y)], FILLED)
            if block.function.client_timeout and block.part.numbers:
                said = f"client timeout {duration(block.function.client_timeout)}"
                self._says(here + 8, y - 3.5, said)
        if told:
            self._arrow([(here, y + apart), (there, y + apart)], OPEN)
        if asks:
            self._arrow([(there, y - apart), (here, y - apart)], FILLED)
            self._says(here + 12, y - apart - 3.5, named(block.uses.commands))

    def _says(self, x: float, y: float, text: str) -> None:
        self.sheet.words(x, y, text, NUMBER, colour=GREY)

    def _calls(self) -> None:
        """From a function to another that it calls: down to the next, or around what is between."""
        blocks = [block for row in self.rows for block in row.blocks]
        right = self.columns.functions[1]
        places = {block.function.name: place for place, block in enumerate(blocks)}
        for place, block in enumerate(blocks):
            for name in block.uses.callers:
                other = blocks[places[name]]
                if places[name] == place + 1:
                    x = right - 30
                    way: Points = [(x, block.part.bottom), (x, other.part.top)]
                else:
                    x = right + 14
                    y, end = block.part.bottom - 6, other.part.top + 6
                    way = [(right, y), (x, y), (x, end), (right, end)]
                self._arrow(way, FILLED)
                self.sheet.words(
                    x - 6, way[-1][1] - 9, named(other.uses.commands), NUMBER,
                    colour=GREY, align="right",
                )  # fmt: skip

    def _bus(self) -> None:
        left, right = self.columns.bus
        if left == right:
            return
        met = [row for row in self.rows if any(_at_the_bus(row))]
        top, bottom = met[0].top, met[-1].bottom
        self.sheet.area(left, top, right, bottom, PALE, colour=FRAME, width=0.8, z=4)
        middle, name = (left + right) / 2, self.deployment.bus
        large = width(name, TITLE, bold=True) < bottom - top - 2 * SIGN
        if large:
            for shape in HEADS["bus"]:
                self.sheet.shape(shape, middle, top + 14, width=0.9, z=5)
        size = TITLE if large else NAME
        y = (top + bottom) / 2 + width(name, size, bold=True) / 2
        self.sheet.words(middle + size / 3, y, name, size, bold=True, angle=90)

    def _arrow(self, way: Points, head: Shape, colour: str = INK) -> None:
        """A line around corners with its head at the end."""
        (x0, y0), (x, y) = way[-2:]
        across, down = (x > x0) - (x < x0), (y > y0) - (y < y0)
        turned = Shape(
            [[(dx * across - dy * down, dx * down + dy * across) for dx, dy in line]
             for line in head.lines],
            head.closed, head.solid,
        )  # fmt: skip
        self.sheet.lines([way], colour=colour, width=1.2, z=3)
        self.sheet.shape(turned, x, y, colour=colour, width=1.2, z=6)


def _at_the_bus(row: Row) -> Iterator[bool]:
    for block in row.blocks:
        yield block.publishes
        yield any(feed.rules for feed in block.feeds)
    yield any(topic.rules for topic in row.topics)


def _room_for_rules(deployment: Deployment, rows: list[Row]) -> float:
    """How far the bus is from what it feeds; 0 if there is no bus to draw."""
    names = [rule.event.__name__ for rule in deployment.rules]
    names += [f"as {rule.rename.__name__}" for rule in deployment.rules if rule.rename]
    said = [width(name, NAME) for name in names]
    if any(block.publishes for row in rows for block in row.blocks):
        said.append(width(OUTBOX, NUMBER))
    return max(said) + 20 if said else 0.0


def _samples(deployment: Deployment, rows: list[Row]) -> Iterator[tuple[Sample, float, str]]:
    """Each sample of the legend, how wide it is, and what it means."""
    blocks = [block for row in rows for block in row.blocks]
    if any(block.stores or block.parties or block.uses.callers for block in blocks):
        yield step_sample("call"), 30, CALL
    if any(met for row in rows for met in _at_the_bus(row)):
        yield step_sample("async"), 30, MESSAGE
    if any(feed.dead for block in blocks for feed in block.feeds):
        yield step_sample("dead"), 30, DEAD
    kinds: set[ParticipantKind] = {"service"}
    kinds |= {part.kind for block in blocks for part in (*block.parties, *block.stores)}
    kinds |= {"queue"} if deployment.queues else set()
    kinds |= {"topic"} if deployment.topics else set()
    for kind, means in MEANING.items():
        if kind in kinds:
            yield head_sample(kind), 18, means
