"""The world: what a test or a scenario may have happen in it, and how it refuses what cannot be."""

from collections.abc import Callable

import pytest

from sagakit.contract.deployment import Deployment, Function, Participant, Queue, Rule, Table, Topic
from sagakit.contract.faults import Crash, Loss, Outage
from sagakit.contract.ports import Archive, Intake, Ports, on
from sagakit.sim.world import World
from sagakit.trace.facts import (
    Failed,
    Opening,
    Paused,
    Record,
    Resumed,
    SnapshotRequested,
    StillGoingOn,
)
from sagakit.trace.trace import Trace
from tests.sim.shop import (
    ARRIVES,
    BUS,
    FIXED,
    POLL,
    Ordered,
    Packed,
    Shelf,
    ordered,
    orders,
    said,
    seen,
    shop,
    told,
)
from tests.sim.test_invocation import VISIBILITY, Bill, Shop, acknowledged, failures, service


def test_a_seeded_item_has_version_one_and_is_noted() -> None:
    trace = shop(Shop, stock=7).run()
    opening = Opening("Shelves", Shelf("tea", 7, version=1))
    assert trace.entries == [Record(0, None, None, 0, opening)]


def test_the_world_writes_the_same_trace_each_time() -> None:
    times = [0, 3, 3, 50]
    assert list(orders(shop(Shop), *times)) == list(orders(shop(Shop), *times))


# Texts and dead letters.


def test_a_text_that_is_an_event_is_handled_in_its_saga() -> None:
    world = shop(Shop)
    world.put(5, "Shop SQS", ordered(3).wire(), "Guest")
    trace = world.run()
    assert acknowledged(trace) == [5 + POLL + 11]
    assert {each.correlation_id for each in seen(trace, "call", source="Shop")} == {"order-3"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tea, please", "NotUnderstood: not JSON: Expecting value at line 1, column 1"),
        (Packed.first("order-1").wire(), "unknown event type 'Packed': expected Ordered"),
        (ordered().wire().replace('"number": 0', '"number": "none"'), "Ordered: number: input sho"),
    ],
)
def test_a_text_that_is_not_understood_ends_as_a_dead_letter(text: str, reason: str) -> None:
    world = shop(Shop, queue={"receives": 2})
    world.put(5, "Shop SQS", text, "Guest")
    (fate,) = world.run().messages().values()
    assert fate.state == "dead"
    assert reason in fate.reason


def test_an_event_that_is_sent_to_a_service_without_a_handler_for_it_is_a_dead_letter() -> None:
    world = World(
        Deployment(
            functions=(Function(name="Shop", build=Shop, queues=("Shop SQS",)),),
            queues=(Queue(name="Shop SQS", receives=1),),
            rules=(Rule(event=Packed, target="Shop SQS"),),
            tables=(Table(name="Shelves", owner="Shop"),),
            others=(Participant("Guest", "actor"),),
        )
    )
    world.publish(0, Packed.first("order-1"), "Guest")
    (fate,) = world.run().messages().values()
    assert fate.reason == "NotUnderstood: Shop has no handler for Packed: it handles Ordered"


def test_a_dead_letter_that_is_sent_back_is_handled_as_if_it_had_just_come() -> None:
    broken = Outage(participant="Shelves", start=0, end=100_000)
    world = shop(Shop, faults=[broken], queue={"receives": 2})
    world.redrive(200_000, "Shop SQS")
    trace = orders(world, 0)
    (fate,) = trace.messages().values()
    assert fate.state == "done"
    assert len(failures(trace)) == 2
    assert said(trace, "async", source="Shop DLQ") == [(200_000, "Redrive")]


# Topics.


def news(*faults: Crash, subscribers: tuple[str, ...] = ("Mail", "Post")) -> Trace:
    """An order is told to the subscribers of a topic."""

    class Herald:
        def __init__(self, ports: Ports) -> None:
            self.guest = ports.person("Guest")

        @on(Ordered)
        async def tell(self, event: Ordered) -> None:
            await self.guest.tell(f"order {event.number}")

    world = World(
        Deployment(
            functions=tuple(Function(name=name, build=Herald) for name in subscribers),
            rules=(Rule(event=Ordered, target="News"),),
            topics=(Topic(name="News", subscribers=subscribers),),
            others=(Participant("Guest", "actor"),),
            bus="Bus",
            timing=FIXED,
        ),
        faults=faults,
    )
    return orders(world, 0)


def test_a_topic_hands_each_subscriber_a_copy() -> None:
    trace = news()
    assert said(trace, "async", source="Bus", target="News") == [(BUS, "Publish event [Ordered]")]
    assert [(each.t, each.target) for each in seen(trace, "async", source="News")] == [
        (ARRIVES, "Mail"), (ARRIVES, "Post")
    ]  # fmt: skip
    assert {fate.state for fate in trace.messages().values()} == {"done"}


def test_a_subscriber_that_fails_gets_its_copy_again_and_the_others_do_not() -> None:
    trace = news(Crash(service="Mail", step=1, when="before"))
    told = [(each.t, each.source) for each in seen(trace, "call", target="Guest")]
    assert told == [(ARRIVES, "Post"), (ARRIVES + VISIBILITY, "Mail")]


# A store that is lost and restored, while the service takes no messages.


