"""Metrics: the numbers that an operator of the payment system watches.

They are folded from what could be observed: plain tuples. Nobody is asked, nothing is changed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from sagakit.payments.events import FINAL_EVENTS

PERCENTILES = (50, 95, 99)


class Measure(NamedTuple):
    """A number: the metric, of what it was measured, the value, and its unit."""

    metric: str
    of: str
    value: int
    unit: str


def measured(
    events: Iterable[tuple[int, str, str | None]],
    states: Iterable[tuple[int, str]],
    depths: Iterable[tuple[int, str, int]],
    end: int,
) -> list[Measure]:
    """Measure what was observed until `end` ms.

    events  (ms, event, saga), the events of a saga in their order
    states  (ms, state) of the breaker from then on
    depths  (ms, queue, messages that wait in it)

    Latencies run from a saga's first event to its first final one.
    """
    return [*_of_sagas(events), *_of_breaker(list(states), end), *_of_queues(depths)]


def _of_sagas(events: Iterable[tuple[int, str, str | None]]) -> Iterator[Measure]:
    counts: Counter[str] = Counter()
    begun: dict[str, int] = {}
    ended: set[str] = set()
    latencies: defaultdict[str, list[int]] = defaultdict(list)
    for t, event, saga in events:
        counts[event] += 1
        if saga is None:
            continue
        begun.setdefault(saga, t)
        if event in FINAL_EVENTS and saga not in ended:
            ended.add(saga)
            latencies[event].append(t - begun[saga])
    for event, count in counts.items():
        yield Measure("events", event, count, "events")
    for outcome in FINAL_EVENTS:
        yield Measure("sagas", outcome, len(latencies.get(outcome, ())), "sagas")
    yield Measure("sagas", "not ended", len(begun) - len(ended), "sagas")
    for percent in PERCENTILES:
        for outcome, times in sorted(latencies.items()):
            yield Measure(f"latency p{percent}", outcome, nearest_rank(times, percent), "ms")


def _of_breaker(states: list[tuple[int, str]], end: int) -> Iterator[Measure]:
    changes: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for (since, state), (until, following) in pairwise([*states, (end, "")]):
        spent[state] += until - since
        if following not in ("", state):
            changes[f"{state} to {following}"] += 1
    for change, count in changes.items():
        yield Measure("breaker changes", change, count, "changes")
    for state, time in spent.items():
        yield Measure("breaker time", state, time, "ms")


def _of_queues(depths: Iterable[tuple[int, str, int]]) -> Iterator[Measure]:
    greatest: dict[str, int] = {}
    for _, queue, depth in depths:
        greatest[queue] = max(greatest.get(queue, 0), depth)
    for queue, depth in greatest.items():
        yield Measure("greatest queue depth", queue, depth, "messages")


def nearest_rank(values: Iterable[int], percent: int) -> int:
    """Return the smallest value that at least so many percent of all do not exceed.

    >>> nearest_rank([15, 20, 35, 40, 50], 40)
    20
    """
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1]
