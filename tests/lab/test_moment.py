"""What stood where at one moment of a run."""

from typing import NamedTuple

import pytest

from sagakit import Run, run, scenarios
from sagakit.contract.ports import Store, on
from sagakit.lab.moment import Holding, landmarks, moment, touched
from sagakit.scenarios import System
from sagakit.trace.facts import Committed, Postponed, Retried


@pytest.fixture(scope="module")
def happy() -> Run:
    return run(scenarios.happy_path)


@pytest.fixture(scope="module")
def late() -> Run:
    return run(scenarios.provider_error)


def index_of(finished: Run, text: str) -> int:
    arrows = enumerate(finished.records.arrows())
    return next(index for index, arrow in arrows if text in arrow.text)


def test_before_the_first_record_there_is_nothing(happy: Run) -> None:
    then = moment(happy.records, -1)
    assert then.stores == ()
    assert {row.text for row in then.queues} == {"empty"}


def test_a_store_changes_when_it_says_ok_and_not_when_it_is_asked(happy: Run) -> None:
    asked = index_of(happy, "update balance: 30.00")
    old, new = (
        Holding("Wallet DB", "ana", f"balance: {balance}, version: {version}")
        for balance, version in (("100.00", 1), ("30.00", 2))
    )
    assert old in moment(happy.records, asked).stores
    assert new in moment(happy.records, asked + 1).stores
    assert moment(happy.records, asked + 1).changed_since(moment(happy.records, asked)) == {new}


def test_the_key_of_an_item_is_told_once() -> None:
    class Room(NamedTuple):
        key: str
        free: int
        version: int = 0

    class Book(NamedTuple):
        key: str

    class Hotel:
        def __init__(self, rooms: Store[Room]) -> None:
            self.rooms = rooms

        @on(Book)
        async def book(self, command: Book) -> None:
            room = await self.rooms.get(command.key)
            await self.rooms.commit(room._replace(free=room.free - 1))

    records = run(
        System(
            name="hotel",
            services={"Hotel": Hotel},
            requests={"ana": Book("double")},
            opening={"Hotel": [Room("double", 3)]},
        )
    ).records
    assert moment(records, len(records) - 1).stores == (
        Holding("Hotel DB", "double", "free: 2, version: 2"),
    )


def test_a_message_waits_then_is_in_flight_then_is_gone(happy: Run) -> None:
    queued = index_of(happy, "Queue [PaymentInit]")
    done = index_of(happy, "done (payment of 70.00)")
    seen = [
        row.text
        for index in (queued - 1, queued, queued + 1, done)
        for row in moment(happy.records, index).queues
        if row.where == "Wallet SQS"
    ]
    assert seen == ["empty", "PaymentInit", "PaymentInit (in flight)", "empty"]


def test_the_last_moment_is_how_the_run_ended(late: Run) -> None:
    end = moment(late.records, len(late.records) - 1)
    assert {(row.where, row.key) for row in (*end.stores, *end.breaker)} == {
        (store, key) for store, items in late.records.stores().items() for key in items
    }


def test_the_breaker_is_a_part_of_its_own(late: Run) -> None:
    first = index_of(late, "timeout")
    counted = next(
        index
        for index, record in enumerate(late.records.entries)
        if isinstance(record.fact, Committed) and record.fact.store == "Breaker DB"
    )
    assert first < counted
    (before,), (after,) = (moment(late.records, index).breaker for index in (counted - 1, counted))
    assert "nothing written" in before.text
    assert "CLOSED, failures: 1" in after.text


def test_dead_letters_are_told_apart_from_what_waits() -> None:
    text = scenarios.Scenario(
        name="poison",
        title="A text that is no event",
        wallets=(),
        payments=(),
        texts=[{"at": 0, "queue": "Wallet SQS", "text": "hello"}],
    )
    records = run(text).records
    assert moment(records, len(records) - 1).queues == (
        Holding("Wallet SQS", "", "empty"),
        Holding("Wallet SQS", "dead letters", "a text"),
    )


def test_what_is_touched_is_what_is_read_or_written() -> None:
    records = run(scenarios.concurrent_payments).records
    assert touched(record for record in records.entries if record.saga == "ana:B") == {
        ("Payments DB", "ana:B"),
        ("Wallet DB", "ana"),
    }


def test_landmarks_are_the_first_of_their_kind(late: Run) -> None:
    found = landmarks(late.records.entries)
    assert set(found) == {"retry", "compensation"}
    entries = late.records.entries
    assert isinstance(entries[found["retry"]].fact, Postponed)
    assert entries[found["compensation"]].fact.event == "ReembolsarUsuario"
    both = run(scenarios.concurrent_payments).records.entries
    assert isinstance(both[landmarks(both)["conflict"]].fact, Retried)


def test_a_run_in_which_all_goes_well_has_no_landmarks(happy: Run) -> None:
    assert landmarks(happy.records.entries) == {}
