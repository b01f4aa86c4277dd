"""A sweep: every combination with every seed, one row each, the same whoever makes the runs."""

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagakit import run, scenarios, sweep
from sagakit.contract.imports import MissingExtra
from sagakit.scenarios import BadScenario, ProviderRule
from sagakit.sweeps import BadSweep
from sagakit.sweeps.parallel import Pace
from sagakit.sweeps.results import Memory
from tests.sweeps.services import Dies, Fails

SHORT = scenarios.provider_error
OVER = {"settings.retry_delay": [1_000, 60_000], "settings.provider_attempts": [1, 2, 3]}
same = pd.testing.assert_frame_equal


class Here(Executor):
    """Makes the runs at once, in this thread."""

    def __init__(self) -> None:
        self.tasks = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.tasks += 1
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Interrupted(Here):
    """Somebody presses Ctrl-C when the fifth batch is handed out."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.tasks == 4:
            raise KeyboardInterrupt
        return super().submit(fn, *args, **kwargs)


def serial(**choice: Any) -> pd.DataFrame:
    return sweep(SHORT, **{"over": OVER, "seeds": 3, "executor": Here(), **choice})


# The rows.


def test_one_row_a_run_every_combination_with_every_seed() -> None:
    table = serial()
    parameters = table[[*OVER, "seed"]].itertuples(index=False, name=None)
    assert list(parameters) == [
        (delay, attempts, seed)
        for delay in (1_000, 60_000)
        for attempts in (1, 2, 3)
        for seed in (0, 1, 2)
    ]
    assert list(table.index) == list(range(18))


def test_a_row_tells_what_that_run_comes_to() -> None:
    table = serial(seeds=[7])
    for row in table.to_dict("records"):
        chosen = {path.removeprefix("settings."): row[path] for path in OVER}
        alone = run(SHORT.but(settings=chosen), seed=7)
        status = alone.payments["status"]
        assert row["completed"] == (status == "COMPLETED").sum()
        assert row["failed"] == (status == "FAILED").sum()
        calls = alone.trace.query("kind == 'call' and target == 'External Provider API'")
        assert row["provider_calls"] == len(calls)
        assert row["dead_letters"] == alone.queues["dead"].sum()
        events = alone.events["event"]
        assert row["refunds"] == (events == "BalanceRefunded").sum()
        assert row["broken_laws"] == ", ".join(alone.check().query("not held")["law"])
    assert table["failed"].nunique() > 1 or table["provider_calls"].nunique() > 1


def test_percentiles_are_those_of_the_payments_that_ended() -> None:
    table = sweep(scenarios.circuit_breaker, executor=Here())
    alone = run(scenarios.circuit_breaker)
    begun = alone.trace.dropna(subset="correlation_id").groupby("correlation_id", observed=True)
    final = alone.events.query("event in ('PaymentCompleted', 'PaymentFailed')")
    took = sorted(final.set_index("correlation_id")["t"] - begun["t"].min())
    assert len(took) == 36
    assert table["p50"][0] == took[17]
    assert table["p95"][0] == took[34]
    assert table["p99"][0] == took[35]


def test_a_refused_request_counts_as_refused_and_makes_no_payment() -> None:
    out = {"fault": "outage", "participant": "Payment Service", "start": 0, "end": 60_000}
    table = sweep(SHORT.but(faults=[out]), executor=Here())
    assert table["refused"][0] == 1
    assert table["completed"][0] + table["failed"][0] + table["pending"][0] == 0
    assert table["p50"].isna().all()


def test_the_seeds_are_how_many_or_which_or_the_scenarios_own() -> None:
    assert list(sweep(SHORT, seeds=3, executor=Here())["seed"]) == [0, 1, 2]
    assert list(sweep(SHORT, seeds=[9, 4], executor=Here())["seed"]) == [9, 4]
    assert list(sweep(SHORT.but(seed=5), executor=Here())["seed"]) == [5]


def test_a_value_with_parts_is_told_as_text() -> None:
    spans = [(80, 250), (400, 900)]
    table = sweep(SHORT, over={"timing.external": spans}, executor=Here())
    assert list(table["timing.external"]) == ["(80, 250)", "(400, 900)"]


def test_a_sweep_varies_several_fields_of_one_part() -> None:
    rule = ProviderRule(behaviour="timeout_before", start=0, end=10)
    over = {"provider[0].start": [50_000], "provider[0].end": [60_000, 90_000]}
    assert len(sweep(SHORT.but(provider=[rule]), over=over, executor=Here())) == 2


# Whoever makes the runs.


def test_processes_make_the_rows_that_one_thread_makes() -> None:
    same(sweep(SHORT, over=OVER, seeds=3), serial())
    same(serial(executor=ThreadPoolExecutor(2)), serial())


@settings(max_examples=10)
@given(batch=st.integers(1, 8), seeds=st.lists(st.integers(-9, 9), min_size=1, max_size=4))
def test_rows_do_not_depend_on_the_batches(batch: int, seeds: list[int]) -> None:
    choice: dict[str, Any] = {"over": {"settings.provider_attempts": [1, 2]}, "seeds": seeds}
    with ThreadPoolExecutor(2) as workers:
        same(serial(**choice, batch=batch, executor=workers), serial(**choice))


def test_runs_are_handed_out_in_batches() -> None:
    workers = Here()
    serial(executor=workers, batch=4)
    assert workers.tasks == 5


def test_a_class_of_a_notebook_is_run_in_this_process() -> None:
    class Mine(Fails):
        """Other processes cannot import it."""

    table = sweep(SHORT, seeds=2, services={"Wallet Service": Mine})
    assert list(table["error"].str.endswith("RuntimeError: no wallet today")) == [True] * 2


def test_a_script_that_comes_through_a_pipe_is_run_in_this_process() -> None:
    code = "from sagakit import sweep; print(len(sweep('happy_path', seeds=4)))"
    child = subprocess.run(
        [sys.executable, "-"], input=code, capture_output=True, text=True, check=True
    )
    assert (child.stdout, child.stderr) == ("4\n", "")


def test_dask_makes_the_rows_that_one_thread_makes() -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        same(serial(executor=client.get_executor(), batch=5), serial())


# What goes wrong.


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(BadSweep, match=r"executor: give one, ThreadPoolExecutor\(4\) say, not 5"):
        sweep(SHORT, executor=5)  # type: ignore[arg-type]


def test_a_run_that_fails_is_a_row_with_its_error() -> None:
    table = serial(services={"Wallet Service": Fails}, seeds=2)
    told = "provider_error: Wallet Service cannot be made: RuntimeError: no wallet today"
    assert set(table["error"]) == {f"BadScenario: {told}"}
    assert list(table["seed"]) == [0, 1] * 6
    assert table[["completed", "p50", "refunds"]].isna().all(axis=None)


def test_a_worker_that_fails_is_told_in_the_rows_of_its_batch() -> None:
    class Loses(Here):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            if self.tasks == 1:
                fn = {}.__getitem__
                args = ("the worker was killed",)
            return super().submit(fn, *args, **kwargs)

    table = serial(executor=Loses(), batch=6)
    assert list(table["error"] != "") == [False] * 6 + [True] * 6 + [False] * 6
    assert "the worker was killed" in table["error"][6]


def test_a_worker_that_dies_ends_the_sweep_in_words() -> None:
    with pytest.raises(BadSweep, match="a worker was lost"):
        sweep(SHORT, seeds=4, services={"Wallet Service": Dies})


def test_ctrl_c_keeps_the_finished_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagakit.sweeps.parallel.AHEAD", 4)
    with pytest.warns(UserWarning, match="you stopped it: 8 of 18"):
        table = serial(executor=Interrupted(), batch=2)
    same(table, serial()[:8])


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_pressed_again_loses_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    finished, make_table = serial()[:4], Memory.frame

    def interrupted(rows: Memory) -> pd.DataFrame:
        signal.raise_signal(signal.SIGINT)
        return make_table(rows)

    monkeypatch.setattr("sagakit.sweeps.parallel.AHEAD", 4)
    monkeypatch.setattr(Memory, "frame", interrupted)
    with pytest.warns(UserWarning, match="you stopped it"):
        same(serial(executor=Interrupted(), batch=1), finished)
    with pytest.raises(KeyboardInterrupt):  # afterwards it is heard as before
        serial()


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no process groups here")
def test_ctrl_c_in_a_terminal_reaches_all_processes_and_only_one_listens() -> None:
    code = """
        import warnings
        from sagakit import scenarios, sweep
        from tests.sweeps.services import Interrupted

        services = {"Wallet Service": Interrupted}
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            table = sweep(scenarios.provider_error, seeds=100_000, batch=1, services=services)
        print(0 < len(table) < 100_000, set(table["error"]), told[0].message)
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, start_new_session=True, check=True,
    )  # fmt: skip
    assert child.stdout.startswith("True {''} the sweep ended early, you stopped it"), child.stdout
    assert child.stderr == ""


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ({"settings.breaker_treshold": [1]}, "did you mean breaker_threshold?"),
        ({"setings.breaker_threshold": [1]}, "did you mean settings?"),
        ({"provider[9].end": [1]}, "none of its items"),
        ({"provider.end": [1]}, "none of its items"),
        ({"name.length": [1]}, "has no field 'length'"),
        ({"settings.": [1]}, "names no field"),
        ({"settings.retry_delay": 1_000}, "a list of the values"),
        ({"settings.retry_delay": []}, "at least one value"),
        ({"seed": [1, 2]}, "seeds="),
    ],
)
def test_a_field_that_does_not_exist(over: Any, says: str) -> None:
    with pytest.raises(BadSweep) as told:
        sweep(SHORT, over=over)
    assert says in str(told.value)


