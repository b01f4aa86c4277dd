"""Exercises of notebook 02: what silence means, one key, and the order of decide and act."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import pandas as pd

from sagakit import scenarios
from sagakit.contract.terminal import count
from sagakit.laws import PaymentEvidence
from sagakit.payments.money import ZERO
from sagakit.run import Run, run
from sagakit.scenarios import PaymentRequest, ProviderRule, Scenario
from sagakit.trace.arrows import Arrow
from sagakit.trace.facts import Asked, Booked, PartyAnswered, PartySilent, PartyUnreachable
from sagakit.zoo.new_key_per_attempt import NewKeyPerAttempt
from sagakit.zoo.void_without_deciding import VoidWithoutDeciding

from . import evidence
from .grader import UNANSWERED, Cases, Feedback, a_function, exercise

GATEWAY = "Provider Gateway"
GIVEN = scenarios.provider_error

CASES = {
    "A": ProviderRule(behaviour="slow", delay=3_000, calls=(1, 2)),
    "B": ProviderRule(behaviour="slow", delay=70_000, calls=(1,)),
    "C": ProviderRule(behaviour="timeout_after", calls=(1, 2)),
    "D": ProviderRule(behaviour="slow", delay=6_000, calls=(1, 2)),
}


def requests(finished: Run) -> pd.DataFrame:
    """Return every request to the provider: when (ms), about which payment, what, and with which
    key."""
    rows = [
        (record.t, record.saga, fact.label, fact.key)
        for record, fact in evidence.requests(finished)
    ]
    return pd.DataFrame(rows, columns=["t", "payment_id", "request", "key"])


def two_views(finished: Run) -> pd.DataFrame:
    """Return what the gateway sees of its talk with the provider, beside the provider's own
    books."""
    rows = [row for arrow in finished.records.arrows() for row in _views(arrow)]
    return pd.DataFrame(rows, columns=["t", "what the gateway sees", "the provider's books"])


def provider_keeps(finished: Run) -> Decimal:
    """Return what the provider has charged and not voided at the end, by its own books."""
    standings = PaymentEvidence(finished.records).standings.values()
    return sum((standing.provider_keeps for standing in standings), ZERO)


def _views(arrow: Arrow) -> list[tuple[int, str, str]]:
    match arrow.fact:
        case Asked():
            return [(arrow.t, f"asks: {arrow.label}", "")]
        case PartyAnswered() | PartyUnreachable():
            return [(arrow.t, f"answer: {arrow.text}", "")]
        case PartySilent():
            return [(arrow.t, "no answer", "")]
        case Booked() as fact:
            return [(arrow.t, "", fact.state)]
    return []


class _Talk(NamedTuple):
    """A run's requests to charge, and what came of them, in the order in which they were sent."""

    sent: int
    outcomes: list[str]  # "timeout", "unavailable" or what the provider answered


def _talk(finished: Run) -> _Talk:
    outcomes = [
        evidence.outcome(fact)
        for fact in (record.fact for record in finished.records)
        if isinstance(fact, PartyAnswered | PartySilent | PartyUnreachable) and fact.request
    ]
    return _Talk(sum(bool(fact.request) for _, fact in evidence.requests(finished)), outcomes)


def _keeper(rule: ProviderRule) -> str:
    return "provider" if provider_keeps(run(GIVEN.but(provider=(rule,)))) else "ana"


@exercise
def who_keeps_the_money(answer: Any) -> Cases:
    """For each of `CASES`, who has the 70.00 at the end: "ana" or "provider"."""
    yield not isinstance(answer, Mapping) and (
        "This is no dict.",
        'Write {"A": "ana", "B": "provider", ...}, with the names of your choice.',
    )
    said = {case: answer.get(case, ...) for case in CASES}
    if any(name is ... for name in said.values()):
        missing = [case for case, name in said.items() if name is ...]
        says = UNANSWERED if len(missing) == len(CASES) else f"{', '.join(missing)}: no answer yet."
        return Feedback(False, says)
    names = {case: str(name).strip().lower().removeprefix("the ") for case, name in said.items()}
    for case, name in names.items():
        yield name not in ("ana", "provider") and (
            f"{case}: {said[case]!r} is nobody here.",
            "ana or provider?",
        )
    wrong = [case for case, name in names.items() if name != _keeper(CASES[case])]
    right = len(CASES) - len(wrong)
    if not wrong:
        says = "A call without an answer decides nothing: what settles it is the next answer, "
        return says + "to the second request in B, to the void in C and D."
    hint = f"For {wrong[0]}, write down what each request is answered, and when: an answer within "
    hint += "5 s ends it, and two silences lead to a void."
    return Feedback(False, f"{right} of {len(CASES)} are right.", hint)


