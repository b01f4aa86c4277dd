"""Which row of its lane each piece of a timeline goes into: no two that overlap share one."""

from dataclasses import dataclass, field

from sagakit.draw.timescale import TimeScale
from sagakit.trace.activity import Emission, OutsideCall, Wait, Work

BESIDE = 0.1  # inches between two pieces in one row


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
    """The chains of a scene, by what they hold: works by place, events and calls by the piece."""

    def __init__(
        self,
        works: dict[int, Work],
        waits: list[Wait],
        events: list[Emission],
        calls: list[OutsideCall],
        publisher: dict[str, int],
        x: TimeScale,
    ) -> None:
        self.works: dict[int, Chain] = {}
        self.waits: list[Chain] = []
        self.events: list[Chain] = []
        self.calls: list[Chain] = []
        self.all: list[Chain] = []
        self.lanes: dict[str, int] = {}  # lane to its number of rows
        before = {wait.before: wait for wait in waits}
        for place, work in works.items():
            wait = before.get(place)
            joined = self.works.get(wait.after) if wait and wait.after is not None else None
            chain = joined or self._chain(work.service, work.begin, work.end)
            chain.reach(work.begin, work.end)
            chain.works.append(place)
            self.works[place] = chain
        for wait in waits:
            ends = [end for end in (wait.after, wait.before) if end in self.works]
            chain = self.works[ends[0]] if ends else self._chain(wait.service, wait.begin, wait.end)
            chain.reach(wait.begin, wait.end)
            self.waits.append(chain)
        for event in events:
            by = self.works.get(publisher.get(event.event_id, -1))
            if by is None or by.lane != event.publisher or event.how == "again":
                by = self._chain(event.publisher, event.t, event.t)
            by.reach(by.begin, event.t)
            self.events.append(by)
        for call in calls:
            self.calls.append(self._chain(call.party, call.begin, call.end))
        self._stack(x)

    def _chain(self, lane: str, begin: int, end: int) -> Chain:
        chain = Chain(lane, begin, end)
        self.all.append(chain)
        return chain

    def _stack(self, x: TimeScale) -> None:
        """Each chain into the first row that is free by then."""
        free: dict[str, list[float]] = {}
        for chain in sorted(self.all, key=lambda one: one.begin):
            rows = free.setdefault(chain.lane, [])
            begin = x(chain.begin)
            row = next((at for at, until in enumerate(rows) if until <= begin), len(rows))
            if row == len(rows):
                rows.append(0.0)
            rows[row] = x(chain.end) + BESIDE
            chain.row = row
        self.lanes = {lane: len(rows) for lane, rows in free.items()}