def test_a_value_that_makes_no_sense_is_refused_before_the_first_run() -> None:
    workers = Here()
    with pytest.raises(BadScenario, match=r"settings.retry_delay: must be at least 1000, not 5"):
        sweep(SHORT, over={"settings.retry_delay": [1_000, 5]}, executor=workers)
    with pytest.raises(BadSweep, match=r"use one of .*Wallet Service"):
        sweep(SHORT, services={"Walet": Fails}, executor=workers)
    with pytest.raises(BadScenario, match="there is no scenario"):
        sweep("hapy_path", executor=workers)
    assert workers.tasks == 0


def test_values_without_an_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagakit.sweeps.plan.MOST", 100)
    for seeds in (10**12, count()):
        with pytest.raises(BadSweep, match="seeds: give at most 100"):
            sweep(SHORT, seeds=seeds)
    with pytest.raises(BadSweep, match=r"over: settings.retry_delay: give at most 100"):
        sweep(SHORT, over={"settings.retry_delay": count()})


@pytest.mark.parametrize("name", ["over", "services"])
def test_a_sweep_refuses_fields_or_services_that_are_no_dict(name: str) -> None:
    with pytest.raises(BadSweep, match=f"{name}: give a dict"):
        sweep(SHORT, **{name: 5})  # type: ignore[arg-type]


