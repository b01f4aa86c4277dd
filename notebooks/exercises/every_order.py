"""Exercises of notebook 08: orders counted, an order that does harm, a proof that was too small."""

from collections.abc import Callable
from contextlib import suppress
from itertools import permutations
from numbers import Integral
from typing import Any

from sagakit import scenarios
from sagakit.contract.ports import VersionConflict, on
from sagakit.explore import Exploration, explore
from sagakit.payments.events import PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.run import Run, run
from sagakit.scenarios import Scenario
from sagakit.sim.schedule import Choice, ScheduleMismatch
from sagakit.trace.facts import Committed, ItemRead, StoreRefused
from sagakit.zoo.blind_write import BlindWrite
from sagakit.zoo.flaw import decided

from . import evidence
from .grader import UNANSWERED, Cases, Feedback, a_function, exercise

WALLET = "Wallet Service"


class LosesPatience(WalletService):
    """Flaw: after two conflicts it writes what it has, whatever happened meanwhile."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        for _ in range(2):
            wallet, outcome = decided(await self.wallets.get(event.user_id), event)
            with suppress(VersionConflict):
                await self.wallets.commit(wallet, publish=[outcome], handled=event)
                return
        latest = await self.wallets.get(event.user_id)
        if wallet is not None and latest is not None:
            wallet = wallet._replace(version=latest.version)
        await self.wallets.commit(wallet, publish=[outcome], handled=event)


def at_once(*amounts: int) -> Scenario:
    """Ana has 100.00 and makes these payments at once: A, B and so on."""
    payments = [
        {"user_id": "ana", "amount": amount, "idempotency_key": key}
        for amount, key in zip(amounts, "ABCDEFGH", strict=False)
    ]
    return scenarios.concurrent_payments.but(name="at_once", payments=payments)


TWO = at_once(70, 80)


def begun(scenario: Scenario = TWO) -> list[Choice]:
    """The Payment Service's steps: it writes all payments down, one after the other."""
    return [
        Choice("Payment Service", payment.payment_id)
        for payment in scenario.payments
        for _ in ("look whether it is there", "write it")
    ]


def at_the_wallet(order: str, scenario: Scenario = TWO) -> list[Choice]:
    """A schedule: all payments are written down, and then the Wallet Service makes its steps in
    this order, "ABBA" say. Raises `ValueError` for a payment that is not there."""
    beginning = begun(scenario)
    asked = run(scenario, schedule=beginning).events.query("event == 'PaymentInit'")
    event_ids = {saga.partition(":")[2]: event_id for saga, event_id in zip(
        asked.correlation_id.astype(str), asked.event_id, strict=True
    )}  # fmt: skip
    for name in order:
        if name not in event_ids:
            raise ValueError(f"there is no payment {name!r}: use {', '.join(event_ids)}")
    return [*beginning, *(Choice(WALLET, event_ids[name]) for name in order)]


def conflicts(finished: Run) -> int:
    """Return how many writes were refused because another one had come first."""
    return len(evidence.conflicts(finished))


@exercise
def counts_orders(answer: Callable[..., Any]) -> Cases:
    """A function: in how many orders handlers with so many steps each can run side by side."""
    yield from a_function(answer)
    cases = [(2, 2), (1,), (3, 1), (2, 3), (1, 1, 1), (2, 2, 2), (4, 3), (1, 2, 1, 2)]
    for steps in cases:
        said = answer(*steps)
        yield said is ... and UNANSWERED
        expected = _orders(steps)
        if isinstance(said, bool) or not isinstance(said, Integral):
            says = f"orders{_told(steps)} returns {said!r}, and a whole number is asked for."
            hint = "Is there a return?" if said is None else ""
            if isinstance(said, float):
                hint = "// divides whole numbers without a rest."
            return Feedback(False, says, hint)
        if said != expected:
            first = ", ".join(sorted(_names(steps))[:3])
            there = f"There are {expected}: {first}" if expected > 1 else f"There is one: {first}"
            says = f"orders{_told(steps)} returns {said}. {there}"
            says += ", and so on." if expected > 3 else "."
            yield len(steps) > 2 and (says, "Put the handlers in one by one.")
            return Feedback(False, says, "Choose the places of the first handler's steps.")
    return f"It agrees with {len(cases)} lists that were written out in full."


