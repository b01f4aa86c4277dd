"""Exercises of notebook 01: causes, a repeated request, and how long to wait."""

from collections.abc import Callable
from functools import cache
from numbers import Integral
from typing import TYPE_CHECKING, Any

from sagakit import scenarios
from sagakit.run import Run, run
from sagakit.scenarios import ProviderRule, Scenario
from sagakit.trace.facts import Answered, Invoked, Published

from .evidence import commits, requests
from .grader import Cases, Feedback, a_function, a_scenario, exercise

if TYPE_CHECKING:
    import pandas as pd


@exercise
def chain(answer: Callable[["pd.DataFrame", str], list[str]]) -> Cases:
    """A function from the events of a run and an event id to the names of the events that led to
    it, from the first one to itself."""
    yield from a_function(answer)
    for scenario in (scenarios.happy_path, scenarios.concurrent_payments, scenarios.provider_error):
        events = run(scenario).events
        backwards = events.iloc[::-1].reset_index(drop=True)  # the order of the rows says nothing
        for rows, event_id in [
            *((events, each) for each in events.event_id.iloc[::-1]),
            *((backwards, each) for each in events.event_id),
        ]:
            says = answer(rows.copy(), event_id)
            expected = _causes(events, event_id)
            if not isinstance(says, list | tuple) or list(says) != expected:
                return _wrong_chain(says, expected, scenario)
    return (
        "It holds for every event of three scenarios. No clock was asked: the causation ids alone "
        "say what led to what."
    )


def _causes(events: "pd.DataFrame", event_id: str) -> list[str]:
    cause = dict(zip(events.event_id, events.causation_id, strict=True))
    name = dict(zip(events.event_id, events.event, strict=True))
    found: list[str] = []
    while event_id in cause:
        found.insert(0, name[event_id])
        event_id = cause[event_id]
    return found


def _wrong_chain(says: Any, expected: list[str], scenario: Scenario) -> Feedback:
    if says is None or says is ...:
        return Feedback(False, "The function returns nothing yet.", "End it with return.")
    if not isinstance(says, list | tuple):
        return Feedback(False, f"It returns {says!r}.", "Return a list of names.")
    says = list(says)
    if says == expected[::-1]:
        return Feedback(False, "All names are there, the last one first.", "Turn them round.")
    if says == expected[:-1]:
        return Feedback(False, f"{expected[-1]} itself is missing.", "The list ends with it.")
    told = ", ".join(map(str, says)) or "an empty list"
    if len(says) == len(expected) and not set(says) & set(expected):
        hint = "The column event has the names."
        return Feedback(False, f"It returns {told}: so many, but no names.", hint)
    return Feedback(
        False,
        f"In {scenario.name}, for a {expected[-1]}, it returns {told}.",
        "Go from an event to the event whose event_id is its causation_id, and again from there, "
        "as long as there is such an event.",
    )


@exercise
def asked_twice(answer: Scenario) -> Cases:
    """A scenario whose first POST is answered 503 though its payment goes through; the client asks
    again, and the user is debited once."""
    yield from a_scenario(answer, "Use scenarios.happy_path.but(...).")
    ran = run(answer)
    records = ran.records
    posts = [r.t for r in records if isinstance(r.fact, Invoked) and r.fact.source == "User"]
    answers = [
        (r.t, r.fact) for r in records if isinstance(r.fact, Answered) and r.fact.source == "User"
    ]
    yield not answers and ("Nobody pays anything.", "Begin with scenarios.happy_path.")
    yield answers[0][1].status != 503 and (
        f"The first POST is answered {answers[0][1].answer}.",
        (
            "The API Gateway says 503 when the Payment Service that it called does not answer: "
            "have that one crash."
        ),
    )
    yield len(posts) < 2 and ("The client never asks again.", "A payment has repeats=(ms, ...).")
    yield posts[1] < answers[0][0] and (
        f"The client asks again at {posts[1]} ms, before its answer at {answers[0][0]} ms.",
        "Leave it time: repeats=(5_000,).",
    )
    begun = [
        r.t for r in records if isinstance(r.fact, Published) and r.fact.event == "PaymentInit"
    ]
    yield len(begun) != 1 and (
        f"{len(begun)} payments were begun.",
        "Asking again means: the same Idempotency-Key. Use one payment with repeats.",
    )
    yield begun[0] >= posts[1] and (
        (
            f"The crash came too early: nothing was stored at the first POST, and the payment was "
            f"begun by the second, at {posts[1]} ms."
        ),
        (
            "The crash must come after the commit, and before the answer. Which step of the "
            "Payment Service is the commit?"
        ),
    )
    yield answers[-1][1].status != 202 and (
        f"The last POST is answered {answers[-1][1].answer}.",
        "Let one of them succeed.",
    )
    payments = ran.records.stores()["Payments DB"].values()
    status = next(iter(payments)).status
    yield status != "COMPLETED" and (
        f"The payment is {status}.",
        "Change nothing but the faults and the repeats.",
    )
    return (
        f"The first POST is answered 503, the last {answers[-1][1].answer}, and Ana is debited "
        f"{'once' if _debits(ran) == 1 else f'{_debits(ran)} times'}. The client could not know "
        f"what had happened, and did not need to."
    )


def _debits(ran: Run) -> int:
    return sum(
        commit.before is not None and commit.writes for _, commit in commits(ran, "Wallet DB")
    )


@exercise
def longest_delay(answer: Any) -> Cases:
    """By how many ms the provider of the happy path may be slower than usual, at most, such that
    the payment still completes at the first attempt."""
    yield (isinstance(answer, bool) or not isinstance(answer, Integral)) and (
        f"{answer!r} is no whole number.",
        "Give a number of ms, 42 say.",
    )
    yield int(answer) < 0 and ("Less than zero would be faster.", "Give a number of ms, 42 say.")
    expected = _longest()
    if answer == expected:
        return (
            f"With {expected} ms the answer comes in time; with {expected + 1} ms the gateway has "
            f"stopped waiting."
        )
    attempts = _attempts(int(answer))
    yield attempts == 1 and (
        f"With {answer} ms it completes at the first attempt, and with more as well.",
        "The gateway waits for provider_timeout. How long does a call take without a delay?",
    )
    return Feedback(
        False,
        f"With {answer} ms the gateway stops waiting: it asks {attempts} times.",
        "The usual time of the call, which the trace tells, comes on top of the delay.",
    )


@longest_delay.prepared
@cache
def _longest() -> int:
    most, least = scenarios.happy_path.settings.provider_timeout, 0
    while least < most:
        middle = (least + most + 1) // 2
        if _attempts(middle) == 1:
            least = middle
        else:
            most = middle - 1
    return least


def _attempts(delay: int) -> int:
    """Return how often the provider is asked to charge."""
    slow = [ProviderRule(behaviour="slow", delay=min(delay, 60_000))] if delay else []
    return sum(not fact.void for _, fact in requests(run(scenarios.happy_path.but(provider=slow))))