@pytest.mark.parametrize("seeds", [0, [], True, "12", [1.5], [2**63], 1.5])
def test_seeds_that_make_no_sense(seeds: Any) -> None:
    with pytest.raises(BadSweep, match="seeds: give how many"):
        sweep(SHORT, seeds=seeds)


# On disk.


def test_rows_on_disk_are_the_rows(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    same(serial(to=tmp_path / "rows"), serial())
    parts = [pd.read_parquet(file) for file in (tmp_path / "rows").glob("*.parquet")]
    assert sum(map(len, parts)) == 18
    assert len(pd.read_parquet(tmp_path / "rows")) == 18


def test_a_sweep_with_the_same_folder_goes_on_where_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("sagakit.sweeps.parallel.AHEAD", 4)
    with pytest.warns(UserWarning, match="8 of 18 runs are finished"):
        serial(to=tmp_path, batch=2, executor=Interrupted())
    rest, nothing = Here(), Here()
    same(serial(to=tmp_path, batch=1, executor=rest), serial())
    assert rest.tasks == 10
    same(serial(to=tmp_path, batch=1, executor=nothing), serial())
    assert nothing.tasks == 0


def test_a_file_that_was_being_written_when_the_process_ended_is_no_row(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    serial(to=tmp_path)
    for file in tmp_path.glob("*.parquet"):
        file.rename(tmp_path / f".{file.name}.unfinished")
    again = Here()
    same(serial(to=tmp_path, batch=18, executor=again), serial())
    assert again.tasks == 1


@pytest.mark.parametrize(
    "other",
    [
        {"seeds": 4},
        {"over": {**OVER, "settings.retry_delay": [1_000, 2_000]}},
        {"services": {"Wallet Service": Fails}},
    ],
)
def test_rows_of_another_sweep_are_not_mixed_in(tmp_path: Path, other: Any) -> None:
    pytest.importorskip("pyarrow")
    serial(to=tmp_path)
    with pytest.raises(BadSweep, match="holds another sweep"):
        serial(to=tmp_path, **other)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "letter.txt").write_text("Dear Ana")
    with pytest.raises(BadSweep, match="holds something else"):
        serial(to=tmp_path)
    with pytest.raises(BadSweep, match="is a file"):
        serial(to=tmp_path / "letter.txt")


def test_a_folder_without_pyarrow_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r'pip install "sagakit\[parquet\]"'):
        serial(to=tmp_path)


# How far it is.


@pytest.mark.parametrize(
    ("done", "seconds", "says"),
    [
        (0, 2.0, "0 of 2,000 runs"),
        (500, 10.0, "500 of 2,000 runs, 50.0 a second, 30 s left"),
        (100, 10.0, "100 of 2,000 runs, 10.0 a second, 3 min 10 s left"),
    ],
)
def test_progress_tells_rate_and_time_left(done: int, seconds: float, says: str) -> None:
    pace = Pace(count=2_000, done=0)
    pace.done = done
    assert pace.told(seconds) == says


def test_rows_that_were_there_before_do_not_count_for_the_rate() -> None:
    pace = Pace(count=2_000, done=1_000)
    pace.done = 1_500
    assert pace.told(10.0) == "1,500 of 2,000 runs, 50.0 a second, 10 s left"
