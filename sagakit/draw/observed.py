"""What an observer could have noted during a run: plain facts, for metrics."""

from typing import NamedTuple

from sagakit.draw.breakerstory import BreakerStory
from sagakit.draw.depths import depths
from sagakit.draw.pieces import events
from sagakit.trace.trace import Trace


class Observed(NamedTuple):
    """The facts, each sort in the order of the trace."""

    events: list[tuple[int, str, str | None]]  # ms, type, saga: each event as it first came to be
    states: list[tuple[int, str]]  # ms, the breaker's state since
    depths: list[tuple[int, str, int]]  # ms, queue, how many messages wait in it since
    end: int  # ms


def observed(trace: Trace) -> Observed:
    """Read the facts from a trace."""
    noted = [(one.t, one.event, one.saga) for one in events(trace)]
    story = BreakerStory.of(trace)
    states = [(one.begin, one.state) for one in story.stretches]
    return Observed(noted, states, depths(trace).changes, story.end)
