"""`sweep(scenario, over=..., seeds=...)`: one row a run, made in parallel."""

import time
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import BrokenExecutor, Executor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagakit.contract.ports import Service
from sagakit.contract.progress import Progress
from sagakit.scenarios import Scenario
from sagakit.sweeps.plan import BadSweep, Plan
from sagakit.sweeps.results import Folder, Memory
from sagakit.sweeps.workers import AHEAD, MOST, ctrl_c_ignored, finished, own_executor

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
