"""Virtual time along a figure: in ms or s, even, or with its long idle stretches cut short."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from sagakit.draw.clock import unit

IDLE = 3  # a stretch so many times as long as all that is shorter taken together is cut
MOST_CUTS = 8
CUT = 0.5  # inches that are left of a stretch
APART = 0.62  # inches from tick to tick, at least


class Cut(NamedTuple):
    """An idle stretch (ms) that a time axis leaves out, and how long nothing happened."""

    begin: float
    end: float
    idle: int


def cuts(moments: Sequence[int]) -> list[Cut]:
    """The idle stretches between sorted moments (ms) that would push all the rest together."""
    stretches = [(b - a, a, b) for a, b in pairwise(moments) if b > a]
    shorter = 0
    long: list[tuple[int, int]] = []
    for length, begin, end in sorted(stretches):
        if long or (shorter and length >= IDLE * shorter):
            long.append((begin, end))
        else:
            shorter += length
    if len(long) > MOST_CUTS:
        return []
    margin = 0.015 * shorter
    return [Cut(begin + margin, end - margin, end - begin) for begin, end in sorted(long)]


class TimeScale:
    """From ms to inches: `width` of them between `start` and `end`, less what is cut."""

    def __init__(self, start: float, end: float, cuts: Iterable[Cut], width: float) -> None:
        self.start, self.end = start, max(end, start + 1)
        self.cuts = [cut for cut in cuts if start < cut.begin and cut.end < end]
        self.width = width
        shown = self.end - self.start - sum(cut.end - cut.begin for cut in self.cuts)
        self.scale = (width - CUT * len(self.cuts)) / shown
        self._times, self._places = [self.start], [0.0]
        for cut in self.cuts:
            place = self._places[-1] + (cut.begin - self._times[-1]) * self.scale
            self._times += [cut.begin, cut.end]
            self._places += [place, place + CUT]

    def __call__(self, t: float) -> float:
        t = min(max(t, self.start), self.end)
        at = bisect_right(self._times, t) - 1
        scale = self.scale
        if at % 2:  # within a cut
            scale = CUT / (self._times[at + 1] - self._times[at])
        return self._places[at] + (t - self._times[at]) * scale

    def shown(self) -> list[tuple[float, float]]:
        """The stretches of time (ms) that are not cut."""
        edges = [self.start, *(t for cut in self.cuts for t in (cut.begin, cut.end)), self.end]
        return list(zip(edges[::2], edges[1::2], strict=True))

    def ticks(self) -> tuple[str, list[tuple[float, str]]]:
        """The unit, and where (inches) to write which number. Every stretch has at least one."""
        name, size = unit(self.end)
        step = _nice(APART / self.scale)
        found: list[tuple[float, str]] = []
        for begin, end in self.shown():
            first = -int(-begin // step)  # rounded up
            times = [at * step for at in range(first, int(end // step) + 1)]
            times = times or [_roundest(begin, end)]
            found += [(self(t), f"{t / size:.10g}") for t in times]
        return name, found


def _roundest(begin: float, end: float) -> float:
    """The moment between two others that is the multiple of the largest power of ten."""
    step = 10.0**12
    while int(end // step) * step < begin:
        step /= 10
    return int(end // step) * step


def _nice(least: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, ... ms."""
    power = 1.0
    while True:
        for factor in (1, 2, 5):
            if factor * power >= least:
                return factor * power
        power *= 10
