"""What could have come next, and the run in which it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit import Run, run, scenarios
from sagakit.lab.forks import Forks, in_words

BY_SCHEDULE = run(scenarios.concurrent_payments, schedule=())
FORKS = Forks(BY_SCHEDULE)
END = BY_SCHEDULE.records[len(BY_SCHEDULE.records) - 1].t


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
    assert in_words(fork.ready[1], BY_SCHEDULE.records, 0) == (
        "Payment Service: read item, Payments DB (ana:B)"
    )
