"""What never ends is ended; what ends in time is left alone."""

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest

from exercises import Feedback, exercise
from exercises.timeouts import (
    ASLEEP,
    COMPUTING,
    CUT,
    STUCK,
    Died,
    Endless,
    _too_long,
    in_a_process,
    in_a_thread,
)

forks = pytest.mark.skipif(sys.platform != "linux", reason="judged in a thread there")
WAYS = [pytest.param(in_a_process, marks=forks), in_a_thread]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exercises.timeouts.COMPUTING", 0.2)
    monkeypatch.setattr("exercises.timeouts.ASLEEP", 0.2)
    monkeypatch.setattr("exercises.timeouts.GRACE", 0.2)


def loop() -> None:
    while True:
        pass


def loop_that_catches_everything() -> None:
    for _ in range(3):
        try:
            loop()
        except BaseException:
            continue


def loop_in_c() -> int:
    return sum(iter(int, 1))


def sleep() -> None:
    time.sleep(10**6)


def wait_for_nobody() -> None:
    threading.Event().wait()


def print_for_ever() -> None:
    while True:
        print("still here")


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("endless", [loop, print_for_ever])
def test_a_loop_is_interrupted(way: Callable[..., Any], endless: Callable[[], None]) -> None:
    with pytest.raises(Endless):
        way(endless)


@forks
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "endless", [loop_that_catches_everything, loop_in_c, sleep, wait_for_nobody]
)
def test_what_no_exception_ends_is_killed(endless: Callable[[], Any]) -> None:
    with pytest.raises(Endless):
        in_a_process(endless)


@forks
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (loop, "Your answer does not come to an end in line "),
        (loop_in_c, "Your answer does not come to an end, and had to be killed."),
        (lambda: os._exit(3), "Your answer ended the process that it ran in (exit code 3)."),
        (sys.exit, "Your answer raised SystemExit"),
    ],
)
def test_the_learner_is_told(answer: Callable[[], Any], says: str) -> None:
    @exercise
    def calls(answer: Any) -> Feedback:
        return Feedback(bool(answer()), "")

    assert calls(answer).says.startswith(says)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_printed_is_seen(
    way: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def prints() -> int:
        print("one")
        print("two", file=sys.stderr)
        return 3

    assert way(prints) == 3
    assert capsys.readouterr() == ("one\n", "two\n")


@forks
@forks
def test_threads_that_print_at_once_spoil_no_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exercises.timeouts.MOST_PRINTED", 1_000_000)

    def print_long_lines() -> None:
        for _ in range(100):
            print("x" * 5_000)

    def print_at_once() -> str:
        threads = [threading.Thread(target=print_long_lines) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        return "done"

    assert in_a_process(print_at_once) == "done"
    shown, cut, rest = capsys.readouterr().out.partition(f"\n{CUT}\n")
    assert (len(shown), bool(cut), rest) == (1_000_000, True, "")


@forks
@pytest.mark.usefixtures("short")
def test_the_time_limit_waits_for_the_end_of_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exercises.timeouts.MOST_PRINTED", 10**10)

    def told() -> str:
        try:
            while True:
                print("x" * 1_000_000)
        except Endless:
            return "told"

    with redirect_stdout(StringIO()):
        assert in_a_process(told) == "told"


def test_a_process_that_ends_without_an_answer_is_no_endless_one() -> None:
    with pytest.raises(Died, match="exit code 3"):
        in_a_process(lambda: os._exit(3))


@forks
def test_ctrl_c_ends_the_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(pid: int) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("exercises.timeouts._computed", interrupted)
    here, there = os.pipe()
    with pytest.raises(KeyboardInterrupt):
        in_a_process(loop_in_c)
    os.close(there)
    assert os.read(here, 1) == b""  # nobody holds the other end any more
    os.close(here)


@pytest.mark.usefixtures("short")
def test_a_thread_leaves_what_ends_in_time_alone() -> None:
    before = threading.active_count()
    assert in_a_thread(lambda: 3) == 3
    assert threading.active_count() == before


@pytest.mark.usefixtures("short")
def test_a_thread_says_what_it_cannot_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()

    class Screen(StringIO):
        def write(self, text: str) -> int:
            told.set()
            return super().write(text)

    monkeypatch.setattr(sys, "stderr", Screen())
    with pytest.raises(Endless):
        in_a_thread(told.wait)
    assert sys.stderr.getvalue() == f"{STUCK}\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", WAYS)
def test_it_works_outside_the_main_thread(way: Callable[..., Any]) -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(way, lambda: 3).result() == 3


def test_a_right_answer_is_given_time_on_a_busy_machine() -> None:
    assert not _too_long(passed=600.0, computed=COMPUTING - 1)
    assert _too_long(passed=ASLEEP + 1, computed=0.0)
