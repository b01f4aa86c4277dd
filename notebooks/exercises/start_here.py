"""Exercises of notebook 00: read a diagram, read a timeline, change a scenario."""

from decimal import Decimal
from numbers import Real
from typing import Any

from sagakit import scenarios
from sagakit.run import Run, run
from sagakit.trace.arrows import Arrow

from .grader import Cases, Feedback, a_scenario, exercise

MOMENT = 200  # ms, in the happy path: everybody else waits for the provider
TO_BE_LEFT = Decimal("10.00")


@exercise
def when_answered(answer: Any) -> Cases:
    """At which virtual time (ms) the user gets the answer to the POST, in the happy path."""
    yield (isinstance(answer, bool) or not isinstance(answer, Real)) and (
        f"{answer!r} is no time.",
        "Give a number of ms, 42 say.",
    )
    arrows = list(run(scenarios.happy_path).records.arrows())
    first = next(arrow for arrow in arrows if (arrow.kind, arrow.target) == ("return", "User"))
    if answer == first.t:
        return f"{first.source} answers: {first.text}."
    found = [arrow for arrow in arrows if arrow.t == answer and arrow.source != arrow.target]
    then = f"At {answer} ms {_told(found[-1])}" if found else f"Nothing happens at {answer} ms"
    return Feedback(
        False,
        f"{then}.",
        "Look for the dashed arrow that ends at the User. A row without a time happens at the "
        "same time as the row above it.",
    )


def _told(arrow: Arrow) -> str:
    verbs = {"call": "calls", "async": "sends to", "return": "answers"}
    return f"{arrow.source} {verbs.get(arrow.kind, 'and')} {arrow.target}: {arrow.text}"


@exercise
def at_work(answer: Any) -> Cases:
    """The name of the service that is at work 200 ms after the start of the happy path."""
    yield not isinstance(answer, str) and (
        f"{answer!r} is no name.",
        'Give a name in quotes: "User", say.',
    )
    ran = run(scenarios.happy_path)
    kinds = {participant.name: participant.kind for participant in ran.records.participants}
    named = {name.lower(): name for name in kinds}.get(answer.strip().lower(), "")
    yield not named and (
        f"Nobody is called {answer!r}.",
        "Copy the name from the timeline's left edge.",
    )
    yield kinds[named] == "external" and (
        f"{named} is busy then, but it is no service of ours: its bar is white.",
        "Which of our services made that call, and waits for its end?",
    )
    yield kinds[named] != "service" and (
        f"{named} is no service.",
        "Services have the lanes of a timeline.",
    )
    works = _works(ran, named)
    when = " and ".join(f"from {begin} to {end} ms" for begin, end in works)
    if any(begin <= MOMENT <= end for begin, end in works):
        return f"{named} works {when}."
    return Feedback(
        False,
        f"At {MOMENT} ms {named} is not at work: it works {when}.",
        f"Find {MOMENT} on the axis and go straight up: whose bar do you cross?",
    )


def _works(ran: Run, service: str) -> list[tuple[int, int]]:
    """From when to when (ms) each invocation of a service was at work."""
    times: dict[int, list[int]] = {}
    for arrow in ran.records.arrows():
        if arrow.invocation in times:
            times[arrow.invocation].append(arrow.t)
        elif arrow.invocation and arrow.target == service:  # what it begins with
            times[arrow.invocation] = [arrow.t]
    return [(min(each), max(each)) for each in times.values()]


@exercise
def ten_left(answer: Any) -> Cases:
    """A scenario in which Ana, who has 100.00, has 10.00 left and no payment has failed."""
    yield from a_scenario(answer, "Begin with scenarios.happy_path.but(payments=[...]).")
    opening = {wallet.user_id: wallet.balance for wallet in answer.wallets}
    asked = {wallet.user_id: wallet.balance for wallet in scenarios.happy_path.wallets}
    yield opening != asked and ("The wallets are others now.", "Change only the payments.")
    yield answer != scenarios.happy_path.but(payments=answer.payments) and (
        "More than the payments is different.",
        "Begin with scenarios.happy_path, and change only the payments.",
    )
    yield (others := sorted({payment.user_id for payment in answer.payments} - set(opening))) and (
        f"There is no wallet of {', '.join(others)}.",
        'Ana is the one who pays: "user_id": "ana".',
    )
    stores = run(answer).records.stores()
    failed = [
        payment for payment in stores["Payments DB"].values() if payment.status != "COMPLETED"
    ]
    if failed:
        one = failed[0]
        return Feedback(
            False,
            f"The payment {one.payment_id} of {one.amount} is {one.status}: {one.reason}.",
            "All payments together must not be more than Ana has.",
        )
    left = stores["Wallet DB"]["ana"].balance
    if left != TO_BE_LEFT:
        paid = opening["ana"] - left
        return Feedback(
            False,
            f"Ana has {left} left: the payments that were made come to {paid}.",
            "How much must they come to?",
        )
    payments = "payment" if len(answer.payments) == 1 else "payments"
    return f"{len(answer.payments)} {payments}, and Ana has {left} left."
