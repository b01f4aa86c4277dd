"""What an observer notes of a run: how full its queues were, what its breaker did, its events.

The breaker is whatever item of a store has a `state` and `failures`. A rejection is an event whose
reason is `CIRCUIT_OPEN`; a probe is a call by an invocation that changed the breaker's state first.
"""

from bisect import bisect
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from sagakit.trace.activity import Activity, OutsideCall, events
from sagakit.trace.trace import (
    Failed,
    FannedOut,
    Published,
    Queued,
    Record,
    Redriven,
    Trace,
    Written,
)

REJECTED = "CIRCUIT_OPEN"


@dataclass
class Depth:
    """One queue over a whole run; see `tables.queues` for what the numbers are."""

    FIELDS: ClassVar = (
        "sent", "received", "done", "dead", "waiting", "greatest_depth", "longest_wait",
    )  # fmt: skip

    sent: int = 0
    received: int = 0
    done: int = 0
    dead: int = 0
    greatest_depth: int = 0
    longest_wait: int = 0
    depth: int = 0

    @property
    def waiting(self) -> int:
        return self.sent - self.done - self.dead


class Depths(NamedTuple):
    """Queue to its totals, and (ms, queue, how many messages waited since)."""

    totals: dict[str, Depth]
    changes: list[tuple[int, str, int]]


def depths(trace: Trace) -> Depths:
    """Follow every message of a trace."""
    return _Reading(trace).found


class _Reading:
    def __init__(self, trace: Trace) -> None:
        self.found = Depths({}, [])
        self._queues: dict[int, str] = {}  # message to its queue, until it is done or dead
        self._since: dict[int, int] = {}  # message that waits to be received to when it began
        self._letters: dict[int, str] = {}  # message to the dead-letter queue that has it
        now = 0
        for record in trace:
            now = record.t
            self._read(record)
        for message_id in list(self._since):
            self._wait_ends(message_id, now)

    def _read(self, record: Record) -> None:
        detail = record.detail
        if isinstance(detail, Queued):
            if record.kind == "return":
                self._finish(detail.message_id)
            elif record.kind == "note":
                self._wait(detail.message_id, record.t)
            elif record.invocation:
                self._receive(detail.message_id, record.t)
            else:
                self._send(detail.message_id, record.target, record.t)
        elif isinstance(detail, FannedOut):
            for message_id in detail.message_ids:
                self._send(message_id, record.target, record.t)
        elif isinstance(detail, Published) and detail.message_id:
            self._send(detail.message_id, record.target, record.t)
        elif isinstance(detail, Failed) and detail.message_id and record.kind == "async":
            self._bury(detail.message_id, record)
        elif isinstance(detail, Redriven):
            letters = self._letters.pop(detail.formerly, None)
            if letters is not None:
                self._at(letters).done += 1
                self._change(record.t, letters, -1)
            self._send(detail.message_id, record.target, record.t)

    def _at(self, queue: str) -> Depth:
        return self.found.totals.setdefault(queue, Depth())

    def _change(self, t: int, queue: str, by: int) -> None:
        total = self._at(queue)
        total.depth += by
        total.greatest_depth = max(total.greatest_depth, total.depth)
        self.found.changes.append((t, queue, total.depth))

    def _send(self, message_id: int, queue: str, t: int) -> None:
        self._queues[message_id] = queue
        self._at(queue).sent += 1
        self._wait(message_id, t)

    def _wait(self, message_id: int, t: int) -> None:
        if message_id in self._queues and message_id not in self._since:
            self._since[message_id] = t
            self._change(t, self._queues[message_id], +1)

    def _wait_ends(self, message_id: int, t: int) -> None:
        since = self._since.pop(message_id, None)
        if since is not None:
            queue = self._queues[message_id]
            total = self._at(queue)
            total.longest_wait = max(total.longest_wait, t - since)
            self._change(t, queue, -1)

    def _receive(self, message_id: int, t: int) -> None:
        self._wait_ends(message_id, t)
        if message_id in self._queues:
            self._at(self._queues[message_id]).received += 1

    def _finish(self, message_id: int) -> None:
        """A message that is dead already stays dead: who handled it was too late."""
        queue = self._queues.pop(message_id, None)
        if queue is not None:
            self._at(queue).done += 1

    def _bury(self, message_id: int, record: Record) -> None:
        self._wait_ends(message_id, record.t)
        self._queues.pop(message_id, None)
        self._at(record.source).dead += 1
        self._at(record.target).sent += 1
        self._letters[message_id] = record.target
        self._change(record.t, record.target, +1)


