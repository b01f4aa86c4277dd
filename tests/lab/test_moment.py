"""What stood where at one moment of a run."""

from typing import NamedTuple

import pytest

from sagakit import Run, run, scenarios
from sagakit.contract.ports import Store, on
from sagakit.lab.moment import Row, landmarks, moment, touched
from sagakit.scenarios import System
from sagakit.trace.trace import Written


@pytest.fixture(scope="module")
def happy() -> Run:
    return run(scenarios.happy_path)


@pytest.fixture(scope="module")
def late() -> Run:
    return run(scenarios.provider_error)


def place_of(finished: Run, text: str) -> int:
    return next(place for place, one in enumerate(finished.records) if text in one.text)


def test_before_the_first_record_there_is_nothing(happy: Run) -> None:
    then = moment(happy.records, -1)
    assert then.stores == ()
    assert {row.text for row in then.queues} == {"empty"}


def test_a_store_changes_when_it_says_ok_and_not_when_it_is_asked(happy: Run) -> None:
    asked = place_of(happy, "update balance: 30.00")
    old, new = (
        Row("Wallet DB", "ana", f"balance: {balance}, version: {version}")
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
        Row("Hotel DB", "double", "free: 2, version: 2"),
    )


def test_a_message_waits_then_is_in_flight_then_is_gone(happy: Run) -> None:
    queued = place_of(happy, "Queue [PaymentInit]")
    done = place_of(happy, "done (payment of 70.00)")
    seen = [
        row.text
        for place in (queued - 1, queued, queued + 1, done)
        for row in moment(happy.records, place).queues
        if row.place == "Wallet SQS"
    ]
    assert seen == ["empty", "PaymentInit", "PaymentInit (in flight)", "empty"]


def test_the_last_moment_is_how_the_run_ended(late: Run) -> None:
    end = moment(late.records, len(late.records) - 1)
    assert {(row.place, row.key) for row in (*end.stores, *end.breaker)} == {
        (store, key) for store, items in late.records.stores().items() for key in items
    }


def test_the_breaker_is_a_part_of_its_own(late: Run) -> None:
    first = place_of(late, "timeout")
    counted = next(
        place
        for place, one in enumerate(late.records)
        if one.source == "Breaker DB" and isinstance(one.detail, Written)
    )
    assert first < counted
    (before,), (after,) = (moment(late.records, place).breaker for place in (counted - 1, counted))
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
        Row("Wallet SQS", "", "empty"),
        Row("Wallet SQS", "dead letters", "a text"),
    )


def test_what_is_touched_is_what_is_read_or_written() -> None:
    records = run(scenarios.concurrent_payments).records
    assert touched(record for record in records if record.correlation_id == "ana:B") == {
        ("Payments DB", "ana:B"),
        ("Wallet DB", "ana"),
    }


def test_landmarks_are_the_first_of_their_kind(late: Run) -> None:
    found = landmarks(late.records)
    assert set(found) == {"retry", "compensation"}
    assert late.records[found["retry"]].text.startswith("Enqueue")
    assert late.records[found["compensation"]].event == "ReembolsarUsuario"
    both = run(scenarios.concurrent_payments).records
    assert both[landmarks(both)["conflict"]].label.startswith("conflict")


def test_a_run_in_which_all_goes_well_has_no_landmarks(happy: Run) -> None:
    assert landmarks(happy.records) == {}
