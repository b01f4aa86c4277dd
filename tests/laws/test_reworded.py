"""A picture may be reworded without a law going blind: no verdict depends on a label."""

from collections.abc import Callable

import pytest

from sagakit import explore, run, scenarios
from sagakit.laws import verdicts
from sagakit.trace import arrows, facts
from sagakit.trace.trace import Trace
from sagakit.zoo import flaw
from tests.laws.test_rejects import CASES

NONSENSE = arrows.Shape("note", "?", "?", "?", "?", "?")

Judged = list[tuple[str, bool, int | None]]


@pytest.fixture
def reword(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def reword() -> None:
        monkeypatch.setattr(arrows, "shape", lambda _fact: NONSENSE)
        record = facts.Record(0, None, None, 0, facts.Paused("Shop"))
        assert arrows.arrow(record).text == "? ?"

    return reword


def judged(trace: Trace) -> Judged:
    return [(law, held, record) for law, held, _, record in verdicts(trace)]


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_scenario_is_judged_without_labels(name: str, reword: Callable[[], None]) -> None:
    before = judged(run(name).records)
    reword()
    assert judged(run(name).records) == before


@pytest.mark.parametrize("case", CASES)
def test_what_a_law_rejects_is_rejected_without_labels(
    case: object, reword: Callable[[], None]
) -> None:
    make = case.trace  # type: ignore[attr-defined]
    before = judged(make())
    assert not all(held for _, held, _ in before)
    reword()
    assert judged(make()) == before


@pytest.mark.parametrize("name", ["no_inbox", "refund_unknown", "swallowed_poison"])
def test_explore_finds_a_flaw_without_labels(name: str, reword: Callable[[], None]) -> None:
    before = [(found.verdict.law, found.schedule) for found in flaw(name).explore().broken]
    assert before
    reword()
    assert [(found.verdict.law, found.schedule) for found in flaw(name).explore().broken] == before


def test_explore_proves_a_sound_system_without_labels(reword: Callable[[], None]) -> None:
    reword()
    assert explore("happy_path").proved
