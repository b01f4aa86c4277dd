"""Exercises of notebook 10: the smallest budget that refutes a gateway, and a law of one's own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from sagakit import scenarios
from sagakit.contract.ports import Service
from sagakit.explore import Exploration, explore
from sagakit.payments.events import ProviderPaymentFailed, ProviderPaymentInit
from sagakit.payments.provider import Charge, ProviderGateway, State
from sagakit.run import Run
from sagakit.scenarios import BadScenario
from sagakit.trace.facts import Committed
from sagakit.trace.trace import Trace
from sagakit.zoo.void_without_deciding import VoidWithoutDeciding

from .evidence import outcome
from .grader import UNANSWERED, Cases, Feedback, a_function, exercise


class DecidesBlindly(ProviderGateway):
    """Flaw: it writes its decision over whatever has been decided meanwhile."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        latest = await self.charges.get(event.payment_id) or charge
        voiding = await self.charges.commit(latest._replace(state="VOIDING"))
        await self.provider.void(event.transaction_id, timeout=self.timeout, label="voidPayment()")
        failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
        await self._settle(voiding or latest, event, "FAILED", failed)


class CompletesBlindly(ProviderGateway):
    """Flaw: it writes a success over whatever has been decided meanwhile."""

    async def _settle(
        self, charge: Charge, event: ProviderPaymentInit, state: State, outcome: Any
    ) -> None:
        if state != "SUCCEEDED":
            await super()._settle(charge, event, state, outcome)
            return
        latest = await self.charges.get(event.payment_id) or charge
        await self.charges.commit(latest._replace(state=state), publish=[outcome])


GATEWAY = "Provider Gateway"
GIVEN = scenarios.provider_error.but(
    name="unknown_outcome",
    title="One payment, and a gateway that asks once",
    about="Ana has 100.00 and pays 70.00. The gateway makes one attempt to charge it.",
    provider=(),
    settings={"provider_attempts": 1},
)
SILENCE = {"timeout_before": 1, "timeout_after": 1}
ENDS = ("SUCCEEDED", "FAILED")
WORDS = ("crashes", "duplicates", "lost_answers", "provider")
LIMIT = 50_000  # states of an exploration; the largest budget that helps has far fewer
HEARD = {
    "": "before it asks",
    "timeout": "no answer",
    "unavailable": "not reached",
    "OK": "charged",
    "declined": "declined",
    "voided": "voided",
}

Move = tuple[str, str, str]
"""From which state of a charge to which, and what the gateway had heard from the provider."""


def moves_of(finished: Run) -> list[Move]:
    """The moves of all charges in a run, in order."""
    heard: dict[int, str] = {}  # invocation to what it last heard
    found = []
    for record in finished.records:
        fact = record.fact
        if came := outcome(fact):
            heard[record.invocation] = came
        elif isinstance(fact, Committed) and fact.store == "Provider DB" and fact.item:
            before = fact.before.state if fact.before else "NEW"
            what = heard.get(record.invocation, "")
            found.append((before, fact.item.state, HEARD.get(what, what)))
    return found


def history(finished: Run) -> list[str]:
    """The states that the one charge of a run went through, in order: "NEW" first."""
    moves = moves_of(finished)
    return ["NEW", *(after for _, after, _ in moves)]


def without_breaker(finished: Run) -> Run:
    """Return the same run without what the gateway reads and writes of its breaker, to be drawn."""
    trace = finished.records
    kept = (record for record in trace if getattr(record.fact, "store", "") != "Breaker DB")
    return Run(finished.scenario, finished.seed, Trace(trace.participants, kept))


def runs_of(gateway: Service, **budget: Any) -> list[Run]:
    """The runs that an exploration judges, which come to every end."""
    found: list[Run] = []

    def keep(finished: Run) -> None:
        found.append(finished)

    explore(GIVEN, services={GATEWAY: gateway}, invariants=[keep], stop="all", **budget)
    return found


def moves_in(gateway: Service, **budget: Any) -> list[Move]:
    """Return every move that a charge makes in any schedule, each once, in the order of the
    states."""
    order = ["NEW", "TRYING", "SUCCEEDED", "VOIDING", "FAILED"]
    found = {move for finished in runs_of(gateway, **budget) for move in moves_of(finished)}
    return sorted(found, key=lambda move: (order.index(move[0]), order.index(move[1]), move[2]))


# The smallest budget.


