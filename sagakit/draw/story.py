"""What a sequence diagram tells of a trace: its steps, on which lanes, in which frames.

The picture and the Mermaid text both tell the same story.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sagakit.contract.deployment import Participant
from sagakit.draw.clock import must_be_times
from sagakit.draw.folding import Frame, Step, fan_outs, folded, sign_of
from sagakit.trace.trace import Queued, Record, Trace, Written


class Activation(NamedTuple):
    """One invocation of a service, over the steps `first` to `last` (their places).

    from_above, to_below   it began before the first step, or ends after the last one
    answered               its last step is its own answer: the bar ends at that arrow
    crashed                it was cut off
    """

    lane: str
    invocation: int
    saga: str | None
    first: int
    last: int
    from_above: bool
    to_below: bool
    answered: bool
    crashed: bool


@dataclass(frozen=True)
class Story:
    """The steps to draw, in order, and all that stands around them.

    everyone   all participants, in their order
    sagas      all sagas of the trace, so that a saga has the same colour in every picture of a run
    shown      the sagas of the steps
    left_out   how many arrows more there are than the limit allows
    """

    everyone: tuple[str, ...]
    lanes: tuple[Participant, ...]
    steps: tuple[Step, ...]
    frames: tuple[Frame, ...]
    activations: tuple[Activation, ...]
    sagas: tuple[str, ...]
    shown: tuple[str, ...]
    left_out: int

    @property
    def arrows(self) -> int:
        """The number of the last arrow."""
        return max((step.number for step in self.steps), default=0)

    @property
    def open_ends(self) -> bool:
        """Whether an arrow starts or ends at a participant that is not shown."""
        names = {one.name for one in self.lanes}
        ends = ({step.record.source, step.record.target} for step in self.steps)
        return any(not names >= both for both in ends)

    def jumps(self, gap: int) -> dict[int, int]:
        """Before which steps virtual time jumps by more than `gap` ms, and by how much."""
        jumps: dict[int, int] = {}
        now = self.steps[0].record.t if self.steps else 0
        for place, step in enumerate(self.steps):
            if step.record.t - now > gap:
                jumps[place] = step.record.t - now
            now = max(now, step.until)
        return jumps


Names = str | Iterable[str] | None


def tell(
    trace: Trace,
    *,
    saga: Names = None,
    participants: Names = None,
    outside: bool = True,
    start: int | None = None,
    end: int | None = None,
    notes: bool = True,
    acknowledgements: bool = False,
    limit: int = 80,
) -> Story:
    """Choose what to show of a trace.

    saga              one saga's correlation id, or several; all if not given
    participants      whose lanes to show; an arrow from or to others starts or ends in the open
    outside           whether there are such arrows
    start, end        a stretch of virtual time (ms), both included
    notes             whether notes are shown; what went wrong always is
    acknowledgements  whether returns that say nothing but "done" are shown
    limit             how many arrows at most

    Raises `ValueError` for a saga or participant that the trace does not have, with those that it
    has; for a stretch of time that ends before it starts; for a limit below 1; and if the choice
    leaves nothing of a trace that has something.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1 arrow, not {limit}")
    must_be_times(start=start, end=end)
    if start is not None and end is not None and end < start:
        raise ValueError(f"end ({end} ms) must not be before start ({start} ms)")
    everyone = _everyone(trace)
    sagas = tuple(dict.fromkeys(record.correlation_id for record in trace if record.correlation_id))
    wanted = _known("saga", saga, sagas)
    visible = _known("participant", participants, everyone)

    enough = any if outside else all

    def chosen(record: Record) -> bool:
        return (
            (wanted is None or record.correlation_id in wanted)
            and (visible is None or enough((record.source in visible, record.target in visible)))
            and (start is None or record.t >= start)
            and (end is None or record.t <= end)
            and (notes or sign_of(record) != "note")
            and (acknowledgements or not _acknowledges(record))
        )

    records = [(place, record) for place, record in enumerate(trace) if chosen(record)]
    if not records and len(trace):
        raise ValueError(
            f"nothing is left to show: the trace has {len(trace)} records from {trace[0].t} ms "
            f"to {trace[len(trace) - 1].t} ms; choose less narrowly"
        )
    steps, loops = folded(records)
    shown, left_out = _at_most(limit, steps)
    begins = sum(start is not None and record.t < start for record in trace)
    ends = sum(end is None or record.t <= end for record in trace)
    if left_out:
        ends = steps[len(shown)].first
    loops = [frame._replace(last=min(frame.last, len(shown) - 1)) for frame in loops]
    frames = [frame for frame in loops if frame.first < len(shown)]
    frames += fan_outs(shown, {name for name, one in everyone.items() if one.kind == "topic"})
    taking_part = {name for step in shown for name in (step.record.source, step.record.target)}
    names = taking_part if visible is None else visible
    return Story(
        everyone=tuple(everyone),
        lanes=_side_by_side([one for name, one in everyone.items() if name in names]),
        steps=tuple(shown),
        frames=tuple(sorted(frames, key=lambda frame: frame.first)),
        activations=tuple(_activations(trace, shown, names, begins, ends)),
        sagas=sagas,
        shown=tuple(dict.fromkeys(filter(None, (step.record.correlation_id for step in shown)))),
        left_out=left_out,
    )


