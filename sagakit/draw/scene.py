"""What of a run a timeline shows: some of its sagas, in a stretch of its time."""

from collections.abc import Iterator
from typing import NamedTuple

from sagakit.trace.activity import Absence, Activity, Emission, Mark, OutsideCall, Wait, Work


class Scene(NamedTuple):
    """What of a run is shown: `works` by their place in the activity; `left` sagas are not."""

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
            {place: one for place, one in works if shown(one.begin, one.end, one.saga)},
            [one for one in activity.calls if shown(one.begin, one.end, one.saga)],
            [one for one in activity.waits if shown(one.begin, one.end, one.saga)],
            [one for one in activity.emissions if shown(one.t, one.t, one.saga)],
            [one for one in activity.marks if shown(one.t, one.t, one.saga)],
            [one for one in activity.spans if shown(one.begin, one.end, None)],
        )
        everything = {work.saga for work in activity.works if work.saga}
        return scene if everything <= asked else scene._narrowed(start, end)

    def _narrowed(self, start: int | None, end: int | None) -> "Scene":
        """The same from where its sagas begin to where they end."""
        ends = [t for saga, *both in self._extents() if saga for t in both]
        first = min(ends, default=self.start) if start is None else start
        last = max(ends, default=self.end) if end is None else end
        return self._replace(
            start=first,
            end=last,
            works={at: one for at, one in self.works.items() if first <= one.end <= last},
            marks=[one for one in self.marks if first <= one.t <= last],
            spans=[one for one in self.spans if one.begin <= last and first <= one.end],
        )

    def moments(self) -> list[int]:
        """When something happened that is shown, in order (ms)."""
        found = {t for _, *both in self._extents() for t in both}
        return sorted(t for t in found if self.start <= t <= self.end)

    def _extents(self) -> Iterator[tuple[str | None, int, int]]:
        """The saga, the begin and the end of each piece."""
        for work in self.works.values():
            yield work.saga, work.begin, work.end
        for call in self.calls:
            yield call.saga, call.begin, call.end
        for wait in self.waits:
            yield wait.saga, wait.begin, wait.end
        for event in self.emissions:
            yield event.saga, event.t, event.t
        for mark in self.marks:
            yield mark.saga, mark.t, mark.t
        for span in self.spans:
            yield None, span.begin, span.end
