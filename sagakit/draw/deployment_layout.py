"""Where the parts of a deployment stand: a row a domain, a block a function. Lengths in points.

From left to right: the bus, the rules, what feeds the functions (queues and topics), the functions,
the stores, the parties outside.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sagakit.contract.deployment import (
    Deployment,
    Function,
    ParticipantKind,
    Queue,
    Rule,
    Table,
    Topic,
    Uses,
)
from sagakit.contract.timing import duration
from sagakit.draw.text_metrics import width, wrapped

NAME, NUMBER = 8.5, 8.0  # letters
LINE = 10.0
PART, SMALL = 26.0, 18.0  # heights: of a part with two lines, and with one
SIGN = 26.0  # room for it in a part
PAD = 7.0
BETWEEN = 8.0  # one part and the next below it
DROP = 15.0  # from a queue down to its dead letters
RULE, RENAMED = 16.0, 10.0  # a rule's height, and the line for its other name
TITLED = 15.0  # room for a domain's name
OUT = 16.0  # room below a row for what it publishes
ROWS = 6.0  # between two
PARTY = 70.0  # the widest line of a party's name


@dataclass
class Part:
    """A box: its name in lines, its numbers, and where it stands."""

    name: str
    kind: ParticipantKind
    lines: tuple[str, ...]
    numbers: str = ""
    top: float = 0.0
    bottom: float = 0.0

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def wide(self) -> float:
        said = [*(width(line, NAME) for line in self.lines), width(self.numbers, NUMBER)]
        return SIGN + max(said) + PAD

    @property
    def high(self) -> float:
        return PART if self.numbers or len(self.lines) > 1 else SMALL

    def put(self, top: float, high: float) -> float:
        """Stand there, and return where it ends."""
        self.top, self.bottom = top, top + high
        return self.bottom


@dataclass
class Feed:
    """A queue or a topic, with its dead letters and the rules that send to it."""

    part: Part
    dead: Part | None  # not in a brief drawing
    gives_up: str  # when a message goes to the dead letters
    rules: list[Rule]
    subscribers: tuple[str, ...] = ()

    @property
    def rules_high(self) -> float:
        return sum(map(_height, self.rules))

    @property
    def high(self) -> float:
        return max(self.part.high, self.rules_high + 4)

    @property
    def parts(self) -> list[Part]:
        return [self.part, self.dead] if self.dead else [self.part]

    @property
    def bottom(self) -> float:
        return self.parts[-1].bottom

    def put(self, top: float) -> float:
        bottom = self.part.put(top, self.high)
        return self.dead.put(bottom + DROP, SMALL) if self.dead else bottom

    def arrivals(self) -> Iterator[tuple[Rule, float]]:
        """Return each rule and where its arrow comes in."""
        y = self.part.middle - self.rules_high / 2
        for rule in self.rules:
            yield rule, y + RULE - 2.5
            y += _height(rule)


def _height(rule: Rule) -> float:
    return RULE + (RENAMED if rule.rename else 0.0)


@dataclass
class Block:
    """A function, what feeds it, and what it uses."""

    function: Function
    uses: Uses
    part: Part
    feeds: list[Feed]
    parties: list[Part]
    stores: list[Part]
    owned: list[Table]

    @property
    def publishes(self) -> bool:
        return bool(self.owned) or self.uses.publishes

    def put(self, top: float) -> float:
        y = left = top
        for feed in self.feeds:
            left = feed.put(y)
            y = left + BETWEEN
        last = self.feeds[-1].part.bottom if self.feeds else top
        y = right = top
        for part in (*self.parties, *self.stores):
            right = part.put(y, part.high)
            y = right + BETWEEN
        self.part.put(top, max(self.part.high, last - top, right - top))
        return max(left, self.part.bottom)


@dataclass
class DomainRow:
    """The blocks of one domain, and the topics that feed several of them."""

    domain: str | None
    blocks: list[Block]
    topics: list[Feed] = field(default_factory=list)
    top: float = 0.0
    bottom: float = 0.0
    out: float = 0.0  # where what it publishes goes back to the bus

    def put(self, top: float) -> float:
        self.top = top
        y = bottom = top + (TITLED if self.domain else 0) + 3
        first = y
        for block in self.blocks:
            bottom = block.put(y)
            y = bottom + BETWEEN
        if any(block.feeds for block in self.blocks):
            first = y
        elif self.topics:
            first = max(first, (first + bottom - sum(topic.high for topic in self.topics)) / 2)
        for topic in self.topics:
            bottom = max(bottom, topic.put(first))
            first = topic.bottom + BETWEEN
        self.out = bottom + OUT - 5
        self.bottom = bottom + (OUT if any(block.publishes for block in self.blocks) else 7)
        return self.bottom


class Columns(NamedTuple):
    """Left and right ends."""

    bus: tuple[float, float]
    feeds: tuple[float, float]
    functions: tuple[float, float]
    stores: tuple[float, float]
    parties: tuple[float, float]


def rows_of(deployment: Deployment, brief: bool = False) -> list[DomainRow]:
    """Return all rows; nothing stands anywhere yet. For `brief` see `deployment_diagram`."""
    rows: list[DomainRow] = []
    for function in deployment.functions:
        row = next((row for row in rows if row.domain and row.domain == function.domain), None)
        if row is None:
            rows.append(row := DomainRow(function.domain, []))
        row.blocks.append(_block(function, deployment, brief))
    for topic in deployment.topics:
        fed = [row for row in rows if any(b.function.name in topic.subscribers for b in row.blocks)]
        at_home = [row for row in rows if topic.domain and row.domain == topic.domain]
        (at_home or fed or rows)[0].topics.append(_feed(topic, deployment, brief))
    return rows


def columns_of(rows: Iterable[DomainRow], edge: float, wide: float, rules: float) -> Columns:
    """Put the parts side by side in a picture so wide, or wider if they need more room.

    `rules` is what the rules need between the bus and what feeds the functions; 0 for no bus.
    """
    blocks = [block for row in rows for block in row.blocks]
    feeds = [feed for block in blocks for feed in block.feeds]
    feeds += [topic for row in rows for topic in row.topics]
    taken = max((width(batch_of(block.function), NUMBER) for block in blocks), default=0.0)
    room = {
        "feeds": max((part.wide for feed in feeds for part in feed.parts), default=0.0),
        "functions": max(block.part.wide for block in blocks),
        "stores": max((part.wide for block in blocks for part in block.stores), default=0.0),
        "parties": max((part.wide for block in blocks for part in block.parties), default=0.0),
    }
    gaps = {"feeds": rules, "functions": taken + 10, "stores": 28.0, "parties": 22.0}
    bus = 26.0 if rules else 0.0
    present = [name for name in room if room[name]]
    needed = 2 * edge + bus + sum(room[name] + gaps[name] for name in present)
    spare = min(max(0.0, (wide - needed) / len(present)), 24.0)
    x = edge + bus
    ends = {"bus": (edge, x)}
    for name, wide in room.items():
        if wide:
            x += (gaps[name] + spare) if x > edge else 0.0
        ends[name] = (x, x := x + wide)
    return Columns(**ends)


def batch_of(function: Function) -> str:
    return f"batch of {function.batch}"


def _block(function: Function, deployment: Deployment, brief: bool) -> Block:
    uses = Uses(function, deployment)
    queues = {queue.name: queue for queue in deployment.queues}
    owned = [table for table in deployment.tables if table.owner == function.name]
    stores = [*dict.fromkeys([*(table.name for table in owned), *uses.stores, *uses.archives])]
    actors = [other.name for other in deployment.others if other.kind == "actor"]
    called = any(function.name in Uses(o, deployment).callers for o in deployment.functions)
    asked_by = [] if called or not uses.commands or uses.people else actors[:1]
    people = [person for person in uses.people if person in actors[:1] or not brief]
    numbers = f"timeout {duration(function.timeout)}, {function.concurrency} at once"
    feeds = [_feed(queues[name], deployment, brief) for name in function.queues]
    return Block(
        function,
        uses,
        Part(function.name, "service", (function.name,), "" if brief else numbers),
        [feed for feed in feeds if feed.rules or not brief],
        [_party(party, "external") for party in uses.externals]
        + [_party(party, "actor") for party in (*people, *asked_by)],
        [Part(name, "store", (name,)) for name in (stores[:1] if brief else stores)],
        owned,
    )


def _party(name: str, kind: ParticipantKind) -> Part:
    return Part(name, kind, wrapped(name, NAME, PARTY, 2))


def _feed(of: Queue | Topic, deployment: Deployment, brief: bool) -> Feed:
    kind: ParticipantKind = "queue"
    numbers, gives_up = "", "undelivered"
    subscribers: tuple[str, ...] = ()
    if isinstance(of, Topic):
        kind, subscribers = "topic", of.subscribers
    else:
        gives_up = f"after {of.receives} receives"
        numbers = "" if brief else f"visibility {duration(of.visibility)}"
    return Feed(
        Part(of.name, kind, (of.name,), numbers),
        None if brief else Part(of.dead_letters, "queue", (of.dead_letters,)),
        gives_up,
        [rule for rule in deployment.rules if rule.target == of.name],
        subscribers,
    )
