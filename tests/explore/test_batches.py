"""A wallet service that takes batches is explored by having each order come as one batch."""

import pytest

from sagakit import Scenario
from sagakit.explore import explore
from sagakit.payments.topology import Settings
from sagakit.run import Run
from sagakit.scenarios import BadScenario
from sagakit.trace.facts import Received

WAITING = Scenario(
    name="waiting",
    title="Two payments and a message that nobody can read wait together",
    wallets=[{"user_id": "ana", "balance": 100}],
    payments=[{"user_id": "ana", "amount": 40}, {"user_id": "ana", "amount": 30}],
    texts=[{"at": 0, "queue": "Wallet SQS", "text": "poison"}],
    settings=Settings(wallet_batch=10, wallet_reports=False),
)


def first_batch(run: Run) -> list[str | None]:
    """The sagas of the first batch, in order."""
    received = [
        record
        for record in run.records.entries
        if isinstance(record.fact, Received) and record.fact.queue == "Wallet SQS"
    ]
    first = received[0].invocation
    return [record.saga for record in received if record.invocation == first]


def test_each_order_comes_as_one_batch() -> None:
    orders: list[list[str | None]] = []

    def seen(run: Run) -> None:
        orders.append(first_batch(run))

    answer = explore(WAITING, invariants=[seen], stop="all")
    assert answer.complete
    assert answer.runs == 6
    assert answer.broken == []
    assert sorted(orders, key=str) == sorted(
        [
            ["ana:1", "ana:2", None], ["ana:2", "ana:1", None], ["ana:1", None],
            ["ana:2", None], [None], [None],
        ],
        key=str,
    )  # fmt: skip


def test_batches_take_no_budget_and_keep_to_the_limit() -> None:
    with pytest.raises(BadScenario, match="batches are explored without a budget"):
        explore(WAITING, duplicates=1)
    assert explore(WAITING, limit=3).cut_by == "the limit of 3 runs"
