"""A run by a schedule: the order is given, and the end is the end."""

import pytest

from sagakit import Run, run, scenarios
from sagakit.laws import PaymentEvidence
from sagakit.sim.schedule import Choice, ScheduleMismatch


def debited_first(finished: Run) -> str:
    return str(finished.events.query("event == 'BalanceDebited'").correlation_id.iloc[0])


def test_a_run_that_comes_to_its_end_has_ended() -> None:
    finished = run(scenarios.concurrent_payments, schedule=[])
    assert PaymentEvidence(finished.records).ended
    assert all(verdict.held for verdict in finished.verdicts())


def test_the_schedule_says_who_is_first() -> None:
    begin = [Choice("Payment Service", saga) for saga in ("ana:A", "ana:B") for _ in "12"]
    ids = run(scenarios.concurrent_payments, schedule=begin).events.event_id
    for first, saga in zip(ids[:2], ("ana:A", "ana:B"), strict=True):
        finished = run(
            scenarios.concurrent_payments, schedule=[*begin, *[Choice("Wallet Service", first)] * 2]
        )
        assert debited_first(finished) == saga


def test_a_schedule_of_something_else_is_refused() -> None:
    with pytest.raises(ScheduleMismatch, match="Wallet Service has no step to make for nobody"):
        run(scenarios.concurrent_payments, schedule=[Choice("Wallet Service", "nobody")])
    for none in (5, [5], "a"):
        with pytest.raises(ScheduleMismatch, match="a schedule is made of Choices, and not of"):
            run(scenarios.concurrent_payments, schedule=none)  # type: ignore[arg-type]
