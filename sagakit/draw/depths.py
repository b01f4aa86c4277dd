"""What went through each queue, and how many messages waited in it when."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sagakit.trace.trace import Failed, FannedOut, Published, Queued, Record, Redriven, Trace


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
