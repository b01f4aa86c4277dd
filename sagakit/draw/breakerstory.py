"""What a trace says about a circuit breaker: its states, calls, probes and rejections.

The breaker is whatever item of a store has a `state` and `failures`. A rejection is an event whose
reason is `CIRCUIT_OPEN`; a probe is a call by an invocation that changed the breaker's state first.
"""

from bisect import bisect
from typing import Any, NamedTuple

from sagakit.draw.pieces import Call
from sagakit.trace.activity import Activity
from sagakit.trace.trace import Trace, Written

REJECTED = "CIRCUIT_OPEN"


class Stretch(NamedTuple):
    """The breaker is in one state from `begin` to `end` (ms)."""

    state: str
    begin: int
    end: int


class BreakerStory(NamedTuple):
    """What happened at the breaker. `failures` are (ms, how many in a row since)."""

    stretches: list[Stretch]
    failures: list[tuple[int, int]]
    answered: list[Call]
    silent: list[Call]
    probes: set[int]  # numbers of the invocations whose calls were probes
    rejections: list[int]
    end: int

    @classmethod
    def of(cls, trace: Trace) -> "BreakerStory":
        activity = Activity(trace)
        states: list[tuple[int, str]] = []
        failures: list[tuple[int, int]] = []
        changed: dict[int, int] = {}  # invocation to when it first changed the state
        store = ""
        for record in trace:
            detail = record.detail
            if isinstance(detail, Written) and _is_breaker(detail.item):
                store = record.source
                before, item = detail.before, detail.item
                if not states:
                    began = 0 if before is not None else getattr(item, "since", record.t)
                    states.append((began, item.state if before is None else before.state))
                    failures.append((began, 0 if before is None else before.failures))
                if item.state != states[-1][1]:
                    if item.state == "OPEN":  # by the failure that was one too many
                        failures.append((record.t, failures[-1][1] + 1))
                    states.append((record.t, item.state))
                    changed.setdefault(record.invocation, record.t)
                failures.append((record.t, item.failures))
        callers = activity.services_of(store) if store else ()
        calls = [one for one in activity.calls if not callers or one.caller in callers]
        ends = [t for t, _ in states[1:]] + [activity.end]
        return cls(
            [Stretch(state, t, end) for (t, state), end in zip(states, ends, strict=False)],
            failures,
            [call for call in calls if call.answered],
            [call for call in calls if not call.answered],
            {one.number for one in calls if changed.get(one.number, activity.end) <= one.begin},
            [
                one.t for one in activity.emissions
                if one.publisher in callers and one.payload.get("reason") == REJECTED
            ],
            activity.end,
        )  # fmt: skip

    def silences(self) -> list[tuple[int, int]]:
        """The stretches (ms) covered by calls that got no answer, each at most until the next call
        begins that is answered."""
        well = sorted(call.begin for call in self.answered)
        found: list[tuple[int, int]] = []
        for call in sorted(self.silent, key=lambda one: one.begin):
            then = bisect(well, call.begin)
            end = min(call.end, *well[then : then + 1])
            if found and call.begin <= found[-1][1]:
                found[-1] = found[-1][0], max(found[-1][1], end)
            else:
                found.append((call.begin, end))
        return found


def _is_breaker(item: Any) -> bool:
    return hasattr(item, "state") and hasattr(item, "failures")
