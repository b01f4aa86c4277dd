"""The contenders of `make bench` do the same work: else their ratio would say nothing."""

import pytest

from sagakit import Run, run
from sagakit.trace.trace import Attempt, FannedOut, Published, Read, Record, Trace, Written
from tests.bench import durable, floor, killed, workload

PAYMENTS = 3


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(run(workload.happy_payments(PAYMENTS)).records)


def test_what_sagakit_does_for_a_payment_is_what_the_workload_says(records: list[Record]) -> None:
    reads = [r for r in records if isinstance(r.detail, Read) and r.kind == "return"]
    commits = [r for r in records if isinstance(r.detail, Attempt)]
    published = [r for r in records if isinstance(r.detail, Published) and r.kind == "async"]
    queued = [r for r in records if r.label.startswith("Queue [")]
    fanned = sum(len(r.detail.message_ids) for r in records if isinstance(r.detail, FannedOut))
    assert len(reads) + len(commits) == PAYMENTS * workload.STORE_OPERATIONS
    assert len(published) == PAYMENTS * workload.PUBLICATIONS
    assert len(queued) + fanned == PAYMENTS * workload.MESSAGES


def test_the_floor_does_the_same_work() -> None:
    assert_same_work(floor.run(PAYMENTS))


def test_simpy_does_the_same_work() -> None:
    pytest.importorskip("simpy", reason="SimPy is not installed (extra `bench`)")
    from tests.bench import simpy_system

    assert_same_work(simpy_system.run(PAYMENTS))


def assert_same_work(contender: object) -> None:
    assert vars(contender)["messages"] == PAYMENTS * workload.MESSAGES
    assert vars(contender)["store_operations"] == PAYMENTS * workload.STORE_OPERATIONS
    assert vars(contender)["publications"] == PAYMENTS * workload.PUBLICATIONS
    assert vars(contender)["requests"] == PAYMENTS * workload.REQUESTS
    assert vars(contender)["told"] == 3 * PAYMENTS
    statuses = {payment["status"] for payment in vars(contender)["payments"].values()}
    assert statuses == {"COMPLETED"}


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
        debit = next(
            record for record in done.records
            if isinstance(record.detail, Written)
            and record.source == "Wallet DB"
            and record.detail.item != record.detail.before
        )  # fmt: skip
        again = Trace(done.records.participants, [*done.records, debit])
        found = killed.judged(Run(done.scenario, 0, again), kills=0)
        assert found.debits_twice == 1
        assert found.laws_broken > 1

    def test_a_payment_without_a_trace_or_an_end_is_counted(self) -> None:
        done = run(killed.TRAFFIC)
        cut = [record for record in done.records if record.correlation_id != "ana:1"]
        cut = [record for record in cut if record.label != "OK" or record.invocation < 30]
        found = killed.judged(Run(done.scenario, 0, Trace(done.records.participants, cut)), 0)
        assert found.lost == 1
        assert found.open > 0
