"""What could have come next, and the run in which it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit import Run, run, scenarios
from sagakit.lab.player import Forks, describe

BY_SCHEDULE = run(scenarios.concurrent_payments, schedule=())
FORKS = Forks(BY_SCHEDULE)
END = BY_SCHEDULE.records.end


def until(finished: Run, t: int) -> list[object]:
    return [record for record in finished.records if record.t <= t]


def test_a_run_by_the_clock_has_no_forks() -> None:
    with pytest.raises(ValueError, match="run it with schedule"):
        Forks(run(scenarios.happy_path))


def test_at_the_start_either_payment_may_be_first() -> None:
    fork = FORKS.after(0)
    assert fork.before == ()
    assert [choice.subject for choice in fork.ready] == ["ana:A", "ana:B"]
    assert fork.came == fork.ready[0]


def test_at_the_end_nothing_is_ready() -> None:
    assert FORKS.after(END).ready == ()


@given(t=st.integers(0, END - 1), number=st.integers(0, 9))
def test_the_other_run_is_the_same_up_to_the_fork_and_then_takes_the_choice(
    t: int, number: int
) -> None:
    fork = FORKS.after(t)
    if not fork.ready:
        return
    choice = fork.ready[number % len(fork.ready)]
    taken, at = FORKS.take(fork, choice)
    assert until(taken, at - 1) == until(BY_SCHEDULE, at - 1)
    assert Forks(taken).after(at - 1).came == choice
    assert all(verdict.held for verdict in taken.verdicts())


@given(t=st.integers(0, END - 1), number=st.integers(0, 30))
def test_a_run_with_a_peril_differs_in_it_alone_and_keeps_the_laws(t: int, number: int) -> None:
    fork = FORKS.after(t)
    if not fork.perils:
        return
    peril = fork.perils[number % len(fork.perils)]
    taken, at = FORKS.take(fork, peril)
    assert until(taken, at - 1) == until(BY_SCHEDULE, at - 1)
    assert Forks(taken).after(at - 1).came == peril
    broken = [verdict.law for verdict in taken.verdicts() if not verdict.held]
    assert ("no silent drop" in broken) if peril.act == "drop" else not broken


def test_the_perils_depend_on_the_step() -> None:
    """Nobody sends a command again; a commit's answer and a party outside have their own perils."""
    seen: dict[str, set[str]] = {}
    for t in range(END):
        for one in FORKS.after(t).perils:
            seen.setdefault(one.service, set()).add(one.act)
    of_a_message = {"duplicate", "drop", "crash", "step_then_crash"}
    assert FORKS.after(0).perils == ()
    assert seen["Wallet Service"] == {*of_a_message, "lost_answer"}
    assert seen["Provider Gateway"] == {
        *of_a_message, "lost_answer", "decline", "timeout_before", "timeout_after", "down"
    }  # fmt: skip


def test_a_message_comes_twice_or_is_lost_only_before_its_handler_does_anything() -> None:
    for t in range(END):
        fork = FORKS.after(t)
        done = {(one.service, one.subject) for one in fork.before}
        twice = {(one.service, one.subject) for one in fork.perils if one.act == "duplicate"}
        assert not twice & done


def test_to_take_what_came_changes_nothing() -> None:
    fork = FORKS.after(4)
    assert fork.came is not None
    taken, _ = FORKS.take(fork, fork.came)
    assert list(taken.records) == list(BY_SCHEDULE.records)


def test_the_services_are_those_of_the_run() -> None:
    """A run of a flawed service goes on flawed."""
    from sagakit.zoo.blind_write import BlindWrite

    flawed = run(
        scenarios.concurrent_payments, services={"Wallet Service": BlindWrite}, schedule=()
    )
    forks = Forks(flawed)
    fork = forks.after(0)
    assert fork.came is not None
    taken, _ = forks.take(fork, fork.came)
    assert list(taken.records) == list(flawed.records)
    assert taken.services == flawed.services


def test_a_choice_says_whose_step_it_is_and_what_it_does() -> None:
    fork = FORKS.after(0)
    assert describe(fork.ready[1], BY_SCHEDULE.records, 0) == (
        "Payment Service: read item, Payments DB (ana:B)"
    )


def test_a_peril_is_described_after_its_step() -> None:
    fork = FORKS.after(3)
    texts = [describe(one, BY_SCHEDULE.records, 3) for one in fork.perils]
    assert any(
        text.startswith("Wallet Service: read item") and text.endswith("comes a second time")
        for text in texts
    )
