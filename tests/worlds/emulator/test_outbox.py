"""An outbox that nobody publishes any more, and what an operator does about it."""

from decimal import Decimal
from typing import Any

import pytest

from sagakit.payments.payment import Payment
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.trace.facts import Published, Record
from sagakit.worlds.aws.cloudformation import url_of
from sagakit.worlds.aws.functions import USER_NAME
from sagakit.worlds.aws.tables import Table
from sagakit.worlds.aws.template import template
from sagakit.worlds.emulator import Emulator
from sagakit.worlds.emulator.stack import Stack

POST = {
    "requestContext": {"authorizer": {"claims": {USER_NAME: "ana"}}},
    "headers": {"Idempotency-Key": "A"},
    "body": '{"user_id": "ana", "amount": 70}',
}


class Forgotten:
    """A stack with a payment whose first event waits in the outbox, of which the stream has
    forgotten to tell, as it does after a day. Ana has too little, so that nobody is asked."""

    def __init__(self, emulator: Emulator) -> None:
        resources = emulator.resources()
        content = template(payment_system(), resources.prefix)
        self.records: list[Record] = []
        nobody = {url_of(PROVIDER): "http://127.0.0.1:1"}
        self.stack = Stack(content, resources, nobody, self.records.append)
        Table(resources, "Wallet DB", Wallet).put(Wallet("ana", Decimal(10), 1))
        self.payments = Table(resources, "Payments DB", Payment)
        self.stack.post(POST)
        for stream in self.stack._pump._streams:
            stream.records()
            stream.waiting.clear()

    def published(self) -> list[str | None]:
        return [one.fact.event for one in self.records if isinstance(one.fact, Published)]


@pytest.fixture
def forgotten(emulator: Emulator) -> Forgotten:
    return Forgotten(emulator)


def test_what_the_stream_has_forgotten_is_published_in_the_end(forgotten: Forgotten) -> None:
    forgotten.stack.run()
    assert forgotten.published() == []
    assert len(forgotten.payments.outbox()) == 1
    assert forgotten.payments.republish() == 1
    forgotten.stack.run()
    assert forgotten.published() == ["PaymentInit", "InsufficientBalance", "PaymentFailed"]
    assert forgotten.payments.outbox() == []
    assert forgotten.payments.republish() == 0


def test_a_row_is_put_in_again_as_it_was_and_comes_after_the_first_time(
    forgotten: Forgotten,
) -> None:
    (before,) = forgotten.payments.outbox()
    forgotten.payments.republish()
    (after,) = forgotten.payments.outbox()
    assert after.pop("pk")["S"] > before.pop("pk")["S"]
    assert after == before


def test_what_is_published_meanwhile_is_not_put_in_again(
    forgotten: Forgotten, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = forgotten.payments.outbox()
    forgotten.payments.published(rows[0]["pk"]["S"])
    monkeypatch.setattr(forgotten.payments, "outbox", lambda: rows)
    assert forgotten.payments.republish() == 0
    monkeypatch.undo()
    assert forgotten.payments.outbox() == []


def test_all_pages_of_the_table_are_read(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> None:
    """A page that has no row of the outbox, and one that has it."""
    pages = [
        {"Items": [], "LastEvaluatedKey": {"pk": {"S": "item#ana"}}},
        {"Items": [{"pk": {"S": "outbox#1#00#a"}}]},
    ]
    asked: list[Any] = []

    def scan(**arguments: Any) -> Any:
        asked.append(arguments.get("ExclusiveStartKey"))
        return pages[len(asked) - 1]

    resources = emulator.resources()
    monkeypatch.setattr(resources.client("dynamodb"), "scan", scan)
    assert Table(resources, "Wallet DB", Wallet).outbox() == pages[1]["Items"]
    assert asked == [None, {"pk": {"S": "item#ana"}}]
