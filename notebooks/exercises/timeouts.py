"""Judge an answer within limits: code of a learner that does not come to an end is ended.

On Linux it runs in a fork of this process, which is asked to stop and then killed. That also ends
a sleep and a loop in C (`sum(iter(int, 1))`). The fork costs about 10 ms; what it prints is shown
here, what it changes stays there. macOS may crash a forked process and Windows has none: there, a
thread raises an exception in the learner's code, which ends a loop in Python. A sleep or a loop in
C ends there only when the kernel is restarted.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import TextIOBase
from math import ceil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sagakit.explore.timeouts import raise_in

# Processor time in s, so that a busy machine makes nobody late. A right answer takes 2 s at most on
# a laptop of today. A handler that loops is found earlier: by `explore`.
COMPUTING = 15.0
# After so many s, code that computed for less than a fiftieth of them is taken to be asleep. A
# process that competes with fifty others still gets more.
ASLEEP = 30.0
GRACE = 3.0  # s for code that was asked to stop, before it is killed
EVERY = 0.1  # s between two looks at the clock
MOST_PRINTED = 1_000_000  # characters
CUT = "... and more, which is not shown."
STUCK = "Your answer does not come to an end and cannot be interrupted: restart the kernel."


class Endless(BaseException):
    """Not an `Exception`, lest the code that is interrupted catches it and goes on."""


class Died(Exception):
    """The process ended without an answer: by `os._exit`, say, or for lack of memory."""


def within_limits(judge: Callable[[], Any]) -> Any:
    """Return what `judge` returns, which must be picklable.

    Raises `Endless` first within `judge`, which may catch it to tell the line, and then here.
    """
    return in_a_process(judge) if sys.platform == "linux" else in_a_thread(judge)


def _too_long(passed: float, computed: float) -> bool:
    return computed > COMPUTING or (passed > ASLEEP and computed < passed / 50)


# In a process.


def in_a_process(judge: Callable[[], Any]) -> Any:
    """Return what `judge` returns in a fork of this process; kill that in any case."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(judge, there))
    try:
        with (
            warnings.catch_warnings()
        ):  # that this process has threads: the fork needs none of them
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        there.close()
        return _await(process, here)
    finally:  # also after Ctrl+C
        if process.pid is not None:
            process.kill()
            process.join()
        here.close()


def _await(process: Any, here: Connection) -> Any:
    begun, relayed, asked = time.monotonic(), time.process_time(), None
    while True:
        if here.poll(EVERY):
            try:
                to, content = here.recv()
            except EOFError:
                process.join()
                raise Endless if asked else Died(f"exit code {process.exitcode}") from None
            if to == "answer":
                return content
            if to == "display":
                _displays().publish(**content)
            else:
                getattr(sys, to).write(content)
        now = time.monotonic()
        computed = _computed(process.pid) + time.process_time() - relayed
        if asked is None and _too_long(now - begun, computed):
            os.kill(process.pid, signal.SIGALRM)
            asked = now
        elif asked is not None and now > asked + GRACE:
            raise Endless


def _computed(pid: int) -> float:
    """Return how many seconds of processor time a process has taken, with the children that it
    awaited."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _answer(judge: Callable[[], Any], there: Connection) -> None:
    """Judge and send the answer, then leave at once: what runs at exit is the other process's."""
    import resource  # which Windows has not

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C is the business of the process that waits
    line = _Line(there)
    signal.signal(signal.SIGALRM, line.stop)
    most = ceil(COMPUTING + GRACE) + 1  # if the process that waits is killed itself
    resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    if (displays := _displays()) is not None:
        displays.publish = lambda **content: line.send("display", content)
    try:
        with redirect_stdout(_Passed("stdout", line)), redirect_stderr(_Passed("stderr", line)):
            answer = judge()
        line.send("answer", answer)
    finally:
        os._exit(1)


def _displays() -> Any:
    """Return what shows the pictures of a notebook, or None outside of one."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell and shell.display_pub


class _Line:
    """The way to the process that waits. Half a message would spoil all that follow: threads take
    turns, and a message is sent to its end before `Endless` is raised."""

    def __init__(self, there: Connection) -> None:
        self._there, self._turns = there, threading.Lock()
        self._busy = self._stopped = False
        self._room = MOST_PRINTED

    def print(self, to: str, text: str) -> None:
        """Send what is printed, while there is room."""
        with self._turns:
            if self._room <= 0:
                return
            shown = text[: self._room]
            self._room -= len(shown)
            self._send(to, shown if self._room else f"{shown}\n{CUT}\n")
        self._raise_if_stopped()

    def send(self, to: str, content: Any) -> None:
        with self._turns:
            self._send(to, content)
        self._raise_if_stopped()

    def _send(self, to: str, content: Any) -> None:
        self._busy = _is_main()
        try:
            self._there.send((to, content))
        finally:
            self._busy = False

    def _raise_if_stopped(self) -> None:
        if self._stopped and _is_main():
            self._stopped = False
            raise Endless

    def stop(self, *_: Any) -> None:
        if self._busy:
            self._stopped = True
        else:
            raise Endless


def _is_main() -> bool:
    """Return whether this is the thread in which Python handles signals."""
    return threading.current_thread() is threading.main_thread()


class _Passed(TextIOBase):
    """The output of the fork, on its way to the process that waits."""

    def __init__(self, name: str, line: _Line) -> None:
        self._name, self._line = name, line

    def write(self, text: str) -> int:
        self._line.print(self._name, text)
        return len(text)


# In a thread.


def in_a_thread(judge: Callable[[], Any]) -> Any:
    """Return what `judge` returns, while a thread looks at the clock."""
    with _watched():
        return judge()


@contextmanager
def _watched() -> Iterator[None]:
    caller, over = threading.get_ident(), threading.Event()
    begun, computed = time.monotonic(), time.process_time()

    def watch() -> None:
        asked = False
        while not over.wait(GRACE if asked else EVERY):
            if asked:
                print(STUCK, file=sys.stderr)
            asked = _too_long(time.monotonic() - begun, time.process_time() - computed)
            if asked:
                raise_in(caller, Endless)

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
        except Endless:
            continue
        return