@exercise
def second_attempt_succeeds(answer: Any) -> Cases:
    """A scenario in which the first request gets no answer and the second one completes it."""
    yield isinstance(answer, ProviderRule | list | tuple | dict) and (
        "This is a rule, and not yet a scenario.",
        "Put it into the scenario: given.but(provider=(rule,))",
    )
    if not isinstance(answer, Scenario):
        return _no_scenario(answer, "given.but(provider=...)")
    finished = run(answer)
    statuses = list(finished.payments["status"])
    sent, outcomes = _talk(finished)
    yield (not outcomes or len(statuses) != 1) and (
        f"Requests to the provider: {sent}; payments: {len(statuses)}.",
        "Change nothing of `given` but the provider.",
    )
    yield outcomes[0] != "timeout" and (
        f"The first request was answered: {outcomes[0]}.",
        "Which behaviours leave the gateway without an answer?",
    )
    yield statuses != ["COMPLETED"] and (
        f"The payment is {statuses[0]}; the requests came to: {', '.join(outcomes)}.",
        "calls=(1, 2) says that the rule is about the first two requests.",
    )
    yield sent != 2 and (f"It took {count(sent, 'request')}.", "The second one should be answered.")
    return f"{_when_booked(finished)} The provider keeps {provider_keeps(finished)}, once."


def _no_scenario(answer: Any, instead: str) -> Feedback:
    if isinstance(answer, Run):
        return Feedback(False, "This is a run.", "Give the scenario itself, without run(...).")
    return Feedback(False, "This is no scenario.", f"Use {instead}")


def _when_booked(finished: Run) -> str:
    booked = [record.t for record in finished.records if isinstance(record.fact, Booked)]
    second = requests(finished)["t"].iloc[1]
    if booked[0] < second:
        return (
            f"Your provider charged at {booked[0]} ms, before the second request, which it "
            "knew by its key."
        )
    return f"Your provider charged at {booked[0]} ms, when the second request came."


VOID_WITH_ANOTHER = "a run with one charge, and a void with another key"
NO_REQUEST = "a run without any request to the provider"
KEY_HINTS = {
    VOID_WITH_ANOTHER: "A void is a request about the payment too.",
    NO_REQUEST: "Where nothing is asked, nothing is wrong. What is all() of nothing?",
}


def _key_runs() -> dict[str, Run]:
    """Runs to hold a function about keys against, by what they are."""
    silent = ProviderRule(behaviour="timeout_before", end=60_000)
    three = GIVEN.but(
        payments=[PaymentRequest(user_id="ana", amount=10, idempotency_key=key) for key in "ABC"],
        provider=(silent,),
    )
    one_attempt = GIVEN.but(
        provider=(silent.model_copy(update={"end": 5_000}),), settings={"provider_attempts": 1}
    )
    flawed = {GATEWAY: NewKeyPerAttempt}
    return {
        "the run of this notebook": run(GIVEN),
        "a run with three payments, each with a key of its own": run(three),
        "a run of NewKeyPerAttempt": run(GIVEN.but(provider=(silent,)), services=flawed),
        "three payments and NewKeyPerAttempt": run(three, services=flawed),
        VOID_WITH_ANOTHER: run(one_attempt, services=flawed),
        NO_REQUEST: run(scenarios.insufficient_funds),
    }


@exercise
def one_key_a_payment(answer: Any) -> Cases:
    """A function of a table of `requests`: whether all requests for each payment carry one key."""
    yield from a_function(answer)
    for what, finished in _key_runs().items():
        expected = next(verdict.held for verdict in finished.verdicts() if verdict.law == "one key")
        said = _ask(answer, requests(finished))
        yield said is ... and UNANSWERED
        yield said is None and (f"For {what} it returns None.", "Is there a return?")
        yield not isinstance(said, bool) and (
            f"For {what} it returns a value of type {type(said).__name__}, no True or False.",
            "(...).all() and bool(...) make one of many.",
        )
        yield said is not expected and (
            f"For {what} it says {said}; the law says {expected}.",
            KEY_HINTS.get(what, "Count the different keys of each payment by itself."),
        )
    return "It agrees with the law 'one key' on six runs, flawed ones among them."


def _ask(function: Callable[[pd.DataFrame], Any], table: pd.DataFrame) -> Any:
    """The answer, with numpy's booleans as Python's."""
    said = function(table)
    return said.item() if type(said).__name__ == "bool" and hasattr(said, "item") else said


@exercise
def breaks_void_first(answer: Any) -> Cases:
    """A scenario in which `VoidWithoutDeciding` breaks a law that the sound gateway keeps."""
    if not isinstance(answer, Scenario):
        return _no_scenario(answer, "one_attempt.but(faults=(...,))")
    flawed = run(answer, services={GATEWAY: VoidWithoutDeciding})
    broken = [verdict for verdict in flawed.verdicts() if not verdict.held]
    hurt = [verdict.law for verdict in run(answer).verdicts() if not verdict.held]
    if not broken:
        messages = requests(flawed)
        says = "Every law held. The provider was asked for: "
        says += ", ".join(f"{one.request} at {one.t} ms" for one in messages.itertuples()) + "."
        hint = "For the void to do harm, something else must find the payment undecided meanwhile: "
        hint += "another delivery of the same message."
        return Feedback(False, says, hint)
    yield hurt and (
        f"The sound gateway does not survive that either: {', '.join(hurt)}.",
        "A bus that delivers at least once may deliver twice.",
    )
    return f"The law that broke first is {broken[0].law}: {broken[0].detail}."
