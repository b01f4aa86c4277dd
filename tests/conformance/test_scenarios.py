"""Each scenario runs as its sequence diagram has it: every arrow, in order, and what is noted."""

import json
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagakit import run, scenarios
from sagakit.contract.faults import Loss
from sagakit.payments.wallet import Wallet
from sagakit.scenarios import Recovery
from sagakit.trace.arrows import Arrow
from sagakit.trace.facts import Asked, Committed, PartySilent, Published
from sagakit.trace.trace import Trace
from tests.conformance.diagram import FOLDER, Diagram, Mismatch, hold

GATEWAY, PROVIDER = "Provider Gateway", "External Provider API"
SEEDS = (0, 1, 2)
SAGAS = {
    "concurrent_payments": {
        each.idempotency_key: each.payment_id for each in scenarios.concurrent_payments.payments
    }
}


@cache
def trace(name: str, seed: int = 0) -> Trace:
    return run(name, seed=seed).records


def between(name: str, source: str, target: str, saga: str | None = None) -> list[Arrow]:
    """The arrows from the one to the other, of one saga if it is given."""
    return [
        arrow
        for arrow in trace(name).arrows()
        if (arrow.source, arrow.target) == (source, target) and saga in (None, arrow.correlation_id)
    ]


def items(name: str, store: str) -> dict[str, Any]:
    return trace(name).stores()[store]


def test_every_scenario_has_a_diagram_and_every_diagram_a_scenario() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(scenarios.NAMES)


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_diagram_is_well_formed(name: str) -> None:
    data = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert data["diagram"] == name
    ends = {step[end] for step in data["steps"] for end in ("from", "to")}
    assert ends <= {each["name"] for each in data["participants"]}
    assert {step["kind"] for step in data["steps"]} <= {"call", "async", "return"}


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_participants_are_those_of_the_diagram(name: str) -> None:
    assert set(Diagram.named(name).participants) <= set(trace(name).participants)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_trace_conforms(name: str, seed: int) -> None:
    hold(trace(name, seed).arrows(), Diagram.named(name), SAGAS.get(name))


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_no_arrow_of_a_diagram_can_be_left_out(name: str) -> None:
    diagram, arrows = Diagram.named(name), list(trace(name).arrows())
    for step in diagram.steps:
        with pytest.raises(Mismatch):
            hold([arrow for arrow in arrows if not step.is_like(arrow)], diagram, SAGAS.get(name))


def test_happy_path_carries_one_correlation_id() -> None:
    """The note on the whole diagram."""
    sagas = {
        each.correlation_id for each in trace("happy_path").arrows() if each.source != each.target
    }
    assert sagas == {"ana:A"}


def test_happy_path_debits_and_publishes_in_one_atomic_operation() -> None:
    assert [each.text for each in between("happy_path", "Wallet Service", "Wallet DB")] == [
        "read item",
        "update balance: 30.00, version: 2, condition version == 1 & outbox [BalanceDebited]",
    ]


def executions() -> list[Arrow]:
    return [each for each in between("provider_error", GATEWAY, PROVIDER) if not each.fact.void]


def test_provider_error_attempts_carry_the_same_idempotency_key_and_parameters() -> None:
    facts = [each.fact for each in executions()]
    assert all(isinstance(fact, Asked) for fact in facts)
    assert [(fact.key, fact.request) for fact in facts] == [
        ("tx-ana:A", ("ana", Decimal("70.00")))
    ] * 2


def test_provider_error_attempts_have_no_answer_within_the_timeout() -> None:
    silences = [
        each for each in trace("provider_error").arrows() if isinstance(each.fact, PartySilent)
    ]
    assert [each.text for each in silences] == ["no response within 5000 ms: timeout"] * 2
    assert [each.t for each in silences] == [each.t + 5_000 for each in executions()]


