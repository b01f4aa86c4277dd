"""The toy for simloom 0.5, in its idiom: tasks of one event loop. `python simloom_toy.py SECONDS`.

It needs Python 3.12 and simloom, and nothing of sagakit, so it runs in a process of its own.
simloom chooses who is next wherever a task awaits: so there is one `sleep(0)` between two steps.
"""

import asyncio
import json
import sys
import time
from collections.abc import Coroutine
from typing import Any

PAYMENTS = 3
BALANCE, AMOUNT = 100, 10
BOUNDS = (3, None)  # delays; simloom's own default is 2


class Toy:
    """A wallet, and what was done to it: `steps` are (what, payment)."""

    def __init__(self) -> None:
        self.balance, self.version = BALANCE, 1
        self.published: list[int] = []
        self.steps: list[tuple[str, int]] = []

    async def pay(self, payment: int) -> None:
        while True:
            balance, version = self.balance, self.version
            self.steps.append(("get", payment))
            await asyncio.sleep(0)
            self.steps.append(("commit", payment))
            if self.version == version:
                self.balance, self.version = balance - AMOUNT, version + 1
                break
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.steps.append(("publish", payment))
        self.published.append(payment)


class TimeIsUp(BaseException):
    """Ends simloom's search: it has no bound of time."""


def exhaust(seconds: float, max_delays: int | None) -> dict[str, Any]:
    """What simloom reaches in that CPU time."""
    from simloom import explore_systematic

    begun = time.process_time()

    async def main() -> None:
        if time.process_time() - begun > seconds:
            raise TimeIsUp
        toy = Toy()
        payments: list[Coroutine[Any, Any, None]] = [toy.pay(n) for n in range(PAYMENTS)]
        await asyncio.gather(*payments)
        assert toy.balance == BALANCE - PAYMENTS * AMOUNT

    delays = sys.maxsize if max_delays is None else max_delays
    result = explore_systematic(main, max_delays=delays, max_schedules=sys.maxsize)
    took = time.process_time() - begun
    wrong = [failure for failure in result.failures if failure.error != TimeIsUp.__name__]
    assert not wrong, wrong
    schedules = result.schedules - len(result.failures)
    return {
        "max_delays": max_delays,
        "schedules": schedules,
        "seconds": took,
        "exhausted": result.exhaustive,
    }


if __name__ == "__main__":
    print(json.dumps([exhaust(float(sys.argv[1]), delays) for delays in BOUNDS]))
