"""The trace: what a record says, and what can be told from the records alone."""

import json
from typing import Any, NamedTuple

import pytest

from sagakit import run, scenarios
from sagakit.contract.deployment import Participant
from sagakit.contract.events import encode
from sagakit.contract.faults import Loss
from sagakit.trace.trace import (
    Asked,
    Attempt,
    Failed,
    FannedOut,
    Fate,
    Published,
    Queued,
    Read,
    Record,
    Redriven,
    Restored,
    Trace,
    Written,
    duration,
)
from tests.sim.shop import Shelf, orders, shop
from tests.sim.test_invocation import Shop

TEA = Shelf("tea", 9, version=2)


def record(kind: Any, source: str, target: str, label: str = "", detail: Any = None) -> Record:
    return Record(0, kind, source, target, label, "Ordered", "saga", "id", 1, detail)


@pytest.mark.parametrize(
    ("label", "detail", "text"),
    [
        ("POST /payments", None, "POST /payments"),
        ("Invoke Lambda", Queued(1, 2), "Invoke Lambda"),
        ("Invoke Lambda", Queued(1, 2, "attempt=2"), "Invoke Lambda (attempt=2)"),
        ("Publish event [Ordered]", Published("id", 1, {"number": 0}), "Publish event [Ordered]"),
        ("", Read("tea", TEA), "{9 left, version: 2}"),
        ("", Read("tea", None), "nothing"),
        ("put", Attempt(TEA._replace(version=1), False, ""),
         "put 9 left, version: 1, condition: it is new"),
        ("update", Attempt(TEA, False, "Packed"),
         "update 9 left, version: 2, condition version == 1 & outbox [Packed]"),
        ("check", Attempt(TEA, True, "Packed"), "check condition version == 1 & outbox [Packed]"),
        ("record", Attempt(None, False, "Packed"), "record outbox [Packed]"),
        ("OK", Written("tea", None, TEA, (), None), "OK"),
        ("failed:", Failed(1, "LookupError: no tea"), "failed: LookupError: no tea"),
        ("200", Asked("k", (), "OK"), "200 OK"),
        ("send()", Asked("k", ()), "send()"),
        ("restore", Restored((TEA,)), "restore"),
    ],
)  # fmt: skip
def test_the_text_of_a_record_is_its_label_with_what_the_detail_says(
    label: str, detail: Any, text: str
) -> None:
    assert record("call", "A", "B", label, detail).text == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 s"), (5, "0.005 s"), (1_200, "1.2 s"), (60_000, "1 minute"), (120_000, "2 minutes"),
     (90_000, "90 s"), (1_234_567, "1234.567 s")],
)  # fmt: skip
def test_a_duration_is_for_people(ms: int, text: str) -> None:
    assert duration(ms) == text


def test_a_trace_is_read_as_records() -> None:
    one, two = record("call", "A", "B"), record("return", "B", "A")
    trace = Trace((), [one, two])
    assert list(trace) == [one, two]
    assert (trace[0], trace[-1], len(trace)) == (one, two, 2)
    assert repr(trace) == "<Trace of 2 records, 0 participants>"


def test_an_item_that_does_not_tell_itself_is_told_by_its_fields() -> None:
    class Book(NamedTuple):
        title: str
        lent: bool
        version: int = 0

    book = Book("Emma", False, version=3)
    assert str(Read("Emma", book)) == "{title: Emma, lent: False, version: 3}"
    assert str(Attempt(book, False, "")) == (
        "title: Emma, lent: False, version: 3, condition version == 2"
    )


# What the stores hold at the end.

STORES = (Participant("Shelves", "store"), Participant("Archive", "store"))


def stores(*records: Record) -> dict[str, dict[str, Any]]:
    return Trace(STORES, records).stores()


def written(item: Shelf | None) -> Record:
    return record("return", "Shelves", "Shop", "OK", Written(None, None, item, (), None))


def test_stores_hold_what_was_written_last() -> None:
    opening = record("note", "Shelves", "Shelves", "opening", Read("tea", TEA))
    sold_out = TEA._replace(left=0, version=3)
    assert stores() == {"Shelves": {}, "Archive": {}}
    assert stores(opening)["Shelves"] == {"tea": TEA}
    assert stores(opening, written(sold_out), written(None))["Shelves"] == {"tea": sold_out}


def test_a_read_changes_nothing() -> None:
    assert stores(record("return", "Shelves", "Shop", "", Read("tea", TEA)))["Shelves"] == {}