def test_provider_error_tries_again_after_one_minute_in_the_retry_queue() -> None:
    enqueued, *_ = between("provider_error", GATEWAY, "Provider Retry SQS")
    taken, *_ = between("provider_error", "Provider Retry SQS", GATEWAY)
    assert enqueued.text == "Enqueue (attempt=2), delay 1 minute"
    assert taken.text == "Invoke Lambda (attempt=2)"
    slowest_poll = scenarios.provider_error.timing.poll[1]
    assert 60_000 < taken.t - enqueued.t <= 60_000 + slowest_poll


def test_provider_error_returns_the_money_to_the_user() -> None:
    payment = items("provider_error", "Payments DB")["ana:A"]
    assert (payment.status, payment.reason) == ("FAILED", "PROVIDER_TIMEOUT")
    assert items("provider_error", "Wallet DB")["ana"] == Wallet("ana", Decimal("100.00"), 3)


def test_insufficient_funds_asks_for_70_and_reads_a_balance_of_50() -> None:
    (asked,) = between("insufficient_funds", "Wallet SQS", "Wallet Service")
    (read, _) = between("insufficient_funds", "Wallet DB", "Wallet Service")
    assert asked.text == "Invoke Lambda (payment of 70.00)"
    assert read.text == "{balance: 50.00, version: 1}"


def test_insufficient_funds_debits_nothing_and_fails_the_payment() -> None:
    assert items("insufficient_funds", "Wallet DB")["ana"] == Wallet("ana", Decimal("50.00"), 1)
    payment = items("insufficient_funds", "Payments DB")["ana:A"]
    assert (payment.status, payment.reason) == ("FAILED", "INSUFFICIENT_FUNDS")
    assert not between("insufficient_funds", "EventBridge", "Provider SQS")


def test_concurrent_payments_are_both_read_before_the_first_update() -> None:
    """The diagram's rule for the order across its transactions."""
    arrows = between("concurrent_payments", "Wallet Service", "Wallet DB")
    a, b = SAGAS["concurrent_payments"].values()
    assert [(each.correlation_id, each.label) for each in arrows[:3]] == [
        (a, "read item"),
        (b, "read item"),
        (a, "update"),
    ]


def test_concurrent_payments_meet_a_conflict_at_the_wallet_and_read_again() -> None:
    def story(saga: str) -> list[str]:
        ends = {"Wallet Service", "Wallet DB"}
        return [
            arrow.text
            for arrow in trace("concurrent_payments").arrows()
            if arrow.correlation_id == saga and {arrow.source, arrow.target} == ends
        ]

    assert story("ana:A") == [
        "read item",
        "{balance: 100.00, version: 1}",
        "update balance: 30.00, version: 2, condition version == 1 & outbox [BalanceDebited]",
        "OK",
    ]
    assert story("ana:B") == [
        "read item",
        "{balance: 100.00, version: 1}",
        "update balance: 20.00, version: 2, condition version == 1 & outbox [BalanceDebited]",
        "ConditionalCheckFailedException: Wallet DB: ana has version 2 by now, not 1",
        "read item",
        "{balance: 30.00, version: 2}",
        "check condition version == 2 & outbox [InsufficientBalance]",
        "OK",
    ]


def test_concurrent_payments_end_with_one_completed_and_one_failed() -> None:
    assert items("concurrent_payments", "Wallet DB")["ana"] == Wallet("ana", Decimal("30.00"), 2)
    payments = items("concurrent_payments", "Payments DB")
    assert {each.amount: (each.status, each.reason) for each in payments.values()} == {
        70: ("COMPLETED", ""),
        80: ("FAILED", "INSUFFICIENT_FUNDS"),
    }


def changes_of_state() -> list[tuple[int, str]]:
    """The breaker's states, each with the ms at which it began."""
    written = [
        (each.t, each.fact.item.state)
        for each in between("circuit_breaker", "Breaker DB", GATEWAY)
        if isinstance(each.fact, Committed)
    ]
    begins = [written[0]]
    begins += [now for before, now in pairwise(written) if before[1] != now[1]]
    return begins


