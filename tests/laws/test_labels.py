"""A picture can be reworded, and no law goes blind: none decides by a label."""

import re

import pytest

from sagakit import explore, run, scenarios
from sagakit.laws import Verdict, verdicts
from sagakit.trace import arrows
from sagakit.trace.facts import Fact
from tests.laws.test_rejects import CASES, Case

SHAPE = arrows.shape


def reworded(fact: Fact) -> arrows.Shape:
    """Draw every fact as the same thing between strangers."""
    return SHAPE(fact)._replace(
        kind="note", source="Somebody", target="Somebody", label="something", remark="else"
    )


def without_quotes(judged: list[Verdict]) -> list[Verdict]:
    """Return the verdicts without the arrows that they quote."""
    return [
        verdict._replace(detail=re.sub(r" with '[^']*'", "", verdict.detail)) for verdict in judged
    ]


@pytest.mark.parametrize("case", CASES)
def test_a_law_gives_the_same_verdict_whatever_the_labels_say(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = case.trace()
    before = verdicts(trace)
    monkeypatch.setattr(arrows, "shape", reworded)
    assert without_quotes(verdicts(trace)) == without_quotes(before)


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_sound_run_holds_every_law_whatever_the_labels_say(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrows, "shape", reworded)
    assert all(verdict.held for verdict in verdicts(run(name).records))


def test_explore_finds_the_same_whatever_the_labels_say(monkeypatch: pytest.MonkeyPatch) -> None:
    given = scenarios.happy_path

    def told() -> list[str]:
        from sagakit.zoo.no_inbox import NoInbox

        services = {"Wallet Service": NoInbox}
        return [*explore(given, crashes=1, duplicates=1, services=services).told()]

    before = told()
    monkeypatch.setattr(arrows, "shape", reworded)
    assert told() == before
