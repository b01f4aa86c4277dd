"""Exercises of notebook 04: the breaker as a function, its second opening, and its settings."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from sagakit import scenarios
from sagakit.payments.breaker import Breaker
from sagakit.run import Run, run
from sagakit.scenarios import ProviderRule, Scenario

from .evidence import commits, outcome, requests
from .grader import UNANSWERED, Cases, Feedback, a_function, a_scenario, exercise

GIVEN = scenarios.circuit_breaker
STATES = ("CLOSED", "OPEN", "HALF_OPEN")
HAPPENINGS = ("answer", "no answer", "time is up")
THRESHOLDS = (1, 2, 3)
MOST_FAILED, MOST_UNANSWERED = 10, 8
LONG = 10_000  # ms that a user notices
LONE_SILENCE = ProviderRule(behaviour="timeout_before", payment_id="user-05:1", calls=(1,))


def breaker_writes(finished: Run) -> list[tuple[int, str | None, Breaker]]:
    """Return when (ms) the breaker's store took a write, of which saga, and what it holds since."""
    written = commits(finished, "Breaker DB")
    return [(record.t, record.saga, commit.item) for record, commit in written]


def openings(finished: Run) -> list[int]:
    """Return when (ms) the breaker opened."""
    return [t for t, _, breaker in breaker_writes(finished) if breaker.state == "OPEN"]


def unanswered(finished: Run) -> int:
    """Return how many requests to the provider got no answer."""
    return sum(outcome(record.fact) == "timeout" for record in finished.records)


def bill(finished: Run) -> dict[str, float]:
    """Return what a run cost: payments, requests to the provider, and how long the users waited
    (s)."""
    events, status = finished.events, finished.payments["status"]
    times = events.groupby("correlation_id", observed=True)["t"]
    lasted = times.max() - times.min()
    return {
        "completed": int((status == "COMPLETED").sum()),
        "failed": int((status == "FAILED").sum()),
        "requests": len(requests(finished)),
        "unanswered": unanswered(finished),
        "waits over 10 s": int((lasted > LONG).sum()),
        "longest wait s": round(lasted.max() / 1000),
    }


class _Reached(NamedTuple):
    """A breaker that can come about, and the shortest way to it."""

    breaker: Breaker
    way: tuple[str, ...]


def _after(breaker: Breaker, happened: str, threshold: int) -> Breaker:
    """Return what the kit's own breaker does. What is reported while it is OPEN is of an earlier
    era."""
    era = breaker.era - (breaker.state == "OPEN")
    if happened == "answer":
        return breaker.after_answer(era, 0)
    if happened == "no answer":
        return breaker.after_failure(era, 0, threshold)
    return breaker.becoming("HALF_OPEN", 0) if breaker.state == "OPEN" else breaker


def _reachable(threshold: int) -> list[_Reached]:
    """Return every breaker that can come about, the soonest first."""
    found = {("CLOSED", 0): _Reached(Breaker(), ())}
    queue = list(found.values())
    for reached in queue:
        for happened in HAPPENINGS:
            after = _after(reached.breaker, happened, threshold)
            if (after.state, after.failures) not in found:
                new = _Reached(after, (*reached.way, happened))
                found[after.state, after.failures] = new
                queue.append(new)
    return queue


@exercise
def transition(answer: Callable[[str, int, str, int], Any]) -> Cases:
    """A pure function (state, failures, happened, threshold) -> (state, failures)."""
    yield from a_function(answer)
    tried = 0
    for threshold in THRESHOLDS:
        for breaker, way in _reachable(threshold):
            for happened in HAPPENINGS:
                after = _after(breaker, happened, threshold)
                says = answer(breaker.state, breaker.failures, happened, threshold)
                yield says is ... and UNANSWERED
                expected = (after.state, after.failures)
                if not isinstance(says, tuple | list) or tuple(says) != expected:
                    return _wrong_step(breaker, way, happened, threshold, says)
                tried += 1
    return (
        f"It agrees with the kit's breaker in all {tried} steps that can come about with a "
        "threshold of 1, 2 or 3. It asks no clock and no store, so there was nothing to set up."
    )


