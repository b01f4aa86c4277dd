"""Faults are data: what makes no sense is refused for people, the rest strikes when it says."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sagakit.contract.events import explain
from sagakit.contract.faults import (
    Crash,
    Delay,
    Drop,
    Duplicate,
    Fault,
    Known,
    Loss,
    Outage,
    Reorder,
    Throttle,
)
from sagakit.sim.faults import FaultPlan
from tests.sim.shop import shop
from tests.sim.test_invocation import Shop

EACH = (
    Duplicate(queue="Shop SQS", after=5),
    Drop(queue="Shop SQS", event="Ordered", nth=2),
    Delay(queue="Shop SQS", by=40, correlation_id="order-1"),
    Reorder(queue="Shop SQS"),
    Crash(service="Shop", step=2, when="before"),
    Outage(participant="Bus", start=5, end=9),
    Throttle(participant="Shelves", start=5, end=9, limit=3),
    Loss(store="Shelves", at=7),
)
ONE = TypeAdapter[Fault](Fault)


@pytest.mark.parametrize("fault", EACH)
def test_a_fault_is_the_same_after_json(fault: Fault) -> None:
    assert ONE.validate_json(ONE.dump_json(fault)) == fault


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({}, "unable to extract tag using discriminator 'fault'"),
        ({"fault": "flood"}, "input tag 'flood' found using 'fault' does not match any of the"),
        ({"fault": "drop"}, "drop.queue: field required"),
        ({"fault": "drop", "queue": "A", "nth": 0}, "drop.nth: input should be greater than or eq"),
        ({"fault": "drop", "queue": "A", "nht": 1}, "drop.nht: extra inputs are not permitted"),
        ({"fault": "delay", "queue": "A"}, "delay.by: field required"),
        ({"fault": "delay", "queue": "A", "by": -1}, "delay.by: input should be greater than or e"),
        ({"fault": "delay", "queue": "A", "by": 0.5}, "delay.by: input should be a valid integer"),
        ({"fault": "duplicate", "queue": "A", "after": -5}, "duplicate.after: input should be gre"),
        ({"fault": "crash", "service": "A", "step": 0}, "crash.step: input should be greater than"),
        ({"fault": "crash", "service": "A", "when": "during"}, "crash.when: input should be 'befo"),
        ({"fault": "loss", "store": "A", "at": -1}, "loss.at: input should be greater than or equ"),
        (
            {"fault": "outage", "participant": "A", "start": 9, "end": 9},
            "outage: end (9 ms) must be later than start (9 ms)",
        ),
        (
            {"fault": "throttle", "participant": "A", "start": 9, "end": 5},
            "throttle: end (5 ms) must be later than start (9 ms)",
        ),
        (
            {"fault": "throttle", "participant": "A", "start": 0, "end": 5, "limit": 0},
            "throttle.limit: input should be greater than or equal to 1",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_field(
    data: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        ONE.validate_python(data)
    assert complaint in explain(caught.value)


# Names.


@pytest.mark.parametrize("fault", EACH)
def test_a_world_takes_a_fault_that_names_what_it_has(fault: Fault) -> None:
    shop(Shop, faults=[fault])


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (Drop(queue="Shop SQ"), "queue: there is no 'Shop SQ' here: did you mean Shop SQS?"),
        (Drop(queue="Courier"), "queue: there is no 'Courier' here"),
        (Drop(queue="Shop SQS", event="Order"), "event: there is no 'Order' here: did you mean Or"),
        (Drop(queue="Retry SQS", event="Ordered"), "event: there is no 'Ordered' here: there are"),
        (Crash(service="Bus"), "service: there is no 'Bus' here: use one of Shop"),
        (Crash(service="Shop", event="Packed"), "event: there is no 'Packed' here"),
        (Outage(participant="Guest", start=0, end=1), "participant: there is no 'Guest' here"),
        (
            Outage(participant="Shop SQS", start=0, end=1),
            "participant: there is no 'Shop SQS' here",
        ),
        (
            Throttle(participant="Courier", start=0, end=1),
            "participant: there is no 'Courier' here",
        ),
        (Loss(store="Shop", at=0), "store: there is no 'Shop' here: use one of Shelves"),
    ],
)
def test_a_fault_that_names_what_there_is_not_is_refused(fault: Fault, complaint: str) -> None:
    """Or it would be passed over in silence, and prove nothing."""
    with pytest.raises(ValueError, match="faults") as caught:
        shop(Shop, faults=[EACH[0], fault])
    assert str(caught.value).startswith(f"faults[1].{complaint}")


def test_a_plan_is_checked_against_what_is_known() -> None:
    known = Known({"A": {"Ordered"}}, {}, [], [])
    FaultPlan([Drop(queue="A", event="Ordered")]).check(known)
    with pytest.raises(ValueError, match="no 'B' here: use one of A"):
        FaultPlan([Drop(queue="B")]).check(known)


# When they strike.


def test_a_fault_on_a_message_strikes_the_nth_that_matches_and_no_other() -> None:
    plan = FaultPlan([Drop(queue="A", event="Ordered", nth=2)])
    deliveries = ["Packed", "Ordered", "Packed", "Ordered", "Ordered", "Ordered"]
    struck = [plan.on_message("A", event, "saga") is not None for event in deliveries]
    assert struck == [False, False, False, True, False, False]
    assert plan.on_message("B", "Ordered", "saga") is None


def test_each_fault_counts_for_itself_and_the_first_listed_strikes() -> None:
    drop, delay = Drop(queue="A", nth=2), Delay(queue="A", by=1, nth=2)
    plan = FaultPlan([delay, drop])
    assert [plan.on_message("A", "Ordered", "saga") for _ in range(3)] == [None, delay, None]


def test_a_crash_strikes_the_nth_invocation_that_matches() -> None:
    crash = Crash(service="Shop", event="Ordered", nth=2)
    plan = FaultPlan([crash])
    handled = ["Ordered", "Packed", "Ordered", "Ordered"]
    assert [plan.on_invocation("Shop", event) for event in handled] == [None, None, crash, None]
    assert plan.on_invocation("Bakery", "Ordered") is None


@pytest.mark.parametrize(("now", "out"), [(4, False), (5, True), (8, True), (9, False)])
def test_an_outage_lasts_from_its_start_until_before_its_end(now: int, out: bool) -> None:
    plan = FaultPlan([Outage(participant="Bus", start=5, end=9)])
    assert (plan.outage("Bus", now) is not None) is out
    assert plan.outage("Shop", now) is None


@pytest.mark.parametrize(("now", "limit"), [(4, 10), (5, 3), (8, 3), (9, 10)])
def test_a_throttle_lowers_a_limit_and_never_raises_it(now: int, limit: int) -> None:
    plan = FaultPlan([Throttle(participant="Shop", start=5, end=9, limit=3)])
    assert plan.limit("Shop", now, otherwise=10) == limit
    assert plan.limit("Shop", now, otherwise=2) == 2
    assert plan.limit("Bakery", now, otherwise=10) == 10
