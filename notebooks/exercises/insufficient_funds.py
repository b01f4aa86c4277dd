"""Exercises of notebook 03: a refusal in the middle, a wallet with a reserve, exact parts."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from sagakit import scenarios
from sagakit.contract.faults import Duplicate
from sagakit.payments.money import CENT, ZERO, exact
from sagakit.payments.wallet import WalletService
from sagakit.run import Run, run
from sagakit.scenarios import ProviderRule, Scenario
from sagakit.trace.facts import Committed, Published

from .evidence import failures
from .grader import UNANSWERED, Cases, Feedback, a_function, a_scenario, exercise
from .service_checks import forgotten

STATUSES = ["COMPLETED", "FAILED", "COMPLETED"]
RESERVE = Decimal("10.00")


@exercise
def middle_refused(answer: Scenario) -> Cases:
    """A scenario with three payments of one user, each covered by the opening balance alone: the
    second is refused, and the third takes all that is left."""
    yield from a_scenario(answer, "Use scenarios.insufficient_funds.but(...).")
    yield (
        len(answer.payments) != 3 or len({payment.user_id for payment in answer.payments}) != 1
    ) and (
        "There must be three payments of one user.",
        "Make it three.",
    )
    opening = {wallet.user_id: wallet.balance for wallet in answer.wallets}
    for number, payment in enumerate(answer.payments, start=1):
        yield payment.amount > opening.get(payment.user_id, 0) and (
            f"Payment {number} of {payment.amount} is more than the wallet ever has.",
            "Each payment alone must be covered by the opening balance.",
        )
    stores = run(answer).records.stores()
    payments = stores["Payments DB"]
    yield len(payments) < 3 and ("Two payments have the same key.", "Leave idempotency_key out.")
    found = [payments[payment.payment_id] for payment in answer.payments]
    statuses = [one.status for one in found]
    yield statuses != STATUSES and (
        f"They end {', '.join(statuses)}.",
        (
            "What is left after the first must be less than the second amount and no less than "
            "the third. Leave a second between them (at=), so that they come in that order."
        ),
    )
    yield found[1].reason != "INSUFFICIENT_FUNDS" and (
        f"The second fails for another reason: {found[1].reason}.",
        "Leave the provider.",
    )
    left = stores["Wallet DB"][found[0].user_id].balance
    yield left and (
        f"They end as they should, with {left} left.",
        "Let the third take that too: a wallet covers what is just as much as it has.",
    )
    return (
        "The second is refused and gone: nothing of it waits. The third is just covered, and 0.00 "
        "is left."
    )


class Case(NamedTuple):
    """A payment from a wallet that must keep its reserve, and how it must end."""

    balance: str
    amount: str
    status: str
    left: str


CASES = (
    Case("100.00", "70.00", "COMPLETED", "30.00"),
    Case("100.00", "95.00", "FAILED", "100.00"),
    Case("100.00", "90.00", "COMPLETED", "10.00"),
    Case("10.10", "0.10", "COMPLETED", "10.00"),  # as floats, 10.1 - 10 is less than 0.1
    Case("5.00", "20.00", "FAILED", "5.00"),
)


@exercise
def with_reserve(answer: type) -> Cases:
    """A wallet service that keeps 10.00 in every wallet, which payments may not touch."""
    yield not isinstance(answer, type) and (
        "This is no class.",
        "Give the name of the class: no ().",
    )
    yield not issubclass(answer, WalletService) and (
        f"{answer.__name__} is no wallet service.",
        "Derive it from WalletService, which has the refund already.",
    )
    if (slip := forgotten(answer)) is not None:
        return slip
    for case in CASES:
        found = run(_one_payment(case), services={"Wallet Service": answer})
        problem = (
            _unanswered(found)
            or _other_end(case, found)
            or _wrong_decision(found)
            or _broken(found)
        )
        if problem:
            what = f"A payment of {case.amount} from a wallet of {case.balance}"
            return Feedback(False, f"{what}: {problem.says}", problem.hint)
    twice = _one_payment(CASES[0]).but(faults=(Duplicate(queue="Wallet SQS"),))
    found = run(twice, services={"Wallet Service": answer})
    problem = _unanswered(found) or _broken(found)
    yield problem and (
        f"When a message comes twice: {problem.says}",
        "handled=event has the inbox remember the event.",
    )
    for scenario in _races():
        found = run(scenario, services={"Wallet Service": answer})
        problem = _unanswered(found) or _wrong_decision(found) or _broken(found)
        yield problem and (f"When two meet: {problem.says}", problem.hint)
    return (
        "It refuses with an event and by what is in the wallet when it commits: at the boundary, "
        "with a second payment at its heels and with a refund under way. A message that comes "
        "twice changes nothing."
    )


def _one_payment(case: Case) -> Scenario:
    return scenarios.insufficient_funds.but(
        wallets=[{"user_id": "ana", "balance": exact(Decimal(case.balance))}],
        payments=[{"user_id": "ana", "amount": exact(Decimal(case.amount))}],
    )


def _races() -> Iterator[Scenario]:
    """Ana has 100.00: two payments a moment apart, and a payment at the moment of a refund.

    How many steps a handler takes is its own affair, so many moments are tried.
    """
    together = scenarios.concurrent_payments
    first = {"user_id": "ana", "amount": 60, "idempotency_key": "A"}
    for later in range(20):
        second = {"user_id": "ana", "amount": 35, "idempotency_key": "B", "at": later}
        yield together.but(payments=[first, second])
    declined = ProviderRule(behaviour="decline", payment_id="ana:A")
    for later in range(260, 310):
        second = {"user_id": "ana", "amount": 70, "idempotency_key": "B", "at": later}
        yield together.but(payments=[first, second], provider=[declined])


class Problem(NamedTuple):
    says: str
    hint: str


def _unanswered(found: Run) -> Problem | None:
    """A handler that failed, or a payment that nobody heard of again."""
    for _, reason in failures(found, "Wallet Service"):
        return Problem(f"the handler failed with {reason}.", _mend(reason))
    for payment in found.records.stores()["Payments DB"].values():
        if payment.status == "PENDING":
            return Problem(
                f"payment {payment.payment_id} stays PENDING: nobody heard what became of it.",
                "Whatever the handler decides, it must publish an event.",
            )
    return None


def _mend(reason: str) -> str:
    """Return what helps a learner whose handler failed so."""
    if reason.startswith("NotUnderstood"):
        return "Write @on(PaymentInit) above `async def debit`."
    if "'Get' object" in reason:
        return "A read is awaited: wallet = await self.wallets.get(event.user_id)."
    if "below zero" in reason:
        return "What is available is never below zero."
    if reason.startswith(("NameError", "AttributeError", "TypeError", "ImportError")):
        return "The line is counted within the cell, from its top."
    return "A refusal is an event: publish InsufficientBalance, and raise nothing."


def _other_end(case: Case, found: Run) -> Problem | None:
    stores = found.records.stores()
    (payment,) = stores["Payments DB"].values()
    left = stores["Wallet DB"]["ana"].balance
    if (payment.status, str(left)) != (case.status, case.left):
        return Problem(
            f"it ends {payment.status} with {left} left, and should end {case.status} with "
            f"{case.left}.",
            "The payer may spend what is above the reserve, all of it and no more.",
        )
    return None


def _wrong_decision(found: Run) -> Problem | None:
    """A debit or a refusal that is not right for what is in the wallet when it is committed."""
    published = {
        record.event_id: record.fact
        for record in found.records
        if isinstance(record.fact, Published)
    }
    (opening,) = found.scenario.wallets
    balance = opening.balance
    for record in found.records:
        commit = record.fact
        if not isinstance(commit, Committed) or commit.store != "Wallet DB":
            continue
        before, balance = balance, getattr(commit.item, "balance", balance)
        for event in (published[each] for each in commit.outbox):
            payload, can_be_spent = event.payload, max(before - RESERVE, ZERO)
            if event.event == "BalanceDebited" and balance < RESERVE:
                return Problem(
                    f"at {record.t} ms {payload['amount']} is taken of {before}, which leaves "
                    f"{balance}.",
                    "Decide and debit on one and the same read.",
                )
            if event.event != "InsufficientBalance" or payload["available"] == can_be_spent:
                continue
            if payload["amount"] <= can_be_spent:
                return Problem(
                    f"at {record.t} ms {payload['amount']} is refused, but {before} is in the "
                    f"wallet by then.",
                    "Commit the wallet as it was read with a refusal too: its version is checked.",
                )
            return Problem(
                f"the refusal says that {payload['available']} is available, and {can_be_spent} "
                f"can be spent.",
                "Available is the largest amount that would have been paid.",
            )
    return None


def _broken(found: Run) -> Problem | None:
    for one in found.verdicts():
        if not one.held:
            return Problem(f"the law '{one.law}' is broken: {one.detail}.", "Keep it one commit.")
    return None


SPLITS = (("100.00", 3), ("10.00", 4), ("0.05", 2), ("100.00", 7), ("99.99", 1))


@exercise
def parts(answer: Callable[[Decimal, int], Any]) -> Cases:
    """A function that divides an amount in so many parts: exact, and fair to the cent."""
    yield from a_function(answer)
    for text, ways in SPLITS:
        amount = Decimal(text)
        says = answer(amount, ways)
        yield says is ... and UNANSWERED
        problem = _unfair(amount, ways, says) or _unpaid(amount, says)
        yield problem and (f"{text} in {ways}: {problem[0]}", problem[1])
    return "All parts were paid from wallets that held just the amount, and 0.00 was left."


def _unfair(amount: Decimal, ways: int, says: Any) -> tuple[str, str] | None:
    if not isinstance(says, list | tuple):
        return f"it returns {says!r}.", "Return a list of Decimals."
    if len(says) != ways:
        return f"the list has a length of {len(says)}.", f"There must be {ways} parts."
    told = ", ".join(map(str, says))
    if all(isinstance(one, int) for one in says):
        return f"{told} are whole numbers.", "Decimal(cents) / 100 makes an amount of cents."
    if not all(isinstance(one, Decimal) for one in says):
        return f"not all of {told} are Decimals.", "A float cannot hold most amounts."
    if any(one != one.quantize(CENT) or one <= 0 for one in says):
        return f"{told} are no amounts.", "An amount has two decimals: round down to the cent."
    if sum(says) != amount:
        return (
            f"{told} make {sum(says)}.",
            "Round each part down to the cent. How many cents are left to hand out?",
        )
    if max(says) - min(says) > CENT:
        return f"{told} are not fair.", "Hand the cents that are left out one by one."
    return None


def _unpaid(amount: Decimal, says: list[Decimal]) -> tuple[str, str] | None:
    """Pay the parts, one a second, from a wallet that holds just the amount."""
    scenario = scenarios.insufficient_funds.but(
        wallets=[{"user_id": "ana", "balance": amount}],
        payments=[
            {"user_id": "ana", "amount": exact(part), "at": second * 1_000}
            for second, part in enumerate(says)
        ],
    )
    stores = run(scenario).records.stores()
    failed = [
        payment for payment in stores["Payments DB"].values() if payment.status != "COMPLETED"
    ]
    left = stores["Wallet DB"]["ana"].balance
    if failed or left:
        return f"{len(failed)} of the payments fail, and {left} is left.", "Add the parts up."
    return None