def _wrong_step(
    breaker: Breaker, way: tuple[str, ...], happened: str, threshold: int, says: Any
) -> Feedback:
    if says is None:
        return Feedback(False, "The function returns nothing.", "Does every way end in a return?")
    if not isinstance(says, tuple | list) or len(says) != 2:
        return Feedback(False, f"It returns {says!r}.", "Return a pair: the state and a number.")
    failures = "failure" if breaker.failures == 1 else "failures"
    before = f"threshold {threshold}, {breaker.state} with {breaker.failures} {failures}"
    if way:
        before += f" (after: {', '.join(way)})"
    hints = {
        ("CLOSED", "answer"): "Only failures in a row count.",
        ("CLOSED", "no answer"): "Count this one too, and then compare with the threshold.",
        ("OPEN", "time is up"): "What comes after OPEN, to try whether the provider is well?",
        ("HALF_OPEN", "answer"): "The probe was answered.",
        ("HALF_OPEN", "no answer"): "The probe was not answered. One is enough here.",
    }
    hint = hints.get((breaker.state, happened), "Nothing changes here.")
    state, _ = says
    if state not in STATES:
        hint = f"The states are {', '.join(STATES)}."
    elif state == _after(breaker, happened, threshold).state != "CLOSED":
        hint = f"The number counts failures while it is CLOSED; when it is {state}, it is 0."
    return Feedback(False, f"{before}; then {happened!r}: it returns {says!r}.", hint)


@exercise
def opens_twice(answer: Scenario) -> Cases:
    """A scenario with one outage, in which the breaker opens twice and closes in the end."""
    yield isinstance(answer, ProviderRule | list | tuple | dict) and (
        "This is a rule, and not yet a scenario.",
        "Put it into the scenario: given.but(provider=(rule,))",
    )
    yield from a_scenario(answer, "Use given.but(provider=(...,)).")
    yield (len(answer.provider) != 1 or answer.settings != GIVEN.settings) and (
        "More than the outage is different.",
        "One rule for the provider, and the settings as they were.",
    )
    finished = run(answer)
    opened = openings(finished)
    if len(opened) != 2:
        times = ", ".join(f"{t / 1000:g} s" for t in opened[:3])
        often = {0: "It never opens.", 1: f"It opens once ({times})."}
        return Feedback(
            False,
            often.get(len(opened), f"It opens {len(opened)} times ({times}, ...)."),
            "It opens again when its probe gets no answer. Look in the picture of the given run "
            "when the probe was made, and be out then.",
        )
    closed, _, last = breaker_writes(finished)[-1]
    yield last.state != "CLOSED" and (f"It ends {last.state}.", "Let the outage end.")
    return (
        f"It opens at {opened[0] / 1000:g} s and, as its probe gets no answer, again at "
        f"{opened[1] / 1000:g} s; it is closed from {closed / 1000:g} s."
    )


@exercise
def meets_the_goal(answer: Any) -> Cases:
    """Settings of the breaker with which few payments fail and few calls get no answer."""
    yield not isinstance(answer, Mapping) and (
        "This is no dict.",
        'Write {"breaker_threshold": ..., "breaker_open_for": ...}, the second in ms.',
    )
    yield any(value is ... for value in answer.values()) and UNANSWERED
    yield (extra := sorted(map(str, set(answer) - {"breaker_threshold", "breaker_open_for"}))) and (
        f"It sets {', '.join(extra)}.",
        "Set breaker_threshold and breaker_open_for, and nothing else.",
    )
    cost = bill(run(GIVEN.but(settings=dict(answer))))
    alone = run(GIVEN.but(settings=dict(answer), provider=(LONE_SILENCE,)))
    says = f"Payments that fail: {cost['failed']}; calls without an answer: {cost['unanswered']}"
    yield openings(alone) and (
        f"{says}. But a single call without an answer opens this breaker.",
        "One silence is no outage: take a higher threshold.",
    )
    yield cost["unanswered"] > MOST_UNANSWERED and (
        f"{says}. At most {MOST_UNANSWERED} may get none.",
        "Fewer calls get none if the breaker opens sooner, or probes less often.",
    )
    yield cost["failed"] > MOST_FAILED and (
        f"{says}. At most {MOST_FAILED} may fail.",
        "Payments fail while it is open. When does it notice that the outage is over?",
    )
    return f"{says}. And a single silence does not open it."


def settings_table(thresholds: tuple[int, ...], open_for: tuple[int, ...]) -> pd.DataFrame:
    """For each pair of settings, the payments that fail and the calls without an answer."""
    rows = []
    for threshold in thresholds:
        for ms in open_for:
            settings = {"breaker_threshold": threshold, "breaker_open_for": ms}
            cost = bill(run(GIVEN.but(settings=settings)))
            rows.append((threshold, ms, cost["failed"], cost["unanswered"]))
    columns = ["threshold", "open_for", "failed", "unanswered"]
    return pd.DataFrame(rows, columns=columns).pivot(index="threshold", columns="open_for")