def test_circuit_breaker_is_closed_open_half_open_and_closed_again() -> None:
    assert [state for _, state in changes_of_state()] == ["CLOSED", "OPEN", "HALF_OPEN", "CLOSED"]


def test_circuit_breaker_lets_nobody_call_while_open_and_then_one_probe() -> None:
    _, (opened, _), (half_open, _), (closed, _) = changes_of_state()
    calls = [each.t for each in between("circuit_breaker", GATEWAY, PROVIDER)]
    assert not [t for t in calls if opened < t < half_open]
    assert len([t for t in calls if half_open <= t < closed]) == 1
    assert half_open - opened >= scenarios.circuit_breaker.settings.breaker_open_for


def test_circuit_breaker_compensates_what_fails_fast_without_a_call() -> None:
    arrows = list(trace("circuit_breaker").arrows())
    rejected = [
        payment.payment_id
        for payment in items("circuit_breaker", "Payments DB").values()
        if payment.reason == "CIRCUIT_OPEN"
    ]
    assert len(rejected) > 10
    for saga in rejected:
        own = [arrow for arrow in arrows if arrow.correlation_id == saga]
        hold(own, Diagram.named("circuit_breaker").phase("fail fast"))
        assert not [arrow for arrow in own if (arrow.source, arrow.target) == (GATEWAY, PROVIDER)]


def test_disaster_recovery_has_live_messages_wait_until_it_is_complete() -> None:
    (start,) = between("disaster_recovery", "Operator", "Wallet Service")
    (end, _) = between("disaster_recovery", "Wallet Service", "Operator")
    arrived = [each.t for each in between("disaster_recovery", "EventBridge", "Wallet SQS")]
    taken = [each.t for each in between("disaster_recovery", "Wallet SQS", "Wallet Service")]
    assert [t for t in arrived if start.t < t < end.t]
    assert not [t for t in taken if start.t < t < end.t]


def test_disaster_recovery_leaves_wallets_as_if_nothing_had_been_lost() -> None:
    spared = run(scenarios.disaster_recovery.but(faults=(), recovery=None)).records.stores()
    assert items("disaster_recovery", "Wallet DB") == spared["Wallet DB"]
    assert items("disaster_recovery", "Payments DB") == spared["Payments DB"]


def test_disaster_recovery_loses_nothing_and_publishes_no_event_twice() -> None:
    records = trace("disaster_recovery")
    assert {fate.state for fate in records.messages().values()} == {"done"}
    assert published_ids(records) == sorted(set(published_ids(records)))


def published_ids(records: Trace) -> list[str]:
    return sorted(str(record.event_id) for record in records if isinstance(record.fact, Published))


@given(
    snapshot=st.integers(0, 4_000),
    until_loss=st.integers(1, 3_000),
    until_start=st.integers(1, 3_000),
    seed=st.integers(0, 1_000),
)
@settings(max_examples=25)
def test_disaster_recovery_holds_whenever_the_store_is_lost(
    snapshot: int, until_loss: int, until_start: int, seed: int
) -> None:
    lost = snapshot + until_loss
    scenario = scenarios.disaster_recovery.but(
        faults=(Loss(store="Wallet DB", at=lost),),
        recovery=Recovery(snapshot_at=snapshot, start_at=lost + until_start),
    )
    records = run(scenario, seed=seed).records
    payments = records.stores()["Payments DB"].values()
    assert {each.status for each in payments} <= {"COMPLETED", "FAILED"}
    for user_id, wallet in records.stores()["Wallet DB"].items():
        (opening,) = [each.balance for each in scenario.wallets if each.user_id == user_id]
        paid = [each.amount for each in payments
                if (each.user_id, each.status) == (user_id, "COMPLETED")]  # fmt: skip
        assert wallet.balance == opening - sum(paid)
    assert published_ids(records) == sorted(set(published_ids(records)))
