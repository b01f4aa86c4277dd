"""One commit in every world: the item, its outbox and its inbox together, or nothing of it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest

from sagakit.contract.events import Event, decode
from sagakit.contract.operations import Commit
from sagakit.contract.ports import AlreadyHandled, VersionConflict
from sagakit.payments.events import PaymentFailed, PaymentInit
from sagakit.payments.wallet import Wallet
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Kernel
from sagakit.sim.store import SimulatedStore
from sagakit.trace.facts import Committed
from sagakit.worlds.aws.tables import Table
from sagakit.worlds.emulator import Emulator
from sagakit.worlds.packing import unpack
from sagakit.worlds.sqlite import stores
from sagakit.worlds.sqlite.database import Database

WALLET = "Wallet Service"
ANA = Wallet("ana", Decimal("100.00"))
FIRST = PaymentInit.first(
    "ana:A", payment_id="ana:A", transaction_id="tx-ana:A", user_id="ana", amount=Decimal("70.00")
)
SECOND = PaymentFailed.after(FIRST, reason="OF_A_TEST")


class Store(Protocol):
    def commit(
        self, item: Any, publish: tuple[Event, ...] = (), handled: str | None = None
    ) -> Committed: ...
    def item(self, key: str) -> Any: ...
    def outbox(self) -> list[str]:
        """The ids of the events, oldest first."""


class Simulated:
    def __init__(self) -> None:
        self.store = SimulatedStore(
            Kernel(seed=0), name="Wallet DB", latency=(1, 1), relay=(1, 1),
            faults=FaultPlan(()), publish=lambda _: 1,
        )  # fmt: skip

    def commit(
        self, item: Any, publish: tuple[Event, ...] = (), handled: str | None = None
    ) -> Committed:
        self.store.begins()
        following = item and item._replace(version=item.version + 1)
        return self.store.commit(item, following, publish, handled, service=WALLET)

    def item(self, key: str) -> Any:
        return self.store.items.get(key)

    def outbox(self) -> list[str]:
        return list(self.store.outbox)


class OnFile:
    def __init__(self, database: Database) -> None:
        self.database = database

    def commit(
        self, item: Any, publish: tuple[Event, ...] = (), handled: str | None = None
    ) -> Committed:
        with self.database.transaction():
            return stores.commit(
                self.database, WALLET, Commit("Wallet DB", item, publish, handled), 0
            )

    def item(self, key: str) -> Any:
        return stores.get(self.database, "Wallet DB", key)

    def outbox(self) -> list[str]:
        rows = self.database.run("SELECT entry FROM outbox ORDER BY id")
        return [unpack(row[0]).header.event_id for row in rows]


class OnAws:
    def __init__(self, emulator: Emulator) -> None:
        resources = emulator.resources()
        self.table = Table(resources, "Wallet DB", Wallet)
        resources.client("dynamodb").create_table(
            TableName=self.table.name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def commit(
        self, item: Any, publish: tuple[Event, ...] = (), handled: str | None = None
    ) -> Committed:
        before = self.item(item.key) if item is not None else None  # as its reader saw it
        return self.table.commit(WALLET, Commit("Wallet DB", item, publish, handled), before, 0)

    def item(self, key: str) -> Any:
        return self.table.get(key)

    def outbox(self) -> list[str]:
        known: list[type[Event]] = [PaymentInit, PaymentFailed]
        events = [decode(row["event"]["S"], known) for row in self.table.outbox()]
        return [event.header.event_id for event in events]


@pytest.fixture(params=["sim", "sqlite", "aws"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sim":
        yield Simulated()
    elif request.param == "sqlite":
        with Database(tmp_path / "file.db", create=True) as database:
            yield OnFile(database)
    else:
        yield OnAws(request.getfixturevalue("emulator"))


def test_a_commit_writes_the_item_and_all_its_events_and_tells_of_it(store: Store) -> None:
    ids = (FIRST.header.event_id, SECOND.header.event_id)
    written = ANA._replace(version=1)
    assert store.commit(ANA, (FIRST, SECOND), "request-1") == Committed(
        WALLET, "Wallet DB", "ana", None, written, ids, "request-1"
    )
    assert store.item("ana") == ANA._replace(version=1)
    assert store.outbox() == [FIRST.header.event_id, SECOND.header.event_id]


def test_an_item_of_an_old_version_is_a_conflict_and_leaves_nothing(store: Store) -> None:
    store.commit(ANA)
    before = ANA._replace(version=1)
    store.commit(before._replace(balance=Decimal("30.00")))
    with pytest.raises(VersionConflict, match=re.escape("ana has ")):
        store.commit(before._replace(balance=Decimal("20.00")), (FIRST,), "request-1")
    assert store.item("ana") == Wallet("ana", Decimal("30.00"), 2)
    assert store.outbox() == []
    store.commit(None, (FIRST,), "request-1")  # the inbox has not kept it either
    assert store.outbox() == [FIRST.header.event_id]


def test_a_message_that_was_handled_before_leaves_nothing(store: Store) -> None:
    store.commit(ANA, (FIRST,), "request-1")
    with pytest.raises(AlreadyHandled, match="request-1 was handled before"):
        store.commit(store.item("ana")._replace(balance=Decimal(0)), (SECOND,), "request-1")
    assert store.item("ana") == ANA._replace(version=1)
    assert store.outbox() == [FIRST.header.event_id]


def test_of_two_who_create_an_item_one_is_refused(store: Store) -> None:
    store.commit(ANA)
    with pytest.raises(VersionConflict):
        store.commit(ANA._replace(balance=Decimal(1)), (FIRST,), None)
    assert store.item("ana").balance == ANA.balance
    assert store.outbox() == []


def test_an_item_that_equals_what_is_there_keeps_its_version_which_is_checked(
    store: Store,
) -> None:
    store.commit(ANA)
    written = ANA._replace(version=1)
    assert store.commit(written, (FIRST,)) == Committed(
        WALLET, "Wallet DB", "ana", written, written, (FIRST.header.event_id,), None
    )
    assert store.item("ana") == written
    store.commit(written._replace(balance=Decimal(1)))
    with pytest.raises(VersionConflict):
        store.commit(written)


def test_a_commit_without_an_item_writes_the_outbox_and_the_inbox(store: Store) -> None:
    written = store.commit(None, (FIRST,), "request-1")
    assert (written.key, written.before, written.item) == (None, None, None)
    assert store.outbox() == [FIRST.header.event_id]
    with pytest.raises(AlreadyHandled):
        store.commit(None, (SECOND,), "request-1")


def test_cents_are_kept_as_they_are(store: Store) -> None:
    store.commit(Wallet("eva", Decimal("0.10")))
    assert str(store.item("eva").balance) == "0.10"
