"""Patience has an end: code that goes on and on is interrupted, whatever it is doing.

A second thread looks at the clock and raises an exception in the first one, as Ctrl+C would. The
clock is the processor time of this process, so that a machine that is busy with other things makes
nobody late. It works wherever CPython does, and also outside the main thread.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sagakit.check.explore.patience import raise_in

# Of processor time. A right answer takes 2 s at most on a laptop of today, and shall not be called
# endless on a machine that is much slower. A handler that loops is found earlier: by `explore`.
SECONDS = 15.0
EVERY = 0.1  # s between two looks at the clock


class OutOfPatience(BaseException):
    """Not an `Exception`, lest the code that is interrupted catches it and goes on."""


@contextmanager
def patience(seconds: float | None = None) -> Iterator[None]:
    """Raises `OutOfPatience` within the block when it has taken so long: `SECONDS` if not given."""
    caller = threading.get_ident()
    end = time.process_time() + (SECONDS if seconds is None else seconds)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(EVERY):
            if time.process_time() > end:
                raise_in(caller, OutOfPatience)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        _end(watcher, over)


def _end(watcher: threading.Thread, over: threading.Event) -> None:
    """An exception that is still on its way has come too late: it is taken back."""
    while True:
        try:
            over.set()
            watcher.join()
            raise_in(threading.get_ident(), None)
        except OutOfPatience:
            continue
        return
