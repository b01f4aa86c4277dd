"""The exercises of notebook 06: the wallet store is lost and rebuilt."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from numbers import Number
from random import Random
from types import EllipsisType
from typing import Any

import pandas as pd

from sagakit.contract.faults import Duplicate, Loss
from sagakit.payments.events import BalanceDebited, BalanceRefunded
from sagakit.payments.recovery import RecoverableWalletService
from sagakit.payments.wallet import Wallet
from sagakit.run import Run, run
from sagakit.scenarios import ProviderRule, Recovery, Scenario, disaster_recovery
from sagakit.trace.facts import Answered
from sagakit.trace.trace import Trace

from .grader import UNANSWERED, Cases, Feedback, exercise, line_of
from .service_checks import forgotten

MOVEMENTS = (BalanceDebited.__name__, BalanceRefunded.__name__)
COLUMNS = ["t", "event", "payment_id", "user_id", "amount", "wallet_version"]

State = tuple[Decimal, int]  # a balance and its version
Ledger = list[tuple[Any, Decimal]]  # the events of a wallet, each with the balance that it left


def wallets_at(finished: Run, t: int) -> pd.DataFrame:
    """The wallets as the store held them at that moment (ms): user, balance, version."""
    records = finished.records
    until = Trace(records.participants, (record for record in records if record.t <= t))
    wallets = until.stores()["Wallet DB"].values()
    return pd.DataFrame(wallets, columns=["user_id", "balance", "version"])


def movements(finished: Run) -> pd.DataFrame:
    """The published events that move money in a wallet, in the order of their publication."""
    events = finished.events
    return events[events.event.isin(MOVEMENTS)][COLUMNS].reset_index(drop=True)


def moved(wallet: Wallet, event: BalanceDebited | BalanceRefunded) -> Wallet:
    """The wallet after what the event says."""
    if isinstance(event, BalanceRefunded):
        return wallet.credited(event.amount)
    return wallet.debited(event.amount)


def twice(payment_id: str, *, at: int) -> Duplicate:
    """The bus delivers the `PaymentInit` of this payment once more, about `at` ms into the run."""
    asked = next(
        payment for payment in disaster_recovery.payments if payment.payment_id == payment_id
    )
    return Duplicate(
        queue="Wallet SQS", event="PaymentInit", correlation_id=payment_id, after=at - asked.at
    )


# Exercise 1.


@exercise
def folded(apply: Any) -> Cases:
    """A function that gives the balance after one event."""
    yield not callable(apply) and "A function is asked for: def apply(balance, event): ..."
    count = 0
    for finished in _histories():
        for user, opening, rows in _ledgers(finished):
            balance: Any = opening.balance
            for event, expected in rows:
                after = apply(balance, event)
                yield after is ... and UNANSWERED
                yield after is None and (
                    f"For {event.event} it returns None.",
                    "Does every way through it return?",
                )
                yield (
                    not isinstance(after, Number)
                    and f"It returns {after!r}; the new balance is asked for, a number."
                )
                yield after != expected and (
                    (
                        f"{user} has {balance}, then comes {event.event} with amount "
                        f"{event.amount}: your function says {after}."
                    ),
                    "Which of the two events takes money out of the wallet?",
                )
                balance = after
                count += 1
    return f"It gives every balance of three histories, {count} events in all."


# Exercise 2.


@exercise
def rebuilt(rebuild: Any) -> Cases:
    """A function that brings a wallet of a snapshot up to date from events in any order."""
    yield not callable(rebuild) and "A function is asked for: def rebuild(wallet, events): ..."
    wallets = [ledger for finished in _histories() for ledger in _ledgers(finished)]
    for user, opening, ledger in wallets:
        for done, snapshot, end in _snapshots(opening, ledger):
            for what, events in _untidy([event for event, _ in ledger], done):
                problem = _not_rebuilt(rebuild, user, snapshot, end, what, events)
                if problem is not None:
                    return problem
    for user, opening, ledger in wallets:
        for done, snapshot, _ in _snapshots(opening, ledger):
            after_the_next = [event for event, _ in ledger[done + 1 :]]
            yield (
                after_the_next
                and not _refuses(rebuild, snapshot, after_the_next)
                and (
                    (
                        f"{user} has version {snapshot[1]} in the snapshot, and the next event is "
                        f"missing. Your function rebuilds the wallet all the same."
                    ),
                    "A version that is neither old nor the next one is a gap: raise an error.",
                )
            )
    return "It rebuilds every wallet from every snapshot, whatever the order, and sees a gap."


def _snapshots(opening: Wallet, ledger: Ledger) -> Iterable[tuple[int, State, State]]:
    """Each state that a snapshot could hold: how many events it has, itself, and the last one."""
    states = [(opening.balance, opening.version)]
    states += [(balance, event.wallet_version) for event, balance in ledger]
    return [(done, state, states[-1]) for done, state in enumerate(states)]


def _untidy(history: list[Any], done: int) -> Iterable[tuple[str, list[Any]]]:
    """Return what an event store may give for a wallet whose snapshot has the first `done`
    events."""
    yield "just the events since the snapshot, in order", history[done:]
    yield "the whole history, of which the snapshot has a part", history
    shuffled = Random(f"untidy/{done}").sample(history, len(history))
    yield "the whole history in another order", shuffled
    yield "the whole history with an event that comes twice", [*history, *history[-1:]]
    yield (
        "the whole history in another order, and with one time for all",
        [event._replace(t=0) for event in shuffled],
    )


def _not_rebuilt(
    rebuild: Callable[..., Any],
    user: str,
    snapshot: State,
    expected: State,
    what: str,
    events: Sequence[Any],
) -> Feedback | None:
    given = f"Given {what}: {user} is {_shown(snapshot)} in the snapshot and should become "
    given += f"{_shown(expected)}, but your function"
    hint = (
        "Take the events in the order of wallet_version. Apply one only if it is the next version."
    )
    try:
        found = rebuild(snapshot, list(events))
    except Exception as error:
        says = f"{given} raised {type(error).__name__}{line_of(error)}: {error}"
        return Feedback(False, says, f"{hint} One that the wallet has already is no error.")
    if found is ...:
        return Feedback(False, UNANSWERED)
    if not isinstance(found, tuple | list) or len(found) != 2:
        return Feedback(False, f"It returns {found!r}; (balance, version) is asked for.")
    if isinstance(found[0], EllipsisType):
        return Feedback(False, "It calls `apply`, which is not written yet: exercise 1.")
    if tuple(found) == expected:
        return None
    return Feedback(False, f"{given} says {_shown(found)}.", hint)


def _refuses(rebuild: Callable[..., Any], snapshot: State, events: list[Any]) -> bool:
    try:
        rebuild(snapshot, events)
    except Exception:
        return True
    return False


# Exercise 3.


@exercise
def recovers(service: Any) -> Cases:
    """A wallet service whose `_apply` rebuilds the balances, the versions and the inbox."""
    yield (
        not isinstance(service, type) or not issubclass(service, RecoverableWalletService)
    ) and "A class is asked for: class Complete(RecoverableWalletService): ..."
    yield service._apply is RecoverableWalletService._apply and (
        "This is the sound service's own `_apply`.",
        "Write `_apply` in your class.",
    )
    missing = forgotten(service)
    if missing is not None:
        return missing
    for what, scenario in _disasters():
        finished = run(scenario, services={"Wallet Service": service})
        failed = _failure(finished)
        if failed:
            unread = "'Get' object" in failed
            hint = "An `await` is missing before the read." if unread else "Read the error."
            return Feedback(False, f"With {what}: {failed}", hint)
        broken = {verdict.law: verdict for verdict in finished.verdicts() if not verdict.held}
        if broken:
            law = next((one for one in HINTS if one in broken), next(iter(broken)))
            return Feedback(
                False,
                f"With {what}: the law {law!r} is broken: {broken[law].detail}.",
                _hint(law, broken[law].detail),
            )
    return f"All laws hold in {len(_disasters())} runs, each with a loss."


def _hint(law: str, detail: str) -> str:
    if "go out again" in detail:
        return "The others have had this event, and acted on it. What does a replay publish?"
    return HINTS.get(law, "Compare your `_apply` with what the two flawed ones leave out.")


HINTS = {
    "recovery": """\
