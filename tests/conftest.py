"""What all tests share."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Property tests search in the same way on every machine, however slow it is.
settings.register_profile(
    "sagakit", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sagakit")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that starts a job in the background lets it ignore Ctrl+C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
