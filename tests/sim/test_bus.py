"""The bus: who gets an event, under which name, and what each fault does to it."""

import pytest

from sagakit.contract.deployment import Rule
from sagakit.contract.events import Event
from sagakit.contract.faults import Delay, Drop, Duplicate, Fault, Outage, Reorder
from sagakit.sim.bus import LONGEST_HOLD, SimulatedBus
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Kernel
from sagakit.trace.arrows import Arrow
from sagakit.trace.facts import Published, Record, Renamed
from sagakit.trace.trace import Trace
from tests.sim.shop import Ordered, Packed, ordered

LATENCY = 10


class Bench:
    """A bus with the targets A and B; `arrived` tells (time, target, event)."""

    def __init__(self, *faults: Fault, rules: tuple[Rule, ...] = ()) -> None:
        self.kernel = Kernel(seed=0)
        self.trace = Trace(())
        self.arrived: list[tuple[int, str, Event]] = []
        self.bus = SimulatedBus(
            self.kernel, self.trace.write, name="Bus",
            rules=rules or (Rule(event=Ordered, target="A"),),
            targets={name: self.target(name) for name in ("A", "B")},
            faults=FaultPlan(faults), latency=(LATENCY, LATENCY),
        )  # fmt: skip

    def target(self, name: str) -> object:
        return lambda event: self.arrived.append((self.kernel.now, name, event))

    def publish(self, *times: int) -> list[tuple[int, int]]:
        """Publish an order at each time; returns when what arrived: (time, order)."""
        for number, at in enumerate(times):
            self.kernel.plan(at, self.bus.publish, ordered(number), "Shop")
        self.kernel.run()
        return [(time, event.number) for time, _, event in self.arrived]

    def faults(self) -> list[Arrow]:
        return [arrow for arrow in self.trace.arrows() if arrow.kind == "fault"]


def test_an_event_goes_to_the_targets_of_its_rules_and_to_no_other() -> None:
    bench = Bench(
        rules=(
            Rule(event=Ordered, target="A"),
            Rule(event=Ordered, target="B"),
            Rule(event=Packed, target="B"),
        )
    )
    bench.publish(0)
    assert [(name, type(event)) for _, name, event in bench.arrived] == [
        ("A", Ordered), ("B", Ordered)
    ]  # fmt: skip


def test_an_event_without_a_rule_is_published_and_goes_nowhere() -> None:
    bench = Bench(rules=(Rule(event=Packed, target="A"),))
    bench.publish(0)
    assert bench.arrived == []
    assert [type(record.fact) for record in bench.trace.entries] == [Published]


def test_the_publication_is_recorded_with_all_that_the_event_says() -> None:
    bench = Bench()
    bench.publish(7)
    event = ordered()
    cause = event.header.causation_id
    published = Published("Shop", "Bus", "Ordered", cause, 1, {"number": 0})
    assert bench.trace.entries == [Record(7, "order-0", event.header.event_id, 0, published)]


def test_a_rule_may_rename_an_event_which_then_follows_from_the_first() -> None:
    bench = Bench(rules=(Rule(event=Ordered, target="A", rename=Packed),))
    bench.publish(7)
    ((time, _, packed),) = bench.arrived
    assert time == 7 + LATENCY
    assert isinstance(packed, Packed)
    assert packed.number == 0
    assert packed.header.causation_id == ordered().header.event_id
    assert packed.header.correlation_id == "order-0"
    assert packed.header.timestamp == 7
    renamed = bench.trace.entries[1]
    cause = ordered().header.event_id
    assert renamed.fact == Renamed("Bus", "Ordered", "Packed", cause, 1, {"number": 0})
    assert renamed.event_id == packed.header.event_id


def test_the_same_event_published_twice_is_renamed_to_the_same_event() -> None:
    bench = Bench(rules=(Rule(event=Ordered, target="A", rename=Packed),))
    bench.kernel.plan(0, bench.bus.publish, ordered(), "Shop")
    bench.kernel.plan(9, bench.bus.publish, ordered(), "Shop")
    bench.kernel.run()
    assert len({event.header.event_id for _, _, event in bench.arrived}) == 1


# Faults.


def test_without_a_fault_each_event_arrives_once() -> None:
    assert Bench().publish(0, 5) == [(10, 0), (15, 1)]


def test_duplicate() -> None:
    assert Bench(Duplicate(queue="A", nth=2, after=30)).publish(0, 5) == [
        (10, 0), (15, 1), (45, 1)
    ]  # fmt: skip


def test_drop() -> None:
    assert Bench(Drop(queue="A")).publish(0, 5) == [(15, 1)]


def test_delay() -> None:
    assert Bench(Delay(queue="A", by=40)).publish(0, 5) == [(15, 1), (50, 0)]


def test_reorder_lets_the_next_one_overtake() -> None:
    assert Bench(Reorder(queue="A")).publish(0, 5, 9) == [(15, 1), (15, 0), (19, 2)]


def test_several_may_be_held_back_until_one_comes() -> None:
    faults = Reorder(queue="A", nth=1), Reorder(queue="A", nth=2)
    assert Bench(*faults).publish(0, 5, 9) == [(19, 2), (19, 0), (19, 1)]


def test_reorder_gives_up_if_nobody_comes() -> None:
    assert Bench(Reorder(queue="A")).publish(0) == [(LONGEST_HOLD + LATENCY, 0)]


def test_each_waits_for_as_long_as_any_other() -> None:
    """That an earlier one would have given up by now is no reason to let go of a later one."""
    faults = Reorder(queue="A", nth=1), Reorder(queue="A", nth=3)
    late = LONGEST_HOLD - 1
    assert Bench(*faults).publish(0, 5, late) == [
        (15, 1), (15, 0), (late + LONGEST_HOLD + LATENCY, 2)
    ]  # fmt: skip


def test_a_message_for_another_target_overtakes_nobody() -> None:
    rules = (Rule(event=Ordered, target="A"), Rule(event=Packed, target="B"))
    bench = Bench(Reorder(queue="A"), rules=rules)
    bench.kernel.plan(5, bench.bus.publish, Packed.first("order-9"), "Shop")
    assert bench.publish(0)[-1] == (LONGEST_HOLD + LATENCY, 0)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Duplicate(queue="A"), "message doubled"),
        (Drop(queue="A"), "message lost"),
        (Delay(queue="A", by=40), "message delayed by 40 ms"),
        (Reorder(queue="A"), "message held back until the next one"),
    ],
)
def test_a_fault_shows_in_the_trace(fault: Fault, text: str) -> None:
    bench = Bench(fault)
    bench.publish(3)
    (record,) = bench.faults()
    assert (record.t, record.source, record.target, record.text) == (3, "Bus", "A", text)
    assert (record.event, record.correlation_id) == ("Ordered", "order-0")


def test_a_fault_strikes_one_saga_or_one_type_if_it_says_so() -> None:
    saga = Bench(Drop(queue="A", correlation_id="order-1"))
    assert saga.publish(0, 5, 9) == [(10, 0), (19, 2)]
    other_type = Bench(Drop(queue="A", event="Packed"))
    assert other_type.publish(0, 5) == [(10, 0), (15, 1)]


def test_while_the_bus_is_out_it_takes_nothing_and_says_when_it_will() -> None:
    bench = Bench(Outage(participant="Bus", start=5, end=25))
    bench.kernel.now = 7
    assert bench.bus.publish(ordered(), "Shop") == 18
    assert [arrow.text for arrow in bench.trace.arrows()] == ["cannot publish: the bus is out"]
    bench.kernel.now = 25
    assert bench.bus.publish(ordered(), "Shop") == 0
