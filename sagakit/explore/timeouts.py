"""Timeouts: a handler that takes no next step and does not end is interrupted."""

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 3.0  # of processor time, for a handler between two of its steps
EVERY = 0.1  # s between two looks at the clock


class Endless(BaseException):
    """The interrupt. No `Exception`, lest the code that is interrupted catches it and goes on."""


class Watchdog:
    """Interrupts a handler that takes no next step and does not end either.

    A second thread looks whether the same handler is still at work, and raises `Endless` in it. The
    clock is the processor time of the process, so that a busy machine makes nobody late. No
    exception ends a sleep or a loop in C: an exercise is judged in a process that can be killed.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = SECONDS if seconds is None else seconds
        self._lock = threading.Lock()
        self._since: float | None = None
        self._raised = False
        self._over = threading.Event()
        self._explorer = threading.get_ident()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block runs."""
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count the time of a handler that is at work within the block."""
        self._since = time.process_time()
        try:
            yield
        finally:
            with self._lock:
                self._since = None
                if self._raised:  # and it may still be on its way: then it has come too late
                    self._raised = False
                    raise_in(self._explorer, None)

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            with self._lock:
                if self._since is not None and time.process_time() - self._since > self.seconds:
                    self._raised = True
                    raise_in(self._explorer, Endless)


def raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise an error in another thread, as Ctrl+C would; with None, take back one on its way."""
    raised = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
