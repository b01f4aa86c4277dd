"""The exercises of notebook 05: two payments on one wallet."""

from collections.abc import Iterable
from numbers import Number
from typing import Any

import pandas as pd

from sagakit.contract.faults import Duplicate
from sagakit.payments.events import BalanceDebited, PaymentInit
from sagakit.payments.wallet import Wallet, WalletService
from sagakit.run import Run, run
from sagakit.scenarios import Scenario, concurrent_payments

from .evidence import conflicts, failures, listed, statuses
from .grader import UNANSWERED, Cases, Feedback, exercise
from .service_checks import forgotten, tells_what_was_written

HINTS = {
    "balance": """\
Go through the payments in the order in which they commit. Which of them does the balance still \
cover when its turn comes?""",
    "version": """\
The wallet is opened with version 1, and a debit raises the version by one. Does a report that \
the balance is too small change the wallet?""",
    "number of refused writes": """\
A write is refused if the wallet's version has moved on since the read. Ask of each payment how \
often that happens to it.""",
}


def at_once(*amounts: int, apart: int = 1) -> Scenario:
    """Ana has 100.00 and makes these payments, `apart` ms from one to the next."""
    payments = [
        {"user_id": "ana", "amount": amount, "at": apart * index}
        for index, amount in enumerate(amounts)
    ]
    return concurrent_payments.but(payments=payments)


def balance_debited(event: PaymentInit, wallet: Wallet) -> BalanceDebited:
    """Return what the Wallet Service publishes with a debit that leaves this wallet."""
    return BalanceDebited.after(
        event,
        amount_debited=event.amount,
        amount_left=wallet.balance,
        wallet_version=wallet.version + 1,
    )


@exercise
def three_at_once(answer: Any) -> Cases:
    """The balance, the version and the refused writes after payments of 50, 60 and 30 at once."""
    yield (
        not isinstance(answer, Iterable) or isinstance(answer, str)
    ) and "Three numbers are asked for: (balance, version, refused writes)."
    given = tuple(answer)
    yield (
        len(given) != 3
        and f"Three numbers are asked for, (balance, version, refused writes), not {len(given)}."
    )
    yield any(one is ... for one in given) and UNANSWERED
    yield (odd := [one for one in given if not isinstance(one, Number)]) and (
        f"{odd[0]!r} is no number.",
        "Write 30 for 30.00.",
    )
    result = run(at_once(50, 60, 30))
    wallet = result.records.stores()["Wallet DB"]["ana"]
    expected = (wallet.balance, wallet.version, len(conflicts(result)))
    wrong = [name for name, is_, was in zip(HINTS, given, expected, strict=True) if is_ != was]
    right = [name for name in HINTS if name not in wrong]
    if wrong:
        says = f"Right so far: the {' and the '.join(right)}. " if right else ""
        return Feedback(False, f"{says}Look at the {wrong[0]} again.", HINTS[wrong[0]])
    return (
        f"50.00 is debited first. 60.00 and 30.00 are refused once each, read again, and find "
        f"{wallet.balance + 30}: too little for 60.00, enough for 30.00. The report on 60.00 moved "
        f"no version, so it could not stand in the way of the debit of 30.00."
    )


@exercise
def conflicts_found(answer: Any) -> Cases:
    """A function that names the saga of each refused write, in order, from a trace."""
    yield not callable(answer) and "A function is asked for: def conflicts(trace): ..."
    again = Duplicate(queue="Wallet SQS", event="PaymentInit", correlation_id="ana:1", after=500)
    cases = (
        ("two payments at once", run(concurrent_payments)),
        ("two payments far apart", run(at_once(70, 80, apart=1_000))),
        ("five payments at once", run(at_once(10, 10, 10, 10, 10))),
        ("a message that comes twice", run(at_once(40, apart=1).but(faults=[again]))),
    )
    for what, result in cases:
        found = answer(result.trace)
        yield found is ... and UNANSWERED
        yield isinstance(found, pd.DataFrame) and (
            "It returns whole rows.",
            "Take one column: correlation_id.",
        )
        yield (not isinstance(found, Iterable) or isinstance(found, str)) and (
            f"It returns {found!r}; a list of sagas is asked for.",
            ("" if found is not None else "Is there a return?"),
        )
        named, expected = [str(one) for one in found], conflicts(result)
        sagas = {payment.payment_id for payment in result.scenario.payments}
        yield (odd := [one for one in named if one not in sagas]) and (
            f"For {what} it returns {odd[0]!r}, which is no saga of that run.",
            "Take the correlation_id of the rows, as a list.",
        )
        yield named != expected and (
            f"For {what} it finds {listed(named)}; there {_were(expected)}.",
            _why_not(named, expected),
        )
    return "It finds every refused write in four runs, and nothing else."


