"""The story that a sequence diagram tells of a trace: its steps, on which lanes, in which frames.

The picture, the Mermaid text and the text alternative all tell the same story.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from sagakit.contract.deployment import Participant
from sagakit.contract.timing import moment, must_be_times
from sagakit.contract.validation import whole_number
from sagakit.trace import facts
from sagakit.trace.arrows import Arrow
from sagakit.trace.trace import Trace

Sign = Literal[
    "call", "async", "return", "refused", "dead", "lost", "late", "doubled", "note", "alarm"
]
Numbered = tuple[int, Arrow]  # an arrow and its index in the trace
Names = str | Iterable[str] | None

SMOOTH = ("call", "async", "return", "note")  # what goes wrong stands alone
FEWEST_ROUNDS = 3  # that are worth a loop
LONGEST_ROUND = 4  # arrows
CARRIES = (facts.Published, facts.Renamed, facts.Postponed)  # whose payload is told
BOXED: tuple[Sign, ...] = ("note", "alarm")
LONG = 30  # arrows: beyond that the text alternative tells each in few words
FEW_WORDS = 60  # letters
VERBS: dict[Sign, str] = {
    "call": "calls",
    "async": "sends to",
    "return": "answers",
    "refused": "refuses",
    "dead": "gives up into",
    "lost": "does not reach",
    "late": "is late for",
    "doubled": "sends twice to",
}


@dataclass(frozen=True, kw_only=True)
class View:
    """Which part of a trace a sequence diagram shows, and how.

    saga              one saga's correlation id, or several; all if not given
    participants      whose lanes to show; an arrow from or to others starts or ends in the open
    outside           whether there are such arrows
    start, end        a stretch of virtual time (ms), both included
    notes             whether notes are shown; what went wrong always is
    acknowledgements  whether returns that say nothing but "done" are shown
    limit             how many arrows at most; the picture says how many are left out
    gap               a jump of virtual time by more than that (ms) is marked
    title             one line; by default it says which sagas and when
    compact           whether a request and its answer share a row, and an event's way to a service
    legend            whether the signs are explained above the diagram

    Raises `ValueError` for a limit below 1, and for a stretch of time that ends before it starts.
    """

    saga: Names = None
    participants: Names = None
    outside: bool = True
    start: int | None = None
    end: int | None = None
    notes: bool = True
    acknowledgements: bool = False
    limit: int = 80
    gap: int = 1_000
    title: str | None = None
    compact: bool = True
    legend: bool = True

    def __post_init__(self) -> None:
        whole_number("limit", self.limit, least=1)
        whole_number("gap", self.gap, least=0)
        must_be_times(start=self.start, end=self.end)
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"end ({self.end} ms) must not be before start ({self.start} ms)")


class Step(NamedTuple):
    """One arrow or note of the diagram.

    number       of the arrow, counted from 1; 0 for a note
    first, last  the indices of its first and last record in the trace, which differ if it is folded
    until        when (ms) the last one was
    """

    number: int
    sign: Sign
    arrow: Arrow
    text: str
    first: int
    last: int
    until: int

    @property
    def boxed(self) -> bool:
        return self.sign in BOXED


class Frame(NamedTuple):
    """A frame around the steps `first` to `last`, divided before each of the steps `splits`."""

    kind: Literal["loop", "par"]
    title: str
    first: int
    last: int
    splits: tuple[int, ...] = ()


class Activation(NamedTuple):
    """One invocation of a service, over the steps `first` to `last`.

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
    left_out   how many arrows more there are than the limit allows
    payloads   of each event by its id, as it was published
    """

    view: View
    everyone: tuple[Participant, ...]
    lanes: tuple[Participant, ...]
    steps: tuple[Step, ...]
    frames: tuple[Frame, ...]
    activations: tuple[Activation, ...]
    sagas: tuple[str, ...]
    left_out: int
    payloads: Mapping[str, Mapping[str, Any]]

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The sagas of the steps."""
        sagas = (step.arrow.correlation_id for step in self.steps)
        return tuple(dict.fromkeys(filter(None, sagas)))

    @property
    def arrows(self) -> int:
        """The number of the last arrow."""
        return max((step.number for step in self.steps), default=0)

    @property
    def open_ends(self) -> bool:
        """Return whether an arrow starts or ends at a participant that is not shown."""
        names = {lane.name for lane in self.lanes}
        return any(not names >= {step.arrow.source, step.arrow.target} for step in self.steps)

    @cached_property
    def jumps(self) -> dict[int, int]:
        """Before which steps virtual time jumps by more than the view's gap, and by how much."""
        jumps: dict[int, int] = {}
        now = self.steps[0].arrow.t if self.steps else 0
        for index, step in enumerate(self.steps):
            if step.arrow.t - now > self.view.gap:
                jumps[index] = step.arrow.t - now
            now = max(now, step.until)
        return jumps

    @property
    def title(self) -> str:
        if self.view.title:
            return self.view.title
        if not self.steps:
            return "Sequence diagram: nothing happened"
        sagas = len(self.shown)
        of = f" of saga {self.shown[0]}" if sagas == 1 else f" of {sagas} sagas" if sagas else ""
        last = max(step.until for step in self.steps)
        return f"Sequence diagram{of}, {moment(self.steps[0].arrow.t)} to {moment(last)}"

    @property
    def rest(self) -> str:
        """Return what the limit left out and how to choose; nothing if the story is whole."""
        if not self.left_out:
            return ""
        return (
            f"{self.left_out} more arrows are not shown: choose with saga=, participants=, "
            f"start= and end= (ms), or raise limit={self.arrows}"
        )

    @property
    def alt(self) -> str:
        """The text alternative: title, participants, and each step in words."""
        lanes = ", ".join(lane.name for lane in self.lanes)
        lines = [f"{self.title}.", f"Participants: {lanes}." if lanes else ""]
        frames = {frame.first: frame for frame in self.frames}
        for index, step in enumerate(self.steps):
            if index in frames:
                lines.append(f"{frames[index].kind} [{frames[index].title}]:")
            text = step.text
            if self.arrows > LONG and len(text) > FEW_WORDS:
                text = text[:FEW_WORDS].rstrip() + "…"
            lines.append(self._sentence(step, text))
        return "\n".join(filter(None, [*lines, f"{self.rest}." if self.rest else ""]))

    def sentence(self, step: Step) -> str:
        """Return all of a step in words: when, from whom to whom, what, and the event's payload."""
        payload = self.payloads.get(step.arrow.event_id or "") if step.arrow.event else None
        told = "; ".join(f"{name}: {value}" for name, value in (payload or {}).items())
        return self._sentence(step, step.text) + f"\n{step.arrow.event} {{{told}}}" * bool(told)

    def _sentence(self, step: Step, text: str) -> str:
        arrow = step.arrow
        several = len(self.shown) > 1 and arrow.correlation_id
        saga = f" ({arrow.correlation_id})" if several else ""
        if not step.number:
            what = "Failure" if step.sign == "alarm" else "Note"
            return f"{what} at {arrow.source}, {moment(arrow.t)}{saga}: {text}"
        ends = f"{arrow.source} {VERBS[step.sign]} {arrow.target}"
        return f"{step.number}. {moment(arrow.t)}{saga}: {ends}: {text}"