@exercise
def smallest_budget(answer: Any) -> Cases:
    """A budget in which a gateway that voids without deciding is refuted, and no part too much."""
    yield isinstance(answer, Exploration) and (
        "This is an exploration.",
        "Give the budget alone, in a dict.",
    )
    yield not isinstance(answer, Mapping) and (
        f"{answer!r} is no budget.",
        'Write it like this: {"duplicates": 1, "provider": {"timeout_after": 2}}',
    )
    parts = [*answer.values(), *_parts(answer.get("provider")).values()]
    yield any(value is ... for value in parts) and UNANSWERED
    try:
        explored = _explored(answer)
    except (BadScenario, TypeError) as error:
        return Feedback(False, f"explore does not take this: {error}", "Copy its words.")
    yield (others := answer.keys() - WORDS) and (
        f"{min(others)!r} is none of the words of this exercise.",
        f"Take {', '.join(WORDS[:-1])} and {WORDS[-1]}.",
    )
    if not explored.broken:
        yield not explored.complete and (
            f"It was ended by {explored.cut_by}.",
            "Take a smaller budget.",
        )
        says = f"With {_told(answer)} every law holds in {explored.states:,} states."
        hint = "What must happen between the silence and the void, so that the void does harm? Who "
        return Feedback(False, says, f"{hint}else may be at work on the same message?")
    for less in _less(answer):
        yield _explored(less).broken and (
            f"It is refuted, but {_told(less)} is enough.",
            "Take away whatever is not needed.",
        )
    return f"{explored.broken[0].sentence} With any part less, every law holds."


def _explored(budget: Mapping[str, Any]) -> Exploration:
    return explore(GIVEN, services={GATEWAY: VoidWithoutDeciding}, limit=LIMIT, **budget)


def _parts(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _less(budget: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the same with one thing less that may go wrong."""
    for name, value in budget.items():
        if isinstance(value, Mapping):
            for part, many in value.items():
                if many:
                    yield {**budget, name: {**value, part: many - 1}}
        elif value:
            yield {**budget, name: value - 1}


def _told(budget: Mapping[str, Any]) -> str:
    """A budget for people: "duplicates: 1, timeout_after: 1"."""
    parts = {k: v for k, v in budget.items() if k != "provider"}
    parts.update(_parts(budget.get("provider")))
    return ", ".join(f"{name}: {many}" for name, many in parts.items() if many) or "nothing at all"


# A law of one's own.


@exercise
def settled_for_good(answer: Callable[[list[str]], Any]) -> Cases:
    """A function of a charge's history: None, or in words what is wrong with it. An end is never
    left, and what is to be voided never succeeds."""
    yield from a_function(answer)
    told: list[str] = []
    for what, path in _histories():
        said = answer(list(path))
        yield said is ... and UNANSWERED
        yield (
            said is not None
            and not isinstance(said, str)
            and (
                f"For {_way(path)} it returns {said!r}.",
                "Return None if all is well, and else a text.",
            )
        )
        wrong = _wrong(path)
        yield (
            said is not None
            and not wrong
            and (
                f"{_way(path)} is what {what} does. Your law says: {said}",
                "That is allowed. Which moves are not?",
            )
        )
        yield (
            said is None
            and wrong
            and (
                f"{_way(path)} is what {what} does, and your law says nothing.",
                f"{wrong[0]} is followed by {wrong[1]} there.",
            )
        )
        if said:
            told.append(said)
    says = "It holds for the sound gateway in all its runs, and speaks up whenever one of two "
    return f"{says}flawed ones goes astray. The first time it says: {told[0]}"


@settled_for_good.prepared
@cache
def _histories() -> list[tuple[str, tuple[str, ...]]]:
    """Return every history that comes about, the shortest first, with the gateway that it comes
    from."""
    budget = {"duplicates": 1, "provider": {**SILENCE, "decline": 1}}
    gateways: dict[str, Service] = {
        "the sound gateway": ProviderGateway,
        "DecidesBlindly": DecidesBlindly,
        "CompletesBlindly": CompletesBlindly,
    }
    found = {
        (tuple(history(finished)), what)
        for what, gateway in reversed(gateways.items())
        for finished in runs_of(gateway, **budget)
    }
    # Whether an end may be written once more is left open.
    by_history = {path: what for path, what in sorted(found) if not _repeats_an_end(path)}
    return sorted(
        ((what, path) for path, what in by_history.items()), key=lambda pair: len(pair[1])
    )


def _repeats_an_end(path: Sequence[str]) -> bool:
    return any(before == after and before in ENDS for before, after in pairwise(path))


def _wrong(path: Sequence[str]) -> tuple[str, str] | None:
    """The first move that must not be, if there is one."""
    for before, after in pairwise(path):
        leaves = before in ENDS and after != before
        if leaves or (before, after) == ("VOIDING", "SUCCEEDED"):
            return before, after
    return None


def _way(path: Sequence[str]) -> str:
    return ", ".join(path)
