"""Metrics: what an operator of the payment system watches, folded from what could be observed.

A pure observer: it gets facts as plain tuples, asks nobody, and changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import ceil
from typing import NamedTuple

from sagakit.payments.events import FINAL_EVENTS

PERCENTILES = (50, 95, 99)


class Measure(NamedTuple):
    """What was measured, of what, the value, and its unit."""

    metric: str
    of: str
    value: int
    unit: str


class Metrics:
    """Counts an event at a time; `measures` says how things stand.

    end   ms, when the observation ended; the breaker's present state lasts until then
    """

    def __init__(self) -> None:
        self._events: Counter[str] = Counter()
        self._begun: dict[str, int] = {}
        self._latencies: defaultdict[str, list[int]] = defaultdict(list)
        self._ended: set[str] = set()
        self._state: tuple[int, str] | None = None
        self._changes: Counter[str] = Counter()
        self._spent: Counter[str] = Counter()
        self._depths: dict[str, int] = {}

    def event(self, t: int, event: str, saga: str | None) -> None:
        """An event of a saga came to be at `t` ms; the events of a saga in their order."""
        self._events[event] += 1
        if saga is None:
            return
        begun = self._begun.setdefault(saga, t)
        if event in FINAL_EVENTS and saga not in self._ended:
            self._ended.add(saga)
            self._latencies[event].append(t - begun)

    def breaker(self, t: int, state: str) -> None:
        """The breaker is in that state from `t` ms on."""
        if self._state is not None:
            since, before = self._state
            if before == state:
                return
            self._spent[before] += t - since
            self._changes[f"{before} to {state}"] += 1
        self._state = t, state

    def depth(self, queue: str, depth: int) -> None:
        """So many messages wait in that queue."""
        self._depths[queue] = max(self._depths.get(queue, 0), depth)

    def measures(self, end: int) -> list[Measure]:
        """All measures, at `end` ms. Latencies run from a saga's first event to its final one."""
        found = [Measure("events", event, count, "events") for event, count in self._events.items()]
        found += [
            Measure("sagas", outcome, len(self._latencies[outcome]), "sagas")
            for outcome in FINAL_EVENTS
        ]
        found.append(Measure("sagas", "not ended", len(self._begun) - len(self._ended), "sagas"))
        for percent in PERCENTILES:
            found += [
                Measure(f"latency p{percent}", outcome, nearest_rank(latencies, percent), "ms")
                for outcome, latencies in sorted(self._latencies.items())
                if latencies
            ]
        found += [Measure("breaker changes", *one, "changes") for one in self._changes.items()]
        found += [Measure("breaker time", *one, "ms") for one in self._until(end).items()]
        found += [
            Measure("greatest queue depth", queue, depth, "messages")
            for queue, depth in self._depths.items()
        ]
        return found

    def _until(self, end: int) -> Counter[str]:
        spent = Counter(self._spent)
        if self._state is not None:
            since, state = self._state
            spent[state] += end - since
        return spent


def nearest_rank(values: Iterable[int], percent: int) -> int:
    """The smallest value that at least so many percent of all do not exceed; never in between.

    >>> nearest_rank([15, 20, 35, 40, 50], 40)
    20
    """
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1]


def measured(
    events: Iterable[tuple[int, str, str | None]],
    states: Iterable[tuple[int, str]],
    depths: Iterable[tuple[int, str, int]],
    end: int,
) -> list[Measure]:
    """Fold facts that were observed before: (ms, event, saga), (ms, state), (ms, queue, depth)."""
    metrics = Metrics()
    for t, event, saga in events:
        metrics.event(t, event, saga)
    for t, state in states:
        metrics.breaker(t, state)
    for _, queue, depth in depths:
        metrics.depth(queue, depth)
    return metrics.measures(end)
