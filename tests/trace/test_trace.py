"""The trace: what a record says, and what can be told from the records alone."""

import json
from typing import Any, NamedTuple

import pytest

from sagakit import run, scenarios
from sagakit.contract.events import encode
from sagakit.contract.timing import duration
from sagakit.trace import facts
from sagakit.trace.arrows import arrow
from sagakit.trace.facts import Record
from sagakit.trace.trace import Trace
from tests.sim.shop import Shelf

TEA = Shelf("tea", 9, version=2)


def record(fact: facts.Fact) -> Record:
    return Record(0, "saga", "id", 1, fact)


def commit_requested(item: Any, unchanged: bool = False, *outbox: str) -> facts.Fact:
    return facts.CommitRequested("Shop", "Shelves", item, unchanged, outbox)


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (facts.Invoked("User", "Shop", "POST /payments"), "POST /payments"),
        (facts.Received("Q", "Shop", "Ordered", 1, 2, "", "Invoke Lambda"), "Invoke Lambda"),
        (facts.Received("Q", "Shop", "Ordered", 1, 2, "attempt=2", "Invoke Lambda"),
         "Invoke Lambda (attempt=2)"),
        (facts.Published("Shop", "Bus", "Ordered", "id", 1, {}), "Publish event [Ordered]"),
        (facts.ItemRead("Shop", "Shelves", "tea", TEA), "{9 left, version: 2}"),
        (facts.ItemRead("Shop", "Shelves", "tea", None), "nothing"),
        (commit_requested(TEA._replace(version=1)), "put 9 left, version: 1, condition: it is new"),
        (commit_requested(TEA, False, "Packed"),
         "update 9 left, version: 2, condition version == 1 & outbox [Packed]"),
        (commit_requested(TEA, True, "Packed"),
         "check condition version == 1 & outbox [Packed]"),
        (commit_requested(None, False, "Packed", "Sold"), "record outbox [Packed, Sold]"),
        (facts.Committed("Shop", "Shelves", "tea", None, TEA, (), None), "OK"),
        (facts.Failed("Shop", "Q", 1, "LookupError: no tea"), "failed: LookupError: no tea"),
        (facts.PartyAnswered("Shop", "Bank", "k", (), 200, "OK"), "200 OK"),
        (facts.Asked("Shop", "Bank", "k", (), False, "send()"), "send()"),
        (facts.Postponed("Shop", "Q", "Ordered", "c", 1, {}, 1, 60_000, "attempt=2"),
         "Enqueue (attempt=2), delay 1 minute"),
    ],
)  # fmt: skip
def test_the_text_of_an_arrow_is_its_label_with_its_remark(fact: facts.Fact, text: str) -> None:
    assert arrow(record(fact)).text == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 s"), (5, "0.005 s"), (1_200, "1.2 s"), (60_000, "1 minute"), (120_000, "2 minutes"),
     (90_000, "90 s"), (1_234_567, "1234.567 s")],
)  # fmt: skip
def test_a_duration_is_for_people(ms: int, text: str) -> None:
    assert duration(ms) == text


def test_a_trace_is_read_as_records() -> None:
    paused, resumed = record(facts.Paused("Shop")), record(facts.Resumed("Shop"))
    trace = Trace((), [paused])
    trace.write(resumed)
    assert trace.entries == [paused, resumed]
    assert len(trace) == 2
    assert repr(trace) == "<Trace of 2 records, 0 participants>"


def test_an_item_without_a_text_of_its_own_is_told_by_its_fields() -> None:
    class Book(NamedTuple):
        title: str
        lent: bool
        version: int = 0

    book = Book("Emma", False, version=3)
    read = facts.ItemRead("Shop", "Shelves", "Emma", book)
    assert arrow(record(read)).text == "{title: Emma, lent: False, version: 3}"
    assert arrow(record(commit_requested(book))).text == (
        "update title: Emma, lent: False, version: 3, condition version == 2"
    )


# The structured log.


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_log_is_one_json_object_a_record(name: str) -> None:
    trace = run(name).records
    lines = list(trace.jsonl())
    assert len(lines) == len(trace)
    for line, each in zip(lines, trace.entries, strict=True):
        assert "\n" not in line
        fields = json.loads(line)
        assert fields["v"] == 2
        assert fields["correlation_id"] == each.saga
        assert set(fields["fact"]) == {"is", *each.fact._fields}


def test_a_log_line_names_its_fact_and_has_its_fields() -> None:
    (line,) = Trace((), [record(facts.Opening("Shelves", TEA))]).jsonl()
    assert json.loads(line) == {
        "v": 2, "t": 0, "correlation_id": "saga", "event_id": "id", "invocation": 1,
        "fact": {
            "is": "Opening", "store": "Shelves",
            "item": {"thing": "tea", "left": 9, "version": 2},
        },
    }  # fmt: skip


def test_the_same_scenario_and_seed_give_the_same_log() -> None:
    one, two = (list(run("circuit_breaker", seed=4).records.jsonl()) for _ in range(2))
    other = list(run("circuit_breaker", seed=5).records.jsonl())
    assert one == two != other
    assert encode(one) == encode(two)