def tell(trace: Trace, view: View | None = None) -> Story:
    """Choose what to show of a trace.

    Raises `ValueError` for a saga or participant that the trace does not have, with those that it
    has; and if the view leaves nothing of a trace that has something.
    """
    view = view or View()
    arrows = list(trace.arrows())
    everyone = _everyone(trace.participants, arrows)
    sagas = tuple(dict.fromkeys(arrow.correlation_id for arrow in arrows if arrow.correlation_id))
    wanted = _known("saga", view.saga, sagas)
    visible = _known("participant", view.participants, everyone)
    start, end, enough = view.start, view.end, any if view.outside else all
    records = [
        (index, arrow)
        for index, arrow in enumerate(arrows)
        if (wanted is None or arrow.correlation_id in wanted)
        and (visible is None or enough((arrow.source in visible, arrow.target in visible)))
        and (start is None or arrow.t >= start)
        and (end is None or arrow.t <= end)
        and (view.notes or sign_of(arrow) != "note")
        and (view.acknowledgements or not _acknowledges(arrow))
    ]
    if not records and arrows:
        raise ValueError(
            f"nothing is left to show: the trace has {len(arrows)} records from {arrows[0].t} ms "
            f"to {arrows[-1].t} ms; choose less narrowly"
        )
    steps, loops, number = _folded(records, view.limit)
    shown = steps
    left_out = max(0, number - view.limit)
    begins = sum(start is not None and arrow.t < start for arrow in arrows)
    ends = sum(end is None or arrow.t <= end for arrow in arrows)
    if left_out:
        shown = steps[: next(index for index, step in enumerate(steps) if step.number > view.limit)]
        ends = steps[len(shown)].first
    loops = [frame._replace(last=min(frame.last, len(shown) - 1)) for frame in loops]
    frames = [frame for frame in loops if frame.first < len(shown)]
    frames += _fan_outs(shown, {name for name, lane in everyone.items() if lane.kind == "topic"})
    taking_part = {name for step in shown for name in (step.arrow.source, step.arrow.target)}
    names = taking_part if visible is None else visible
    return Story(
        view=view,
        everyone=tuple(everyone.values()),
        lanes=_side_by_side([lane for name, lane in everyone.items() if name in names]),
        steps=tuple(shown),
        frames=tuple(sorted(frames, key=lambda frame: frame.first)),
        activations=tuple(_activations(arrows, shown, names, begins, ends)),
        sagas=sagas,
        left_out=left_out,
        payloads={
            arrow.event_id: arrow.fact.payload
            for arrow in arrows
            if isinstance(arrow.fact, CARRIES) and arrow.event_id
        },
    )


