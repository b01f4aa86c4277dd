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
from sagakit.trace.trace import Asked, Record, Trace, Written
from tests.conformance.diagram import FOLDER, Diagram, Mismatch, hold

GATEWAY, PROVIDER = "Provider Gateway", "External Provider API"
SEEDS = (0, 1, 2)
SAGAS = {
    "concurrent_payments": {
        one.idempotency_key: one.payment_id for one in scenarios.concurrent_payments.payments
    }
}


@cache
def trace(name: str, seed: int = 0) -> Trace:
    return run(name, seed=seed).records


def arrows(records: Trace, source: str, target: str, saga: str | None = None) -> list[Record]:
    """The arrows between the two, of one saga if it is given."""
    return [
        record
        for record in records
        if (record.source, record.target) == (source, target)
        and saga in (None, record.correlation_id)
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
    assert ends <= {one["name"] for one in data["participants"]}
    assert {step["kind"] for step in data["steps"]} <= {"call", "async", "return"}


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_participants_are_those_of_the_diagram(name: str) -> None:
    assert set(Diagram.named(name).participants) <= set(trace(name).participants)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", scenarios.NAMES)
def test_the_trace_conforms(name: str, seed: int) -> None:
    hold(trace(name, seed), Diagram.named(name), SAGAS.get(name))


EACH_ARROW = [
    pytest.param(name, place, id=f"{name}-{place + 1}")
    for name in scenarios.NAMES
    for place in range(len(Diagram.named(name).arrows))
]


@pytest.mark.parametrize(("name", "place"), EACH_ARROW)
def test_no_arrow_of_a_diagram_can_be_left_out(name: str, place: int) -> None:
    diagram = Diagram.named(name)
    arrow = diagram.arrows[place]
    without = [record for record in trace(name) if not arrow.is_like(record)]
    with pytest.raises(Mismatch):
        hold(without, diagram, SAGAS.get(name))


def test_the_whole_saga_carries_one_correlation_id() -> None:
    """The happy path's note on the whole diagram."""
    between = [record for record in trace("happy_path") if record.source != record.target]
    assert {record.correlation_id for record in between} == {"ana:A"}


def test_the_debit_and_its_publication_are_one_atomic_operation() -> None:
    assert [each.text for each in arrows(trace("happy_path"), "Wallet Service", "Wallet DB")] == [
        "read item",
        "update balance: 30.00, version: 2, condition version == 1 & outbox [BalanceDebited]",
    ]


# provider_error


def executions(records: Trace) -> list[Record]:
    return [each for each in arrows(records, GATEWAY, PROVIDER) if each.label == "executePayment()"]


def test_both_attempts_carry_the_same_idempotency_key_and_parameters() -> None:
    asked = Asked("tx-ana:A", ("ana", Decimal("70.00")))
    assert [each.detail for each in executions(trace("provider_error"))] == [asked, asked]


def test_no_attempt_is_answered_within_the_timeout() -> None:
    silences = [each for each in trace("provider_error") if each.label.startswith("no response")]
    assert [each.text for each in silences] == ["no response within 5000 ms: timeout"] * 2
    assert [each.t for each in silences] == [
        each.t + 5_000 for each in executions(trace("provider_error"))
    ]


def test_the_second_attempt_waits_one_minute_in_the_retry_queue() -> None:
    records = trace("provider_error")
    enqueued, *_ = arrows(records, GATEWAY, "Provider Retry SQS")
    taken, *_ = arrows(records, "Provider Retry SQS", GATEWAY)
    assert enqueued.text == "Enqueue (attempt=2), delay 1 minute"
    assert taken.text == "Invoke Lambda (attempt=2)"
    slowest_poll = scenarios.provider_error.timing.poll[1]
    assert 60_000 < taken.t - enqueued.t <= 60_000 + slowest_poll


def test_the_money_is_returned_to_the_user() -> None:
    payment = items("provider_error", "Payments DB")["ana:A"]
    assert (payment.status, payment.reason) == ("FAILED", "PROVIDER_TIMEOUT")
    assert items("provider_error", "Wallet DB")["ana"] == Wallet("ana", Decimal("100.00"), 3)


# insufficient_funds


def test_fifty_do_not_cover_seventy() -> None:
    records = trace("insufficient_funds")
    (asked,) = arrows(records, "Wallet SQS", "Wallet Service")
    (read, _) = arrows(records, "Wallet DB", "Wallet Service")
    assert asked.text == "Invoke Lambda (payment of 70.00)"
    assert read.text == "{balance: 50.00, version: 1}"


def test_nothing_is_debited_and_the_payment_is_marked_as_failed() -> None:
    assert items("insufficient_funds", "Wallet DB")["ana"] == Wallet("ana", Decimal("50.00"), 1)
    payment = items("insufficient_funds", "Payments DB")["ana:A"]
    assert (payment.status, payment.reason) == ("FAILED", "INSUFFICIENT_FUNDS")
    assert not arrows(trace("insufficient_funds"), "EventBridge", "Provider SQS")


# concurrent_payments


def test_both_first_reads_come_before_the_first_update() -> None:
    """The diagram's rule for the order across its transactions."""
    records = arrows(trace("concurrent_payments"), "Wallet Service", "Wallet DB")
    a, b = SAGAS["concurrent_payments"].values()
    assert [(each.correlation_id, each.label) for each in records[:3]] == [
        (a, "read item"),
        (b, "read item"),
        (a, "update"),
    ]


def test_what_each_of_the_two_payments_meets_at_the_wallet() -> None:
    def story(saga: str) -> list[str]:
        ends = {"Wallet Service", "Wallet DB"}
        return [
            record.text
            for record in trace("concurrent_payments")
            if record.correlation_id == saga and {record.source, record.target} == ends
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


def test_one_payment_is_completed_and_the_other_fails() -> None:
    assert items("concurrent_payments", "Wallet DB")["ana"] == Wallet("ana", Decimal("30.00"), 2)
    payments = items("concurrent_payments", "Payments DB")
    assert {one.amount: (one.status, one.reason) for one in payments.values()} == {
        70: ("COMPLETED", ""),
        80: ("FAILED", "INSUFFICIENT_FUNDS"),
    }


# circuit_breaker


def changes_of_state() -> list[tuple[int, str]]:
    """The breaker's states, each with the ms at which it began."""
    written = [
        (each.t, each.detail.item.state)
        for each in arrows(trace("circuit_breaker"), "Breaker DB", GATEWAY)
        if isinstance(each.detail, Written)
    ]
    begins = [written[0]]
    begins += [now for before, now in pairwise(written) if before[1] != now[1]]
    return begins


def test_the_breaker_is_closed_open_half_open_and_closed_again() -> None:
    assert [state for _, state in changes_of_state()] == ["CLOSED", "OPEN", "HALF_OPEN", "CLOSED"]


def test_while_the_breaker_is_open_nobody_calls_and_then_one_probe_does() -> None:
    _, (opened, _), (half_open, _), (closed, _) = changes_of_state()
    calls = [each.t for each in arrows(trace("circuit_breaker"), GATEWAY, PROVIDER)]
    assert not [t for t in calls if opened < t < half_open]
    assert len([t for t in calls if half_open <= t < closed]) == 1
    assert half_open - opened >= scenarios.circuit_breaker.settings.breaker_open_for


def test_every_payment_that_fails_fast_is_compensated_without_a_call() -> None:
    records = trace("circuit_breaker")
    rejected = [
        one.payment_id
        for one in items("circuit_breaker", "Payments DB").values()
        if one.reason == "CIRCUIT_OPEN"
    ]
    assert len(rejected) > 10
    for saga in rejected:
        own = [record for record in records if record.correlation_id == saga]
        hold(own, Diagram.named("circuit_breaker").phase("fail fast"))
        assert not arrows(records, GATEWAY, PROVIDER, saga)


# disaster_recovery


def test_live_messages_wait_until_the_recovery_is_complete() -> None:
    records = trace("disaster_recovery")
    (start,) = arrows(records, "Operator", "Wallet Service")
    (end, _) = arrows(records, "Wallet Service", "Operator")
    arrived = [each.t for each in arrows(records, "EventBridge", "Wallet SQS")]
    taken = [each.t for each in arrows(records, "Wallet SQS", "Wallet Service")]
    assert [t for t in arrived if start.t < t < end.t]
    assert not [t for t in taken if start.t < t < end.t]


def test_the_wallets_are_as_if_nothing_had_been_lost() -> None:
    spared = run(scenarios.disaster_recovery.but(faults=(), recovery=None)).records.stores()
    assert items("disaster_recovery", "Wallet DB") == spared["Wallet DB"]
    assert items("disaster_recovery", "Payments DB") == spared["Payments DB"]


def test_nothing_is_lost_and_no_event_is_published_twice() -> None:
    records = trace("disaster_recovery")
    assert {fate.state for fate in records.messages().values()} == {"done"}
    published = [each.event_id for each in records if each.target == "EventBridge" != each.source]
    assert len(published) == len(set(published))


@given(
    snapshot=st.integers(0, 4_000),
    until_loss=st.integers(1, 3_000),
    until_start=st.integers(1, 3_000),
    seed=st.integers(0, 1_000),
)
@settings(max_examples=25)
def test_whenever_the_store_is_lost_all_is_as_it_should_be(
    snapshot: int, until_loss: int, until_start: int, seed: int
) -> None:
    lost = snapshot + until_loss
    scenario = scenarios.disaster_recovery.but(
        faults=(Loss(store="Wallet DB", at=lost),),
        recovery=Recovery(snapshot_at=snapshot, start_at=lost + until_start),
    )
    records = run(scenario, seed=seed).records
    payments = records.stores()["Payments DB"].values()
    assert {one.status for one in payments} <= {"COMPLETED", "FAILED"}
    for user_id, wallet in records.stores()["Wallet DB"].items():
        (opening,) = [one.balance for one in scenario.wallets if one.user_id == user_id]
        paid = [one.amount for one in payments
                if (one.user_id, one.status) == (user_id, "COMPLETED")]  # fmt: skip
        assert wallet.balance == opening - sum(paid)
    published = [each.event_id for each in records if each.target == "EventBridge" != each.source]
    assert len(published) == len(set(published))
