"""`sweep(scenario, over=..., seeds=...)`: one row a run, made in parallel."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagakit.contract.ports import Service
from sagakit.contract.terminal import Progress
from sagakit.scenarios import Scenario
from sagakit.sweeps.outcome import Outcome, in_one_line, outcomes
from sagakit.sweeps.plan import BadSweep, Case, Plan
from sagakit.sweeps.results import FinishedRun, Folder, Memory

if TYPE_CHECKING:
    import pandas as pd


def sweep(
    scenario: Scenario | str,
    *,
    over: Mapping[str, Iterable[Any]] | None = None,
    seeds: int | Iterable[int] | None = None,
    services: Mapping[str, Service] | None = None,
    executor: Executor | None = None,
    batch: int | None = None,
    to: str | Path | None = None,
) -> "pd.DataFrame":
    """Run a scenario with every combination of values and every seed; one row a run.

    `over` names fields as one would write them after the scenario, each with the values to try:
    `{"settings.breaker_threshold": [1, 5], "provider[0].end": [20_000, 60_000]}`. `seeds` says how
    many, from 0 on, or which; the scenario's own if not given. `services` puts others in the place
    of the sound services, as in `run`.

    The table has a column for each field, the seed, and then those of
    `sagakit.sweeps.outcome.Outcome`; its index is the number of the run.

    >>> rows = sweep("insufficient_funds", over={"wallets[0].balance": [50, 90]}, seeds=2)
    >>> rows[["wallets[0].balance", "seed", "completed", "failed"]].values.tolist()
    [[50, 0, 0, 1], [50, 1, 0, 1], [90, 0, 1, 0], [90, 1, 1, 0]]

    The rows are the same, in the same order, whoever makes the runs: by
    default processes of this machine, one a processor; else any `executor`, for instance
    `dask.distributed.Client(...).get_executor()`, or `ThreadPoolExecutor(1)` for this process
    alone. A class that a notebook defines is not known to other processes, so by default its runs
    are made in this one. `batch` runs are handed out at a time (chosen by their number if not
    given).

    A run that fails is a row with its `error`. `to` names a folder for the rows as they come, as
    Parquet files; the same sweep with the same folder goes on where it ended. Ctrl-C ends a sweep:
    with a warning, the rows that are finished are returned.

    In a script, call it below `if __name__ == "__main__":`, since other processes read the script.

    Raises `BadSweep` or `BadScenario` for what makes no sense, before the first run.
    """
    plan = Plan.of(scenario, over, seeds, services)
    if batch is not None and (type(batch) is not int or batch < 1):
        raise BadSweep(f"batch: give a number of runs, at least 1, not {batch!r}")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise BadSweep(f"executor: give one, ThreadPoolExecutor(4) say, not {executor!r:.40}")
    results = Memory(plan) if to is None else Folder(plan, to)
    count = len(plan)
    left = count - len(results.done)
    todo = ((number, case) for number, case in enumerate(plan) if number not in results.done)
    batch = batch or min(max(left // AHEAD, 1), MOST)
    pace = Pace(count, len(results.done))
    own = None if executor else own_executor(plan, left)
    workers = executor or own
    assert workers is not None
    ended = ""
    with ExitStack() as again:
        try:
            with closing(finished(plan, todo, workers, batch, pace.say)) as batches:
                for rows in batches:
                    results.add(rows)
                    pace.done += len(rows)
        except KeyboardInterrupt:
            again.enter_context(ctrl_c_ignored())
            ended = "you stopped it"
        except BrokenExecutor as error:
            ended = f"a worker was lost ({error})"
            if not pace.done:
                raise BadSweep(
                    f"{ended} before any run was finished. In a script, call sweep below "
                    'if __name__ == "__main__":'
                ) from error
        finally:
            if own is not None:
                own.shutdown(wait=not ended, cancel_futures=True)
            results.flush()
            pace.end()
        if ended:
            warnings.warn(
                f"the sweep ended early, {ended}: {pace.done:,} of {count:,} runs are finished",
                stacklevel=2,
            )
        return results.frame()


class Pace:
    """Tells how far a sweep is, how fast it goes, and how long it will take."""

    def __init__(self, count: int, done: int) -> None:
        self.count = count
        self.done = self._before = done
        self._start = time.perf_counter()
        self._progress = Progress()

    def say(self) -> None:
        if self._progress.due:
            self._progress.say(self.told(time.perf_counter() - self._start))

    def told(self, seconds: float) -> str:
        """Return that in words, when the sweep has gone on for that long."""
        text = f"{self.done:,} of {self.count:,} runs"
        rate = (self.done - self._before) / seconds
        if not rate:
            return text
        minutes, rest = divmod(round((self.count - self.done) / rate), 60)
        left = f"{minutes} min {rest} s" if minutes else f"{rest} s"
        return f"{text}, {rate:,.1f} a second, {left} left"

    def end(self) -> None:
        self._progress.done()


AHEAD = 64  # batches that are handed out at once: the rest of a long sweep need not wait in memory
MOST = 32  # runs a batch, so that handing it out (a Dask task: about 3 ms) is little beside them

Numbered = tuple[int, Case]


def own_executor(plan: Plan, runs: int) -> Executor:
    """Return processes, one for each processor that may be used; or a thread, if other processes
    cannot read the script, or do not know the services (a notebook's own class they do not), or if
    this is such a process."""
    count = min(_processors(), runs)
    worker = multiprocessing.parent_process() is not None
    if count <= 1 or worker or not _script_is_there() or not _travels(plan):
        return ThreadPoolExecutor(1)
    # A fork of a process with threads (Jupyter's) may hang. A server that forks is quick and safe,
    # and where there is none (Windows), processes are started afresh.
    servers = "forkserver" in multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if servers else "spawn")
    if servers:
        context.set_forkserver_preload(["sagakit.sweeps.outcome"])
    return ProcessPoolExecutor(count, mp_context=context, initializer=_leave_ctrl_c_alone)


def finished(
    plan: Plan,
    todo: Iterator[Numbered],
    executor: Executor,
    batch: int,
    waiting: Callable[[], None],
) -> Generator[list[FinishedRun], None, None]:
    """Yield the runs of each batch as it ends, in any order. `waiting` is called now and then.

    Raises `BrokenExecutor` if the executor cannot go on. What is under way when the generator is
    closed is not waited for.
    """
    under_way: dict[Future[list[Outcome]], Sequence[Numbered]] = {}
    batches = iter(lambda: tuple(islice(todo, batch)), ())
    try:
        while True:
            for numbered in islice(batches, AHEAD - len(under_way)):
                cases = [case for _, case in numbered]
                task = executor.submit(
                    outcomes, plan.scenario, tuple(plan.over), plan.services, cases
                )
                under_way[task] = numbered
            if not under_way:
                return
            done, _ = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
            for task in done:
                found = _result(task, under_way[task])
                yield [
                    (*run, outcome) for run, outcome in zip(under_way.pop(task), found, strict=True)
                ]
            waiting()
    finally:
        for task in under_way:
            task.cancel()


@contextmanager
def ctrl_c_ignored() -> Iterator[None]:
    """Ignore Ctrl-C: pressed again by somebody who cannot wait, it would lose the rows."""
    if threading.current_thread() is not threading.main_thread():  # where no signal comes
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _result(task: Future[list[Outcome]], numbered: Sequence[Numbered]) -> list[Outcome]:
    """Return what a batch came to. If its worker failed, all its runs did."""
    try:
        return task.result()
    except BrokenExecutor:
        raise
    except Exception as error:
        return [Outcome(error=in_one_line(error))] * len(numbered)


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _script_is_there() -> bool:
    """Return whether other processes can read the script: one from a pipe is in no file."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    return script is None or Path(script).exists()


def _travels(plan: Plan) -> bool:
    """Return whether another process knows the services."""
    services = (plan.services or {}).values()
    if any(getattr(service, "__module__", "") == "__main__" for service in services):
        return False
    try:
        pickle.dumps(plan.services)
    except Exception:
        return False
    return True


def _leave_ctrl_c_alone() -> None:
    """Leave Ctrl-C to the process that collects the rows."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
