"""A run against virtual time: a lane a service, what it worked on, and what it published.

Events are marked where they were published, in the colour of their saga; a line leads to each piece
of work that one of them caused. Long idle stretches are cut, and say how long they were.
"""

from collections import Counter
from collections.abc import Iterator

import matplotlib as mpl

from sagakit.draw.clock import moment, must_be_times, roughly
from sagakit.draw.figure import STYLE, saga_colours
from sagakit.draw.scene import Scene
from sagakit.draw.svg import Picture
from sagakit.draw.timedrawing import Drawing
from sagakit.draw.timescale import cuts
from sagakit.trace.activity import Activity
from sagakit.trace.trace import Trace

MOST_TOLD = 16  # of each sort: up to here the text alternative tells each


def timeline(
    trace: Trace,
    *,
    saga: str | None = None,
    start: int | None = None,
    end: int | None = None,
    most: int = 40,
) -> Picture:
    """Draw a run, or one saga of it, or a stretch of its time.

    saga        the correlation id of the one saga to show
    start, end  ms, the stretch of time to show
    most        how many sagas to show at most: the first ones

    Raises `ValueError` for a saga that is not in the trace and for an empty stretch of time.
    """
    activity = Activity(trace)
    sagas = list(dict.fromkeys(work.saga for work in activity.works if work.saga))
    if saga is not None and saga not in sagas:
        names = ", ".join(sagas[:8]) or "none"
        raise ValueError(f"no saga {saga!r} in this trace: there are {names}")
    must_be_times(start=start, end=end)
    if start is not None and end is not None and start >= end:
        raise ValueError(f"start ({start} ms) must be earlier than end ({end} ms)")
    scene = Scene.of(activity, [saga] if saga is not None else sagas, start, end, most)
    with mpl.rc_context(STYLE):
        drawing = Drawing(scene, activity, saga_colours(sagas))
        title = _title(scene)
        return drawing.picture(title, _alternative(title, scene, drawing.lanes))


def _title(scene: Scene) -> str:
    count = len(scene.sagas)
    who = f"saga {scene.sagas[0]}" if count == 1 else f"{count} sagas"
    if scene.left:
        who = f"the first {count} of {count + scene.left} sagas"
    return f"Timeline of {who}, {moment(scene.start)} to {moment(scene.end)}"


def _alternative(title: str, scene: Scene, lanes: list[str]) -> str:
    return "\n".join([f"{title}.", f"Lanes: {', '.join(lanes)}.", *_sentences(scene)])


def _sentences(scene: Scene) -> Iterator[str]:
    several = len(scene.sagas) > 1
    events = [one for one in scene.emissions if one.how != "renamed"]
    if len(events) <= MOST_TOLD:
        verbs = {"enqueued": "puts aside", "again": "queues again"}
        for one in events:
            saga = f" of {one.saga}" if several else ""
            verb = verbs.get(one.how, "publishes")
            yield f"{moment(one.t)}: {one.publisher} {verb} {one.event}{saga}."
    else:
        counts = Counter(one.event for one in events)
        yield f"Marked events: {_counted(counts)}."
    silent = [call for call in scene.calls if not call.answered]
    if silent:
        first, last = silent[0], max(call.end for call in silent)
        yield (
            f"{len(silent)} of {len(scene.calls)} calls to {first.party} got no answer, from "
            f"{moment(first.begin)} to {moment(last)}."
        )
    waits = [wait.end - wait.begin for wait in scene.waits if wait.end - wait.begin >= 1_000]
    if waits:
        yield f"Messages that wait for 1 s or more: {len(waits)}, at most {roughly(max(waits))}."
    if len(scene.marks) <= MOST_TOLD:
        for mark in scene.marks:
            saga = f" ({mark.saga})" if mark.saga and several else ""
            yield f"{moment(mark.t)}, {mark.place}: {mark.text}{saga}."
    else:
        yield f"Marks: {_counted(Counter(mark.text for mark in scene.marks))}."
    for span in scene.spans:
        yield f"{span.text} from {moment(span.begin)} to {moment(span.end)}."
    for cut in cuts(scene.moments()):
        yield f"The time axis leaves out {roughly(cut.idle)} in which nothing begins or ends."


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
