"""Where the parts of a timeline stand: which are shown, when is where, and who has which row.

Lengths are in points.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from sagakit.contract.timing import unit
from sagakit.trace.activity import (
    Absence,
    Activity,
    Emission,
    Mark,
    OutsideCall,
    Wait,
    Work,
)

IDLE = 3  # a stretch so many times as long as all that is shorter taken together is cut
MOST_CUTS = 8
CUT = 36.0  # what is left of a stretch
APART = 45.0  # from tick to tick, at least
BESIDE = 7.0  # between two pieces in one row


class Scene(NamedTuple):
    """The part of a run that is shown: `works` by index in the activity; `left` sagas are not."""

    sagas: list[str]
    left: int
    start: int
    end: int
    works: dict[int, Work]
    calls: list[OutsideCall]
    waits: list[Wait]
    emissions: list[Emission]
    marks: list[Mark]
    spans: list[Absence]

    @classmethod
    def of(
        cls, activity: Activity, sagas: list[str], start: int | None, end: int | None, most: int
    ) -> "Scene":
        """Choose the first `most` of these sagas that are there between `start` and `end` (ms)."""
        lowest = 0 if start is None else start
        highest = activity.end if end is None else end
        asked = set(sagas)

        def shown(begin: int, until: int, saga: str | None) -> bool:
            return begin <= highest and until >= lowest and (saga is None or saga in asked)

        def present(work: Work) -> bool:
            return work.saga is not None and shown(work.begin, work.end, work.saga)

        found = list(dict.fromkeys(work.saga for work in activity.works if present(work)))
        kept = [saga for saga in found if saga][:most]
        asked = set(kept)
        works = enumerate(activity.works)
        scene = cls(
            kept,
            len(found) - len(kept),
            lowest,
            highest,
            {index: work for index, work in works if shown(work.begin, work.end, work.saga)},
            [call for call in activity.calls if shown(call.begin, call.end, call.saga)],
            [wait for wait in activity.waits if shown(wait.begin, wait.end, wait.saga)],
            [event for event in activity.emissions if shown(event.t, event.t, event.saga)],
            [mark for mark in activity.marks if shown(mark.t, mark.t, mark.saga)],
            [span for span in activity.spans if shown(span.begin, span.end, None)],
        )
        everything = {work.saga for work in activity.works if work.saga}
        return scene if everything <= asked else scene._narrowed(start, end)

    def _narrowed(self, start: int | None, end: int | None) -> "Scene":
        """Return the same from where its sagas begin to where they end."""
        ends = [t for saga, *both in self._extents() if saga for t in both]
        first = min(ends, default=self.start) if start is None else start
        last = max(ends, default=self.end) if end is None else end
        return self._replace(
            start=first,
            end=last,
            works={at: work for at, work in self.works.items() if first <= work.end <= last},
            marks=[mark for mark in self.marks if first <= mark.t <= last],
            spans=[span for span in self.spans if span.begin <= last and first <= span.end],
        )

    @property
    def events(self) -> list[Emission]:
        """The emissions without those that a rule made of another one."""
        return [event for event in self.emissions if event.how != "renamed"]

    def moments(self) -> list[int]:
        """Return when something happened that is shown, in order (ms)."""
        found = {t for _, *both in self._extents() for t in both}
        return sorted(t for t in found if self.start <= t <= self.end)

    def _extents(self) -> Iterator[tuple[str | None, int, int]]:
        """Return the saga, the begin and the end of each piece."""
        lasting: list[Work | OutsideCall | Wait] = [*self.works.values(), *self.calls, *self.waits]
        for piece in lasting:
            yield piece.saga, piece.begin, piece.end
        points: list[Emission | Mark] = [*self.emissions, *self.marks]
        for point in points:
            yield point.saga, point.t, point.t
        for span in self.spans:
            yield None, span.begin, span.end


class Cut(NamedTuple):
    """An idle stretch (ms) that a time axis leaves out, and how long nothing happened."""

    begin: float
    end: float
    idle: int


def cuts(moments: Sequence[int]) -> list[Cut]:
    """Return the idle stretches between sorted moments (ms) that would push all the rest
    together."""
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
    """From ms to points: from `left` on, `width` of them between `start` and `end`, less what is
    cut."""

    def __init__(
        self, start: float, end: float, cuts: Iterable[Cut], width: float, left: float = 0.0
    ) -> None:
        self.start, self.end = start, max(end, start + 1)
        self.cuts = [cut for cut in cuts if start < cut.begin and cut.end < end]
        shown = self.end - self.start - sum(cut.end - cut.begin for cut in self.cuts)
        self.scale = (width - CUT * len(self.cuts)) / shown
        self._times, self._xs = [self.start], [left]
        for cut in self.cuts:
            x = self._xs[-1] + (cut.begin - self._times[-1]) * self.scale
            self._times += [cut.begin, cut.end]
            self._xs += [x, x + CUT]

    def __call__(self, t: float) -> float:
        t = min(max(t, self.start), self.end)
        index = bisect_right(self._times, t) - 1
        scale = self.scale
        if index % 2:  # within a cut
            scale = CUT / (self._times[index + 1] - self._times[index])
        return self._xs[index] + (t - self._times[index]) * scale

    def shown(self) -> list[tuple[float, float]]:
        """Return the stretches of time (ms) that are not cut."""
        edges = [self.start, *(t for cut in self.cuts for t in (cut.begin, cut.end)), self.end]
        return list(zip(edges[::2], edges[1::2], strict=True))

    def ticks(self) -> tuple[str, list[tuple[float, str]]]:
        """Return the unit, and where to write which number. Every stretch has at least one."""
        name, size = unit(self.end)
        step = _nice(APART / self.scale)
        found: list[tuple[float, str]] = []
        for begin, end in self.shown():
            first = -int(-begin // step)  # rounded up
            times = [count * step for count in range(first, int(end // step) + 1)]
            times = times or [_roundest(begin, end)]
            found += [(self(t), f"{t / size:.10g}") for t in times]
        return name, found


def _roundest(begin: float, end: float) -> float:
    """Return the moment between two others that is the multiple of the largest power of ten."""
    step = 10.0**12
    while int(end // step) * step < begin:
        step /= 10
    return int(end // step) * step


def _nice(least: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50, ... ms."""
    power = 1.0
    while True:
        for factor in (1, 2, 5):
            if factor * power >= least:
                return factor * power
        power *= 10


