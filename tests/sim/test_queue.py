"""Queues: a received message is hidden, not gone, and none is ever lost."""

from collections import Counter
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.sim.kernel import Kernel
from sagakit.sim.queue import Message, SimulatedQueue
from sagakit.trace.facts import DeadLettered, Redriven, VisibleAgain
from sagakit.trace.trace import Trace
from tests.sim.shop import ordered, told

VISIBILITY = 100
RECEIVES = 3
POLL = 1


class Bench:
    """A queue that hides a message for 100 ms and gives it out three times at most."""

    def __init__(self) -> None:
        self.kernel = Kernel(seed=0)
        self.trace = Trace(())
        numbers = count(1)
        self.next_number = lambda: next(numbers)
        self.queue = SimulatedQueue(
            self.kernel, self.trace.write, name="Q", shown_as="Q", visibility=VISIBILITY,
            receives=RECEIVES, dead_letters="DLQ", poll=(POLL, POLL),
            next_message=self.next_number,
        )  # fmt: skip
        self.received: list[tuple[int, int]] = []  # (time, message id)
        self.queue.consumer = self.take

    def message(self) -> Message:
        return Message(self.next_number(), ordered())

    def send(self, *delays: int) -> list[Message]:
        messages = [self.message() for _ in delays]
        for message, delay in zip(messages, delays, strict=True):
            self.queue.send(message, delay)
        return messages

    def take(self) -> None:
        """Receive one message and do nothing about it."""
        for message in self.queue.receive(1):
            self.received.append((self.kernel.now, message.message_id))
            self.on_receipt(message)

    def on_receipt(self, message: Message) -> None:
        pass


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_message_can_be_received_after_its_delay_and_a_poll(bench: Bench) -> None:
    bench.on_receipt = bench.queue.delete
    bench.send(0, 900, 50)
    bench.kernel.run()
    assert bench.received == [(POLL, 1), (POLL + 50, 3), (POLL + 900, 2)]


def test_a_message_that_is_not_deleted_is_visible_again_after_its_timeout(bench: Bench) -> None:
    bench.send(0)
    bench.kernel.run()
    assert [time for time, _ in bench.received] == [
        POLL, POLL + VISIBILITY, POLL + 2 * VISIBILITY
    ]  # fmt: skip
    assert [t for t, _ in told(bench.trace, VisibleAgain)] == [
        POLL + n * VISIBILITY for n in (1, 2, 3)
    ]


def test_the_receives_are_counted(bench: Bench) -> None:
    counts: list[int] = []
    bench.on_receipt = lambda message: counts.append(message.receipt)
    bench.send(0)
    bench.kernel.run()
    assert counts == [1, 2, 3]
    assert [fact.receives for _, fact in told(bench.trace, VisibleAgain)] == [1, 2, 3]


def test_what_was_received_too_often_is_a_dead_letter_with_its_last_reason(bench: Bench) -> None:
    def fail(message: Message) -> None:
        message.reason = f"failure {message.receipt}"

    bench.on_receipt = fail
    (message,) = bench.send(0)
    bench.kernel.run()
    assert bench.queue.dead_letters == [message]
    ((_, buried),) = told(bench.trace, DeadLettered)
    assert buried == DeadLettered("Q", "DLQ", "Ordered", buried.message_id, "failure 3")
    assert bench.trace.entries[-1].saga == "order-0"


def test_a_dead_letter_has_a_reason_even_if_nobody_gave_one(bench: Bench) -> None:
    bench.send(0)
    bench.kernel.run()
    ((_, buried),) = told(bench.trace, DeadLettered)
    assert buried.reason == "received too often, never acknowledged"


def test_a_message_that_is_deleted_does_not_come_back(bench: Bench) -> None:
    bench.on_receipt = bench.queue.delete
    bench.send(0)
    bench.kernel.run()
    assert bench.received == [(POLL, 1)]
    assert bench.queue.dead_letters == []


def test_a_message_may_be_deleted_after_it_was_handed_out_again(bench: Bench) -> None:
    (message,) = bench.send(0)
    bench.kernel.after(POLL + VISIBILITY + 10, bench.queue.delete, message)
    bench.kernel.run()
    assert len(bench.received) == 2
    assert bench.queue.dead_letters == []


def test_a_message_that_is_deleted_while_it_waits_is_not_handed_out(bench: Bench) -> None:
    bench.queue.consumer = lambda: None
    deleted, kept = bench.send(0, 0)
    bench.kernel.run()
    bench.queue.delete(deleted)
    assert bench.queue.receive(10) == [kept]


def test_a_deletion_that_comes_after_the_burial_leaves_the_dead_letter_as_it_is(
    bench: Bench,
) -> None:
    (message,) = bench.send(0)
    bench.kernel.run()
    bench.queue.delete(message)
    assert bench.queue.dead_letters == [message]
    assert message.body == ordered()


def test_a_batch_has_as_many_as_there_are_and_no_more_than_are_asked_for(bench: Bench) -> None:
    bench.queue.consumer = lambda: None
    messages = bench.send(0, 0, 0)
    bench.kernel.run()
    assert bench.queue.receive(2) == messages[:2]
    assert bench.queue.receive(2) == messages[2:]
    assert bench.queue.receive(2) == []


def test_a_burial_does_not_stop_a_batch(bench: Bench) -> None:
    bench.queue.consumer = lambda: None
    worn_out, fresh = bench.send(0, 0)
    worn_out.receipt = RECEIVES
    bench.kernel.run()
    assert bench.queue.receive(10) == [fresh]
    assert bench.queue.dead_letters == [worn_out]


def test_a_redriven_dead_letter_is_a_new_message_with_the_same_event(bench: Bench) -> None:
    (message,) = bench.send(0)
    bench.kernel.run()
    assert bench.queue.redrive() == 1
    (redriven,) = [each for each in bench.trace.entries if isinstance(each.fact, Redriven)]
    assert redriven.fact == Redriven("DLQ", "Q", "Ordered", 2, message.message_id)
    assert redriven.event_id == ordered().header.event_id
    assert bench.queue.dead_letters == []
    bench.kernel.run()
    assert Counter(number for _, number in bench.received) == {1: RECEIVES, 2: RECEIVES}
    assert bench.queue.redrive() == 1


def test_the_redrive_of_nothing_is_nothing(bench: Bench) -> None:
    assert bench.queue.redrive() == 0
    assert len(bench.trace) == 0


@given(
    delays=st.lists(st.integers(0, 300), min_size=1, max_size=20),
    outcomes=st.lists(
        st.one_of(st.none(), st.integers(0, 2 * VISIBILITY)), min_size=60, max_size=60
    ),
    most=st.integers(1, 10),
)
def test_no_message_is_ever_lost(delays: list[int], outcomes: list[int | None], most: int) -> None:
    """Whatever becomes of each receive: deleted so many ms later, or never (None)."""
    bench = Bench()
    fates = iter(outcomes)
    deleted: set[int] = set()

    def delete(message: Message) -> None:
        if message not in bench.queue.dead_letters:
            deleted.add(message.message_id)
        bench.queue.delete(message)

    def take() -> None:
        for message in bench.queue.receive(most):
            after = next(fates)
            if after is not None:
                bench.kernel.after(after, delete, message)

    bench.queue.consumer = take
    messages = bench.send(*delays)
    bench.kernel.run()
    dead = {message.message_id for message in bench.queue.dead_letters}
    assert deleted | dead == {message.message_id for message in messages}
    assert not deleted & dead
    assert all(message.receipt <= RECEIVES for message in messages)
    assert not bench.queue.ready