def test_a_loss_empties_a_store_and_a_restore_fills_it() -> None:
    lost = record("fault", "Shelves", "Shelves", "all data lost", Restored((TEA,)))
    restored = record("call", "Shop", "Shelves", "restore", Restored((TEA,)))
    assert stores(written(TEA), lost)["Shelves"] == {}
    assert stores(written(TEA), lost, restored)["Shelves"] == {"tea": TEA}


def test_what_the_trace_tells_of_the_stores_is_what_they_hold() -> None:
    world = shop(Shop)
    trace = orders(world, 0, 5, 9)
    assert trace.stores()["Shelves"] == world.stores["Shelves"].items
    lost = shop(Shop, faults=[Loss(store="Shelves", at=18)])
    assert orders(lost, 0, 5, 9).stores()["Shelves"] == lost.stores["Shelves"].items == {}


# What became of the messages.

SENT = record("async", "Bus", "Q", "Queue [Ordered]", Queued(1))
TAKEN = record("async", "Q", "Shop", "Invoke Lambda", Queued(1, 1))
DONE = record("return", "Shop", "Q", "done", Queued(1, 1))
FAILED = record("return", "Shop", "Q", "failed:", Failed(1, "no tea"))
AGAIN = record("note", "Q", "Q", "visible again", Queued(1, 1))
BURIED = record("async", "Q", "DLQ", "Dead letter:", Failed(1, "no tea"))
REDRIVEN = record("async", "DLQ", "Q", "Redrive", Redriven(2, formerly=1))
WAITS = Fate("Q", "Ordered", "waiting")


@pytest.mark.parametrize(
    ("records", "fates"),
    [
        ([], {}),
        ([SENT], {1: WAITS}),
        ([SENT, TAKEN], {1: WAITS}),
        ([SENT, TAKEN, DONE], {1: WAITS._replace(state="done")}),
        ([SENT, TAKEN, FAILED], {1: WAITS._replace(reason="no tea")}),
        ([SENT, TAKEN, FAILED, AGAIN, TAKEN, DONE], {1: Fate("Q", "Ordered", "done", "no tea")}),
        ([SENT, TAKEN, FAILED, BURIED], {1: Fate("Q", "Ordered", "dead", "no tea")}),
        ([SENT, TAKEN, BURIED, DONE], {1: Fate("Q", "Ordered", "dead", "no tea")}),
        ([SENT, TAKEN, FAILED, BURIED, REDRIVEN], {2: WAITS}),
        ([SENT, TAKEN, BURIED, REDRIVEN, DONE, FAILED], {2: WAITS}),
        (
            [record("async", "Bus", "Topic", "Publish event [Ordered]", FannedOut((1, 2)))],
            {1: Fate("Topic", "Ordered", "waiting"), 2: Fate("Topic", "Ordered", "waiting")},
        ),
        (
            [record("call", "Shop", "Retry", "Enqueue", Published("id", 1, {}, message_id=1))],
            {1: Fate("Retry", "Ordered", "waiting")},
        ),
    ],
)
def test_the_fate_of_a_message(records: list[Record], fates: dict[int, Fate]) -> None:
    assert Trace((), records).messages() == fates


# The structured log.


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_log_is_one_json_object_a_record(name: str) -> None:
    trace = run(name).records
    lines = list(trace.jsonl())
    assert len(lines) == len(trace)
    for line, each in zip(lines, trace, strict=True):
        assert "\n" not in line
        fields = json.loads(line)
        assert set(fields) == set(Record._fields)
        assert fields["label"] == each.text
        assert fields["correlation_id"] == each.correlation_id
        assert (fields["detail"] is None) == (each.detail is None)


def test_a_log_line_says_what_kind_of_detail_it_has() -> None:
    (line,) = Trace((), [record("return", "Shelves", "Shop", "", Read("tea", TEA))]).jsonl()
    assert json.loads(line)["detail"] == {
        "is": "Read", "key": "tea", "item": {"thing": "tea", "left": 9, "version": 2}
    }  # fmt: skip


def test_the_same_scenario_and_seed_give_the_same_log() -> None:
    one, two = (list(run("circuit_breaker", seed=4).records.jsonl()) for _ in range(2))
    other = list(run("circuit_breaker", seed=5).records.jsonl())
    assert one == two != other
    assert encode(one) == encode(two)