def domain_of(participant: Participant) -> str | None:
    """Return the domain whose box has a participant; whoever is outside the system is in none."""
    return None if participant.kind in ("actor", "external") else participant.domain


def _everyone(
    participants: Iterable[Participant], arrows: Iterable[Arrow]
) -> dict[str, Participant]:
    """Return the participants by name. One that only arrows name is taken for a service."""
    everyone = {participant.name: participant for participant in participants}
    for arrow in arrows:
        for name in (arrow.source, arrow.target):
            if name not in everyone:
                everyone[name] = Participant(name, "service")
    return everyone


def _known(what: str, asked: Names, known: Collection[str]) -> set[str] | None:
    """Return the names that are asked for; None for all."""
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
    """Return the lanes with the members of a domain beside each other, where its first one stands,
    and then the parties outside that it talks to."""
    domains: dict[str, list[Participant]] = {}
    for lane in lanes:
        domains.setdefault(lane.domain or f"\0{lane.name}", []).append(lane)
    return tuple(
        lane
        for members in domains.values()
        for lane in sorted(members, key=lambda member: domain_of(member) is None)
    )


def _acknowledges(arrow: Arrow) -> bool:
    """Say whether an arrow is a return that tells nothing more than that something is done."""
    match arrow.fact:
        case facts.Acknowledged() | facts.Committed(heard=True):
            return True
        case facts.Answered(answer=answer):
            return answer in ("", "OK", "done")
    return False


# Steps: arrows with a sign each, where many equal rounds are folded into one.


def sign_of(arrow: Arrow) -> Sign:
    """Return how an arrow is drawn."""
    match arrow.fact:
        case facts.DeadLettered():
            return "dead"
        case facts.Failed() | facts.StoreRefused() | facts.PartyUnreachable():
            return "refused"
        case facts.Answered(failed=True):
            return "refused"
        case facts.Committed(heard=False):
            return "lost"
        case facts.PartySilent():
            return "alarm"
        case facts.EventDoubled():
            return "doubled"
        case facts.EventDelayed() | facts.EventHeldBack() | facts.Throttled():
            return "late"
    if arrow.kind == "fault":
        return "alarm" if arrow.source == arrow.target else "lost"
    return arrow.kind


