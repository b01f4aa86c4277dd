"""`make bench`: speed and size, as ratios within one run, medians of several rounds.

The contenders take turns in each round, so that a machine whose speed drifts is fair to all, and
seconds are of the CPU, so that others on the machine count less (on SQLite they are of the clock).
"""

import gc
import sys
import tracemalloc
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest.mock import patch

import pandas as pd

from sagakit import run, scenarios
from sagakit.contract.terminal import Progress
from sagakit.scenarios.build import build_world
from sagakit.trace import tables
from sagakit.trace.trace import Trace
from tests.bench import durable, explored, floor, killed, sizes, startup, sweeping
from tests.bench.seconds import cpu_seconds
from tests.bench.workload import happy_payments

PAYMENTS = 10_000
MANY = 100_000
ROUNDS = 5


def rounds(contenders: dict[str, Callable[[], float]], times: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each contender; they take turns."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    progress = Progress()
    for number in range(times):
        for name, contender in contenders.items():
            progress.say(f"  round {number + 1} of {times}: {name}")
            found[name].append(contender())
    progress.done()
    return {name: median(values) for name, values in found.items()}


class Untraced(Trace):
    """Lets go of every record at once: what is left is the cost of making it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.write = deque(maxlen=0).append


def sagakit(count: int, trace: type[Trace] = Trace) -> Callable[[], float]:
    """A whole run, its trace kept or not."""
    scenario = happy_payments(count)

    def contender() -> float:
        with patch("sagakit.sim.world.Trace", trace):
            world = build_world(scenario)
        return cpu_seconds(world.run)

    return contender


def row(what: str, measured: str, ratio: float, goal: str, held: bool) -> None:
    print(f"{what:<46} {measured:>24} {ratio:>9.2f}   {goal:<10} {'yes' if held else 'NO'}")


def throughput() -> None:
    contenders = {
        "sagakit": sagakit(PAYMENTS),
        "untraced": sagakit(PAYMENTS, Untraced),
        "floor": lambda: cpu_seconds(lambda: floor.run(PAYMENTS)),
        "sweep": lambda: cpu_seconds(sweeping.small_runs),
    }
    try:
        from tests.bench import simpy_fair, simpy_lean
    except ImportError:
        print("SimPy is not installed (extra `bench`): not compared")
    else:
        contenders["fair"] = lambda: cpu_seconds(simpy_fair.prepare(PAYMENTS).env.run)
        contenders["lean"] = lambda: cpu_seconds(lambda: simpy_lean.run(PAYMENTS))
    took = rounds(contenders)
    rate = {name: PAYMENTS / value for name, value in took.items()}
    if "fair" in took:
        ratio = rate["sagakit"] / rate["fair"]
        shown = f"{rate['sagakit']:,.0f} : {rate['fair']:,.0f} /s"
        row("payments/s, sagakit : SimPy, the same work", shown, ratio, "at least 2", ratio >= 2)
        ratio = rate["sagakit"] / rate["lean"]
        shown = f"{rate['sagakit']:,.0f} : {rate['lean']:,.0f} /s"
        row("... : SimPy without events and trace", shown, ratio, "at least 0.7", ratio >= 0.7)
    ratio = rate["floor"] / rate["sagakit"]
    shown = f"{rate['floor']:,.0f} : {rate['sagakit']:,.0f} /s"
    row("payments/s, direct calls : sagakit", shown, ratio, "at most 20", ratio <= 20)
    ratio = took["sagakit"] / took["untraced"]
    shown = f"{took['sagakit']:.2f} : {took['untraced']:.2f} s"
    row("a run with : without its trace", shown, ratio, "at most 1.2", ratio <= 1.2)
    runs = sweeping.SMALL / took["sweep"]
    ratio = rate["floor"] / runs
    goal = sweeping.DIRECT_CALLS_A_RUN
    shown = f"{rate['floor']:,.0f} : {runs:,.0f} /s"
    row("direct calls : small runs of a sweep", shown, ratio, f"at most {goal}", ratio <= goal)


def growth() -> None:
    took = rounds({"few": sagakit(PAYMENTS), "many": sagakit(MANY)}, times=3)
    few, many = took["few"] / PAYMENTS, took["many"] / MANY
    shown = f"{many * 1e6:.0f} : {few * 1e6:.0f} µs"
    ratio = many / few
    row(f"a payment, of {MANY:,} : of {PAYMENTS:,}", shown, ratio, "at most 1.2", ratio <= 1.2)


def memory() -> None:
    """What is freed with a trace that nothing else shares its records with."""
    world = build_world(happy_payments(PAYMENTS))
    tracemalloc.start()
    trace = world.run()
    del world
    gc.collect()
    before, count = tracemalloc.get_traced_memory()[0], len(trace)
    del trace
    gc.collect()
    size = (before - tracemalloc.get_traced_memory()[0]) / count
    tracemalloc.stop()
    row(f"bytes a record, of {count:,}", f"{size:.0f} B", size, "at most 250", size <= 250)


def frames() -> None:
    """The table of a trace, its arrows made from the facts, beside what pandas makes of tuples that
    are there already."""
    trace = build_world(happy_payments(PAYMENTS)).run()
    arrows = [tuple(arrow) for arrow in trace.arrows()]
    took = rounds(
        {
            "table": lambda: cpu_seconds(lambda: tables.trace(trace)),
            "pandas": lambda: cpu_seconds(lambda: pd.DataFrame(arrows)),
        }
    )
    ratio = took["table"] / took["pandas"]
    shown = f"{took['table']:.2f} : {took['pandas']:.2f} s"
    row("trace to table : DataFrame(list of tuples)", shown, ratio, "at most 0.6", ratio <= 0.6)


def processes() -> None:
    took = rounds(startup.CONTENDERS)
    for name, goal in startup.GOALS.items():
        ratio = took[name] / took[startup.LEAST]
        shown = f"{took[name]:.2f} : {took[startup.LEAST]:.2f} s"
        row(f"{name} : one pydantic model", shown, ratio, f"at most {goal}", ratio <= goal)
    shown = f"{took[startup.PICTURE]:.2f} s"
    cold = took[startup.PICTURE]
    row(startup.PICTURE, shown, cold, "at most .25", cold <= 0.25)


def pictures() -> None:
    """The sequence diagram of each scenario, drawn once before."""
    for scenario in scenarios.ALL:
        done, name = run(scenario), scenario.name
        size = len(done.sequence().svg().encode()) / 1_000
        took = rounds({name: lambda done=done: cpu_seconds(lambda: done.sequence().svg())})[name]
        what, shown = f"sequence of {name}", f"{took * 1e3:.0f} ms, {size:.0f} KB"
        row(what, shown, took * 1e3, "20 ms, 100 KB", took <= 0.020 and size <= 100)


def workers() -> None:
    """SQLite has one writer at a time: a second worker adds little, and must not cost."""
    count = durable.SHARED
    took = rounds(
        {"one": lambda: durable.took(count), "two": lambda: durable.took(count, 2)}, times=3
    )
    ratio = took["one"] / took["two"]
    shown = f"{count / took['two']:,.0f} : {count / took['one']:,.0f} /s"
    row("payments/s on SQLite, 2 workers : 1", shown, ratio, "at least 0.8", ratio >= 0.8)


def durable_growth(many: int, times: int) -> None:
    few = durable.FEW
    took = rounds(
        {"few": lambda: durable.took(few), "many": lambda: durable.took(many)}, times=times
    )
    rate, rate_of_few = many / took["many"], few / took["few"]
    shown = f"{rate:,.0f} : {rate_of_few:,.0f} /s"
    ratio = rate / rate_of_few
    what = f"payments/s on SQLite, of {many:,} : of {few:,}"
    row(what, shown, ratio, "at least 0.8", ratio >= 0.8)


def main() -> None:
    print(f"{PAYMENTS:,} happy-path payments; medians of {ROUNDS} rounds (growth: of 3)")
    print(f"{'':<46} {'measured':>24} {'ratio':>9}   {'goal':<11}held")
    throughput()
    memory()
    frames()
    processes()
    pictures()
    growth()
    workers()
    durable_growth(durable.MANY, times=2)
    explored.main()
    sweeping.main()


if __name__ == "__main__":
    if sys.argv[1:] == ["sizes"]:
        sizes.main()
    elif sys.argv[1:] == ["durable-long"]:
        durable_growth(durable.LONG, times=1)
    elif sys.argv[1:2] == ["killed"]:
        killed.main(*map(int, sys.argv[2:3]))
    elif sys.argv[1:]:
        sys.exit("usage: python -m tests.bench [sizes | durable-long | killed [KILLS]]")
    else:
        main()
