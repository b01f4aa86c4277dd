"""The time on the emulator is virtual: it passes when nothing else is left to happen."""

from moto.sqs import models

BEGIN = 1_767_225_600_000  # ms: the first of January 2026. Moto takes 0 for no time at all.


class Clock:
    """A time in ms that does not go by itself."""

    def __init__(self) -> None:
        self._now = BEGIN

    def now(self) -> int:
        """The time. Each look takes 2 ms, so that a log has an order: AWS acts between two."""
        self._now += 2
        return self._now

    def pass_until(self, moment: int) -> None:
        """It is that time now, unless it was already."""
        self._now = max(self._now, moment)

    def set_queues(self) -> None:
        """Have moto's queues, which hide and delay messages for a time, go by this clock."""
        vars(models).update(
            unix_time_millis=lambda: float(self._now + 1),
            unix_time=lambda: (self._now + 1) / 1000,
        )


CLOCK = Clock()  # of all stacks of this process, which share what moto holds