def _everyone(trace: Trace) -> dict[str, Participant]:
    """The participants by name. One that only the records name is taken for a service."""
    everyone = {one.name: one for one in trace.participants}
    for record in trace:
        for name in (record.source, record.target):
            if name not in everyone:
                everyone[name] = Participant(name, "service")
    return everyone


def _known(what: str, asked: Names, known: Collection[str]) -> set[str] | None:
    """The names that are asked for; None for all."""
    if asked is None:
        return None
    names = set(asked) if isinstance(asked, Iterable) and not isinstance(asked, str) else {asked}
    unknown = names - set(known)
    if unknown or not names:
        some = [*known][:40]
        more = f" and {len(known) - len(some)} more" if len(known) > len(some) else ""
        wrong = ", ".join(sorted(map(repr, unknown))) or "named"
        raise ValueError(f"no {what} {wrong}: there are {', '.join(some) or 'none'}{more}")
    return names


def _side_by_side(lanes: list[Participant]) -> tuple[Participant, ...]:
    """The lanes with the members of a domain beside each other, where its first one stands."""
    domains: dict[str, list[Participant]] = {}
    for one in lanes:
        domains.setdefault(one.domain or f"\0{one.name}", []).append(one)
    return tuple(one for members in domains.values() for one in members)


def _acknowledges(record: Record) -> bool:
    """Whether a record is a return that says nothing more than that it is done."""
    return record.kind == "return" and (
        isinstance(record.detail, Queued | Written)
        or (record.detail is None and record.label in ("", "OK", "done"))
    )


def _at_most(limit: int, steps: list[Step]) -> tuple[list[Step], int]:
    """The steps up to the arrow of that number, and how many arrows come after it."""
    arrows = max((step.number for step in steps), default=0)
    if arrows <= limit:
        return steps, 0
    most = next(place for place, step in enumerate(steps) if step.number > limit)
    return steps[:most], arrows - limit


class _Span:
    """The records of one invocation, by their places in the trace."""

    __slots__ = ("crashed", "first", "lane", "last", "last_is_answer", "saga")

    def __init__(self, lane: str, saga: str | None, place: int) -> None:
        self.lane = lane
        self.saga = saga
        self.first = self.last = place
        self.crashed = self.last_is_answer = False


def _spans(trace: Trace) -> dict[int, _Span]:
    """Where each invocation begins and ends.

    It begins where it is called and ends with its last record, or with its answer to its caller,
    which is the caller's record.
    """
    spans: dict[int, _Span] = {}
    unanswered: dict[tuple[str, str, str | None], _Span] = {}
    for place, record in enumerate(trace):
        number, kind, source, target = record.invocation, record.kind, record.source, record.target
        if number:
            span = spans.get(number)
            if span is None:
                lane = target if kind in ("call", "async") else source
                span = spans[number] = _Span(lane, record.correlation_id, place)
                unanswered[lane, source, record.correlation_id] = span
            span.last, span.last_is_answer = place, kind == "return" and source == span.lane
            span.crashed = kind == "fault" and source == target == span.lane
        if kind == "return":
            span = unanswered.pop((source, target, record.correlation_id), None)
            if span is not None:
                span.last, span.last_is_answer = place, True
    return spans


def _activations(
    trace: Trace, steps: list[Step], names: set[str], begins: int, ends: int
) -> list[Activation]:
    """The invocations that have a step to show, on the lanes that are shown.

    The records from the place `begins` to before `ends` were there to choose from.
    """
    seen = {step.record.invocation for step in steps}
    places = [step.first for step in steps]
    found = []
    for number, span in _spans(trace).items():
        if number not in seen or span.lane not in names:
            continue
        first = bisect_left(places, span.first)
        last = bisect_right(places, span.last) - 1
        found.append(
            Activation(
                span.lane, number, span.saga, first, last,
                from_above=span.first < begins,
                to_below=span.last >= ends,
                answered=span.last_is_answer and steps[last].first == span.last,
                crashed=span.crashed and steps[last].first == span.last,
            )
        )  # fmt: skip
    return found
