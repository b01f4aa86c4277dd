"""Patience interrupts what is at work, and nothing that comes after it."""

import time
from contextlib import suppress

from sagakit.explore.timeouts import Endless, Watchdog


def test_a_late_interrupt_is_taken_back() -> None:
    """What comes too late is taken back."""
    patience = Watchdog(seconds=0.0)
    with patience.watching():
        for _ in range(5):
            with suppress(Endless), patience.at_work():
                time.sleep(0.15)
    time.sleep(0.15)
