"""The workers that make the runs: processes of this machine, or any executor."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sagakit.sweeps.outcome import Outcome, in_one_line, outcomes
from sagakit.sweeps.plan import Case, Plan

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
) -> Generator[list[tuple[int, Case, Outcome]], None, None]:
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