def text_of(arrow: Arrow) -> str:
    """Return what a step says: the arrow's text, and the event if that is not in it."""
    text = " ".join(arrow.text.split())
    if arrow.event and arrow.source != arrow.target and arrow.event not in text:
        text += f" [{arrow.event}]"
    return text


def _folded(records: list[Numbered], limit: int) -> tuple[list[Step], list[Frame], int]:
    """Fold repeated rounds: return the steps, a frame around each loop, and how many arrows.

    Of what follows the first arrow beyond the limit there are no steps.
    """
    steps: list[Step] = []
    frames: list[Frame] = []
    number = 0
    for rounds in _rounds(records):
        if number > limit:
            alike = {_signature(arrow): arrow for each in rounds for _, arrow in each}
            number += sum(sign_of(arrow) not in BOXED for arrow in alike.values())
            continue
        round_steps = list(_merged(rounds))
        if len(rounds) > 1 and round_steps[0].sign != "note":
            first, last = rounds[0][0][1], rounds[-1][-1][1]
            title = f"{len(rounds)} rounds, {moment(first.t)} to {moment(last.t)}"
            frames.append(Frame("loop", title, len(steps), len(steps) + len(round_steps) - 1))
        for step in round_steps:
            number += not step.boxed
            steps.append(step._replace(number=0 if step.boxed else number))
    return steps, frames, number


def _rounds(records: list[Numbered]) -> Iterator[list[list[Numbered]]]:
    """Yield the arrows one by one, or all rounds of a loop at once.

    A loop is what one invocation does between the same two participants, with nothing else in
    between and nothing going wrong; a round begins where its first arrow comes again. It does not
    begin with an answer, which looks like any other one.
    """
    ends = list(range(1, len(records) + 1))  # of each arrow's stretch, in which a loop may be
    for index in range(len(records) - 2, -1, -1):
        if _in_one_stretch(records[index][1], records[index + 1][1]):
            ends[index] = ends[index + 1]
    index = 0
    while index < len(records):
        run = records[index : ends[index]]
        rounds: list[list[Numbered]] = []
        if len(run) >= FEWEST_ROUNDS and run[0][1].kind != "return":
            first = _signature(run[0][1])
            for numbered in run:
                if not rounds or _signature(numbered[1]) == first:
                    rounds.append([])
                rounds[-1].append(numbered)
        if len(rounds) < FEWEST_ROUNDS or max(map(len, rounds)) > LONGEST_ROUND:
            rounds = [[records[index]]]
        yield rounds
        index += sum(map(len, rounds))


def _in_one_stretch(arrow: Arrow, after: Arrow) -> bool:
    return (
        arrow.invocation == after.invocation
        and arrow.correlation_id == after.correlation_id
        and {arrow.source, arrow.target} == {after.source, after.target}
        and sign_of(arrow) in SMOOTH
        and sign_of(after) in SMOOTH
    )


def _signature(arrow: Arrow) -> tuple[object, ...]:
    """Return what makes two arrows the same one in a loop; what is answered may differ."""
    label = "" if arrow.kind == "return" else arrow.label
    return arrow.kind, arrow.source, arrow.target, label, arrow.event


def _merged(rounds: list[list[Numbered]]) -> Iterator[Step]:
    """Yield one step for each arrow of the rounds, saying how often it comes if not in each."""
    if len(rounds) == len(rounds[0]) == 1:  # as most are
        index, arrow = rounds[0][0]
        yield Step(0, sign_of(arrow), arrow, text_of(arrow), index, index, arrow.t)
        return
    equal: dict[tuple[object, ...], list[Numbered]] = {}
    for numbered in (numbered for each in rounds for numbered in each):
        equal.setdefault(_signature(numbered[1]), []).append(numbered)
    for alike in equal.values():
        (first, arrow), (last, latest) = alike[0], alike[-1]
        text, other = text_of(arrow), text_of(latest)
        if text != other:
            text = f"{text} … {other}"
        if arrow.source == arrow.target and len(alike) > 1:
            text = f"{len(alike)} × {text}"
        elif len(alike) < len(rounds):
            text = f"{len(alike)} of {len(rounds)}: {text}"
        yield Step(0, sign_of(arrow), arrow, text, first, last, latest.t)


