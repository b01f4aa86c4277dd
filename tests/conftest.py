"""What all tests share."""

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from sagakit.worlds.emulator import Emulator

# Property tests search in the same way on every machine, however slow it is.
settings.register_profile(
    "sagakit", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sagakit")


@pytest.fixture(scope="session")
def emulator() -> Iterator["Emulator"]:
    """AWS on loopback, one for all tests of a process: each play has a stack of its own."""
    from sagakit.worlds.emulator import emulator

    with emulator() as aws:
        yield aws


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that starts a job in the background lets it ignore Ctrl+C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are judged in this process: a fork of all that the tests have loaded costs more than
    most checks. `tests/exercises/test_timeouts.py` forks, and so do the notebooks."""
    from exercises import grader, timeouts

    monkeypatch.setattr(grader, "within_limits", timeouts.in_a_thread)
