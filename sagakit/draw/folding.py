"""Steps of a sequence diagram: records with a sign each, and frames around what belongs together.

Many equal rounds of one invocation are folded into one round in a `loop` frame; the deliveries of
a topic to its subscribers stand in a `par` frame.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from sagakit.draw.clock import moment
from sagakit.trace.trace import Asked, Failed, Record

Sign = Literal[
    "call", "async", "return", "refused", "dead", "lost", "late", "doubled", "note", "alarm"
]
Numbered = tuple[int, Record]  # a record and its place in the trace

FEWEST_ROUNDS = 3  # that are worth a loop
LONGEST_ROUND = 4  # arrows

# What a fault record says of a message, by a word of its label; with none of these it is lost.
FAULTS: dict[str, Sign] = {"doubled": "doubled", "delayed": "late", "held": "late", "again": "late"}


class Step(NamedTuple):
    """One arrow or note of the diagram.

    number       of the arrow, counted from 1; 0 for a note
    first, last  the places of its first and last record in the trace: they differ if it is folded
    until        when (ms) the last one was
    """

    number: int
    sign: Sign
    record: Record
    text: str
    first: int
    last: int
    until: int


class Frame(NamedTuple):
    """A frame around the steps `first` to `last`, divided before each of the steps `splits`."""

    kind: Literal["loop", "par"]
    title: str
    first: int
    last: int
    splits: tuple[int, ...] = ()


def sign_of(record: Record) -> Sign:
    """How a record is drawn."""
    kind, detail = record.kind, record.detail
    if kind == "fault":
        if record.source == record.target:
            return "alarm"
        return next((sign for word, sign in FAULTS.items() if word in record.label), "lost")
    if isinstance(detail, Failed):
        return "dead" if kind == "async" else "refused"
    if isinstance(detail, Asked) and detail.outcome in ("timeout", "unavailable"):
        return "alarm" if kind == "note" else "refused"
    return kind


def text_of(record: Record) -> str:
    """What a step says: the record's text, and the event that it carries if that is not in it."""
    text = " ".join(record.text.split())
    if record.event and record.source != record.target and record.event not in text:
        text += f" [{record.event}]"
    return text


def folded(records: list[Numbered]) -> tuple[list[Step], list[Frame]]:
    """The records as steps, with repeated rounds folded, and a frame around each loop."""
    steps: list[Step] = []
    frames: list[Frame] = []
    number = 0
    for rounds in _rounds(records):
        round_steps = list(_merged(rounds))
        if len(rounds) > 1 and round_steps[0].sign != "note":
            first, last = rounds[0][0][1], rounds[-1][-1][1]
            title = f"{len(rounds)} rounds, {moment(first.t)} to {moment(last.t)}"
            frames.append(Frame("loop", title, len(steps), len(steps) + len(round_steps) - 1))
        for step in round_steps:
            is_arrow = step.sign not in ("note", "alarm")
            number += is_arrow
            steps.append(step._replace(number=number if is_arrow else 0))
    return steps, frames


def _rounds(records: list[Numbered]) -> Iterator[list[list[Numbered]]]:
    """The records one by one, or all rounds of a loop at once.

    A loop is what one invocation does between the same two participants, with nothing else in
    between and nothing going wrong; a round begins where its first arrow comes again. It does not
    begin with an answer, which looks like any other one.
    """
    ends = _stretches(records)
    place = 0
    while place < len(records):
        run = records[place : ends[place]]
        rounds: list[list[Numbered]] = []
        for numbered in run:
            if not rounds or _signature(numbered[1]) == _signature(run[0][1]):
                rounds.append([])
            rounds[-1].append(numbered)
        few = len(rounds) < FEWEST_ROUNDS or run[0][1].kind == "return"
        if few or max(map(len, rounds)) > LONGEST_ROUND:
            rounds = [[records[place]]]
        yield rounds
        place += sum(map(len, rounds))


def _stretches(records: list[Numbered]) -> list[int]:
    """For each record the place after the last one of its stretch, in which a loop may be."""
    ends = list(range(1, len(records) + 1))
    for place in range(len(records) - 2, -1, -1):
        if _stretch(records[place]) == _stretch(records[place + 1]):
            ends[place] = ends[place + 1]
    return ends


def _stretch(numbered: Numbered) -> object:
    place, record = numbered
    if sign_of(record) not in ("call", "async", "return", "note"):
        return place  # what goes wrong stands alone
    return record.invocation, record.correlation_id, frozenset((record.source, record.target))


def _signature(record: Record) -> tuple[object, ...]:
    """What makes two arrows the same one in a loop; what is answered may differ."""
    label = "" if record.kind == "return" else record.label
    return record.kind, record.source, record.target, label, record.event


def _merged(rounds: list[list[Numbered]]) -> Iterator[Step]:
    """One step for each arrow that comes in the rounds, saying how often if not in each."""
    equal: dict[tuple[object, ...], list[Numbered]] = {}
    for numbered in (one for each in rounds for one in each):
        equal.setdefault(_signature(numbered[1]), []).append(numbered)
    for numbereds in equal.values():
        (first, record), (last, latest) = numbereds[0], numbereds[-1]
        text, other = text_of(record), text_of(latest)
        if text != other:
            text = f"{text} … {other}"
        if record.source == record.target and len(numbereds) > 1:
            text = f"{len(numbereds)} × {text}"
        elif len(numbereds) < len(rounds):
            text = f"{len(numbereds)} of {len(rounds)}: {text}"
        yield Step(0, sign_of(record), record, text, first, last, latest.t)


def fan_outs(steps: list[Step], topics: set[str]) -> list[Frame]:
    """A frame around the deliveries of one event from a topic and all that they lead to.

    Steps of somebody else in between would be taken for parallel ones: then there is no frame.
    """
    groups: dict[tuple[str, str | None], dict[str, int]] = {}
    done: list[dict[str, int]] = []
    for place, step in enumerate(steps):
        record = step.record
        if record.source in topics and step.sign in ("call", "async"):
            group = groups.setdefault((record.source, record.event_id), {})
            if record.target in group:  # delivered again
                group = groups[record.source, record.event_id] = {}
            if not group:
                done.append(group)
            group[record.target] = place
    frames = (_fan_out(steps, [*group.values()]) for group in done if len(group) > 1)
    return [frame for frame in frames if frame]


def _fan_out(steps: list[Step], deliveries: list[int]) -> Frame | None:
    numbers = {steps[place].record.invocation for place in deliveries} - {0}
    members = set(deliveries) | {
        place
        for place in range(deliveries[0], len(steps))
        if steps[place].record.invocation in numbers
    }
    first, last = min(members), max(members)
    if len(members) < last - first + 1:
        return None
    splits = [
        place
        for place in range(first + 1, last + 1)
        if place in deliveries
        or steps[place].record.invocation != steps[place - 1].record.invocation
    ]
    if len(splits) >= len(deliveries):  # the subscribers' steps are interleaved
        splits = []
    record = steps[first].record
    title = f"{record.source} to {len(deliveries)} subscribers"
    return Frame("par", title, first, last, tuple(splits))
