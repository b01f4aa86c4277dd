"""One suite for all worlds: the same services, the same ends, the same laws.

What a world cannot do is said in its place: see docs/worlds.md for all of it.
"""

import json
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from sagakit import Run, Scenario, run, scenarios
from sagakit.contract.ports import on
from sagakit.payments.breaker import Breaker
from sagakit.payments.events import BalanceDebited, PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.trace.facts import (
    Acknowledged,
    AlreadyDone,
    Asked,
    Committed,
    DeadLettered,
    Failed,
    Received,
    Redriven,
    Retried,
)
from tests.worlds.conftest import World

TOLD = [
    scenarios.happy_path,
    scenarios.provider_error,
    scenarios.insufficient_funds,
    scenarios.concurrent_payments,
]
LONG = {
    "circuit_breaker": "its pump wakes one function after the other: while one waits, all wait",
    "disaster_recovery": "the AWS world restores no table: that is DynamoDB's own backups",
}
HELLO = {"at": 5_000, "queue": "Wallet SQS", "text": "hello"}  # no event


def ends(done: Run) -> list[tuple[str, str]]:
    return sorted(zip(done.payments.payment_id, done.payments.status, strict=True))


def broken(done: Run) -> list[str]:
    return [verdict.law for verdict in done.verdicts() if not verdict.held]


def causes(done: Run) -> set[tuple[str, str, str]]:
    """Which event of which saga followed from which."""
    events = done.events
    names = dict(zip(events.event_id, events.event, strict=True))
    return {
        (saga, names.get(cause, "the request"), name)
        for saga, cause, name in zip(
            events.correlation_id, events.causation_id, events.event, strict=True
        )
    }


F = TypeVar("F", bound=tuple[Any, ...])


def told(done: Run, kind: type[F]) -> list[F]:
    """Return the facts of a kind."""
    return [record.fact for record in done.records.entries if isinstance(record.fact, kind)]


def remarks(done: Run) -> set[str]:
    """What messages say of themselves on their arrows."""
    return {fact.remark for fact in told(done, Received)}


@pytest.mark.parametrize("scenario", TOLD, ids=lambda scenario: scenario.name)
def test_a_scenario_ends_alike_and_every_law_holds(scenario: Scenario, world: World) -> None:
    simulated = run(scenario)
    done = world(scenario)
    assert broken(done) == []
    if scenario.name == "concurrent_payments":  # who comes first is nobody's choice
        assert sorted(status for _, status in ends(done)) == ["COMPLETED", "FAILED"]
        return
    assert ends(done) == ends(simulated)
    assert causes(done) == causes(simulated)
    assert remarks(done) == remarks(simulated)
    assert done.wallets.balance.tolist() == simulated.wallets.balance.tolist()


@pytest.mark.parametrize("name", LONG)
def test_a_long_scenario_ends_alike_and_every_law_holds(name: str, world: World) -> None:
    if world.name == "aws":
        pytest.skip(LONG[name])
    scenario = getattr(scenarios, name)
    simulated, done = run(scenario), world(scenario)
    assert broken(done) == []
    assert ends(done) == ends(simulated)
    assert causes(done) == causes(simulated)
    assert done.wallets.balance.tolist() == simulated.wallets.balance.tolist()


def test_an_event_follows_its_cause_in_the_trace(world: World) -> None:
    done = world(scenarios.insufficient_funds)
    assert done.events.event.tolist() == ["PaymentInit", "InsufficientBalance", "PaymentFailed"]
    assert done.events.causation_id.tolist()[1:] == done.events.event_id.tolist()[:-1]
    assert done.events.correlation_id.unique().tolist() == ["ana:A"]


def test_a_text_that_is_no_event_becomes_a_dead_letter_and_so_again_after_a_redrive(
    world: World,
) -> None:
    redrives = [{"at": 400_000, "queue": "Wallet SQS"}]
    done = world(scenarios.happy_path.but(texts=[HELLO], redrives=redrives))
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert broken(done) == []
    first, second = told(done, DeadLettered)
    assert (first.queue, first.dead_letters) == ("Wallet SQS", "Wallet DLQ")
    assert first.reason == second.reason
    assert first.reason.startswith("NotUnderstood: not JSON")
    assert [(fact.message_id, fact.formerly) for fact in told(done, Redriven)] == [
        (second.message_id, first.message_id)
    ]
    failures = [(fact.message_id, fact.reason) for fact in told(done, Failed)]
    for letter in (first, second):
        assert failures.count((letter.message_id, letter.reason)) == 5


STRANGE = {"event_type": ["x"], "correlation_id": {"a": 1}, "event_id": 1.5}


def test_a_header_of_strange_values_is_a_dead_letter_and_stops_nobody(world: World) -> None:
    text = json.dumps({"header": STRANGE, "payload": {}})
    done = world(scenarios.happy_path.but(texts=[{**HELLO, "text": text}]))
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert broken(done) == []
    assert "Wallet DLQ" in {fact.dead_letters for fact in told(done, DeadLettered)}


def test_an_event_that_comes_twice_is_handled_once(world: World) -> None:
    done = world(scenarios.happy_path.but(texts=[payment_init_again()]))
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert done.wallets.balance.tolist() == [30]
    assert broken(done) == []
    assert told(done, AlreadyDone) == [AlreadyDone("Wallet Service")]


