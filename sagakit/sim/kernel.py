"""The kernel: virtual time in integer milliseconds, and a heap of what happens next.

Entries are plain tuples (time, sequence, action, arguments): what is due at the same time happens
in the order in which it was asked for, so a run is the same every time.
"""

import gc
import sys
from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from operator import itemgetter
from random import Random
from typing import Any

Entry = tuple[int, int, Callable[..., Any], tuple[Any, ...]]


class Kernel:
    """Runs actions in the order of virtual time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now = 0
        self.most = sys.maxsize  # actions of a run
        self._sequence = 0
        self._heap: list[Entry] = []
        self._planned: list[Entry] = []

    @property
    def clock(self) -> int:
        """The time (ms) that clocks show and timers go by."""
        return self.now

    def plan(self, at: int, action: Callable[..., Any], *arguments: Any) -> None:
        """Have `action` happen at a time; said before the run begins.

        What is planned waits outside the heap, which so stays as small as what is under way.
        Raises `ValueError` for a time below zero.
        """
        if at < 0:
            raise ValueError(f"{at} ms is before the run begins: give a time from 0 on")
        self._sequence += 1
        self._planned.append((at, self._sequence, action, arguments))

    def after(self, delay: int, action: Callable[..., Any], *arguments: Any) -> None:
        """Have `action` happen `delay` ms from now."""
        self._sequence += 1
        heappush(self._heap, (self.now + delay, self._sequence, action, arguments))

    def step(self, delay: int, by: Any, action: Callable[..., Any], *arguments: Any) -> None:
        """Have the step that a handler awaits happen `delay` ms from now: what others can tell
        happened. `by` is the invocation whose step it is, which only a schedule asks for."""
        self._sequence += 1
        heappush(self._heap, (self.now + delay, self._sequence, action, arguments))

    def stop(self) -> bool:
        """Have nothing more happen. Returns whether anything would have."""
        pending = bool(self._heap or self._planned)
        self._heap.clear()
        self._planned.clear()
        return pending

    def run(self) -> None:
        """Run until nothing is left to happen, or `most` actions have.

        The garbage collector rests meanwhile: a run makes no cycles worth collecting, and its
        passes over a growing trace would make the cost of a payment grow with their number.
        """
        heap = self._heap
        self._planned.sort(key=itemgetter(0, 1), reverse=True)
        self._next_planned()
        collecting = gc.isenabled()
        gc.disable()
        try:
            for _ in range(self.most):
                if not heap:
                    break
                self.now, _, action, arguments = heappop(heap)
                action(*arguments)
        finally:
            if collecting:
                gc.enable()

    def _next_planned(self) -> None:
        """Put the next planned action in the heap; when it happens, it fetches its successor."""
        if self._planned:
            at, sequence, action, arguments = self._planned.pop()
            heappush(self._heap, (at, sequence, self._planned_action, (action, arguments)))

    def _planned_action(self, action: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self._next_planned()
        action(*arguments)

    def duration(self, name: str, bounds: tuple[int, int]) -> Callable[[], int]:
        """Return draws from a stream of its own, evenly between the bounds (ms), both included.

        Each component has its stream, so that adding one does not move another's draws.
        """
        low, high = bounds
        if low == high:
            return lambda: low
        return _draws(f"{self.seed}/{name}", low, high - low + 1).__next__


def _draws(stream: str, low: int, span: int) -> Iterator[int]:
    random = Random(stream).random  # made when it is first asked for: most runs use few streams
    while True:
        yield low + int(random() * span)


class Deadlines:
    """Timers of one length. They fall due in the order in which they began, so one heap
    entry serves them all, and one that is no longer of interest costs next to nothing."""

    def __init__(self, kernel: Kernel, length: int, expire: Callable[[Any, int], None]) -> None:
        self._kernel = kernel
        self._length = length
        self._expire = expire
        self._waiting: deque[tuple[int, Any, int]] = deque()
        self._armed = False

    def begin(self, subject: Any) -> None:
        """Call `expire(subject, receipt)` after the length, if the subject still has this receipt
        and is not `finished` by then."""
        self._waiting.append((self._kernel.clock + self._length, subject, subject.receipt))
        if not self._armed:
            self._armed = True
            self._kernel.after(self._length, self._fall_due)

    def _fall_due(self) -> None:
        waiting, now = self._waiting, self._kernel.clock
        while waiting:
            due, subject, receipt = waiting[0]
            current = not subject.finished and subject.receipt == receipt
            if current and due > now:
                self._kernel.after(due - now, self._fall_due)
                return
            waiting.popleft()
            if current:
                self._expire(subject, receipt)
        self._armed = False
