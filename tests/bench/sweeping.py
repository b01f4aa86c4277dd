"""`python -m tests.bench.sweeping`: 2,000 runs by two processes against one. About two minutes.

Both make the same rows; the processes are started within the time. Memory is that of the process
that collects the rows, on ten times as many runs.
"""

import time
import tracemalloc
from concurrent.futures import Executor, ThreadPoolExecutor
from statistics import median

import pandas as pd

from sagakit import scenarios, sweep
from sagakit.scenarios import OpeningWallet, PaymentRequest, ProviderRule, Scenario
from sagakit.sweeps.parallel import own_executor
from sagakit.sweeps.plan import Plan

RUNS = 2_000
ROUNDS = 3

USERS = 20
GIVEN = Scenario(
    name="busy_provider",
    title="20 payments, a busy provider, and an outage",
    wallets=tuple(OpeningWallet(user_id=f"user-{n}", balance=100) for n in range(USERS)),
    payments=tuple(
        PaymentRequest(user_id=f"user-{n}", amount=40, idempotency_key="1", at=2_000 * n)
        for n in range(USERS)
    ),
    provider=(ProviderRule(behaviour="timeout_before", start=10_000, end=20_000),),
    timing={"external": (200, 5_500)},
)

SMALL = 300  # runs of one payment
DIRECT_CALLS_A_RUN = 136  # payments by direct calls in the time of one small run; once 217


def small_runs() -> None:
    """Runs of one payment, whose facts are read once each."""
    with ThreadPoolExecutor(1) as executor:
        sweep(scenarios.happy_path, seeds=SMALL, executor=executor)


def seconds(runs: int, executor: Executor) -> tuple[float, pd.DataFrame]:
    """How long it takes, and the rows."""
    start = time.perf_counter()
    with executor:
        rows = sweep(GIVEN, seeds=runs, executor=executor)
    return time.perf_counter() - start, rows


def two_processes() -> Executor:
    """As `sweep` makes them."""
    return own_executor(Plan.of(GIVEN, None, RUNS, None), 2)


def peak(runs: int) -> int:
    """The most memory (bytes) that a sweep takes in the process that collects the rows."""
    with two_processes() as executor:
        tracemalloc.start()
        sweep(GIVEN, seeds=runs, executor=executor)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most


def main() -> None:
    alone, together = [], []
    for number in range(ROUNDS):
        took, rows = seconds(RUNS, ThreadPoolExecutor(1))
        alone.append(took)
        took, same = seconds(RUNS, two_processes())
        together.append(took)
        pd.testing.assert_frame_equal(rows, same)
        print(f"round {number + 1}: {alone[-1]:.1f} s serial, {took:.1f} s by two processes")
    ratio = median(alone) / median(together)
    print(f"serial : two processes, {RUNS:,} runs: {ratio:.2f} (goal: at least 1.8)")
    few, many = peak(RUNS // 10), peak(RUNS)
    grown = (many - few) / (RUNS - RUNS // 10)
    print(f"peak memory: {few / 1e6:.1f} MB of {RUNS // 10}, {many / 1e6:.1f} MB of {RUNS:,} runs")
    print(f"a run more: {grown:,.0f} bytes")


if __name__ == "__main__":
    main()
