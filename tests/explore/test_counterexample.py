"""A counterexample is told in one sentence, in an order that people read, and as a test."""

import ast
import sys
from typing import Any

import pytest

from sagakit import explore, run
from sagakit.explore import Counterexample
from sagakit.payments.topology import SOUND, Settings
from sagakit.run import Run
from sagakit.scenarios import Scenario, happy_path
from sagakit.sim.schedule import THEN_CRASH
from sagakit.zoo.blind_write import BlindWrite
from sagakit.zoo.no_inbox import NoInbox
from sagakit.zoo.publish_after_commit import build
from sagakit.zoo.retry_own_write import RetryOwnWrite
from tests.explore.small import GATEWAY, WALLET
from tests.laws.faulty import HasNoInbox, TakesSilenceForNo

ONE = Scenario(
    name="one",
    title="One payment",
    wallets=[{"user_id": "ana", "balance": 100}],
    payments=[{"user_id": "ana", "amount": 40}],
)
TWO = ONE.but(payments=[{"user_id": "ana", "amount": 40}, {"user_id": "ana", "amount": 30}])


def first(scenario: Scenario | str, **choice: Any) -> Counterexample:
    return explore(scenario, **choice).broken[0]


def sentence(law: str, scenario: Scenario, **choice: Any) -> str:
    broken = explore(scenario, stop="all", **choice).broken
    return next(one.sentence for one in broken if one.verdict.law == law)


# The sentence.


def test_a_counterexample_names_a_message_that_came_twice() -> None:
    assert sentence("at most once", ONE, services={WALLET: HasNoInbox}, duplicates=1) == (
        "PaymentInit of ana:1 came twice. Then 'at most once' is broken: "
        "ana:1 was debited at 5 ms and again at 7 ms."
    )


def test_a_counterexample_names_the_step_before_a_crash() -> None:
    told = sentence("every saga ends", ONE, services={WALLET: build}, crashes=1)
    assert told.startswith(
        "The Wallet Service crashed after it had written ana in Wallet DB for ana:1. Then"
    )


def test_a_counterexample_names_a_crash_before_any_step() -> None:
    told = sentence("nothing_is_wrong", ONE, crashes=1, invariants=[nothing_is_wrong])
    assert told.startswith("The Wallet Service crashed before its first step for ana:1. Then")


def nothing_is_wrong(finished: Run) -> str | None:
    return "it is" if any(one.kind == "fault" for one in finished.records.arrows()) else None


def test_a_counterexample_names_a_lost_message() -> None:
    assert sentence("every saga ends", ONE, drops=1).startswith("PaymentInit of ana:1 was lost.")


def test_a_counterexample_names_a_lost_answer() -> None:
    found = first(ONE, services={WALLET: RetryOwnWrite}, lost_answers=1)
    assert found.cause == "The answer of Wallet DB to the Wallet Service was lost."


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("decline", "The External Provider API declined ana:1."),
        ("down", "The External Provider API could not be reached for ana:1."),
        ("timeout_before", "The call to charge ana:1 got no answer, and was not carried out."),
        ("timeout_after", "The call to charge ana:1 got no answer, but was carried out."),
    ],
)
def test_a_counterexample_names_what_the_provider_did(answer: str, says: str) -> None:
    found = explore(ONE, provider={answer: 1}, invariants=[the_provider_approves], stop="all")
    assert found.broken[0].cause == says


def the_provider_approves(finished: Run) -> str | None:
    wanted = "executePayment()"
    calls = sum(one.label == wanted for one in finished.records.arrows())
    approved = sum(one.label == "200" for one in finished.records.arrows())
    return None if (calls, approved) == (1, 1) else f"{calls} calls, {approved} approved"


def test_a_counterexample_names_calls_without_an_answer() -> None:
    told = sentence(
        "settle the unknown",
        ONE,
        services={GATEWAY: TakesSilenceForNo},
        provider={"timeout_after": 1, "timeout_before": 1},
    )
    assert told.startswith("The call to charge ana:1 got no answer, ")
    assert "but was carried out" in told
    assert "(record" not in told


def test_a_counterexample_without_a_fault_says_who_met_whom() -> None:
    told = sentence("conservation", TWO, services={WALLET: BlindWrite})
    assert told.startswith(
        "Without any fault: ana:2 read ana in Wallet DB before ana:1 wrote it. Then 'conservation' "
    )


def test_a_law_broken_in_every_order_has_no_cause() -> None:
    told = sentence("no ghost, nothing lost", ONE, services={WALLET: build})
    assert told.startswith("Without any fault, each step in its turn. Then")


def test_a_counterexample_names_a_lost_store() -> None:
    from sagakit.zoo.replay_publishes import FLAW

    found = FLAW.explore().broken[0]
    assert found.schedule is None
    assert found.steps > 10
    assert found.sentence.startswith("The snapshot was taken at 0 ms; Wallet DB lost all its data")


# The schedule.


def test_the_schedule_of_a_counterexample_replays_it() -> None:
    services = {WALLET: HasNoInbox}
    found = first(ONE, services=services, duplicates=1)
    assert found.schedule
    assert found.steps == len(found.schedule)
    assert [choice.act for choice in found.faults] == ["duplicate"]
    for schedule in (found.schedule, found.schedule[: found.decisive]):
        again = run(ONE, services=services, schedule=schedule)
        assert again.records.entries == found.run.records.entries
    earlier = run(ONE, services=services, schedule=found.schedule[: found.decisive - 1])
    assert earlier.records.entries != found.run.records.entries