class Restore(Bill):
    label = "restore"


class Careful(Shop):
    """Rebuilds its shelves from a snapshot; the orders since are delivered again."""

    def __init__(self, ports: Ports) -> None:
        super().__init__(ports)
        self.archive: Archive = ports.archive("Shelves", "Cellar", "Diary")
        self.intake: Intake = ports.intake

    @on(Restore)
    async def restore(self, _command: Restore) -> str:
        await self.intake.pause()
        snapshot = await self.archive.latest_snapshot()
        await self.archive.restore(snapshot._replace(outbox=()))
        for event in await self.archive.events(Ordered):
            if event.header.event_id not in snapshot.inbox:
                await self.archive.deliver_again(event)
        await self.intake.resume()
        return "restored"


def careful(snapshot_at: int = 100, *, begin: int = 400) -> World:
    world = World(
        Deployment(
            functions=(Function(name="Shop", build=Careful, queues=("Shop SQS",)),),
            queues=(Queue(name="Shop SQS"),),
            rules=(Rule(event=Ordered, target="Shop SQS"),),
            tables=(Table(name="Shelves", owner="Shop"),),
            others=(
                Participant("Guest", "actor"),
                Participant("Cellar", "store"),
                Participant("Diary", "store"),
            ),
            bus="Bus",
            timing=FIXED,
        ),
        faults=[Loss(store="Shelves", at=300)],
    )
    world.seed_store("Shelves", [Shelf("tea", 10)])
    world.snapshot(snapshot_at, "Shelves", "Cellar")
    world.request(begin, "Guest", "Shop", Restore(0))
    return world


def test_what_was_done_since_the_snapshot_is_done_again_and_nothing_twice() -> None:
    world = careful()
    trace = orders(world, 0, 200, 350, 500)
    assert world.stores["Shelves"].items["tea"] == Shelf("tea", 6, version=5)
    assert {fate.state for fate in trace.messages().values()} == {"done"}


def test_no_message_is_taken_during_the_recovery() -> None:
    trace = orders(careful(), 0, 395, 396)
    ((paused, _),), ((resumed, _),) = told(trace, Paused), told(trace, Resumed)
    taken = [each.t for each in seen(trace, "async", source="Shop SQS")]
    assert not [time for time in taken if paused <= time < resumed]
    assert [time for time in taken if time >= resumed][:2] == [resumed, resumed]


def test_a_recovery_waits_for_the_messages_in_hand() -> None:
    """The order of 390 ms is being packed when the recovery begins; it meets a lost store."""
    trace = orders(careful(begin=403), 390)
    ((failed, _),), ((asked, _),) = told(trace, Failed), told(trace, SnapshotRequested)
    assert failed <= asked


def test_a_snapshot_of_a_lost_store_does_not_replace_the_last_good_one() -> None:
    world = careful(100)
    world.snapshot(310, "Shelves", "Cellar")
    trace = orders(world, 0)
    assert said(trace, "fault", target="Cellar") == [(310, "no snapshot: the store is lost")]
    assert world.stores["Shelves"].items["tea"] == Shelf("tea", 9, version=2)


# The end.


def test_a_run_that_would_never_end_is_given_up_with_a_note() -> None:
    world = shop(Shop, faults=[Outage(participant="Shelves", start=0, end=10**9)])
    world.give_up(50)
    trace = orders(world, 0)
    assert trace.entries[-1] == Record(50, None, None, 0, StillGoingOn("Bus"))


def test_one_that_has_ended_is_not() -> None:
    world = shop(Shop)
    world.give_up(500_000)
    assert told(orders(world, 0), StillGoingOn) == []


# What cannot be.


async def nothing(_ports: Ports, _event: Ordered) -> None:
    pass


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda world: world.seed_store("Shelfs", []), "no store 'Shelfs': did you mean Shelves"),
        (lambda world: world.request(0, "Guest", "Shp", Bill(1)), "no service 'Shp': did you mean"),
        (lambda world: world.request(0, "Gest", "Shop", Bill(1)), "no participant 'Gest': did you"),
        (lambda world: world.publish(0, ordered(), "Gest"), "no participant 'Gest': did you mean"),
        (lambda world: world.put(0, "Shop", "text", "Guest"), "no queue 'Shop': did you mean Shop"),
        (lambda world: world.put(0, "Shop SQS", "text", "Gest"), "no participant 'Gest'"),
        (lambda world: world.snapshot(0, "Guest", "Guest"), "no store 'Guest'"),
        (lambda world: world.snapshot(0, "Shelves", "Attic"), "no participant 'Attic'"),
        (lambda world: world.redrive(0, "Shop DLQ"), "no queue 'Shop DLQ': did you mean Shop SQS"),
        (lambda world: world.publish(-1, ordered(), "Guest"), "-1 ms is before the run begins"),
        (lambda world: world.request(-5, "Guest", "Shop", Bill(1)), "-5 ms is before the run beg"),
    ],
)
def test_what_cannot_happen_is_refused_when_it_is_asked_for(
    ask: Callable[[World], None], complaint: str
) -> None:
    world = shop(service(nothing))
    with pytest.raises(ValueError, match=complaint):
        ask(world)
    assert len(world.run()) == 1  # the opening note
