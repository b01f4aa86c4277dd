"""Stores: a commit is all or nothing, versions lose no update, and the outbox keeps its order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.contract.events import Event
from sagakit.contract.faults import Outage, Throttle
from sagakit.contract.ports import AlreadyHandled, Delayed, Unavailable, VersionConflict, event_of
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Kernel
from sagakit.sim.store import SimulatedStore
from sagakit.trace.facts import Committed
from tests.sim.shop import Shelf, ordered

TEA = Shelf("tea", 10)
RELAY = 2


class Bench:
    """A store; `relayed` tells (time, event) of each outbox entry that was published."""

    def __init__(self, *faults: Any, relay: tuple[int, int] = (RELAY, RELAY)) -> None:
        self.kernel = Kernel(seed=0)
        self.relayed: list[tuple[int, Event | Delayed]] = []
        self.closed_until = 0
        self.store = SimulatedStore(
            self.kernel, name="Shelves", latency=(5, 5), relay=relay,
            faults=FaultPlan(faults), publish=self.publish,
        )  # fmt: skip

    def publish(self, entry: Event | Delayed) -> int:
        if self.kernel.now < self.closed_until:
            return self.closed_until - self.kernel.now
        self.relayed.append((self.kernel.now, entry))
        return 0

    def commit(
        self,
        item: Shelf | None,
        *,
        publish: tuple[Event | Delayed, ...] = (),
        handled: str | None = None,
    ) -> Committed:
        self.store.begins()
        following = item and item._replace(version=item.version + 1)
        return self.store.commit(item, following, publish, handled)

    def get(self, key: str = "tea") -> Shelf | None:
        self.store.begins()
        return self.store.get(key)

    def contents(self) -> tuple[Any, ...]:
        return dict(self.store.items), set(self.store.inbox), dict(self.store.outbox)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_new_item_is_written_with_version_one(bench: Bench) -> None:
    assert bench.commit(TEA) == Committed(
        "", "Shelves", "tea", None, TEA._replace(version=1), (), None
    )
    assert bench.get() == TEA._replace(version=1)


def test_each_write_raises_the_version_by_one(bench: Bench) -> None:
    bench.commit(TEA)
    for left in (9, 8, 7):
        bench.commit(bench.get()._replace(left=left))
    assert bench.get() == Shelf("tea", 7, version=4)


def test_an_item_that_is_as_stored_is_only_checked(bench: Bench) -> None:
    bench.commit(TEA)
    stored = bench.get()
    assert bench.commit(stored).item == stored
    assert bench.get().version == 1


def test_there_is_no_item_that_was_never_written(bench: Bench) -> None:
    assert bench.get("coffee") is None


def test_a_write_on_an_old_version_is_a_conflict(bench: Bench) -> None:
    bench.commit(TEA)
    read = bench.get()
    bench.commit(read._replace(left=9))
    with pytest.raises(VersionConflict, match="Shelves: tea has version 2 by now, not 1"):
        bench.commit(read._replace(left=5))


def test_so_is_a_second_creation_and_an_update_of_nothing(bench: Bench) -> None:
    with pytest.raises(VersionConflict, match="version 0 by now, not 3"):
        bench.commit(TEA._replace(version=3))
    bench.commit(TEA)
    with pytest.raises(VersionConflict, match="version 1 by now, not 0"):
        bench.commit(TEA)


def test_so_is_the_check_of_an_old_version(bench: Bench) -> None:
    bench.commit(TEA)
    read = bench.get()
    bench.commit(read._replace(left=9))
    with pytest.raises(VersionConflict):
        bench.commit(read, publish=(ordered(),))


def test_a_message_is_handled_once(bench: Bench) -> None:
    bench.commit(TEA, handled="m1")
    with pytest.raises(AlreadyHandled, match="message m1 was handled before"):
        bench.commit(None, handled="m1")
    bench.commit(None, handled="m2")
    assert bench.store.inbox == {"m1", "m2"}


@pytest.mark.parametrize(
    ("item", "publish", "handled", "why"),
    [
        (Shelf("tea", 3, version=7), (ordered(1),), "m2", VersionConflict),
        (Shelf("tea", 3, version=1), (ordered(1),), "m1", AlreadyHandled),
    ],
)
def test_nothing_is_written_when_anything_is_refused(
    bench: Bench, item: Shelf, publish: tuple[Event, ...], handled: str, why: type[Exception]
) -> None:
    bench.commit(TEA, publish=(ordered(0),), handled="m1")
    before = bench.contents()
    with pytest.raises(why):
        bench.commit(item, publish=publish, handled=handled)
    assert bench.contents() == before
    bench.kernel.run()
    assert [event_of(entry).number for _, entry in bench.relayed] == [0]


# The outbox.


def test_events_are_published_after_the_commit_with_its_time(bench: Bench) -> None:
    bench.kernel.plan(7, bench.commit, TEA)
    bench.kernel.plan(9, lambda: bench.commit(None, publish=(ordered(), Delayed(ordered(1), 50))))
    bench.kernel.run()
    assert bench.relayed == [
        (9 + RELAY, ordered().stamped(9)),
        (9 + RELAY, Delayed(ordered(1).stamped(9), 50)),
    ]
    assert bench.store.outbox == {}


@given(st.lists(st.integers(0, 30), max_size=15).map(sorted), st.integers(0, 40))
def test_the_outbox_is_published_once_in_the_order_of_the_commits(
    times: list[int], closed_until: int
) -> None:
    bench = Bench(relay=(1, 20))
    bench.closed_until = closed_until
    for number, time in enumerate(times):
        bench.kernel.plan(time, lambda n=number: bench.commit(None, publish=(ordered(n),)))
    bench.kernel.run()
    assert [entry.number for _, entry in bench.relayed] == list(range(len(times)))


def test_an_event_stays_in_the_outbox_until_the_bus_has_taken_it(bench: Bench) -> None:
    bench.closed_until = 100
    bench.commit(None, publish=(ordered(),))
    bench.kernel.plan(99, lambda: waiting.extend(bench.store.outbox))
    waiting: list[str] = []
    bench.kernel.run()
    assert waiting == [ordered().header.event_id]
    assert [time for time, _ in bench.relayed] == [100]


# Loss and restore.


def test_a_lost_store_is_out_of_reach_and_publishes_nothing(bench: Bench) -> None:
    bench.commit(TEA, publish=(ordered(),), handled="m1")
    bench.store.lose()
    with pytest.raises(Unavailable, match="Shelves is lost: restore it from a snapshot"):
        bench.get()
    with pytest.raises(Unavailable):
        bench.commit(TEA)
    bench.kernel.run()
    assert bench.relayed == []


def test_a_restored_store_holds_what_the_backup_holds_and_relays_its_outbox(bench: Bench) -> None:
    bench.commit(TEA, publish=(ordered(),), handled="m1")
    backup = bench.store.backup()
    before = bench.contents()
    bench.store.lose()
    bench.kernel.plan(50, bench.store.restore, backup)
    bench.kernel.plan(50, lambda: after.extend(bench.contents()))
    after: list[Any] = []
    bench.kernel.run()
    assert tuple(after) == before
    assert bench.relayed == [(50 + RELAY, ordered())]


def test_a_backup_does_not_change_with_the_store(bench: Bench) -> None:
    bench.commit(TEA, publish=(ordered(),), handled="m1")
    backup = bench.store.backup()
    bench.kernel.run()
    bench.commit(bench.get()._replace(left=0), handled="m2")
    assert backup == (0, (TEA._replace(version=1),), {"m1"}, (ordered(),))


def test_what_is_published_after_the_backup_is_published_again_by_a_restore(bench: Bench) -> None:
    """So a recovery hands the backup on without what it finds in the archive."""
    bench.commit(None, publish=(ordered(),))
    backup = bench.store.backup()
    bench.kernel.plan(10, bench.store.lose)
    bench.kernel.plan(11, bench.store.restore, backup)
    bench.kernel.run()
    assert bench.relayed == [(RELAY, ordered()), (11 + RELAY, ordered())]


# Faults.


def test_a_store_cannot_be_reached_during_its_outage() -> None:
    bench = Bench(Outage(participant="Shelves", start=5, end=9))
    bench.commit(TEA)
    bench.kernel.now = 5
    with pytest.raises(Unavailable, match="Shelves cannot be reached"):
        bench.get()
    with pytest.raises(Unavailable):
        bench.commit(None, handled="m1")
    bench.kernel.now = 9
    assert bench.get() == TEA._replace(version=1)
    assert bench.store.inbox == set()


def test_throttling_limits_the_operations_in_progress() -> None:
    bench = Bench(Throttle(participant="Shelves", start=5, end=9, limit=2))
    bench.kernel.now = 5
    assert [bench.store.begins() for _ in range(3)] == [True, True, False]
    bench.store.get("tea")
    assert [bench.store.begins() for _ in range(2)] == [True, False]
    bench.kernel.now = 9
    assert bench.store.begins()


# No update is lost, whatever the order.


@given(st.lists(st.integers(0, 4), max_size=60))
def test_no_interleaving_of_conditional_commits_loses_an_update(turns: list[int]) -> None:
    """Five clients each take one from the shelf, again and again: a read is a turn, so is a write.

    A client whose write is refused reads again in its next turn.
    """
    bench = Bench()
    bench.commit(Shelf("tea", 1_000))
    read: dict[int, Shelf] = {}
    taken = 0
    for client in turns:
        if client not in read:
            read[client] = bench.get()
            continue
        shelf = read.pop(client)
        try:
            bench.commit(shelf._replace(left=shelf.left - 1), handled=f"m{taken}")
        except VersionConflict:
            continue
        taken += 1
    assert bench.get() == Shelf("tea", 1_000 - taken, version=1 + taken)
    assert bench.store.inbox == {f"m{n}" for n in range(taken)}
