"""A shop, small enough for a test: its events, its one item, and a world to run a service in.

All that takes time takes the same time always, so a test can say when what happens:
bus 10 ms, poll 1 ms, store 5 ms, relay 2 ms, invocation 1 ms, the courier 100 ms.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from sagakit.contract.deployment import Deployment, Function, Participant, Queue, Rule, Table
from sagakit.contract.events import Event
from sagakit.contract.external import Decide
from sagakit.contract.faults import Fault
from sagakit.contract.ports import Ports
from sagakit.contract.timing import Timing
from sagakit.sim.world import World
from sagakit.trace.arrows import Arrow
from sagakit.trace.trace import Trace

FIXED = Timing(
    bus=(10, 10), poll=(1, 1), store=(5, 5), relay=(2, 2), invoke=(1, 1), external=(100, 100)
)
BUS, POLL, STORE, RELAY, INVOKE, COURIER = 10, 1, 5, 2, 1, 100
ARRIVES = BUS + POLL  # ms from the publication to the service


class Ordered(Event):
    number: int = 0


class Packed(Event):
    number: int = 0


class Shelf(NamedTuple):
    """How many of a thing there are."""

    thing: str
    left: int
    version: int = 0

    @property
    def key(self) -> str:
        return self.thing

    def __str__(self) -> str:
        return f"{self.left} left"


def ordered(number: int = 0) -> Ordered:
    return Ordered.first(f"order-{number}", number=number)


def shop(
    build: Callable[[Ports], object],
    *,
    queue: Mapping[str, Any] | None = None,
    function: Mapping[str, Any] | None = None,
    faults: Iterable[Fault] = (),
    courier: Decide | None = None,
    more: Iterable[Function] = (),
    stock: int = 100,
) -> World:
    """A world with one service, "Shop", that takes `Ordered` from its queue, one at a time.

    Beside it there are the store "Shelves" with some tea, the external party "Courier", the
    person "Guest", and the functions `more`, which may be invoked.
    """
    settings = {"queues": ("Shop SQS", "Retry SQS"), "retry_queue": "Retry SQS", **(function or {})}
    deployment = Deployment(
        functions=(Function(name="Shop", build=build, **settings), *more),
        queues=(Queue(name="Shop SQS", **(queue or {})), Queue(name="Retry SQS")),
        rules=(Rule(event=Ordered, target="Shop SQS"),),
        tables=(Table(name="Shelves", owner="Shop"),),
        others=(Participant("Courier", "external"), Participant("Guest", "actor")),
        bus="Bus",
        timing=FIXED,
    )  # fmt: skip
    world = World(deployment, faults=faults, externals={"Courier": courier} if courier else None)
    world.seed_store("Shelves", [Shelf("tea", stock)])
    return world


def orders(world: World, *times: int) -> Trace:
    """The trace of a run in which an order is published at each of these times (ms)."""
    for number, at in enumerate(times):
        world.publish(at, ordered(number), "Guest")
    return world.run()


def seen(trace: Trace, *kinds: str, source: str = "", target: str = "") -> list[Arrow]:
    """Return the arrows of these kinds between these participants."""
    return [
        arrow
        for arrow in trace.arrows()
        if arrow.kind in (kinds or (arrow.kind,))
        and source in ("", arrow.source)
        and target in ("", arrow.target)
    ]


F = TypeVar("F", bound=tuple[Any, ...])


def told(trace: Trace, kind: type[F]) -> list[tuple[int, F]]:
    """Return the facts of a kind, each with its time."""
    return [(record.t, record.fact) for record in trace.entries if isinstance(record.fact, kind)]


def said(trace: Trace, *kinds: str, source: str = "", target: str = "") -> list[tuple[int, str]]:
    """When they are and what they say."""
    return [(each.t, each.text) for each in seen(trace, *kinds, source=source, target=target)]
