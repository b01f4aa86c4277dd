"""One commit in every world: the item, its outbox and its inbox together, or nothing of it."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest

from sagakit.contract.events import Event, decode
from sagakit.contract.ports import AlreadyHandled, VersionConflict
from sagakit.payments.events import PaymentFailed, PaymentInit
from sagakit.payments.wallet import Wallet
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Kernel
from sagakit.sim.store import SimulatedStore
from sagakit.worlds.aws.tables import Table
from sagakit.worlds.emulator import Emulator
from sagakit.worlds.packing import unpack
from sagakit.worlds.sqlite import stores
from sagakit.worlds.sqlite.database import Database

ANA = Wallet("ana", Decimal("100.00"))
FIRST = PaymentInit.first(
    "ana:A", payment_id="ana:A", transaction_id="tx-ana:A", user_id="ana", amount=Decimal("70.00")
)
SECOND = PaymentFailed.after(FIRST, reason="OF_A_TEST")


class Store(Protocol):
    def commit(self, item: Any, publish: tuple[Event, ...], handled: str | None) -> None: ...
    def item(self, key: str) -> Any: ...
    def outbox(self) -> list[str]:
        """The ids of the events, oldest first."""


class Simulated:
    def __init__(self) -> None:
        self.store = SimulatedStore(
            Kernel(seed=0), name="Wallet DB", owner="Wallet Service", store=(1, 1), relay=(1, 1),
            faults=FaultPlan(()), publish=lambda _: 1,
        )  # fmt: skip

    def commit(self, item: Any, publish: tuple[Event, ...], handled: str | None) -> None:
        self.store.begins()
        following = item and item._replace(version=item.version + 1)
        self.store.commit(item, following, publish, handled)

    def item(self, key: str) -> Any:
        return self.store.items.get(key)

    def outbox(self) -> list[str]:
        return list(self.store.outbox)


class OnFile:
    def __init__(self, database: Database) -> None:
        self.database = database

    def commit(self, item: Any, publish: tuple[Event, ...], handled: str | None) -> None:
        with self.database.transaction():
            stores.commit(self.database, "Wallet DB", item, publish, handled, 0)

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

    def commit(self, item: Any, publish: tuple[Event, ...], handled: str | None) -> None:
        self.table.commit(item, publish, handled, None, 0)

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


def test_the_item_and_all_its_events_are_there(store: Store) -> None:
    store.commit(ANA, (FIRST, SECOND), "request-1")
    assert store.item("ana") == ANA._replace(version=1)
    assert store.outbox() == [FIRST.header.event_id, SECOND.header.event_id]


def test_an_item_of_an_old_version_is_a_conflict_and_leaves_nothing(store: Store) -> None:
    store.commit(ANA, (), None)
    before = ANA._replace(version=1)
    store.commit(before._replace(balance=Decimal("30.00")), (), None)
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
    store.commit(ANA, (), None)
    with pytest.raises(VersionConflict):
        store.commit(ANA._replace(balance=Decimal(1)), (FIRST,), None)
    assert store.item("ana").balance == ANA.balance
    assert store.outbox() == []


def test_cents_are_kept_as_they_are(store: Store) -> None:
    store.commit(Wallet("eva", Decimal("0.10")), (), None)
    assert str(store.item("eva").balance) == "0.10"
