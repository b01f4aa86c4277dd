"""A log is the trace: what is written line by line is read back whole."""

import json

import pytest

from sagakit import run, scenarios
from sagakit.payments.topology import ITEMS
from sagakit.sim.log import BadLog, read_log
from sagakit.sim.trace import Trace


def read(*lines: str) -> Trace:
    return read_log(lines, (), ITEMS)


LINE = next(run("happy_path").records.jsonl())


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_run_is_read_back_as_it_was(name: str) -> None:
    trace = run(name).records
    again = read_log(trace.jsonl(), trace.participants, ITEMS)
    assert list(again) == list(trace)
    assert again.stores() == trace.stores()


def test_empty_lines_are_passed_over() -> None:
    assert len(read("", LINE, "\n")) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "line 2: not JSON"),
        ("[]", "line 2: a record has the fields t, kind"),
        (json.dumps({**json.loads(LINE), "t": "noon"}), "line 2: t: input should be a valid int"),
        (json.dumps({**json.loads(LINE), "kind": "arow"}), "line 2: kind: input should be 'call'"),
        (json.dumps({**json.loads(LINE), "detail": {"is": "Reed"}}), "did you mean Read?"),
        (json.dumps({**json.loads(LINE), "detail": {"is": "Read"}}), "has the fields key, item"),
        (LINE.replace("Wallet DB", "Safe DB"), "neither end of the arrow is a store"),
        (LINE.replace('"balance": 100.00', '"balance": "much"'), "line 2: balance: input should"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_record_is_named(line: str, words: str) -> None:
    with pytest.raises(BadLog) as told:
        read(LINE, line)
    assert words in str(told.value)
