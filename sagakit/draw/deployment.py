"""A deployment as a picture: what the services are made of, and which events go where.

Each row is a domain. An event leaves a service by its outbox for the bus on the left; a rule takes
it from there to the queue or topic of whoever handles it.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import atan2

from sagakit.contract.deployment import Deployment, ParticipantKind, Rule
from sagakit.contract.timing import duration
from sagakit.draw.deployment_layout import (
    LINE,
    NAME,
    NUMBER,
    ROWS,
    SIGN,
    Block,
    DomainRow,
    Feed,
    Part,
    batch_of,
    columns_of,
    rows_of,
)
from sagakit.draw.icons import COFFIN, FILLED, HEADS, OPEN, Points, Shape, turned
from sagakit.draw.legend import EDGE, Legend, Sample, kinds_of_heads, step_sample
from sagakit.draw.palette import GREY, INK, PALE, RED, Hue, domain_hues
from sagakit.draw.svg import WIDTH, Picture, Sheet
from sagakit.draw.text_metrics import width

TITLE = 12.0
TOP = 14.0  # below the legend
FRAME = "#9A9A9A"
OUTBOX, DIRECTLY = "published by the outbox", "published directly"
MESSAGE, CALL, DEAD = "event or message", "call", "to the dead letters"


def deployment_diagram(
    deployment: Deployment,
    *,
    title: str | None = None,
    brief: bool = False,
    legend: bool = True,
) -> Picture:
    """Draw a deployment. `title` is one line; by default it says how many parts there are.

    `legend` says whether to explain the signs. `brief` leaves that out, and numbers, dead letters,
    queues that no rule feeds, a service's further stores, and people other than the first.

    Raises `ValueError` for a deployment without a function, and for a service that asks for
    something that the deployment does not have.

    >>> from sagakit.payments.topology import payment_system
    >>> print(deployment_diagram(payment_system()).alt.splitlines()[0])
    Deployment: 7 functions, 4 queues, 9 rules, 1 topic, 4 tables.
    """
    rows = rows_of(deployment, brief)
    if not rows:
        raise ValueError("there are no functions to draw: a deployment needs one at least")
    return _Drawing(deployment, rows, title or _heading(deployment), legend and not brief).drawn()


class _Drawing:
    def __init__(
        self, deployment: Deployment, rows: list[DomainRow], title: str, legend: bool
    ) -> None:
        self.deployment, self.rows, self.title = deployment, rows, title
        self.columns = columns_of(rows, EDGE, WIDTH, _room_for_rules(deployment, rows))
        wide = max(WIDTH, self.columns.parties[1] + EDGE)
        self.legend = Legend(_samples(deployment, rows) if legend else (), wide)
        y = EDGE + 19 + self.legend.height + (TOP if legend else 0)
        for row in rows:
            y = row.put(y) + ROWS
        of_the_bus = rows[0].top + width(deployment.bus, NAME, bold=True) + 8
        rows[-1].bottom = max(rows[-1].bottom, of_the_bus)
        self.sheet = Sheet(wide, rows[-1].bottom + EDGE, _alternative(deployment, rows, title))

    def drawn(self) -> Picture:
        self.sheet.words(EDGE, EDGE + 10, self.title, TITLE, bold=True)
        self.legend.draw(self.sheet, EDGE + 19)
        hues = domain_hues(self.deployment.participants())
        for row in self.rows:
            if row.domain:
                self._domain(row, hues[row.domain])
            for block in row.blocks:
                self._block(block, row)
            for topic in row.topics:
                self._feed(topic)
                self._fan_out(topic)
            self._parties(row)
        self._bus()
        self._calls()
        return self.sheet

    def _domain(self, row: DomainRow, hue: Hue) -> None:
        left = min(self.columns.feeds[0], self.columns.functions[0]) - 8
        right = max(self.columns.stores[1], self.columns.functions[1]) + 14
        self.sheet.area(left, row.top, right, row.bottom, hue.tint, z=0)
        self.sheet.words(
            left + 8, row.top + 11.5, row.domain or "", NAME, bold=True, colour=hue.strong
        )

    # The parts.

    def _part(self, part: Part, ends: tuple[float, float]) -> None:
        left, right = ends
        self.sheet.area(left, part.top, right, part.bottom, "white", colour=FRAME, width=0.8, z=4)
        self.sheet.icon(part.kind, HEADS[part.kind], left + SIGN / 2 + 1, part.middle, z=5)
        lines = [*((line, NAME, INK) for line in part.lines)]
        lines += [(part.numbers, NUMBER, GREY)] * bool(part.numbers)
        y = part.middle - LINE * (len(lines) - 1) / 2 + 3
        for index, (text, size, ink) in enumerate(lines):
            self.sheet.words(left + SIGN, y + LINE * index, text, size, colour=ink)

    def _block(self, block: Block, row: DomainRow) -> None:
        left, right = self.columns.functions
        with self.sheet.told("\n".join(_told(block)), z=4):
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
        with self.sheet.told(_sent(self.deployment, rule), z=3):
            self._arrow([(bus, y), (end, y)], OPEN)
        x = (bus + end) / 2 - 2
        self.sheet.words(x, y - 3.5, rule.event.__name__, NAME, align="center")
        if rule.rename:
            self.sheet.words(x, y + 10, f"as {rule.rename.__name__}", NAME, align="center")

    def _takes(self, block: Block, feed: Feed) -> None:
        """Draw the way from a queue to its function; and back, if that puts messages there."""
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
        """Draw the way from a topic to each of its functions."""
        x, end = self.columns.feeds[1], self.columns.functions[0]
        fork = x + 20
        for row in self.rows:
            for block in row.blocks:
                if block.function.name in topic.subscribers:
                    y = block.part.bottom - 7 if block.feeds else block.part.middle
                    way = [(x, topic.part.middle), (fork, topic.part.middle), (fork, y), (end, y)]
                    self._arrow(way, OPEN)

    # The parties outside, and who calls whom.

    def _parties(self, row: DomainRow) -> None:
        """Blocks that follow each other and reach the same party share its box."""
        reached = [(block, part) for block in row.blocks for part in block.parties]
        for _, group in groupby(reached, key=lambda pair: pair[1].name):
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
            self._says(here + 12, y - apart - 3.5, _named(block.uses.commands))

    def _says(self, x: float, y: float, text: str) -> None:
        self.sheet.words(x, y, text, NUMBER, colour=GREY)

    def _calls(self) -> None:
        """Draw calls of other functions: down to the next, or around what is between."""
        blocks = [block for row in self.rows for block in row.blocks]
        right = self.columns.functions[1]
        indices = {block.function.name: index for index, block in enumerate(blocks)}
        for index, block in enumerate(blocks):
            for name in block.uses.callers:
                other = blocks[indices[name]]
                if indices[name] == index + 1:
                    x = right - 30
                    way: Points = [(x, block.part.bottom), (x, other.part.top)]
                else:
                    x = right + 14
                    y, end = block.part.bottom - 6, other.part.top + 6
                    way = [(right, y), (x, y), (x, end), (right, end)]
                self._arrow(way, FILLED)
                self.sheet.words(
                    x - 6, way[-1][1] - 9, _named(other.uses.commands), NUMBER,
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
            self.sheet.icon("bus", HEADS["bus"], middle, top + 14, z=5)
        size = TITLE if large else NAME
        y = (top + bottom) / 2 + width(name, size, bold=True) / 2
        self.sheet.words(middle + size / 3, y, name, size, bold=True, angle=90)

    def _arrow(self, way: Points, head: Shape, colour: str = INK) -> None:
        """Draw a line around corners with its head at the end."""
        (x0, y0), (x, y) = way[-2:]
        self.sheet.lines([way], colour=colour, width=1.2, z=3)
        self.sheet.shape(turned(head, atan2(y - y0, x - x0)), x, y, colour=colour, width=1.2, z=6)


def _at_the_bus(row: DomainRow) -> Iterator[bool]:
    for block in row.blocks:
        yield block.publishes
        yield any(feed.rules for feed in block.feeds)
    yield any(topic.rules for topic in row.topics)


def _room_for_rules(deployment: Deployment, rows: list[DomainRow]) -> float:
    """Return the distance from the bus to what it feeds; 0 if there is no bus to draw."""
    names = [rule.event.__name__ for rule in deployment.rules]
    names += [f"as {rule.rename.__name__}" for rule in deployment.rules if rule.rename]
    said = [width(name, NAME) for name in names]
    if any(block.publishes for row in rows for block in row.blocks):
        said.append(width(OUTBOX, NUMBER))
    return max(said) + 20 if said else 0.0


def _samples(deployment: Deployment, rows: list[DomainRow]) -> Iterator[tuple[Sample, float, str]]:
    """Return each sample of the legend, how wide it is, and what it means."""
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
    yield from kinds_of_heads(kinds)


# In words.


def _heading(deployment: Deployment) -> str:
    """Return a title that says how many parts there are."""
    counts = [
        (len(deployment.functions), "function"),
        (len(deployment.queues), "queue"),
        (len(deployment.rules), "rule"),
        (len(deployment.topics), "topic"),
        (len(deployment.tables), "table"),
    ]
    said = [f"{many} {what}" + "s" * (many > 1) for many, what in counts if many]
    return f"Deployment: {', '.join(said)}"


def _named(commands: Sequence[type]) -> str:
    return " or ".join(command.__name__ for command in commands)


def _alternative(deployment: Deployment, rows: Sequence[DomainRow], title: str) -> str:
    """Tell what the picture shows: a sentence a function, a queue, a topic and a rule."""
    said = [f"{title}."]
    for row in rows:
        where = f"{row.domain}: " if row.domain else ""
        said += [where + line for block in row.blocks for line in _told(block)]
        for topic in row.topics:
            dead = f"; what is undelivered goes to {topic.dead.name}" if topic.dead else ""
            others = ", ".join(topic.subscribers)
            said.append(f"{where}{topic.part.name} passes each message to {others}{dead}.")
    said += [_sent(deployment, rule) for rule in deployment.rules]
    return "\n".join(said)


def _sent(deployment: Deployment, rule: Rule) -> str:
    renamed = f" as {rule.rename.__name__}" if rule.rename else ""
    return f"{deployment.bus} sends {rule.event.__name__} to {rule.target}{renamed}."


def _told(block: Block) -> Iterator[str]:
    function, uses = block.function, block.uses
    does = []
    if block.feeds:
        queues = " and ".join(feed.part.name for feed in block.feeds)
        batches = f"batches of {function.batch} " if block.part.numbers else ""
        does.append(f"takes {batches}from {queues}")
    if asking := [part.name for part in block.parties if part.kind == "actor" and uses.commands]:
        does.append(f"is asked for {_named(uses.commands)} by {asking[0]}")
    does += [f"calls {other}" for other in uses.callers]
    waits = function.client_timeout
    patience = f" (client timeout {duration(waits)})" if waits and block.part.numbers else ""
    does += [f"calls {other}{patience}" for other in uses.externals]
    drawn = [part.name for part in block.parties]
    does += [f"tells {other}" for other in uses.people if other in drawn]
    if function.retry_queue and block.part.numbers:
        does.append(f"puts what is delayed in {function.retry_queue}")
    if block.stores:
        does.append(f"uses {', '.join(store.name for store in block.stores)}")
    if block.publishes:
        does.append("its events are " + (OUTBOX if block.owned else DIRECTLY))
    numbers = f" ({block.part.numbers})" if block.part.numbers else ""
    yield f"{function.name}{numbers} {'; '.join(does) or 'stands alone'}."
    for feed in block.feeds:
        if feed.dead:
            yield (
                f"{feed.part.name} ({feed.part.numbers}) gives up into {feed.dead.name} "
                f"{feed.gives_up}."
            )
