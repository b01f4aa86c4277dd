"""Exercises of notebook 07: what came twice, a refund that happens once, a dead letter."""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pandas as pd

from sagakit import scenarios
from sagakit.contract.faults import Crash, Delay, Duplicate, Outage
from sagakit.contract.ports import Bus, Ports, Service, Store
from sagakit.laws import PaymentEvidence
from sagakit.payments.events import BalanceRefunded, ReembolsarUsuario
from sagakit.payments.money import ZERO
from sagakit.payments.wallet import Wallet, WalletService
from sagakit.run import Run, run
from sagakit.trace.facts import DeadLettered, Received

from .evidence import commits
from .grader import UNANSWERED, Cases, Feedback, a_function, a_scenario, exercise
from .service_checks import Role, Trial, grade

WALLET = "Wallet Service"
GIVEN = scenarios.happy_path.but(
    name="at_least_once",
    title="A payment of 40.00, which the wallet covers twice",
    payments=[{"user_id": "ana", "amount": 40, "idempotency_key": "A"}],
)
TWICE = GIVEN.but(faults=[Duplicate(queue="Wallet SQS", event="PaymentInit")])
CRASHED = GIVEN.but(faults=[Crash(service=WALLET, event="PaymentInit", step=2, when="after")])


TWO = GIVEN.but(
    payments=[
        {"user_id": "ana", "amount": amount, "idempotency_key": key}
        for amount, key in ((40, "A"), (30, "B"))
    ]
)


def deliveries(finished: Run) -> pd.DataFrame:
    """Return every time a service was given a message: when (ms), which event, in which message,
    and how often that message had been received by then, this time included."""
    rows = [
        (record.t, fact.service, fact.event, record.event_id, fact.message_id, fact.receives)
        for record in finished.records
        if isinstance(fact := record.fact, Received)
    ]
    columns = ["t", "service", "event", "event_id", "message_id", "receive"]
    return pd.DataFrame(rows, columns=columns)


def debits(finished: Run) -> int:
    """Return how often a wallet was debited."""
    return sum(
        len(standing.debits) for standing in PaymentEvidence(finished.records).standings.values()
    )


def charged(finished: Run) -> Decimal:
    """Return what the provider has charged and not voided at the end, by its own books."""
    return sum(
        (
            standing.provider_keeps
            for standing in PaymentEvidence(finished.records).standings.values()
        ),
        ZERO,
    )


def balance_refunded(event: ReembolsarUsuario, wallet: Wallet) -> BalanceRefunded:
    """Return what the Wallet Service publishes with a refund that leaves this wallet."""
    return BalanceRefunded.after(
        event,
        amount_refunded=event.amount,
        amount_left=wallet.balance,
        wallet_version=wallet.version + 1,
    )


class WalletWithBus(WalletService):
    """The sound service, which can also publish on the bus itself, past any outbox."""

    def __init__(self, wallets: Store[Wallet], bus: Bus) -> None:
        super().__init__(wallets)
        self.bus = bus


def with_bus(service: type[WalletWithBus]) -> dict[str, Service]:
    """For the `services` of a run: that wallet service, with the bus as one more port."""

    def build(ports: Ports) -> WalletWithBus:
        return service(ports.store("Wallet DB"), ports.bus)

    return {WALLET: build}


def dead_letters(finished: Run) -> pd.DataFrame:
    """Return every message that became a dead letter: when (ms), where, which event, and why."""
    rows = [
        (record.t, fact.dead_letters, fact.event, fact.message_id, fact.reason)
        for record in finished.records
        if isinstance(fact := record.fact, DeadLettered)
    ]
    return pd.DataFrame(rows, columns=["t", "queue", "event", "message_id", "reason"])