def _names(steps: tuple[int, ...]) -> set[str]:
    """Return every order, written out."""
    all_steps = "".join(name * many for name, many in zip("ABCDEFGH", steps, strict=False))
    return {"".join(order) for order in permutations(all_steps)}


def _orders(steps: tuple[int, ...]) -> int:
    return len(_names(steps))


def _told(steps: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, steps))})"


@exercise
def breaks_by_hand(answer: Any) -> Cases:
    """An order of the wallet's steps in which the service with the fresh version breaks a law."""
    if isinstance(answer, list | tuple):
        answer = "".join(map(str, answer))
    yield not isinstance(answer, str) and (
        f"{answer!r} is no order.",
        'Write it like this: "AAABBB".',
    )
    order = answer.replace(" ", "").replace(",", "").upper()
    yield not order and ("Nobody's turn is named.", 'Write it like this: "AAABBB".')
    yield (wrong := sorted({*order} - {*"AB"})) and (
        f"There is no payment {wrong[0]!r}.",
        "Only A and B take turns.",
    )
    try:
        finished = run(TWO, services={WALLET: BlindWrite}, schedule=at_the_wallet(order))
    except ScheduleMismatch:
        taken = _steps_taken(order)
        says = f"In {order} there is a turn too many: after {taken} the one named next is done."
        return Feedback(False, says, "Two reads and a write make three steps for each payment.")
    broken = [verdict for verdict in finished.verdicts() if not verdict.held]
    if not broken:
        says = f"In {order} every law holds. The wallet's steps were: {_told_steps(finished)}."
        hint = "What must come between the two reads of one payment, for its second read to be "
        return Feedback(False, says, f"{hint}of another wallet than its first?")
    says = f"In this order the law {broken[0].law!r} is broken: {broken[0].detail}."
    return says


def _steps_taken(order: str) -> str:
    """The longest beginning of an order that can be run."""
    for end in range(len(order), 0, -1):
        try:
            run(TWO, services={WALLET: BlindWrite}, schedule=at_the_wallet(order[:end]))
        except ScheduleMismatch:
            continue
        return order[:end]
    return "nothing"


def _told_steps(finished: Run) -> str:
    """Return what the Wallet DB answered, in order: "A reads 100.00, A writes 30.00"."""
    said = []
    for record in finished.records:
        name = str(record.saga).partition(":")[2]
        match record.fact:
            case ItemRead() as fact if fact.store == "Wallet DB":
                said.append(f"{name} reads {fact.item.balance}")
            case Committed() as fact if fact.store == "Wallet DB":
                moved = fact.item.balance != fact.before.balance
                said.append(f"{name} writes {fact.item.balance}" if moved else f"{name} declines")
            case StoreRefused() as fact if fact.store == "Wallet DB":
                said.append(f"{name} is refused")
    return ", ".join(said)


@exercise
def refutes(answer: Any) -> Cases:
    """An exploration that finds `LosesPatience` out, in a world that the sound service survives."""
    yield isinstance(answer, Scenario) and (
        "This is a scenario.",
        "Give what explore(...) returns for it.",
    )
    yield isinstance(answer, Run) and ("This is one run.", "Give what explore(...) returns.")
    yield not isinstance(answer, Exploration) and (
        f"This is of type {type(answer).__name__}, and no exploration.",
        "answer = explore(scenario, services=...)",
    )
    yield dict(answer.services or {}) != {WALLET: LosesPatience} and (
        "This explores something else than LosesPatience.",
        'Explore with services={"Wallet Service": LosesPatience}',
    )
    if not answer.broken:
        yield not answer.complete and (
            f"Nothing was found before {answer.cut_by} ended it.",
            "Look for something smaller.",
        )
        says = f"Complete, and every law holds, in all {answer.states:,} states."
        hint = "Two conflicts are needed before it loses its patience, and then a third write. Who "
        return Feedback(False, says, f"{hint}else writes the wallet while one payment tries?")
    sound = explore(answer.scenario, **{**answer.arguments, "services": None})
    yield sound.broken and (
        f"There the sound service breaks a law, too: {sound.broken[0].verdict.law}.",
        "A message that is dropped is lost for anybody.",
    )
    found = answer.broken[0]
    says = f"{found.sentence} There the sound service keeps every law, in {sound.states:,} states."
    return f"{says} The proof before was complete; its world was too small."
