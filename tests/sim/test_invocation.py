"""Invocations: how a handler is driven, cut off, crashed and tried again, and what it leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from sagakit.contract.deployment import Function
from sagakit.contract.external import Reaction
from sagakit.contract.faults import Crash, Outage, Throttle
from sagakit.contract.ports import Delayed, Ports, Unavailable, VersionConflict, on
from sagakit.contract.validation import BadScenario
from sagakit.sim.world import World
from sagakit.trace.facts import (
    Acknowledged,
    AlreadyDone,
    Crashed,
    Failed,
    Invoked,
    Received,
    Record,
)
from sagakit.trace.trace import Trace
from tests.sim.shop import (
    ARRIVES,
    COURIER,
    INVOKE,
    STORE,
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

VISIBILITY = 30_000
TIMEOUT = 3_000


class Shop:
    """Packs an order: reads the shelf, takes one from it, and says so to the guest."""

    def __init__(self, ports: Ports) -> None:
        self.shelves = ports.store("Shelves")
        self.guest = ports.person("Guest")

    @on(Ordered)
    async def pack(self, event: Ordered) -> None:
        shelf = await self.shelves.get("tea")
        packed = Packed.after(event)
        await self.shelves.commit(
            shelf._replace(left=shelf.left - 1), publish=[packed], handled=event
        )
        await self.guest.tell("packed")


def service(handler: Callable[[Ports, Ordered], Awaitable[None]]) -> Callable[[Ports], object]:
    """A service whose handler of `Ordered` is this function of its ports and the event."""

    class Service:
        def __init__(self, ports: Ports) -> None:
            self.ports = ports

        @on(Ordered)
        async def handle(self, event: Ordered) -> None:
            await handler(self.ports, event)

    return Service


def left(world: World) -> int:
    return world.stores["Shelves"].items["tea"].left


def invocations(trace: Trace) -> list[int]:
    """When the shop takes a message."""
    return [t for t, _ in told(trace, Received)]


def acknowledged(trace: Trace) -> list[int]:
    return [t for t, _ in told(trace, Acknowledged)]


def failures(trace: Trace) -> list[str]:
    return [failed.reason for _, failed in told(trace, Failed)]


# The way it should go.


def test_a_handler_is_driven_step_by_step_and_its_message_is_deleted() -> None:
    world = shop(Shop)
    trace = orders(world, 0)
    own = [arrow for arrow in trace.arrows() if arrow.invocation]
    assert [(each.t, each.kind, each.source, each.target, each.text) for each in own] == [
        (11, "async", "Shop SQS", "Shop", "Invoke Lambda"),
        (11, "call", "Shop", "Shelves", "read item"),
        (16, "return", "Shelves", "Shop", "{100 left, version: 1}"),
        (16, "call", "Shop", "Shelves",
         "update 99 left, version: 2, condition version == 1 & outbox [Packed]"),
        (21, "return", "Shelves", "Shop", "OK"),
        (21, "call", "Shop", "Guest", "packed"),
        (22, "return", "Shop", "Shop SQS", "done"),
    ]  # fmt: skip
    assert {record.correlation_id for record in own} == {"order-0"}
    assert {record.event_id for record in own} == {ordered().header.event_id}
    assert [fate.state for fate in trace.messages().values()] == ["done"]


def test_a_message_that_comes_twice_is_handled_once() -> None:
    world = shop(Shop)
    world.publish(0, ordered(), "Guest")
    world.publish(900, ordered(), "Guest")
    trace = world.run()
    assert left(world) == 99
    assert len(told(trace, AlreadyDone)) == 1
    assert {fate.state for fate in trace.messages().values()} == {"done"}


def test_a_handler_may_send_itself_an_event_for_later() -> None:
    async def put_off(ports: Ports, event: Ordered) -> None:
        if event.number < 2:
            later = Ordered.after(event, number=event.number + 1)
            await ports.store("Shelves").commit(
                None, publish=[Delayed(later, 60_000)], handled=event
            )

    trace = orders(shop(service(put_off)), 0)
    assert said(trace, "call", source="Shop", target="Retry SQS") == [
        (18, "Enqueue, delay 1 minute"), (60_026, "Enqueue, delay 1 minute")
    ]  # fmt: skip
    assert len(invocations(trace)) == 3


def test_the_clock_is_the_world_s() -> None:
    async def look(ports: Ports, _event: Ordered) -> None:
        times.append(await ports.clock.now())

    times: list[int] = []
    orders(shop(service(look)), 0, 500)
    assert times == [ARRIVES, 500 + ARRIVES]


# How many at once.


async def send_by_courier(ports: Ports, event: Ordered) -> None:
    await ports.external("Courier").execute(f"{event.number}", [], timeout=10_000)


def test_no_more_invocations_run_at_once_than_are_allowed() -> None:
    trace = orders(shop(service(send_by_courier), function={"concurrency": 2}), *[0] * 5)
    assert invocations(trace) == [
        ARRIVES, ARRIVES, ARRIVES + COURIER, ARRIVES + COURIER, ARRIVES + 2 * COURIER
    ]  # fmt: skip


def test_throttling_lowers_that_for_a_time() -> None:
    throttle = Throttle(participant="Shop", start=0, end=150, limit=1)
    trace = orders(shop(service(send_by_courier), faults=[throttle]), *[0] * 5)
    first, second = ARRIVES, ARRIVES + COURIER
    assert invocations(trace) == [first, second] + [second + COURIER] * 3


def test_a_throttled_store_operation_is_tried_again() -> None:
    throttle = Throttle(participant="Shelves", start=0, end=60, limit=1)
    world = shop(Shop, faults=[throttle])
    trace = orders(world, 0, 0)
    assert said(trace, "fault") == [(ARRIVES, "throttled: tried again")]
    assert left(world) == 98


# Failing.


def test_a_handler_that_fails_leaves_its_message_until_it_is_a_dead_letter() -> None:
    async def fail(_ports: Ports, _event: Ordered) -> None:
        raise LookupError("no tea left")

    trace = orders(shop(service(fail), queue={"receives": 3}), 0)
    assert invocations(trace) == [ARRIVES + n * VISIBILITY for n in range(3)]
    (fate,) = trace.messages().values()
    assert fate.state == "dead"
    assert fate.reason.startswith("LookupError: no tea left (line ")
    assert fate.reason.endswith(" of fail)")
    assert failures(trace) == [fate.reason] * 3


def test_an_event_with_a_wrong_field_fails_its_handler_in_one_line() -> None:
    async def forget(_ports: Ports, event: Ordered) -> None:
        Packed.after(event, number="many")

    trace = orders(shop(service(forget)), 0)
    (fate,) = trace.messages().values()
    said, _, where = fate.reason.partition(" (line ")
    assert said.startswith("ValidationError: ")
    assert "pydantic" not in said
    assert where.endswith(" of forget)")


def test_a_message_that_fails_once_is_done_the_next_time() -> None:
    async def fail_once(_ports: Ports, _event: Ordered) -> None:
        times.append(1)
        if len(times) == 1:
            raise LookupError("no tea left")

    times: list[int] = []
    trace = orders(shop(service(fail_once)), 0)
    assert acknowledged(trace) == [ARRIVES + VISIBILITY]


def test_a_handler_may_await_its_ports_only() -> None:
    async def sleep(_ports: Ports, _event: Ordered) -> None:
        await asyncio.sleep(0)

    trace = orders(shop(service(sleep)), 0)
    (fate,) = trace.messages().values()
    assert fate.state == "dead"
    assert fate.reason.startswith("TypeError: a handler may await ports only, not None (line ")


def test_two_events_of_one_commit_with_one_id_fail_the_handler() -> None:
    async def say_twice(ports: Ports, event: Ordered) -> None:
        await ports.store("Shelves").commit(None, publish=[Packed.after(event)] * 2)

    trace = orders(shop(service(say_twice)), 0)
    (fate,) = trace.messages().values()
    assert "ValueError: two events of one commit have the same id" in fate.reason


def test_a_handler_may_live_with_what_a_port_raises() -> None:
    async def carry_on(ports: Ports, _event: Ordered) -> None:
        shelves = ports.store("Shelves")
        try:
            await shelves.commit(Shelf("tea", 5, version=9))
        except VersionConflict:
            await shelves.commit(Shelf("coffee", 5))

    world = shop(service(carry_on))
    assert acknowledged(orders(world, 0)) == [ARRIVES + 2 * STORE]
    assert world.stores["Shelves"].items["coffee"].left == 5


def test_of_two_queues_one_must_be_the_retry_queue() -> None:
    async def put_off(ports: Ports, event: Ordered) -> None:
        await ports.store("Shelves").commit(None, publish=[Delayed(Ordered.after(event), 5)])

    world = shop(service(put_off), function={"retry_queue": None})
    with pytest.raises(BadScenario, match="say which of Shop SQS, Retry SQS is its retry_queue"):
        orders(world, 0)


# Conflicts.


def conflicting(times: int) -> tuple[Callable[[Ports], object], list[int]]:
    """A service that meets that many conflicts, and the versions that it read."""
    read: list[int] = []

    async def handle(ports: Ports, event: Ordered) -> None:
        shelves = ports.store("Shelves")
        shelf = await shelves.get("tea")
        read.append(shelf.version)
        stale = len(read) <= times
        await shelves.commit(shelf._replace(left=0, version=shelf.version + stale), handled=event)

    return service(handle), read


@pytest.mark.parametrize("conflicts", [0, 1, 2, 3])
def test_a_conflict_starts_the_handler_again_from_its_read(conflicts: int) -> None:
    build, read = conflicting(conflicts)
    world = shop(build)
    trace = orders(world, 0)
    assert len(read) == conflicts + 1
    assert left(world) == 0
    assert len(invocations(trace)) == 1
    assert [text for _, text in said(trace, "note", source="Shop")] == [
        f"conflict: start again from the read (retry {n} of 3)" for n in range(1, conflicts + 1)
    ]


def test_after_three_retries_it_is_given_up_with_the_original_s_code() -> None:
    build, read = conflicting(4)
    trace = orders(shop(build), 0)
    assert failures(trace) == ["MaxRetriesExceeded 4002: a conflict again after 3 retries"]
    assert acknowledged(trace) == [ARRIVES + VISIBILITY + 2 * STORE]
    assert len(read) == 5


def test_of_many_that_meet_on_one_item_each_takes_its_one() -> None:
    world = shop(Shop)
    orders(world, *range(0, 40, 4))
    assert left(world) == 90
    assert world.stores["Shelves"].items["tea"].version == 11


# Batches.


async def pack_unless_broken(ports: Ports, event: Ordered) -> None:
    if event.number == 2:
        raise LookupError("the cup is broken")
    await ports.store("Shelves").commit(Shelf(f"cup {event.number}", 1), handled=event)


def batch_trace(*, reports: bool = True) -> tuple[World, Trace]:
    """Four orders wait for one invocation with room for ten; order 2 cannot be packed."""
    world = shop(
        service(pack_unless_broken),
        function={"batch": 10, "concurrency": 1, "reports": reports},
        queue={"receives": 2},
        faults=[Outage(participant="Shop", start=0, end=100)],
    )
    return world, orders(world, 0, 0, 0, 0)


def test_of_a_batch_the_good_ones_are_deleted_and_the_bad_one_comes_back() -> None:
    world, trace = batch_trace()
    assert set(world.stores["Shelves"].items) == {"tea", "cup 0", "cup 1", "cup 3"}
    facts = [(record.invocation, type(record.fact)) for record in trace.entries]
    assert facts.count((1, Acknowledged)) == 3
    assert [fact for invocation, fact in facts if invocation == 2] == [Received, Failed]


def test_the_good_ones_are_deleted_at_the_end_of_the_invocation() -> None:
    _, trace = batch_trace()
    last = [record for record in trace.entries if record.invocation == 1][-3:]
    assert [type(record.fact) for record in last] == [Acknowledged] * 3
    assert {record.saga for record in last} == {"order-0", "order-1", "order-3"}


def test_after_a_power_cut_the_whole_batch_comes_back_and_nothing_is_done_twice() -> None:
    crash = Crash(service="Shop", step=1, nth=3)
    outage = Outage(participant="Shop", start=0, end=100)
    world = shop(Shop, function={"batch": 10, "concurrency": 1}, faults=[outage, crash])
    trace = orders(world, 0, 0, 0, 0)
    assert [t for t, _ in told(trace, AlreadyDone)] == [
        100 + VISIBILITY + 2 * STORE, 100 + VISIBILITY + 4 * STORE
    ]  # fmt: skip
    assert left(world) == 96
    assert {fate.state for fate in trace.messages().values()} == {"done"}


def test_the_bad_one_of_a_batch_ends_as_a_dead_letter_with_its_reason() -> None:
    _, trace = batch_trace()
    fates = trace.messages()
    assert [fates[number].state for number in sorted(fates)] == ["done", "done", "dead", "done"]
    assert "LookupError: the cup is broken" in fates[3].reason


def test_one_bad_message_takes_the_batch_with_it_if_failures_are_not_reported() -> None:
    world, trace = batch_trace(reports=False)
    assert "cup 3" not in world.stores["Shelves"].items  # it stood behind the bad one
    fates = trace.messages()
    states = [fates[number].state for number in sorted(fates)]
    assert states == ["done", "dead", "dead", "dead"]  # the first was the first to be seen again
    assert fates[4].reason == "another message of its batch failed"


# A power cut: the timeout and crashes.


def test_an_invocation_that_takes_too_long_is_cut_off_and_no_finally_runs() -> None:
    async def wait(ports: Ports, _event: Ordered) -> None:
        try:
            await ports.external("Courier").execute("k", [], timeout=10_000)
        finally:
            tidied.append("finally")

    tidied: list[str] = []
    world = shop(
        service(wait), courier=lambda *_: Reaction("timeout_before"), queue={"receives": 2}
    )
    trace = orders(world, 0)
    assert tidied == []
    assert said(trace, "fault") == [
        (ARRIVES + TIMEOUT, "timeout after 3000 ms"),
        (ARRIVES + VISIBILITY + TIMEOUT, "timeout after 3000 ms"),
    ]
    (fate,) = trace.messages().values()
    assert (fate.state, fate.reason) == ("dead", "timeout after 3000 ms")


def test_one_that_is_just_in_time_is_not() -> None:
    async def wait(ports: Ports, _event: Ordered) -> None:
        await ports.external("Courier").execute("k", [], timeout=10_000)

    slow = Reaction("slow", delay=TIMEOUT - COURIER - 1)
    trace = orders(shop(service(wait), courier=lambda *_: slow), 0)
    assert acknowledged(trace) == [ARRIVES + TIMEOUT - 1]


def test_an_answer_to_one_that_was_cut_off_goes_unheard() -> None:
    slow = Reaction("slow", delay=TIMEOUT + 1)
    world = shop(service(send_by_courier), courier=lambda _request, number, _now: (
        slow if number == 1 else Reaction("approve")))  # fmt: skip
    trace = orders(world, 0)
    assert [each.t for each in seen(trace, "return", source="Courier")] == [
        ARRIVES + VISIBILITY + COURIER
    ]
    assert len(acknowledged(trace)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_crash_stops_a_handler_at_its_step_and_the_message_comes_again(
    step: int, when: Any
) -> None:
    world = shop(Shop, faults=[Crash(service="Shop", step=step, when=when)])
    trace = orders(world, 0)
    first = [arrow for arrow in trace.arrows() if arrow.invocation == 1]
    made = [each.label for each in first if each.kind == "call"]
    done = step if when == "after" else step - 1
    assert made == ["read item", "update", "packed"][:done]
    assert first[-1].fact == Crashed("Shop", when, step)
    assert left(world) == 99
    assert len(invocations(trace)) == 2
    assert [fate.state for fate in trace.messages().values()] == ["done"]


def test_after_the_last_step_is_before_the_acknowledgement() -> None:
    world = shop(Shop, faults=[Crash(service="Shop", step=3, when="after")])
    trace = orders(world, 0)
    facts = [record.fact for record in trace.entries]
    assert facts.index(Crashed("Shop", "after", 3)) < facts.index(AlreadyDone("Shop"))
    assert acknowledged(trace) == [ARRIVES + VISIBILITY + 2 * STORE]
    assert left(world) == 99


def test_no_finally_runs_in_a_crash() -> None:
    async def tidy(ports: Ports, _event: Ordered) -> None:
        try:
            await ports.store("Shelves").get("tea")
        finally:
            tidied.append("finally")

    tidied: list[str] = []
    crashes = [Crash(service="Shop", step=1, when="after", nth=1)]
    world = shop(service(tidy), faults=crashes, queue={"receives": 1})
    orders(world, 0)
    assert tidied == []


def test_what_the_store_was_sent_before_a_crash_is_written_all_the_same() -> None:
    """The timeout strikes while the commit is on its way."""
    world = shop(Shop, function={"timeout": STORE + 1}, queue={"receives": 1})
    orders(world, 0)
    assert left(world) == 99


def test_a_crash_strikes_one_invocation() -> None:
    world = shop(Shop, faults=[Crash(service="Shop", step=1, nth=2)])
    trace = orders(world, 0, 1_000, 2_000)
    assert len([record for record in trace.arrows() if record.kind == "fault"]) == 1
    assert left(world) == 97


def test_the_rest_of_a_batch_comes_back_after_a_crash() -> None:
    crash = Crash(service="Shop", step=1, when="before", nth=2)
    outage = Outage(participant="Shop", start=0, end=100)
    function = {"batch": 10, "concurrency": 1}
    trace = orders(shop(Shop, function=function, faults=[outage, crash]), 0, 0, 0)
    assert len(acknowledged(trace)) == 3
    assert {fate.state for fate in trace.messages().values()} == {"done"}


# Out of reach.


def test_messages_wait_while_a_service_is_out() -> None:
    outage = Outage(participant="Shop", start=0, end=5_000)
    assert invocations(orders(shop(Shop, faults=[outage]), 0, 700)) == [5_000, 5_000]


def test_what_cannot_reach_the_store_fails_and_comes_again() -> None:
    outage = Outage(participant="Shelves", start=0, end=5_000)
    world = shop(Shop, faults=[outage])
    trace = orders(world, 0)
    assert failures(trace) == ["Unavailable: Shelves cannot be reached"]
    assert left(world) == 99


# Commands: one service invokes another and waits.


class Bill(NamedTuple):
    amount: int
    label: str = "send the bill"


class Till:
    def __init__(self, ports: Ports) -> None:
        self.courier = ports.external("Courier")

    @on(Bill)
    async def bill(self, command: Bill) -> str:
        if command.amount < 0:
            raise LookupError("whose money is it?")
        if command.amount > 100:
            await self.courier.execute("k", [], timeout=10_000)
        return f"paid {command.amount}"


async def ask_the_till(ports: Ports, event: Ordered, answers: list[object]) -> None:
    try:
        answers.append(await ports.caller("Till").invoke(Bill(event.number)))
    except Unavailable as error:
        answers.append(str(error))


def till_answers(amount: int, **more: Any) -> tuple[object, Trace]:
    answers: list[object] = []
    build = service(lambda ports, event: ask_the_till(ports, event, answers))
    till = Function(name="Till", build=Till, timeout=1_000)
    world = shop(build, more=[till], **more)
    world.publish(0, Ordered.first("order-0", number=amount), "Guest")
    trace = world.run()
    (answer,) = answers
    return answer, trace


def test_a_service_gets_what_the_other_s_handler_returns() -> None:
    answer, trace = till_answers(50)
    assert answer == "paid 50"
    assert [(each.kind, each.source, each.text) for each in trace.arrows()
            if {each.source, each.target} == {"Shop", "Till"}] == [
        ("call", "Shop", "send the bill"), ("return", "Till", "paid 50")
    ]  # fmt: skip


def test_it_is_told_that_the_other_failed_and_why() -> None:
    answer, trace = till_answers(-1)
    assert str(answer).startswith("Till failed: LookupError: whose money is it?")
    assert said(trace, "return", source="Till") == [(ARRIVES + INVOKE, answer)]


def test_it_is_told_that_the_other_took_too_long() -> None:
    answer, _ = till_answers(101, courier=lambda *_: Reaction("timeout_before"))
    assert answer == "Till: timeout after 1000 ms"


def test_it_is_told_that_the_other_crashed() -> None:
    answer, _ = till_answers(101, faults=[Crash(service="Till", event="Bill")])
    assert answer == "Till: crash after step 1"


def test_it_is_told_that_the_other_is_out_of_reach() -> None:
    answer, trace = till_answers(50, faults=[Outage(participant="Till", start=0, end=100)])
    assert answer == "Till is out of reach"
    assert said(trace, "fault") == [(ARRIVES, "send the bill: out of reach")]


def test_it_is_told_that_the_other_is_throttled() -> None:
    busy = Throttle(participant="Till", start=0, end=1_000, limit=1)
    answers: list[object] = []
    build = service(lambda ports, event: ask_the_till(ports, event, answers))
    world = shop(build, more=[Function(name="Till", build=Till)], faults=[busy])
    orders(world, 0, 0, 500)
    assert answers == ["Till is throttled", "paid 0", "paid 2"]


def test_a_command_that_the_other_does_not_handle_is_refused() -> None:
    async def ask(ports: Ports, _event: Ordered) -> None:
        await ports.caller("Till").invoke(ordered())

    trace = orders(shop(service(ask), more=[Function(name="Till", build=Till)]), 0)
    assert "Till has no handler for Ordered: it handles Bill" in failures(trace)[0]


def test_an_actor_is_answered_too() -> None:
    world = shop(Shop, more=[Function(name="Till", build=Till)])
    world.request(7, "Guest", "Till", Bill(50), "saga")
    world.request(9, "Guest", "Till", Bill(-1))
    trace = world.run()
    paid, refused = said(trace, "return", target="Guest")
    assert paid == (7 + INVOKE, "paid 50")
    assert refused[1].startswith("Till failed: LookupError")
    invoked = Invoked("Guest", "Till", "send the bill")
    assert trace.entries[1] == Record(7, "saga", None, 1, invoked)


# What cannot be a service.


def test_a_service_without_a_handler_is_refused() -> None:
    class Idle:
        def __init__(self, _ports: Ports) -> None:
            pass

        async def pack(self, event: Ordered) -> None:
            pass

    with pytest.raises(ValueError, match="Shop has no handler: mark a method of Idle with @on"):
        shop(Idle)


def test_a_handler_that_is_not_async_is_refused() -> None:
    with pytest.raises(TypeError, match="pack handles Ordered and must be `async def`"):

        class Hasty:
            @on(Ordered)
            def pack(self, event: Ordered) -> None:
                pass


def test_a_mark_without_a_message_is_refused() -> None:
    with pytest.raises(TypeError, match="@on takes the types of messages"):
        on()
    with pytest.raises(TypeError, match="@on takes the types of messages"):

        class Marked:
            @on
            async def pack(self, event: Ordered) -> None:
                pass


def test_one_handler_may_handle_several_messages() -> None:
    class Clerk:
        def __init__(self, ports: Ports) -> None:
            self.guest = ports.person("Guest")

        @on(Ordered, Bill)
        async def file(self, message: Ordered | Bill) -> None:
            await self.guest.tell(type(message).__name__)

    world = shop(Clerk)
    world.request(0, "Guest", "Shop", Bill(1))
    trace = orders(world, 500)
    assert [text for _, text in said(trace, "call", target="Guest")] == ["Bill", "Ordered"]


def test_two_handlers_of_one_message_are_refused() -> None:
    class Twice(Shop):
        @on(Ordered)
        async def pack_too(self, event: Ordered) -> None:
            pass

    with pytest.raises(ValueError, match="Twice handles Ordered in pack and in pack_too: keep one"):
        shop(Twice)


def test_a_service_may_put_its_own_handler_in_the_place_of_an_inherited_one() -> None:
    class Generous(Shop):
        @on(Ordered)
        async def pack(self, event: Ordered) -> None:
            await self.guest.tell("packed for free")

    assert (ARRIVES, "packed for free") in said(orders(shop(Generous), 0), target="Guest")


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda ports: ports.store("Shelfs"), "there is no store 'Shelfs': did you mean Shelves"),
        (lambda ports: ports.store("Courier"), "there is no store 'Courier'"),
        (lambda ports: ports.external("Kurier"), "there is no external party 'Kurier': did you"),
        (lambda ports: ports.caller("Till"), "there is no function 'Till': use one of Shop"),
        (lambda ports: ports.person("Gest"), "there is no actor 'Gest': did you mean Guest"),
    ],
)
def test_a_port_to_what_does_not_exist_is_refused_when_the_service_is_built(
    ask: Callable[[Ports], object], complaint: str
) -> None:
    def build(ports: Ports) -> Shop:
        ask(ports)
        return Shop(ports)

    with pytest.raises(ValueError, match=complaint) as caught:
        shop(build)
    assert str(caught.value).startswith("Shop: ")