def _fan_outs(steps: list[Step], topics: set[str]) -> list[Frame]:
    """Return a frame around the deliveries of one event from a topic and all that they lead to.

    Steps of somebody else in between would be taken for parallel ones: then there is no frame.
    """
    groups: dict[tuple[str, str | None], dict[str, int]] = {}
    done: list[dict[str, int]] = []
    for index, step in enumerate(steps):
        arrow = step.arrow
        if arrow.source in topics and step.sign in ("call", "async"):
            group = groups.setdefault((arrow.source, arrow.event_id), {})
            if arrow.target in group:  # delivered again
                group = groups[arrow.source, arrow.event_id] = {}
            if not group:
                done.append(group)
            group[arrow.target] = index
    frames = (_fan_out(steps, [*group.values()]) for group in done if len(group) > 1)
    return [frame for frame in frames if frame]


def _fan_out(steps: list[Step], deliveries: list[int]) -> Frame | None:
    numbers = {steps[index].arrow.invocation for index in deliveries} - {0}
    members = set(deliveries) | {
        index
        for index in range(deliveries[0], len(steps))
        if steps[index].arrow.invocation in numbers
    }
    first, last = min(members), max(members)
    if len(members) < last - first + 1:
        return None
    splits = [
        index
        for index in range(first + 1, last + 1)
        if index in deliveries or steps[index].arrow.invocation != steps[index - 1].arrow.invocation
    ]
    if len(splits) >= len(deliveries):  # the subscribers' steps are interleaved
        splits = []
    title = f"{steps[first].arrow.source} to {len(deliveries)} subscribers"
    return Frame("par", title, first, last, tuple(splits))


# Activations.


@dataclass(slots=True)
class _Span:
    """The records of one invocation, by their indices in the trace."""

    lane: str
    saga: str | None
    first: int
    last: int
    crashed: bool = False
    last_is_answer: bool = False


def _spans(arrows: Iterable[Arrow]) -> dict[int, _Span]:
    """Return where each invocation begins and ends.

    It begins where it is called and ends with its last record, or with its answer to its caller,
    which is the caller's record.
    """
    spans: dict[int, _Span] = {}
    unanswered: dict[tuple[str, str, str | None], _Span] = {}
    for index, arrow in enumerate(arrows):
        number, kind, source, target = arrow.invocation, arrow.kind, arrow.source, arrow.target
        if number:
            span = spans.get(number)
            if span is None:
                lane = target if kind in ("call", "async") else source
                span = spans[number] = _Span(lane, arrow.correlation_id, index, index)
                unanswered[lane, source, arrow.correlation_id] = span
            span.last, span.last_is_answer = index, kind == "return" and source == span.lane
            span.crashed = kind == "fault" and source == target == span.lane
        if kind == "return":
            span = unanswered.pop((source, target, arrow.correlation_id), None)
            if span is not None:
                span.last, span.last_is_answer = index, True
    return spans


def _activations(
    arrows: Iterable[Arrow], steps: list[Step], names: set[str], begins: int, ends: int
) -> Iterator[Activation]:
    """Yield the invocations that have a step to show, on the lanes that are shown.

    The records from the index `begins` to before `ends` were there to choose from.
    """
    seen = {step.arrow.invocation for step in steps}
    indices = [step.first for step in steps]
    for number, span in _spans(arrows).items():
        if number in seen and span.lane in names:
            first = bisect_left(indices, span.first)
            last = bisect_right(indices, span.last) - 1
            yield Activation(
                span.lane, number, span.saga, first, last,
                from_above=span.first < begins,
                to_below=span.last >= ends,
                answered=span.last_is_answer and steps[last].first == span.last,
                crashed=span.crashed and steps[last].first == span.last,
            )  # fmt: skip
