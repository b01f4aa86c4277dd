"""An event is looked for where the rules of the run take it, and nowhere else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from sagakit import Run, System, explore, run
from sagakit.contract.events import Event
from sagakit.contract.ports import Store, on
from sagakit.laws import verdicts
from sagakit.payments.topology import payment_system
from sagakit.trace.facts import Published, Queued, Record
from sagakit.trace.trace import Trace
from sagakit.worlds.sqlite.serve import serve
from tests.laws.doctor import without


class Book(NamedTuple):
    """A trip is asked for."""

    trip: str


class Trip(NamedTuple):
    key: str
    version: int = 0


class PaymentFailed(Event):
    """Has the name of an event of the payment system, which goes to a topic there."""

    trip: str


class Trips:
    def __init__(self, trips: Store[Trip]) -> None:
        self.trips = trips

    @on(Book)
    async def book(self, command: Book) -> None:
        failed = PaymentFailed.first("ana", trip=command.trip)
        await self.trips.commit(Trip("ana"), publish=[failed])


class Desk:
    def __init__(self, inbox: Store[Trip]) -> None:
        self.inbox = inbox

    @on(PaymentFailed)
    async def note(self, event: PaymentFailed) -> None:
        await self.inbox.commit(None, handled=event)


class DeafDesk(Desk):
    """It hears of nothing but commands, so no rule takes an event to it."""

    note = None  # type: ignore[assignment]

    @on(str)
    async def ask(self, question: str) -> None:
        await self.inbox.get(question)


TRIPS = System(
    name="trips", services={"Trips": Trips, "Desk": Desk}, requests={"ana": Book("rome")}
)
LAW = "no silent drop"


def broken(trace: Trace) -> dict[str, str]:
    return {law: detail for law, held, detail, _ in verdicts(trace) if not held}


def all_hold(done: Run) -> bool:
    return all(verdict.held for verdict in done.verdicts())


def put_in(queue: str) -> Callable[[Record], bool]:
    return lambda record: isinstance(record.fact, Queued) and record.fact.queue == queue


def test_a_system_may_publish_what_the_payment_system_takes_elsewhere() -> None:
    assert all_hold(run(TRIPS))
    assert explore(TRIPS).proved


def test_a_served_system_is_held_to_its_own_rules(tmp_path: Path) -> None:
    assert all_hold(serve(TRIPS, tmp_path / "trips.db", hurry=True))


def test_an_event_of_a_system_that_never_comes_to_its_queue_is_found() -> None:
    told = broken(without(run(TRIPS).records, put_in("Desk SQS")))
    assert told[LAW].startswith("PaymentFailed of ana was published")
    assert "never came to Desk SQS" in told[LAW]


def test_an_event_that_no_rule_takes_is_nobody_s_business() -> None:
    alone = run(TRIPS, services={"Desk": DeafDesk})
    assert sum(isinstance(record.fact, Published) for record in alone.records.entries) == 1
    assert all_hold(alone)


@pytest.mark.parametrize("target", ["SNS Topic", "Wallet SQS"])
def test_a_deployment_is_held_to_the_rules_that_it_has(target: str) -> None:
    sound = payment_system()
    fewer = tuple(rule for rule in sound.rules if rule.target != target)
    done = run("happy_path", deployment=replace(sound, rules=fewer))
    assert LAW not in broken(done.records)


def test_a_rule_that_a_deployment_has_besides_is_looked_after() -> None:
    sound = payment_system()
    begun = sound.rules[0]
    more = replace(sound, rules=(*sound.rules, begun._replace(target="Payment SQS")))
    trace = run("happy_path", deployment=more).records
    lost = without(trace, put_in("Payment SQS"))
    assert "PaymentInit of ana:A" in broken(lost)[LAW]
    assert "never came to Payment SQS" in broken(lost)[LAW]


def test_a_trace_that_says_no_rules_is_taken_for_one_of_the_payment_system() -> None:
    trace = run("happy_path").records
    assert trace.rules == payment_system().rules
    lost = without(trace, put_in("Wallet SQS"))
    assert broken(Trace(trace.participants, lost.entries))[LAW] == broken(lost)[LAW]