def test_sagas_that_do_not_meet_are_not_mixed() -> None:
    three = ONE.but(
        wallets=[{"user_id": user, "balance": 100} for user in ("ana", "ben", "eva")],
        payments=[{"user_id": user, "amount": 40} for user in ("ana", "ben", "eva")],
    )
    found = first(three, services={WALLET: HasNoInbox}, duplicates=1, reduced=False, limit=20_000)
    sagas = {one.event_id: one.correlation_id for one in found.run.records.arrows() if one.event_id}
    order = [sagas.get(one.subject, one.subject) for one in found.schedule or ()]
    assert len(order) > 30
    assert [*dict.fromkeys(order)] == [
        saga for place, saga in enumerate(order) if place == 0 or order[place - 1] != saga
    ]


# As a test.


def outcome(source: str, **replaced: Any) -> str:
    """Run the printed test, some of its names replaced: what came of it."""
    space: dict[str, Any] = {"__name__": "printed"}
    exec(compile(source, "printed.py", "exec"), space)
    space |= replaced
    (test,) = (thing for name, thing in space.items() if name.startswith("test_"))
    try:
        test()
    except AssertionError as error:
        return f"fails: {error}"
    return "passes"


def test_a_counterexamples_test_fails_until_the_service_is_repaired() -> None:
    found = first(ONE, services={WALLET: NoInbox}, duplicates=1)
    source = found.as_test()
    assert "from sagakit.zoo.no_inbox import NoInbox" in source.splitlines()
    assert f"fails: {found.verdict.detail}" in outcome(source)
    assert outcome(source, NoInbox=SOUND[WALLET]) == "passes"


def test_a_counterexamples_test_explores_again_if_the_service_takes_other_steps() -> None:
    """The sound service has no second step, the schedule asks for one, and the law holds."""
    found = first(ONE, services={WALLET: build}, crashes=1, stop="all")
    assert "from sagakit.zoo.publish_after_commit import build" in found.as_test()
    assert outcome(found.as_test()).startswith("fails: ")
    assert outcome(found.as_test(), build=SOUND[WALLET]) == "passes"


def test_a_counterexamples_test_asks_a_law_of_ones_own() -> None:
    found = first(TWO, invariants=[the_first_is_first])
    assert found.verdict.law == "the_first_is_first"
    source = found.as_test()
    assert f"from {__name__} import the_first_is_first" in source
    assert outcome(source, the_first_is_first=lambda finished: None) == "passes"
    assert outcome(source, the_first_is_first=lambda finished: "no") == "fails: "


def the_first_is_first(finished: Run) -> str | None:
    """Whether ana:1 is debited before ana:2."""
    wrote = [
        one for one in finished.records.arrows() if one.source == "Wallet DB" and one.label == "OK"
    ]
    return None if wrote[0].correlation_id == "ana:1" else "ana:2 was first"


def test_a_counterexamples_test_names_a_known_scenario() -> None:
    source = first("happy_path", services={WALLET: NoInbox}, duplicates=1).as_test()
    assert "    scenario = scenarios.happy_path" in source.splitlines()
    changed = happy_path.but(settings=Settings(breaker_threshold=1))
    source = first(changed, services={WALLET: NoInbox}, duplicates=1).as_test()
    assert '"breaker_threshold": 1' in source
    assert outcome(source).startswith("fails: ")


def test_a_counterexamples_test_points_out_a_class_nobody_can_import() -> None:
    class Mine(NoInbox):
        pass

    source = first(ONE, services={WALLET: Mine}, duplicates=1).as_test()
    assert "# Mine: put it in a module of its own and import it here." in source
    with pytest.raises(NameError, match="Mine"):
        outcome(source)
    mine = {"Mine": Mine}
    assert outcome(source, **mine).startswith("fails: ")


def test_a_counterexamples_test_can_quote_a_title_with_quotes() -> None:
    odd = ONE.but(title='Three """ quotes', about="a \\ backslash")
    source = first(odd, services={WALLET: NoInbox}, duplicates=1).as_test()
    ast.parse(source)
    assert outcome(source).startswith("fails: ")


def test_a_counterexamples_test_runs_as_printed(tmp_path: Any) -> None:
    import subprocess

    found = first(ONE, services={WALLET: NoInbox}, duplicates=1)
    path = tmp_path / "test_printed.py"
    path.write_text(found.as_test(), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "1 failed" in done.stdout
    assert found.verdict.detail.split(":")[0] in done.stdout


# A crash after an answer that was none is one choice, and two faults.


def test_a_crash_may_come_with_another_fault() -> None:
    answer = explore(
        ONE,
        crashes=1,
        provider={"timeout_after": 1},
        invariants=[nothing_went_wrong_twice],
        stop="all",
    )
    (found,) = answer.broken
    assert any(choice.act.endswith(THEN_CRASH) for choice in found.faults) or len(found.faults) == 2
    assert "crashed" in found.cause
    assert "got no answer" in found.cause


def nothing_went_wrong_twice(finished: Run) -> str | None:
    wrong = [one for one in finished.records.arrows() if one.kind == "fault"]
    silent = [one for one in finished.records.arrows() if one.label.startswith("no response")]
    return "both" if wrong and silent else None