class Stretch(NamedTuple):
    """The breaker is in one state from `begin` to `end` (ms)."""

    state: str
    begin: int
    end: int


class BreakerStory(NamedTuple):
    """What happened at the breaker. `failures` are (ms, how many in a row since)."""

    stretches: list[Stretch]
    failures: list[tuple[int, int]]
    answered: list[OutsideCall]
    silent: list[OutsideCall]
    probes: set[int]  # numbers of the invocations whose calls were probes
    rejections: list[int]
    end: int

    @classmethod
    def of(cls, trace: Trace) -> "BreakerStory":
        activity = Activity(trace)
        states: list[tuple[int, str]] = []
        failures: list[tuple[int, int]] = []
        changed: dict[int, int] = {}  # invocation to when it first changed the state
        store = ""
        for record in trace:
            detail = record.detail
            if isinstance(detail, Written) and _is_breaker(detail.item):
                store = record.source
                before, item = detail.before, detail.item
                if not states:
                    began = 0 if before is not None else getattr(item, "since", record.t)
                    states.append((began, item.state if before is None else before.state))
                    failures.append((began, 0 if before is None else before.failures))
                if item.state != states[-1][1]:
                    if item.state == "OPEN":  # by the failure that was one too many
                        failures.append((record.t, failures[-1][1] + 1))
                    states.append((record.t, item.state))
                    changed.setdefault(record.invocation, record.t)
                failures.append((record.t, item.failures))
        callers = activity.services_of(store) if store else ()
        calls = [one for one in activity.calls if not callers or one.caller in callers]
        ends = [t for t, _ in states[1:]] + [activity.end]
        return cls(
            [Stretch(state, t, end) for (t, state), end in zip(states, ends, strict=False)],
            failures,
            [call for call in calls if call.answered],
            [call for call in calls if not call.answered],
            {one.number for one in calls if changed.get(one.number, activity.end) <= one.begin},
            [
                one.t for one in activity.emissions
                if one.publisher in callers and one.payload.get("reason") == REJECTED
            ],
            activity.end,
        )  # fmt: skip

    def silences(self) -> list[tuple[int, int]]:
        """The stretches (ms) covered by calls that got no answer, each at most until the next call
        begins that is answered."""
        well = sorted(call.begin for call in self.answered)
        found: list[tuple[int, int]] = []
        for call in sorted(self.silent, key=lambda one: one.begin):
            then = bisect(well, call.begin)
            end = min(call.end, *well[then : then + 1])
            if found and call.begin <= found[-1][1]:
                found[-1] = found[-1][0], max(found[-1][1], end)
            else:
                found.append((call.begin, end))
        return found


def _is_breaker(item: Any) -> bool:
    return hasattr(item, "state") and hasattr(item, "failures")


class Observed(NamedTuple):
    """The facts, each sort in the order of the trace."""

    events: list[tuple[int, str, str | None]]  # ms, type, saga: each event as it first came to be
    states: list[tuple[int, str]]  # ms, the breaker's state since
    depths: list[tuple[int, str, int]]  # ms, queue, how many messages wait in it since
    end: int  # ms


def observed(trace: Trace) -> Observed:
    """Read the facts from a trace."""
    noted = [(one.t, one.event, one.saga) for one in events(trace)]
    story = BreakerStory.of(trace)
    states = [(one.begin, one.state) for one in story.stretches]
    return Observed(noted, states, depths(trace).changes, story.end)
