"""A run drawn in text, for a terminal: a lane a domain, a line an event, a request or a mishap."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise, zip_longest
from textwrap import wrap
from typing import NamedTuple

from sagakit.contract.terminal import WIDTH, printable
from sagakit.contract.timing import roughly, stamp
from sagakit.trace.activity import Activity
from sagakit.trace.facts import A_TEXT, Invoked, Received, Told
from sagakit.trace.trace import Trace

TIME = 10  # columns for the time
WIDEST = 16  # from lane to lane
MOST = 22  # rows
GAP = 1_000  # ms without an arrow: more than that are a row


class Line(NamedTuple):
    """An arrow from lane to lane, or what happens at one lane, if both are the same."""

    t: int
    source: str
    target: str
    text: str
    saga: str | None
    shaft: str = "-"  # that of an answer is another


def text(trace: Trace, *, saga: str | None = None) -> str:
    """Draw who told whom what, and when: of one saga, the one with most to tell if there are many.

    An event's arrow stands where it arrives. The bus, the queues and the stores are left out, but
    for what goes wrong there. Raises `ValueError` for a saga that the trace does not have.

    >>> from sagakit.run import run
    >>> print("\\n".join(text(run("insufficient_funds").records).splitlines()[:4]))
               User           Payment         Wallet       Notification
         0 ms    |-------------->| POST /api/v1/payments/process |
        51 ms    |               |-------------->| PaymentInit   |
        79 ms    |               |<--------------| InsufficientBalance
    """
    lanes = _lanes(trace)
    found = (line for line in _lines(trace, lanes) if line.source and line.target)
    lines = sorted(found, key=lambda line: line.t)
    sagas = list(dict.fromkeys(line.saga for line in lines if line.saga))
    if saga and saga not in sagas:
        raise ValueError(f"no saga {saga!r}: there are {', '.join(sagas) or 'none'}")
    if not lines:
        return "nothing happened"
    notes = []
    if saga or (len(sagas) > 1 and len(lines) > MOST):
        told = Counter(line.saga for line in lines)
        saga = saga or max(sagas, key=told.__getitem__)
        lines = [line for line in lines if line.saga in (saga, None)]
        if others := len(sagas) - 1:
            rest = "1 more saga is" if others == 1 else f"{others} more sagas are"
            notes.append(f"This is {saga}; {rest} not drawn.")
    elif len(sagas) > 1:
        lines = [line._replace(text=f"{line.text}, {line.saga}") for line in lines]
    rows = (1 + (line.t - before.t > GAP) for before, line in pairwise([lines[0], *lines]))
    most = sum(total <= MOST for total in accumulate(rows))
    if more := len(lines) - most:
        notes.append(f"{more:,} more arrows are not drawn.")
    used = {end for line in lines[:most] for end in (line.source, line.target)}
    shown = [lane for lane in dict.fromkeys(lanes.values()) if lane in used]
    return "\n".join([*_drawn(shown, lines[:most]), *[""] * bool(notes), *notes])


def _lanes(trace: Trace) -> dict[str, str]:
    """Return the lane of each participant; whoever has no domain, and is no actor, has none."""
    return {
        each.name: each.name if each.kind in ("actor", "external") else each.domain or ""
        for each in trace.participants
    }


def _lines(trace: Trace, lanes: dict[str, str]) -> Iterator[Line]:
    activity = Activity(trace)
    yield from _messages(trace, activity, lanes)
    for call in activity.calls:
        caller, party = lanes[call.caller], lanes[call.party]
        yield Line(call.begin, caller, party, call.label, call.saga)
        if call.answered:
            yield Line(call.end, party, caller, call.outcome, call.saga, " -")
        else:
            waited = f"no answer in {roughly(call.end - call.begin)}"
            yield Line(call.end, caller, caller, waited, call.saga)
    for mark in activity.marks:
        for service in activity.services_of(mark.place)[:1]:
            lane = lanes.get(service, "")
            yield Line(mark.t, lane, lane, mark.text, mark.saga)
    for span in activity.spans:
        lane = lanes[span.services[0]] if span.services else ""
        yield Line(span.begin, lane, lane, span.text, None)


def _messages(trace: Trace, activity: Activity, lanes: dict[str, str]) -> Iterator[Line]:
    """Yield events as they arrive, requests of users, and what they are told."""
    sent = {event.event_id: event for event in reversed(activity.emissions)}
    heard: set[tuple[str | None, str]] = set()  # event and service or lane
    passed = {}  # when, from whom and what came to somebody who passes it on, for a saga
    for arrow in trace.arrows():
        t, saga, event_id, words = arrow.t, arrow.correlation_id, arrow.event_id, arrow.label
        lane, source = lanes.get(arrow.target, ""), lanes.get(arrow.source, "")
        match arrow.fact:
            case Received():
                event = sent.get(event_id or "")
                again = (event_id, arrow.target) in heard
                if (event_id, lane) in heard and not again:
                    continue  # another of the domain has it, too
                heard |= {(event_id, arrow.target), (event_id, lane)}
                words, source = (arrow.event or A_TEXT) + ", again" * again, lane
                if event and not again:
                    by = activity.by.get(event.event_id, -1)
                    source = lanes[activity.works[by].service if by >= 0 else event.publisher]
                    if source == lane:
                        words += f", {roughly(t - event.t)} later"
            case Invoked() if not lane:
                passed[arrow.target, saga] = t, source, words
                continue
            case Invoked() | Told():
                if not source:
                    t, source, words = passed.get((arrow.source, saga), (t, lane, words))
            case _:
                continue
        yield Line(t, source or lane, lane, words, saga)


def _drawn(lanes: Sequence[str], lines: Sequence[Line]) -> Iterator[str]:
    first, last = (len(max(lane.split(), key=len)) // 2 + 1 for lane in (*lanes[:1], *lanes[-1:]))
    step = min(WIDEST, (WIDTH - TIME - first - last) // max(len(lanes) - 1, 1))
    at = {lane: TIME + first + step * index for index, lane in enumerate(lanes)}
    names = [wrap(printable(lane), step - 1, break_long_words=False) for lane in lanes]
    for words in [*zip_longest(*map(reversed, names), fillvalue="")][::-1]:
        row = " " * WIDTH
        for word, column in zip(words, at.values(), strict=True):
            row = _over(row, column - len(word) // 2, word)
        yield row[:WIDTH].rstrip()
    bars = "".join("|" if column in at.values() else " " for column in range(WIDTH))
    now = lines[0].t
    for line in lines:
        if line.t - now > GAP:
            yield bars.replace("|", ":").rstrip()
        now = line.t
        row = f"{stamp(now):>{TIME - 1}}{bars[TIME - 1 :]}"
        yield _with_arrow(row, at[line.source], at[line.target], line).rstrip()


def _with_arrow(row: str, source: int, target: int, line: Line) -> str:
    """Put the words on the right of the arrow, or where else there is room."""
    left, right = sorted((source, target))
    if left == right:
        row = _over(row, left, "*")
    else:
        shaft = (line.shaft * (right - left))[: right - left - 2]
        row = _over(row, left + 1, f"{shaft}>" if source < target else f"<{shaft}")
    words, room = printable(line.text), WIDTH - right - 2
    if len(words) <= room:
        return _over(row, right + 1, f" {words} ")[:WIDTH]
    if len(words) + 6 < right - left:
        return _over(row, (left + right - len(words)) // 2 - 1, f" {words} ")
    if len(words) < left - TIME:
        return _over(row, left - 2 - len(words), f" {words} ")
    return _over(row, right + 1, f" {words[: room - 3]}...")


def _over(row: str, column: int, text: str) -> str:
    return row[:column] + text + row[column + len(text) :]
