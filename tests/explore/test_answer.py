"""What an exploration says: what was covered and in how much; nothing depends on the machine."""

import re
from collections.abc import Iterator
from itertools import islice
from math import comb
from typing import Any

import pytest

from sagakit import explore, run, scenarios
from sagakit.contract.terminal import Progress
from sagakit.explore import Exploration
from sagakit.scenarios import BadScenario, Scenario, explorable
from sagakit.zoo import flaw
from tests.explore.small import WALLET, Mute
from tests.laws.faulty import HasNoInbox

ONE = Scenario(
    name="one",
    title="One payment",
    wallets=[{"user_id": "ana", "balance": 100}],
    payments=[{"user_id": "ana", "amount": 40}],
)
APART = ONE.but(
    wallets=[{"user_id": "ana", "balance": 100}, {"user_id": "ben", "balance": 100}],
    payments=[{"user_id": "ana", "amount": 40}, {"user_id": "ben", "amount": 40}],
)
TWICE = {"services": {WALLET: HasNoInbox}, "duplicates": 1}


def text(answer: Exploration) -> str:
    return answer._repr_mimebundle_()["text/plain"]


def test_a_proof_says_what_it_covers() -> None:
    answer = explore(ONE, crashes=1, duplicates=1, provider={"timeout_after": 1})
    assert answer.proved
    assert answer.cut_by == ""
    headline, covered, counts, judged = text(answer).splitlines()
    assert headline == f"✓ Complete: every law holds in all {answer.schedules:,} schedules."
    assert covered == (
        "Covered: 1 payment of 1 wallet in every order of steps that can matter, with at most "
        "1 crash, 1 duplicate and 1 provider timeout after the effect. Time moves only when no "
        "handler has a step to make, so latencies do not matter."
    )
    assert counts == (
        f"Looked at: {answer.states:,} states, {answer.transitions:,} transitions, "
        f"{answer.ends} at rest."
    )
    assert judged.startswith(f"Laws: 15 of 15 held in {answer.judged} judged runs, which come to")
    assert answer.judged >= answer.ends


def test_a_counterexample_is_told_first() -> None:
    answer = explore(ONE, **TWICE)
    headline, cause, *broken, covered, _, judged = text(answer).splitlines()
    assert headline == "✗ 4 of 15 laws are broken (ended by the first broken law)."
    assert cause == "PaymentInit of ana:1 came twice."
    assert broken[1] == "✗ at most once: ana:1 was debited at 5 ms and again at 7 ms"
    assert covered.startswith("To be covered: 1 payment of 1 wallet")
    assert judged.startswith("Laws: 11 of 15 held in ")
    assert not answer.complete
    assert not answer.proved


def test_all_counterexamples_may_be_asked_for() -> None:
    answer = explore(ONE, **TWICE, stop="all")
    assert answer.complete
    assert not answer.proved
    assert text(answer).startswith("✗ 4 of 15 laws are broken (all was looked at).")
    assert answer.counterexample is answer.broken[0].run


@pytest.mark.parametrize(
    "answer",
    [explore(ONE, crashes=1), explore(ONE, **TWICE), explore(APART, limit=10), explore(ONE)],
    ids=["proof", "broken", "cut", "plain"],
)
def test_what_is_shown_does_not_depend_on_the_machine(answer: Exploration) -> None:
    again = explore(answer.scenario, **answer.arguments, limit=10 if answer.states == 11 else 10**6)
    answer.seconds, again.seconds = 1.0, 2.0
    assert answer._repr_mimebundle_() == again._repr_mimebundle_()
    assert repr(answer) == repr(again)
    assert answer.states_per_second == answer.states


def test_the_html_says_what_the_text_says() -> None:
    answer = explore(ONE, **TWICE)
    html = answer._repr_mimebundle_()["text/html"]
    said = re.sub("<[^>]*>", "\n", html.replace("</p><p>", "\n"))
    assert [line for line in said.splitlines() if line] == text(answer).splitlines()


def test_a_repr_has_one_line() -> None:
    assert repr(explore(ONE)) == (
        "<Exploration of one: ✓ Complete: every law holds in the one schedule there is. "
        "Looked at: 13 states, 12 transitions, 1 at rest.>"
    )


def test_an_exploration_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match=r"ask for \.proved or \.broken"):
        bool(explore(ONE))


def test_the_laws_are_a_table() -> None:
    laws = explore(ONE, **TWICE).laws
    assert list(laws.columns) == ["law", "held", "runs", "detail"]
    assert len(laws) == 15
    assert laws.dtypes.astype(str).tolist() == ["str", "bool", "int64", "str"]
    broken = laws[~laws.held]
    assert "at most once" in set(broken.law)
    assert broken.detail.str.len().min() > 10
    assert set(laws[laws.held].detail) == {""}


# How many schedules there are.


def test_schedules_of_payments_that_do_not_meet() -> None:
    """Each of two payments takes four steps: create with a read and a write, debit likewise."""
    services = {WALLET: Mute}
    every = explore(APART, services=services, stop="all", reduced=False)
    assert every.schedules == comb(8, 4)
    assert explore(APART, services=services, stop="all").schedules == 1


def test_schedules_are_those_of_the_graph() -> None:
    answer = explore(ONE, crashes=1, duplicates=1)
    assert answer.schedules
    assert answer.schedules > answer.states > answer.ends
    assert explore(ONE, crashes=2).schedules != explore(ONE, crashes=1).schedules


def test_schedules_of_a_cut_exploration_are_not_counted() -> None:
    assert explore(APART, limit=5).schedules is None