@dataclass
class Chain:
    """Pieces that stay in one row: work, what it published, the wait after it, the next work."""

    lane: str
    begin: int
    end: int
    row: int = 0
    works: list[int] = field(default_factory=list)

    def reach(self, begin: int, end: int) -> None:
        self.begin, self.end = min(self.begin, begin), max(self.end, end)


class Rows:
    """The chains of a scene, by what they hold: works by index, events and calls by the piece.

    No two chains of a lane that overlap share a row.
    """

    def __init__(self, scene: Scene, publisher: dict[str, int], x: TimeScale) -> None:
        self.works: dict[int, Chain] = {}
        self.waits: list[Chain] = []
        self.events: list[Chain] = []
        self.all: list[Chain] = []
        before = {wait.before: wait for wait in scene.waits}
        for index, work in scene.works.items():
            wait = before.get(index)
            joined = self.works.get(wait.after) if wait and wait.after is not None else None
            chain = joined or self._chain(work.service, work.begin, work.end)
            chain.reach(work.begin, work.end)
            chain.works.append(index)
            self.works[index] = chain
        for wait in scene.waits:
            ends = [end for end in (wait.after, wait.before) if end in self.works]
            chain = self.works[ends[0]] if ends else self._chain(wait.service, wait.begin, wait.end)
            chain.reach(wait.begin, wait.end)
            self.waits.append(chain)
        for event in scene.events:
            by = self.works.get(publisher.get(event.event_id, -1))
            if by is None or by.lane != event.publisher or event.how == "again":
                by = self._chain(event.publisher, event.t, event.t)
            by.reach(by.begin, event.t)
            self.events.append(by)
        self.calls = [self._chain(call.party, call.begin, call.end) for call in scene.calls]
        self.lanes = self._stack(x)  # lane to its number of rows

    def _chain(self, lane: str, begin: int, end: int) -> Chain:
        chain = Chain(lane, begin, end)
        self.all.append(chain)
        return chain

    def _stack(self, x: TimeScale) -> dict[str, int]:
        """Put each chain into the first row that is free by then."""
        free: dict[str, list[float]] = {}
        for chain in sorted(self.all, key=lambda chain: chain.begin):
            rows = free.setdefault(chain.lane, [])
            begin = x(chain.begin)
            row = next((row for row, until in enumerate(rows) if until <= begin), len(rows))
            rows[row : row + 1] = [x(chain.end) + BESIDE]
            chain.row = row
        return {lane: len(rows) for lane, rows in free.items()}
