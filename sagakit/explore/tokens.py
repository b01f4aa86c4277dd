"""What a state is made of: tokens for what is under way, and the names of its parts."""

from typing import Any, NamedTuple

from sagakit.explore.purity import BadService, not_compared

State = tuple[int, int, tuple[int, ...], tuple[int, ...]]
"""(stores, clock in ms, tokens in order, budget left)"""

FAULTS = (
    "crash", "duplicate", "drop", "lost_answer",
    "decline", "timeout_before", "timeout_after", "down",
)  # fmt: skip
CRASH, DUPLICATE, DROP, LOST_ANSWER = range(4)
ANSWERS = FAULTS[4:]  # what an external party may do besides approve


class Running(NamedTuple):
    """A handler in flight. `operation` is what it waits for, None for its acknowledgement, or the
    error with which it failed."""

    service: str
    message: int
    receives: int
    retries: int
    results: tuple[Any, ...]
    operation: Any
    crashable: bool  # whether a crash here differs from one a step earlier, as after a read not


class Waiting(NamedTuple):
    """A message that comes at a time."""

    service: str
    message: int
    receives: int
    due: int


class Dead(NamedTuple):
    """A dead letter."""

    service: str
    message: int
    reason: str


Token = Running | Waiting | Dead


class Numbers:
    """Gives equal things one number, and the thing for a number."""

    def __init__(self) -> None:
        self._number: dict[Any, int] = {}
        self.things: list[Any] = []

    def __call__(self, thing: Any, of: Any = None) -> int:
        """The number of a thing, which is the key of another."""
        try:
            number = self._number.get(thing)
        except TypeError:  # unhashable
            raise BadService(not_compared(of or thing)) from None
        if number is None:
            number = self._number[thing] = len(self.things)
            self.things.append(thing)
        return number


class Move(NamedTuple):
    """One way on from a state: whose token, what is spent on it, the stores after it, and what
    stands in its place. `if_nobody_crashes` is that when no crash can come any more: then an
    acknowledgement is no choice, and is made at once."""

    token: int
    fault: int | None
    stores: int
    tokens: tuple[int, ...]
    if_nobody_crashes: tuple[int, ...]


class Outcome(NamedTuple):
    """What a step can come to: a fault spent or None, the store after it, the tokens after it."""

    fault: int | None
    shelf: int
    tokens: tuple[int, ...]
