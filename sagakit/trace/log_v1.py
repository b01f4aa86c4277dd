"""Logs of version 1: what they tell as kind, label and detail, as facts.

A line had the keys of `Line`; its label had what its detail said at the end.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from sagakit.trace import facts


class Line(NamedTuple):
    t: int
    kind: Literal["call", "async", "return", "note", "fault"]
    source: str
    target: str
    label: str
    event: str | None
    correlation_id: str | None
    event_id: str | None
    invocation: int
    detail: dict[str, Any] | None


def fact_of(line: Line, kinds: Mapping[str, str]) -> facts.Fact:
    """Return the fact of a line, its fields not yet validated. `kinds` is participant to kind.

    Raises `LookupError` for what no fact is told as.
    """
    if line.detail is None:
        return _plain(line, kinds)
    _, kind, source, target, label, event, _, _, invocation, _ = line
    named: Any = event
    match {**line.detail, "kind": kind}:
        case {"is": "Published", "causation_id": cause, "version": version, "payload": payload,
              "message_id": message_id}:  # fmt: skip
            if message_id:
                remark, delay = _enqueued(label)
                return facts.Postponed(
                    source, target, named, cause, version, payload, message_id, delay, remark
                )
            if source == target:
                former = label.removeprefix("Rule: ").partition(" ")[0]
                return facts.Renamed(source, former, named, cause, version, payload)
            return facts.Published(source, target, named, cause, version, payload)
        case {"is": "Queued", "message_id": message_id, "receives": receives, "remark": remark}:
            if kind == "return":
                return facts.Acknowledged(source, target, message_id, receives, remark)
            if kind == "note":
                return facts.VisibleAgain(source, event, message_id, receives, remark)
            if invocation or kind == "call":
                called = label.removesuffix(f" ({remark})")
                return facts.Received(
                    source, target, event, message_id, receives, remark, called, kind == "call"
                )
            if label.startswith("Queue again"):
                return facts.DeliveredAgain(source, target, named, message_id, remark)
            return facts.Queued(source, target, event, message_id, remark)
        case {"is": "FannedOut", "message_ids": message_ids}:
            return facts.FannedOut(source, target, named, message_ids)
        case {"is": "Redriven", "message_id": message_id, "formerly": formerly}:
            return facts.Redriven(source, target, event, message_id, formerly)
        case {"is": "Failed", "kind": "fault", "message_id": message_id}:
            return facts.MessageLost(source, event, message_id)
        case {"is": "Failed", "kind": "async", "message_id": message_id, "reason": reason}:
            return facts.DeadLettered(source, target, event, message_id, reason)
        case {"is": "Failed", "message_id": message_id, "reason": reason}:
            if label.startswith("failed:"):
                return facts.Failed(source, target, message_id, reason)
            if label == reason:
                return facts.Answered(source, target, reason, failed=True)
            return facts.StoreRefused(target, source, label.partition(":")[0], reason)
        case {"is": "Read", "kind": "note", "item": item}:
            return facts.Opening(source, item)
        case {"is": "Read", "key": key, "item": item}:
            return facts.ItemRead(target, source, key, item)
        case {"is": "Attempt", "item": item, "unchanged": unchanged, "outbox": str(outbox)}:
            types = tuple(outbox.split(", ")) if outbox else ()
            return facts.CommitRequested(source, target, item, unchanged, types)
        case {"is": "Written", "key": key, "before": before, "item": item, "outbox": ids,
              "handled": handled}:  # fmt: skip
            return facts.Committed(target, source, key, before, item, ids, handled, label == "OK")
        case {"is": "Restored", "kind": "fault", "items": items}:
            return facts.StoreLost(target, items)
        case {"is": "Restored", "items": items}:
            return facts.Restored(source, target, items)
        case {"is": "Asked", "kind": "call", "key": key, "request": request}:
            return facts.Asked(source, target, key, request, not request, label)
        case {"is": "Asked", "kind": "note", "key": key, "request": request, "outcome": outcome}:
            if invocation:
                return facts.PartySilent(source, "", key, request, _number(label))
            return facts.Booked(source, key, request, outcome)
        case {"is": "Asked", "key": key, "request": request, "outcome": outcome}:
            if label == "503 unavailable":
                return facts.PartyUnreachable(target, source, key, request)
            return facts.PartyAnswered(target, source, key, request, _number(label), outcome)
    raise LookupError(f"no fact has such a detail: {line.detail!r:.60}")


def _plain(line: Line, kinds: Mapping[str, str]) -> facts.Fact:
    """Return the fact of a line without a detail: only its label tells it."""
    kind, source, target, label = line.kind, line.source, line.target, line.label
    makes = LABELS.get((kind, label))
    if makes is not None:
        return makes(source, target)
    numbers = [int(number) for number in NUMBER.findall(label)]
    if kind == "note" and label.startswith("conflict: ") and len(numbers) == 2:
        return facts.Retried(source, *numbers)
    if kind == "note" and label.startswith("the whole batch"):
        return facts.BatchReturned(source, _number(label))
    if kind == "return" and label.startswith("snapshot taken at "):
        return facts.SnapshotRead(target, source, _length(label.removeprefix("snapshot taken at ")))
    if kind == "return" and STREAM.fullmatch(label):
        return facts.EventsRead(target, source, _number(label))
    if kind == "return":
        status = STATUS.match(label)
        return facts.Answered(source, target, label, int(status[1]) if status else 0)
    if kind == "fault":
        return _fault(line)
    if kind == "call" and kinds.get(target) == "actor":
        return facts.Told(source, target, label)
    if kind == "call":
        return facts.Invoked(source, target, label)
    raise LookupError(f"no fact is told as a {kind} {label!r:.60}")


LABELS: dict[tuple[str, str], Callable[[str, str], facts.Fact]] = {
    ("call", "read item"): facts.ReadRequested,
    ("call", "the same again"): facts.CommitRepeated,
    ("call", "GET latest_snapshot"): facts.SnapshotRequested,
    ("call", "GET all its events"): facts.EventsRequested,
    ("async", "snapshot"): facts.SnapshotTaken,
    ("fault", "throttled: tried again"): lambda store, service: facts.Throttled(service, store),
    ("fault", "no snapshot: the store is lost"): facts.SnapshotMissed,
    ("note", "already handled: nothing to do"): lambda service, _: facts.AlreadyDone(service),
    ("note", "stops taking messages"): lambda service, _: facts.Paused(service),
    ("note", "takes messages again"): lambda service, _: facts.Resumed(service),
    (
        "note", "the run is ended here, though something still goes on"
    ): lambda bus, _: facts.StillGoingOn(bus),
}  # fmt: skip


def _fault(line: Line) -> facts.Fact:
    source, target, label = line.source, line.target, line.label
    event: Any = line.event
    crash = CRASH.fullmatch(label)
    if source == target and crash:
        return facts.Crashed(source, crash[1] or "", int(crash[2] or 0))
    if source == target and label.startswith("timeout after "):
        return facts.CutOff(source, _number(label))
    if source == target and label == "had its message taken away":
        return facts.MessageTaken(source)
    if source == target and label == "message doubled":
        return facts.MessageDoubled(source, event)
    if label == "cannot publish: the bus is out":
        return facts.PublishRefused(target, source, event)
    if label == "message lost":
        return facts.EventLost(source, target, event)
    if label == "message doubled":
        return facts.EventDoubled(source, target, event)
    if label.startswith("message delayed by "):
        return facts.EventDelayed(source, target, event, _number(label))
    if label.startswith("message held back"):
        return facts.EventHeldBack(source, target, event)
    called, colon, reason = label.rpartition(": ")
    if colon:
        return facts.InvocationRefused(source, target, called, reason)
    raise LookupError(f"no fact is told as a fault {label!r:.60}")


NUMBER = re.compile(r"\d+")
STREAM = re.compile(r"stream of \d+ events")
STATUS = re.compile(r"(\d{3}) ")
CRASH = re.compile(r"crash(?: (before|after) step (\d+))?")
UNITS = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "s": 1_000}


def _number(label: str) -> int:
    found = NUMBER.search(label)
    if found is None:
        raise LookupError(f"there is no number in {label!r:.60}")
    return int(found[0])


def _length(text: str) -> int:
    """Return a length of time (ms) from how it was told: "1 minute", "0.5 s"."""
    number, _, unit = text.partition(" ")
    try:
        return int(Decimal(number) * UNITS[unit if unit == "s" else unit.removesuffix("s")])
    except (ArithmeticError, ValueError, KeyError):
        raise LookupError(f"{text!r:.60} is no length of time") from None


def _enqueued(label: str) -> tuple[str, int]:
    """Return remark and delay (ms) of a label like "Enqueue (attempt 2), delay 1 minute"."""
    head, _, delay = label.partition(", delay ")
    return head.removeprefix("Enqueue").strip(" ()"), _length(delay) if delay else 0