def test_runs_by_the_clock_are_counted_as_such() -> None:
    answer = explore(scenarios.disaster_recovery, limit=3)
    assert (answer.runs, answer.schedules) == (3, None)
    assert "The wallet store was lost, and its snapshot taken, at each moment" in text(answer)
    assert "Looked at: 3 runs." in text(answer)


# What ends an exploration before its time.


def test_the_limit_of_states_ends_an_exploration_and_is_named() -> None:
    answer = explore(APART, crashes=2, duplicates=2, limit=100)
    assert not answer.complete
    assert not answer.proved
    assert 100 < answer.states < 150
    assert text(answer).startswith(
        "… Not complete: ended by the limit of 100 states. No law is broken so far."
    )


def test_a_double_debit_before_the_limit_is_found() -> None:
    """No run came to rest before the limit, but one that is under way has been debited twice."""
    full = explore(ONE, **TWICE, stop="all")
    answer = explore(ONE, **TWICE, stop="all", limit=full.states // 2)
    assert answer.ends < full.ends
    assert {one.verdict.law for one in answer.broken} == {one.verdict.law for one in full.broken}


def test_an_interrupt_gives_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    from sagakit.explore import search

    module = __import__("sys").modules["sagakit.explore.explore"]
    calls = 0

    def interrupted(*arguments: Any, **choice: Any) -> Iterator[Any]:
        nonlocal calls
        calls += 1
        if calls == 200:
            raise KeyboardInterrupt
        return search.following(*arguments, **choice)

    monkeypatch.setattr(module, "following", interrupted)
    answer = explore(APART, crashes=2, duplicates=2)
    assert answer.cut_by == "you"
    assert answer.states > 200
    assert answer.ends > 0
    assert "Not complete: ended by you" in text(answer)


@pytest.mark.parametrize("known", [0, 2])
def test_an_interrupt_among_runs_gives_what_is_known(
    monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    made = explorable._disasters

    def interrupted(scenario: Scenario) -> Iterator[Scenario]:
        yield from islice(made(scenario), known)
        raise KeyboardInterrupt

    monkeypatch.setattr(explorable, "_disasters", interrupted)
    answer = explore(scenarios.disaster_recovery)
    assert (answer.cut_by, answer.runs, answer.judged) == ("you", known, known)
    assert text(answer).startswith("… Not complete: ended by you. No law is broken so far.")
    assert "at each moment that can matter; all else comes by the clock." in text(answer)
    assert f"Looked at: {known or 'no'} runs." in text(answer)


@pytest.mark.parametrize(
    ("scenario", "choice", "shown"),
    [
        (APART, {"crashes": 2, "duplicates": 2}, "steps deep"),
        (scenarios.disaster_recovery, {"limit": 3}, "runs"),
    ],
)
def test_progress_says_how_many_states_or_runs(
    monkeypatch: pytest.MonkeyPatch, scenario: Scenario, choice: Any, shown: str
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Progress, "due", True)
    monkeypatch.setattr(Progress, "say", lambda _, words: said.append(words))
    explore(scenario, **choice)
    assert said
    assert shown in said[0]


# Bad input.


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"crashes": -1}, "crashes: a whole number from 0 on, not -1"),
        ({"duplicates": 1.5}, "duplicates: a whole number from 0 on, not 1.5"),
        ({"drops": True}, "drops: a whole number from 0 on, not True"),
        ({"lost_answers": "2"}, "lost_answers: a whole number from 0 on, not '2'"),
        ({"provider": {"declines": 1}}, "there is no 'declines': did you mean decline? use one of"),
        ({"provider": {"decline": -1}}, "provider['decline']: a whole number from 0 on, not -1"),
        ({"provider": "decline"}, "provider: say how often it does what: {'timeout_after': 1}"),
        ({"limit": 0}, "limit: a whole number from 1 on, not 0"),
        ({"stop": "never"}, "stop: 'first' or 'all', not 'never'"),
        ({"services": {"Wallet": HasNoInbox}}, "there is no service 'Wallet' to replace: did you"),
        ({"services": {"API Gateway": HasNoInbox}}, "API Gateway: it stands before what is"),
        ({"services": [HasNoInbox]}, "services: give a dict, {name: class}"),
        ({"invariants": len}, "invariants: give a list of functions: [my_law]"),
        ({"invariants": ["len"]}, "invariants: give a list of functions: [my_law]"),
    ],
)
def test_bad_arguments_of_explore_are_refused(choice: dict[str, Any], says: str) -> None:
    with pytest.raises(BadScenario) as caught:
        explore(ONE, **choice)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["provider_error", "circuit_breaker"])
def test_a_scenario_with_faults_of_its_own_is_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(BadScenario, match=r"explore scenario\.but\(provider=\(\)\)"):
        explore(name)


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(BadScenario, match="there is no scenario 'hapy_path'"):
        explore("hapy_path")


def test_a_counterexample_is_a_run_like_any_other() -> None:
    answer = explore(ONE, **TWICE)
    found = answer.counterexample
    assert found is not None
    assert "<svg" in found.sequence().svg()
    assert not found.check().held.all()
    assert repr(found).startswith("<Run of one, seed 0: 1 payment COMPLETED")
    again = run(ONE, services=TWICE["services"], schedule=answer.broken[0].schedule)
    assert again.records.entries == found.records.entries


def test_in_a_terminal_an_answer_and_its_counterexample_are_told_in_its_width() -> None:
    answer = flaw("blind_write").explore()
    for shown in (answer, answer.broken[0]):
        lines = str(shown).splitlines()
        assert max(map(len, lines)) <= 80
    assert " ".join(str(answer).split()) == " ".join(" ".join(answer.told()).split())
    assert " ".join(str(answer.broken[0]).split()) == answer.broken[0].sentence
