"""The contenders of `make bench` do the same work: else their ratio would say nothing."""

from collections import Counter
from typing import Any

import pytest

from sagakit import Run, run
from sagakit.payments.events import PaymentInit
from sagakit.trace.facts import (
    CommitRequested,
    Committed,
    CutOff,
    FannedOut,
    ItemRead,
    Published,
    Queued,
    Record,
)
from sagakit.trace.trace import Trace
from tests.bench import durable, floor, killed, workload

PAYMENTS = 3


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(run(workload.happy_payments(PAYMENTS)).records)


def test_what_sagakit_does_for_a_payment_is_what_the_workload_says(records: list[Record]) -> None:
    facts = [record.fact for record in records]
    done = Counter(map(type, facts))
    fanned = sum(len(fact.message_ids) for fact in facts if isinstance(fact, FannedOut))
    assert done[ItemRead] + done[CommitRequested] == PAYMENTS * workload.STORE_OPERATIONS
    assert done[Published] == PAYMENTS * workload.PUBLICATIONS
    assert done[Queued] + fanned == PAYMENTS * workload.MESSAGES


def test_the_floor_does_the_same_work() -> None:
    assert_same_work(floor.run(PAYMENTS))


def test_lean_simpy_does_the_same_work() -> None:
    pytest.importorskip("simpy", reason="SimPy is not installed (extra `bench`)")
    from tests.bench import simpy_lean

    assert_same_work(simpy_lean.run(PAYMENTS))


def test_fair_simpy_does_the_same_work_and_tells_the_same_facts(records: list[Record]) -> None:
    pytest.importorskip("simpy", reason="SimPy is not installed (extra `bench`)")
    from tests.bench import simpy_fair

    fair = simpy_fair.run(PAYMENTS)
    assert_same_work(fair)
    theirs = fair.trace
    assert Counter(type(r.fact) for r in theirs) == Counter(type(r.fact) for r in records)
    assert event_ids(theirs) == event_ids(records)
    assert all(table.inbox for table in (fair.payments, fair.wallets, fair.charges))


def test_fair_simpy_gives_a_message_out_again_until_it_is_a_dead_letter() -> None:
    pytest.importorskip("simpy", reason="SimPy is not installed (extra `bench`)")
    from tests.bench import simpy_fair

    fair = simpy_fair.prepare(1)
    wallets = fair.queues[PaymentInit]
    wallets.timeout = 1  # ms: too short for a read
    fair.env.run()
    assert [letter.receives for letter in wallets.dead_letters] == [simpy_fair.RECEIVES]
    assert sum(isinstance(record.fact, CutOff) for record in fair.trace) == simpy_fair.RECEIVES


def event_ids(records: list[Record]) -> set[str | None]:
    return {record.event_id for record in records if isinstance(record.fact, Published)}


def assert_same_work(contender: Any) -> None:
    assert contender.messages == PAYMENTS * workload.MESSAGES
    assert contender.store_operations == PAYMENTS * workload.STORE_OPERATIONS
    assert contender.publications == PAYMENTS * workload.PUBLICATIONS
    assert contender.requests == PAYMENTS * workload.REQUESTS
    assert contender.told == 3 * PAYMENTS
    assert set(contender.statuses()) == {"COMPLETED"}


def test_the_durable_world_takes_its_time_for_them() -> None:
    assert durable.took(PAYMENTS) > 0


def test_a_payment_that_fails_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    poor = durable.at_once(PAYMENTS).but(wallets=[])
    monkeypatch.setattr(durable, "at_once", lambda _: poor)
    with pytest.raises(RuntimeError, match="0 of 3 payments went well"):
        durable.took(PAYMENTS)


class TestKilled:
    """What the figures of killed workers would show."""

    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_file_whose_workers_are_killed_is_served_to_its_end(self, workers: int) -> None:
        found = killed.killed(workers, least=workers + 1)
        payments = 12 * found.files
        assert found == killed.Figures(files=found.files, kills=found.kills, payments=payments)

    def test_a_second_debit_is_counted(self) -> None:
        done = run(killed.TRAFFIC)
        facts = done.records
        debit = next(
            record for record in facts
            if isinstance(record.fact, Committed)
            and record.fact.store == "Wallet DB"
            and record.fact.writes
        )  # fmt: skip
        again = Trace(done.records.participants, [*facts, debit])
        found = killed.judged(Run(done.scenario, 0, again), kills=0)
        assert found.debits_twice == 1
        assert found.laws_broken > 1

    def test_a_payment_without_a_trace_or_an_end_is_counted(self) -> None:
        done = run(killed.TRAFFIC)
        cut = [
            record
            for record in done.records
            if record.saga != "ana:1"
            and not (isinstance(record.fact, Committed) and record.invocation >= 30)
        ]
        found = killed.judged(Run(done.scenario, 0, Trace(done.records.participants, cut)), 0)
        assert found.lost == 1
        assert found.open > 0
