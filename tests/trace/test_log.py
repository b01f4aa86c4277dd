"""A log is the trace: what is written line by line is read back whole."""

import gzip
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit import Scenario, run, scenarios
from sagakit.laws import verdicts
from sagakit.payments.topology import EVENTS, ITEMS
from sagakit.trace.facts import Booked, Opening, ReadRequested
from sagakit.trace.log import BadLog, read_log
from sagakit.trace.trace import Trace


def read(*lines: str) -> Trace:
    return read_log(lines, (), ITEMS, EVENTS)


def written(name: str) -> list[str]:
    """The log of a scenario as version 1 wrote it."""
    with gzip.open(Path(__file__).parent / "logs_v1" / f"{name}.jsonl.gz", "rt") as lines:
        return list(lines)


MANY_FAULTS = "many_faults"  # of each kind: what a fault does is told by a line's label alone
FAULTY = Path(__file__).parent / "logs_v1" / f"{MANY_FAULTS}.json"
LINE = next(run("happy_path").records.jsonl())
V1 = written("happy_path")[0]


def with_(**fields: object) -> str:
    return json.dumps({**json.loads(LINE), **fields})


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_run_is_read_back_as_it_was(name: str) -> None:
    trace = run(name).records
    again = read_log(trace.jsonl(), trace.participants, ITEMS, EVENTS)
    assert again.entries == trace.entries
    assert again.stores() == trace.stores()


@pytest.mark.parametrize("name", [*scenarios.NAMES, MANY_FAULTS])
def test_a_log_of_version_1_is_the_same_trace_but_for_the_keys_of_reads(name: str) -> None:
    given = Scenario.model_validate_json(FAULTY.read_text("utf-8")) if name == MANY_FAULTS else name
    trace = run(given).records
    again = read_log(written(name), trace.participants, ITEMS, EVENTS)
    assert again.entries == [
        record._replace(fact=record.fact._replace(key=""))
        if isinstance(record.fact, ReadRequested)
        else record
        for record in trace.entries
    ]


def test_empty_lines_are_passed_over() -> None:
    assert len(read("", LINE, "\n")) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "line 2: not JSON: Expecting value at column 1"),
        (LINE[:-1] + "\n", f"line 2: not JSON: Expecting ',' delimiter at column {len(LINE)}"),
        ("[]", "line 2: this is no record of sagakit, which has the keys v, t, correlation_id"),
        (with_(t="noon"), "line 2: t: input should be a valid int"),
        (with_(v=3), "line 2: v: input should be 2"),
        (with_(fact={"is": "Openin"}), "did you mean Opening?"),
        (with_(fact={"is": "ItemRead"}), "ItemRead: service: field required"),
        (with_(fact={"is": []}), "fact: there is no []"),
        (with_(invocation={}), "line 2: invocation: input should be"),
        (LINE.replace("Wallet DB", "Safe DB"), "fact.item: there is no store 'Safe DB'"),
        (LINE.replace('"balance": 100.00', '"balance": "much"'), "line 2: fact.item: balance:"),
        (V1.replace('"kind": "note"', '"kind": "arow"'), "line 2: kind: input should be 'call'"),
        (V1.replace('"is": "Read"', '"is": "Reed"'), "line 2: no fact has such a detail"),
        ('{"level": "ERROR", "message": "no"}', "docs/worlds.md says how to leave other lines out"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_record_is_named(line: str, words: str) -> None:
    with pytest.raises(BadLog) as told:
        read(LINE, line)
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({}, "line 1: payment_id: field required"),
        ({"amount_debited": None}, "amount_debited: an amount must be a number"),
        ({"header": 1}, "field required"),
    ],
)
def test_an_event_that_says_something_else_is_named(payload: object, words: str) -> None:
    lines = map(json.loads, run("happy_path").records.jsonl())
    line = next(one for one in lines if one["fact"].get("event") == "BalanceDebited")
    line["fact"]["payload"] = payload
    with pytest.raises(BadLog) as told:
        read(json.dumps(line))
    assert words in str(told.value)


LINES = [*run("provider_error").records.jsonl(), *written("provider_error")]


@given(st.sampled_from(LINES), st.data())
def test_whatever_is_wrong_in_a_record_is_a_bad_log_or_can_be_judged(
    line: str, data: st.DataObject
) -> None:
    fields = json.loads(line)
    place = fields
    while isinstance(place[(name := data.draw(st.sampled_from(sorted(place))))], dict):
        place = place[name]
    place[name] = data.draw(st.sampled_from([None, True, -1, 1.5, "x", [], ["x"], {}, {"x": 1}]))
    with suppress(BadLog):
        verdicts(read(*LINES, json.dumps(fields)))


@pytest.mark.parametrize("lines", [[], ["", "\n"]])
def test_a_log_without_a_record_proves_nothing(lines: list[str]) -> None:
    with pytest.raises(BadLog, match="there is no record in it: was anything written"):
        read(*lines)


class TestTheLogOfFunctions:
    """Each line has its record as `message`; neither openings nor books are in it."""

    @staticmethod
    def logged(name: str, *, turned: bool = False) -> Trace:
        """A run's log as its functions alone would have written it."""
        trace = run(name).records
        told = [one for one in trace.entries if not isinstance(one.fact, Opening | Booked)]
        lines = [f'{{"level": "INFO", "message": {line}}}' for line in Trace((), told).jsonl()]
        if turned:  # as two functions would have it, one's log after the other's
            lines = [*lines[1::2], *lines[::2]]
        return read_log(lines, trace.participants, ITEMS, EVENTS)

    @pytest.mark.parametrize(
        "name", ["happy_path", "provider_error", "insufficient_funds", "circuit_breaker"]
    )
    def test_openings_and_books_are_told_from_what_was_seen(self, name: str) -> None:
        done, again = run(name), self.logged(name)
        assert again.stores() == done.records.stores()
        assert [(one.law, one.held) for one in verdicts(again)] == [
            (one.law, True) for one in done.verdicts()
        ]

    def test_they_are_put_in_order_of_time(self) -> None:
        times = [record.t for record in self.logged("provider_error", turned=True).entries]
        assert times == sorted(times)

    def test_what_the_log_tells_itself_is_not_told_again(self) -> None:
        trace = run("provider_error").records
        lines = [f'{{"message": {line}}}' for line in trace.jsonl()]
        assert read_log(lines, trace.participants, ITEMS, EVENTS).entries == trace.entries

    def test_a_charge_that_the_provider_did_not_confirm_is_not_in_its_books(self) -> None:
        """Nothing is made up: it stayed silent, so all that is known is that it voided."""
        told = [record.fact for record in self.logged("provider_error").entries]
        assert [fact.state for fact in told if isinstance(fact, Booked)] == ["voided"]