def _why_not(named: list[str], expected: list[str]) -> str:
    if named and not expected:
        return (
            "A store refuses for other reasons too. Ask for the label that stands for a conflict."
        )
    if sorted(named) == sorted(set(expected)):
        return "A payment that is refused twice counts twice: keep the rows as they are."
    if sorted(named) == sorted(expected):
        return "The order is that of the trace."
    return "Look at the label of the row in which the Wallet DB answers with a refusal."


@exercise
def repaired(service: Any) -> Cases:
    """A wallet service whose `debit` meets conflicts soundly."""
    yield (
        not isinstance(service, type) or not issubclass(service, WalletService)
    ) and "A class is asked for: class Repaired(WalletService): ..."
    yield service.debit is WalletService.debit and (
        "This is the sound service's own `debit`.",
        "Write `debit` in your class.",
    )
    yield PaymentInit not in getattr(service.debit, "handles", ()) and (
        "Nothing handles PaymentInit.",
        "Mark `debit` with @on(PaymentInit).",
    )
    missing = forgotten(service)
    if missing is not None:
        return missing
    again = Duplicate(queue="Wallet SQS", event="PaymentInit", correlation_id="ana:1", after=500)
    cases = (
        ("one payment", at_once(70)),
        ("two payments far apart", at_once(70, 80, apart=1_000)),
        ("two payments at once", at_once(70, 80)),
        ("three payments at once that are all covered", at_once(50, 30, 20)),
        ("three payments at once, of which the second is not covered", at_once(50, 60, 30)),
        ("a message that comes twice", at_once(40).but(faults=[again])),
        ("five payments at once", at_once(10, 10, 10, 10, 10)),
    )
    for what, scenario in cases:
        result = run(scenario, services={"Wallet Service": service})
        problem = _problem(result, run(scenario))
        yield problem and (f"With {what}: {problem[0]}", problem[1])
    return f"All laws hold, and every payment ends as it should, in {len(cases)} runs."


def _problem(result: Run, sound: Run) -> tuple[str, str] | None:
    """Return what is wrong with this run, and a hint."""
    for record, reason in failures(result, "Wallet Service"):
        if not reason.startswith("MaxRetriesExceeded"):
            return (
                f"your handler failed at {record.t} ms with {reason}.",
                "An `await` is missing before the read."
                if "'Get' object" in reason
                else "Read the error; the line counts within the cell.",
            )
    broken = [verdict for verdict in result.verdicts() if not verdict.held]
    if broken:
        twice = [verdict for verdict in broken if verdict.law == "at most once"]
        law, _, detail, _ = (twice or broken)[0]
        return f"the law {law!r} is broken: {detail}.", _hint(law, met=bool(conflicts(result)))
    if stale := tells_what_was_written(result):
        return f"{stale}.", "After a conflict the event has to be made afresh, like the balance."
    expected = statuses(sound)
    for saga, status in statuses(result).items():
        if status != expected[saga]:
            return (
                f"{saga} ended {status}; it should end {expected[saga]}.",
                "Decide afresh after each read: does the balance cover the amount now?",
            )
    return None


def _hint(law: str, *, met: bool) -> str:
    """Return what helps with a broken law, in a run that met a conflict or met none."""
    if law == "at most once":
        return "Which argument of `commit` puts the message in the inbox?"
    if law == "every saga ends":
        return (
            "Each way through `debit` ends with a commit that tells of an outcome. Which does not?"
        )
    if met and law in ("conservation", "no overdraft", "agreement"):
        return (
            "Work out the new balance from the read whose version the condition names. "
            "What is the balance when the write is sent again?"
        )
    return "Compare your `debit` with the one at the top of this notebook, line by line."


def _were(sagas: list[str]) -> str:
    if not sagas:
        return "is no conflict"
    return (
        f"are {len(sagas)}, of {listed(sorted(set(sagas)))}"
        if len(sagas) > 1
        else f"is one, of {sagas[0]}"
    )