When is an event already part of the snapshot? The wallet's version and the event's \
wallet_version tell.""",
    "at most once": """\
What must the store remember, so that the request of a payment that was debited before the loss \
is not debited again?""",
    "no overdraft": """\
The ledger cannot tell why a balance was changed: the write names no request, or another id than \
a request's. Which argument of `commit` names it, and which id of the event's header is it?""",
}


def _disasters() -> tuple[tuple[str, Scenario], ...]:
    """Losses that differ in the moment of the snapshot, in that of the loss, or in what follows."""
    given = disaster_recovery
    again = [
        twice(payment_id, at=6_000) for payment_id in ("ana:1", "eva:5", "ben:6", "ana:7", "eva:8")
    ]
    return (
        ("the given scenario", given),
        ("a snapshot at 0.06 s", given.but(recovery=_recovery(60))),
        ("a snapshot at 2 s", given.but(recovery=_recovery(2_000))),
        ("a snapshot at 2.99 s", given.but(recovery=_recovery(2_990))),
        ("five requests that come again", given.but(faults=[*given.faults, *again])),
        ("a loss at 1.5 s", given.but(faults=[Loss(store="Wallet DB", at=1_500)])),
        ("a loss at 2.986 s", given.but(faults=[Loss(store="Wallet DB", at=2_986)])),
    )


def _recovery(snapshot_at: int) -> Recovery:
    return Recovery(snapshot_at=snapshot_at, start_at=3_500)


def _failure(finished: Run) -> str | None:
    """Return how the recovery itself failed, if it did: the operator is told."""
    for record in finished.records:
        fact = record.fact
        if isinstance(fact, Answered) and fact.source == "Operator" and fact.failed:
            reason = fact.answer.partition("failed: ")[2]
            return f"your recovery failed at {record.t} ms with {reason}."
    return None


# Histories to try an answer on.


def _histories() -> Iterable[Run]:
    """Runs without a loss: the given payments; all of them declined; many of one user."""
    calm = disaster_recovery.but(faults=(), recovery=None)
    many = [{"user_id": "ana", "amount": 5 + number, "at": 400 * number} for number in range(8)]
    declined = [
        ProviderRule(behaviour="decline", payment_id=f"ana:{number}") for number in (2, 3, 6)
    ]
    return (
        run(calm),
        run(calm.but(provider=[ProviderRule(behaviour="decline")])),
        run(calm.but(payments=many, provider=declined)),
    )


def _ledgers(finished: Run) -> Iterable[tuple[str, Wallet, Ledger]]:
    """Each user, the opening wallet, and the events with the balance that each of them left."""
    left = finished.events.amount_left
    rows = movements(finished)
    rows = rows.assign(left=left[finished.events.event.isin(MOVEMENTS)].to_numpy())
    for one in finished.scenario.wallets:
        own = rows[rows.user_id == one.user_id]
        events = own[COLUMNS].itertuples(index=False, name="Row")
        ledger = list(zip(events, own.left, strict=True))
        yield one.user_id, Wallet(one.user_id, one.balance, 1), ledger


def _shown(state: Sequence[Any]) -> str:
    return f"({state[0]}, version {state[1]})"