def test_of_a_batch_only_what_failed_comes_again(world: World) -> None:
    settings = {"wallet_batch": 10}
    batched = scenarios.happy_path.but(texts=[HELLO, payment_init_again()], settings=settings)
    if world.name == "sim":  # a message is taken when it comes: only what waits is a batch there
        outage = {"fault": "outage", "participant": "Wallet Service", "start": 4_000, "end": 6_000}
        batched = batched.but(faults=[outage])
    done = world(batched)
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert broken(done) == []
    failed = next(one for one in done.records.entries if isinstance(one.fact, Failed))
    beside = [
        one.fact.message_id
        for one in done.records.entries
        if one.invocation == failed.invocation and isinstance(one.fact, Acknowledged)
    ]
    assert beside
    receives = [fact.receives for fact in told(done, Received) if fact.message_id in beside]
    assert max(receives) == 1


def payment_init_again() -> dict[str, object]:
    """The first event of the happy path once more, with the id that it has in every world."""
    event = PaymentInit.first(
        "ana:A", payment_id="ana:A", transaction_id="tx-ana:A", user_id="ana", amount=Decimal(70)
    )
    return {"at": 5_000, "queue": "Wallet SQS", "text": event.wire()}


def rivalled(rivals: int) -> type[WalletService]:
    """A wallet service that others write as well: so many times they come between a read and its
    write, and take 1.00."""

    class Rivalled(WalletService):
        @on(PaymentInit)
        async def debit(self, event: PaymentInit) -> None:
            nonlocal rivals
            wallet = await self.wallets.get(event.user_id)
            assert wallet is not None
            if rivals:
                rivals -= 1
                await self.wallets.commit(wallet.debited(Decimal(1)))
            debited = BalanceDebited.after(
                event, amount_debited=event.amount, amount_left=wallet.balance, wallet_version=3
            )
            await self.wallets.commit(
                wallet.debited(event.amount), publish=[debited], handled=event
            )

    return Rivalled


def test_a_conflict_is_tried_again_from_the_read(world: World) -> None:
    done = world(scenarios.happy_path, {"Wallet Service": rivalled(1)})
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert done.wallets.balance.tolist() == [100 - 1 - 70]
    assert told(done, Retried) == [Retried("Wallet Service", retry=1, most=3)]


def test_a_conflict_without_an_end_becomes_a_dead_letter(world: World) -> None:
    """Four tries each time that the message comes."""
    done = world(scenarios.happy_path, {"Wallet Service": rivalled(5 * 4)})
    assert ends(done) == [("ana:A", "PENDING")]
    assert done.wallets.balance.tolist() == [100 - 5 * 4]
    (letter,) = told(done, DeadLettered)
    assert letter.dead_letters == "Wallet DLQ"
    assert letter.reason.startswith("MaxRetriesExceeded 4002: ")


def test_a_repeated_request_is_the_same_payment(world: World) -> None:
    payments = [{"user_id": "ana", "amount": 70, "idempotency_key": "A", "repeats": [0, 0]}]
    done = world(scenarios.happy_path.but(payments=payments))
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert done.wallets.balance.tolist() == [30]


def test_the_provider_declines_and_the_debit_is_refunded(world: World) -> None:
    provider = [{"behaviour": "decline"}]
    done = world(scenarios.happy_path.but(provider=provider))
    assert ends(done) == [("ana:A", "FAILED")]
    assert done.wallets.balance.tolist() == [100]
    assert broken(done) == []


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(world: World) -> None:
    provider = [{"behaviour": "timeout_after", "calls": [1]}]
    done = world(scenarios.happy_path.but(provider=provider))
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert broken(done) == []


def test_the_second_attempt_comes_after_the_delay_of_the_retry_queue(world: World) -> None:
    provider = [{"behaviour": "down", "calls": [1]}]
    done = world(scenarios.happy_path.but(provider=provider))
    assert ends(done) == [("ana:A", "COMPLETED")]
    first, second = [one.t for one in done.records.entries if isinstance(one.fact, Asked)]
    assert second - first >= 60_000


def test_an_open_breaker_spares_the_provider(world: World) -> None:
    """One failure opens it: the others fail at once, and all are refunded."""
    users = ["ana", "ben", "eva", "leo"]
    outage = Scenario(
        name="outage",
        title="The provider cannot be reached, once for each payment",
        wallets=[{"user_id": user, "balance": 100} for user in users],
        payments=[{"user_id": user, "amount": 40} for user in users],
        provider=[{"behaviour": "down", "calls": [1]}],
        settings={
            "provider_attempts": 1, "breaker_threshold": 1, "gateway_concurrency": 1,
        },
    )  # fmt: skip
    done = world(outage)
    assert set(done.payments.status) == {"FAILED"}
    assert done.wallets.balance.tolist() == [100] * 4
    assert broken(done) == []
    asked = [fact for fact in told(done, Asked) if not fact.void]
    assert len(asked) == 1


def test_a_probe_that_is_answered_closes_the_breaker(world: World) -> None:
    """The first call opens it; the second attempt comes when it has been open for long enough."""
    settings = {"breaker_threshold": 1}
    provider = [{"behaviour": "down", "calls": [1]}]
    done = world(scenarios.happy_path.but(provider=provider, settings=settings))
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert broken(done) == []
    breakers = [fact.item for fact in told(done, Committed)]
    states = [one.state for one in breakers if isinstance(one, Breaker)]
    assert states == ["OPEN", "HALF_OPEN", "CLOSED"]
