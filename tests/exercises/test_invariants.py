"""The exercise in which an invariant is written: it must tell a flawed run from a sound one."""

from collections import Counter
from typing import Any

import pytest

from exercises.evidence import commits
from exercises.invariants import kills, shown
from sagakit.run import Run
from sagakit.trace.facts import EventDoubled, MessageDoubled
from sagakit.zoo import ALL, NAMES, flaw


def debited_once(run: Run) -> str | None:
    """By the trace: each commit that takes money from a wallet."""
    debits: Counter[str] = Counter()
    for record, commit in commits(run, "Wallet DB"):
        if commit.before:
            debits[str(record.saga)] += commit.item.balance < commit.before.balance
    twice = [saga for saga, many in debits.items() if many > 1]
    return f"{twice[0]} was debited {debits[twice[0]]} times" if twice else None


def money_is_kept(run: Run) -> str | None:
    """By the stores: what left the wallets is what was paid."""
    opening = sum(wallet.balance for wallet in run.scenario.wallets)
    left = sum(wallet.balance for wallet in run.records.stores()["Wallet DB"].values())
    payments = run.records.stores()["Payments DB"].values()
    paid = sum(one.amount for one in payments if one.status == "COMPLETED")
    return None if left + paid == opening else f"{left} + {paid} is not {opening}"


def nobody_gains(run: Run) -> str | None:
    opening = {wallet.user_id: wallet.balance for wallet in run.scenario.wallets}
    for user, wallet in run.records.stores()["Wallet DB"].items():
        if wallet.balance > opening[user]:
            return f"{user} has {wallet.balance}, and had {opening[user]}"
    return None


def every_payment_ends(run: Run) -> str | None:
    status = run.payments.status
    return None if status.isin(["COMPLETED", "FAILED"]).all() else f"still {[*status]}"


@pytest.mark.parametrize(
    ("name", "invariant"),
    [
        ("no_inbox", debited_once),
        ("no_inbox", money_is_kept),
        ("retry_own_write", money_is_kept),
        ("refund_twice", nobody_gains),
        ("refund_twice", money_is_kept),
        ("blind_write", money_is_kept),
        ("ack_before_work", every_payment_ends),
        ("silent_insufficient", every_payment_ends),
    ],
)
def test_one_that_kills(name: str, invariant: Any) -> None:
    shown(name)
    feedback = kills(name)(invariant)
    assert feedback, feedback
    assert f"says of the run that shows {name}: " in feedback.says


def test_it_is_told_what_else_it_kills() -> None:
    says = kills("no_inbox")(money_is_kept).says
    for name in ("retry_own_write", "refund_twice", "blind_write"):
        assert name in says.partition("It kills")[2]
    assert "It kills no other flaw." in kills("refund_twice")(nobody_gains).says


def nothing_is_wrong(run: Run) -> str | None:
    return None


def every_payment_completes(run: Run) -> str | None:
    failed = run.payments[run.payments.status != "COMPLETED"]
    return None if failed.empty else f"{failed.payment_id.iloc[0]} failed"


def nothing_comes_twice(run: Run) -> str | None:
    faults = [
        record for record in run.records if isinstance(record.fact, EventDoubled | MessageDoubled)
    ]
    return f"{faults[0].fact.event} came twice" if faults else None


@pytest.mark.parametrize(
    ("invariant", "says"),
    [
        (..., "three dots"),
        (lambda run: ..., "three dots"),
        (None, "Give the function itself"),
        ("words", "Give the function itself"),
        (3, "A function of a run is asked for"),
        (Run, "A function of a run is asked for"),
        (nothing_is_wrong, "nothing to say about the run that shows no_inbox"),
        (nobody_gains, "The law is called 'at most once'"),
        (every_payment_completes, "in the run of provider_error"),
        (nothing_comes_twice, "with what no_inbox is given"),
        (lambda run: True, "instead of True, None"),
        (lambda run: run.wallets.balance.ge(0).all(), "instead of True, None"),
        (lambda run: "", "it returns ''"),
        (lambda run: 3, "it returns 3"),
        (lambda run: run.walets, "'Run' object has no attribute 'walets'"),
        (lambda: None, "TypeError"),
    ],
)
def test_no_invariant_yet(invariant: Any, says: str) -> None:
    feedback = kills("no_inbox")(invariant)
    assert not feedback
    assert says in repr(feedback)
    assert "Traceback" not in repr(feedback)


@pytest.mark.parametrize("invariant", [nothing_is_wrong, every_payment_completes])
def test_the_run_is_shown_and_hints_tell_more_and_more(invariant: Any) -> None:
    feedback = kills("no_inbox")(invariant)
    assert len(feedback.hints) == 3
    assert "data:image/svg+xml" in feedback._repr_html_()


def test_one_that_never_ends_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exercises.timeouts.COMPUTING", 0.3)

    def endless(run: Run) -> str | None:
        while True:
            pass

    assert "does not come to an end in line" in kills("no_inbox")(endless).says


@pytest.mark.parametrize("name", NAMES)
def test_each_flaw_has_a_task_and_a_picture(name: str) -> None:
    exercise = kills(name)
    assert f"kills {name}" in exercise.task
    assert flaw(name).repair not in exercise.task
    assert "<img" in exercise(nothing_is_wrong)._repr_html_()


def test_a_flaw_may_be_named_or_given() -> None:
    assert kills(ALL[0]).task == kills(ALL[0].name).task
    with pytest.raises(LookupError, match="no_inbox"):
        kills("no_inbocks")