def _twice(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The pairs of service and event that occur more than once."""
    came = Counter(zip(table.service, table.event_id, strict=True))
    return [pair for pair, times in came.items() if times > 1]


@exercise
def came_twice(answer: Callable[[pd.DataFrame], Any]) -> Cases:
    """A function of a table of `deliveries`: the ids of the events that one service was given more
    than once."""
    yield from a_function(answer)
    out = Outage(participant="Wallet DB", start=0, end=40_000)
    late = Delay(queue="Payment SQS", by=5_000)
    cases = {
        "the run with a duplicate": TWICE,
        "the run with a crash": CRASHED,
        "a run in which nothing goes wrong": GIVEN,
        "a run in which the store is out, and then the bus delivers twice": GIVEN.but(
            faults=[out, Duplicate(queue="Payment SQS", after=1_000)]
        ),
        "a run in which a message is late": GIVEN.but(faults=[late]),
        "a run with two payments": TWO,
    }
    for what, scenario in cases.items():
        table = deliveries(run(scenario))
        said = answer(table.copy())
        yield said is ... and UNANSWERED
        yield said is None and (f"For {what} it returns None.", "Is there a return?")
        yield (isinstance(said, str | pd.DataFrame) or not isinstance(said, Iterable)) and (
            f"For {what} it returns a value of type {type(said).__name__}.",
            "Return the event ids alone, in a list or a set.",
        )
        found, expected = {*map(str, said)}, {event_id for _, event_id in _twice(table)}
        if found != expected:
            return _not_those(what, table, found, expected)
    return f"It finds what came twice, and nothing else, in {len(cases)} runs."


def _not_those(what: str, table: pd.DataFrame, found: set[str], expected: set[str]) -> Feedback:
    names = dict(zip(table.event_id, table.event, strict=True))
    more = sorted({*found} - expected)
    if more and more[0] not in names:
        says = f"For {what} it names {more[0]!r}, which is no event id of that table."
        return Feedback(False, says, "The ids are in the column event_id.")
    if more:
        says = f"For {what} it names the {names[more[0]]} too."
        services = sorted({*table.service[table.event_id == more[0]]})
        hint = "Nobody was given it twice. How many services were given it?"
        return Feedback(False, says, hint if len(services) > 1 else "Nobody was given it twice.")
    missing = next(event_id for event_id in table.event_id if event_id in expected - found)
    rows = table[table.event_id == missing]
    says = f"For {what} it does not name the {names[missing]}, which came {len(rows)} times."
    if rows.message_id.nunique() > 1:
        return Feedback(False, says, "Each time it came in another message. What stayed the same?")
    return Feedback(False, says, "It came in one message, which was received more than once.")


@exercise
def handled_and_dead(answer: Any) -> Cases:
    """A scenario in which `PaymentInit` becomes a dead letter, and is debited all the same."""
    yield isinstance(answer, Crash | list | tuple) and (
        "These are faults, and not yet a scenario.",
        "Put it into the scenario: given.but(faults=[...])",
    )
    yield from a_scenario(answer, "Use given.but(faults=[...])")
    finished = run(answer)
    dead = dead_letters(finished).query("event == 'PaymentInit'")
    received = deliveries(finished).query("event == 'PaymentInit'")
    if dead.empty:
        times = "once" if len(received) == 1 else f"{len(received)} times"
        says = f"PaymentInit was received {times}, and is no dead letter."
        hint = "It must be received five times, and acknowledged never. A Crash strikes the `nth` "
        return Feedback(False, says, f"{hint}invocation: how many crashes does that take?")
    if not debits(finished):
        says = f"It is a dead letter, for this reason: {dead.reason.iloc[0]}. Nothing was debited."
        hint = "Once at least the wallet's commit must be carried out. Which step is the commit, "
        return Feedback(False, says, f"{hint}and does the crash come before or after it?")
    status, again = (
        commits(finished, "Payments DB")[-1][1].item.status,
        answer.but(redrives=[{"at": 400_000, "queue": "Wallet SQS"}]),
    )
    redriven = run(again)
    says = f"The payment is {status}, and its PaymentInit is a dead letter: "
    says += f"{dead.reason.iloc[0]}. Sent back into its queue, it would do no harm: "
    return f"{says}{debits(redriven)} debit, as before. The inbox remembers it."


REFUNDS = Role(
    service=WALLET,
    sound=WalletService,
    method="refund",
    handles=(ReembolsarUsuario,),
    lanes=("Wallet SQS", WALLET, "Wallet DB", "EventBridge"),
)
DECLINED = {"provider": {"decline": 1}}
TRIALS = (
    Trial(
        what="a payment that the provider declines",
        scenario=GIVEN,
        budget=DECLINED,
        hints=("The refund is one commit: the wallet with the money back, and the event.",),
    ),
    Trial(
        what="a refund whose message comes twice",
        scenario=GIVEN,
        budget={**DECLINED, "duplicates": 1},
        hints=(
            "Who could know, when the second message comes, that the first was handled?",
            "Which argument of `commit` puts the message in the inbox, and in which commit?",
        ),
    ),
    Trial(
        what="a refund in which a service dies at any step",
        scenario=GIVEN,
        budget={**DECLINED, "crashes": 1},
        hints=(
            "What is committed when the service dies, and what is not? The message comes again.",
            "Between two commits there is always a moment. How many commits do you need?",
        ),
    ),
    Trial(
        what="a message that comes twice and a service that dies",
        scenario=GIVEN,
        budget={**DECLINED, "duplicates": 1, "crashes": 1},
    ),
    Trial(
        what="two payments that the provider declines",
        scenario=TWO,
        budget={"provider": {"decline": 2}},
        hints=("The inbox holds the id of each message. What do you put there?",),
    ),
)


@exercise
def refunded_once(answer: Any) -> Feedback:
    """A wallet service whose `refund` has its effect once, whatever comes twice or crashes."""
    return grade(answer, REFUNDS, TRIALS)
