"""A check that cannot fail is worthless: what each law must reject, and in which words.

A case is a run with one flaw: a service that has it, a trace that was doctored, or a world that
does worse than the system is built for. It names the law that must object, what its verdict must
tell, and all other laws that the flaw breaks, so that no law objects to what is not its matter.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from sagakit import Scenario, run, scenarios
from sagakit.contract.events import identity
from sagakit.contract.faults import Crash, Drop, Duplicate, Loss, Outage
from sagakit.laws import LAWS, verdicts
from sagakit.payments.events import ProviderPaymentInit, ProviderPaymentSuccess
from sagakit.payments.payment import Payment
from sagakit.payments.topology import PROVIDER, Settings
from sagakit.payments.wallet import Wallet
from sagakit.trace.facts import (
    Asked,
    Committed,
    DeadLettered,
    Published,
    Queued,
    Record,
    Restored,
)
from sagakit.trace.trace import Trace
from tests.laws import faulty
from tests.laws.doctor import changed, repeated, without

WALLET, PAYMENT, GATEWAY = "Wallet Service", "Payment Service", "Provider Gateway"
SAGA = "ana:A"


class Case(NamedTuple):
    """A flaw, the law that must object, words of its verdict, and what else the flaw breaks."""

    flaw: str
    law: str
    trace: Callable[[], Trace]
    tells: tuple[str, ...]
    also: frozenset[str] = frozenset()


def case(flaw: str, law: str, trace: Callable[[], Trace], *tells: str, also: str = "") -> Any:
    others = frozenset(filter(None, also.split(" + ")))
    return pytest.param(Case(flaw, law, trace, tells, others), id=f"{law}: {flaw}")


def of(scenario: Scenario, **services: type) -> Callable[[], Trace]:
    """A run of the scenario with flawed services: `wallet=`, `payment=`, `gateway=`."""
    names = {"wallet": WALLET, "payment": PAYMENT, "gateway": GATEWAY}
    replaced = {names[name]: service for name, service in services.items()}
    return lambda: run(scenario, services=replaced).records


def doctored(scenario: Scenario, doctor: Callable[..., Trace], *how: Any, **more: Any) -> Any:
    return lambda: doctor(run(scenario).records, *how, **more)


# Which record to doctor.


def commit(store: str, nth_version: int = 0) -> Callable[[Record], bool]:
    return lambda record: (
        isinstance(record.fact, Committed)
        and record.fact.store == store
        and (not nth_version or record.fact.item.version == nth_version)
    )


def published(event: str) -> Callable[[Record], bool]:
    return lambda record: isinstance(record.fact, Published) and record.fact.event == event


def arrival(event: str) -> Callable[[Record], bool]:
    return lambda record: isinstance(record.fact, Queued) and record.fact.event == event


def call(record: Record) -> bool:
    return isinstance(record.fact, Asked)


def dead_letter(record: Record) -> bool:
    return isinstance(record.fact, DeadLettered)


def restore(record: Record) -> bool:
    return isinstance(record.fact, Restored)


# Scenarios in which a flaw shows, and items that no sound service writes.

happy = scenarios.happy_path
error = scenarios.provider_error
charged_in_silence = error.but(provider=({"behaviour": "timeout_after", "calls": (1, 2)},))
refunding = Payment(SAGA, "tx-ana:A", "ana", Decimal(70), "REFUNDING", "", version=1)
far_ahead = Wallet("ana", Decimal(30), version=9)
declined = happy.but(provider=({"behaviour": "decline"},))
twice = happy.but(
    wallets=({"user_id": "ana", "balance": 200},),
    faults=(Duplicate(queue="Wallet SQS", event="PaymentInit", after=500),),
)
refund_twice = declined.but(
    faults=(Duplicate(queue="Wallet SQS", event="ReembolsarUsuario", after=500),)
)
poisoned = happy.but(texts=({"at": 0, "queue": "Wallet SQS", "text": "not an event"},))
late_success = declined.but(
    texts=(
        {
            "at": 60_000,
            "queue": "Payment SQS",
            "text": ProviderPaymentSuccess.after(
                ProviderPaymentInit.first(
                    SAGA, payment_id=SAGA, transaction_id="tx-ana:A", user_id="ana", amount=70
                )
            ).wire(),
        },
    )
)
interleaved = scenarios.concurrent_payments.but(
    # B reads the wallet before A writes it, and looks at its version only after.
    wallets=({"user_id": "ana", "balance": 200},),
    payments=tuple(
        payment.model_copy(update={"at": at})
        for at, payment in zip((0, 8), scenarios.concurrent_payments.payments, strict=True)
    ),
)
stormy = scenarios.circuit_breaker.but(
    # The breaker opens at the first failure, and all that comes later comes at once.
    payments=tuple(
        payment.model_copy(update={"at": 0 if number == 0 else 40_000 + number // 4})
        for number, payment in enumerate(scenarios.circuit_breaker.payments[:8])
    ),
    provider=({"behaviour": "timeout_before", "start": 0, "end": 10_000},),
    settings=Settings(breaker_threshold=1),
)
lost_for_good = happy.but(faults=(Loss(store="Wallet DB", at=1_000),))
cut_recovery = scenarios.disaster_recovery.but(
    faults=(
        Loss(store="Wallet DB", at=3_000),
        Crash(service=WALLET, step=9, event="StartRecovery"),
    ),
)
unpublished_at_the_snapshot = happy.but(
    # The debit is committed at 59 ms and published at 62 ms.
    faults=(Loss(store="Wallet DB", at=61),),
    recovery={"snapshot_at": 60, "start_at": 100},
)

CASES = [
    # conservation
    case("a refund that never comes", "conservation",
         of(declined, payment=faulty.FailsWithoutRefund),
         SAGA, "wallets 30.00 + provider 0.00 = 30.00", "100.00 at the start",
         also="agreement"),
    case("a debit on its way is lost", "conservation",
         of(happy.but(faults=(Drop(queue="Provider SQS"),))), SAGA, "30.00",
         also="no silent drop + every saga ends"),
    case("a wallet lost for good", "conservation", of(lost_for_good),
         "wallets 0.00 + provider 70.00", also="recovery"),
    # no overdraft
    case("a balance below zero", "no overdraft",
         of(scenarios.insufficient_funds, wallet=faulty.GoesBelowZero),
         "the balance of ana is -20.00"),
    case("a lost update", "no overdraft",
         of(interleaved, wallet=faulty.WritesBlindly),
         "the balance of ana changed by -10.00 at 67 ms", "its ledger says -80.00",
         also="conservation + agreement"),
    case("a debit that is not made", "no overdraft", of(happy, wallet=faulty.OnlySaysItDebits),
         "the balance of ana changed by +0.00", "its ledger says -70.00",
         also="conservation + agreement"),
    case("a write that says another amount", "no overdraft",
         doctored(happy, changed, published("BalanceDebited"),
                  fact={"payload": {"user_id": "ana", "amount_debited": 7}}),
         "ana", "-7"),
    # at most once
    case("no inbox", "at most once", of(twice, wallet=faulty.HasNoInbox),
         f"{SAGA} was debited at 59 ms", "and again at 5",
         also="conservation + idempotence + agreement"),
    case("a refund that comes twice", "at most once", of(refund_twice, wallet=faulty.RefundsAgain),
         f"{SAGA} had 1 debit, but refund 2", also="conservation + idempotence + agreement"),
    case("a key an attempt", "at most once",
         of(error.but(provider=({"behaviour": "timeout_after", "calls": (1,)},)),
            gateway=faulty.DrawsAKeyPerAttempt),
         f"the provider charged {SAGA} at", "and again at",
         also="conservation + one key + agreement + settle the unknown"),
    # agreement
    case("silence taken for no", "agreement",
         of(charged_in_silence, gateway=faulty.TakesSilenceForNo),
         f"{SAGA} is FAILED", "the provider keeps 70.00",
         also="conservation + settle the unknown"),
    case("failed and not refunded", "agreement",
         of(declined, payment=faulty.FailsWithoutRefund),
         f"{SAGA} is FAILED", "the wallet is debited 70.00", also="conservation"),
    # settle the unknown
    case("silence taken for no", "settle the unknown",
         of(error, gateway=faulty.TakesSilenceForNo),
         f"{SAGA} was refunded at", "the provider was asked at", "did not say"),
    case("asked after the refund", "settle the unknown",
         of(happy.but(faults=(Duplicate(queue="Provider SQS", after=5_000),)),
            gateway=faulty.ChargesAfterFailing),
         f"{SAGA} was refunded at", "asked to charge it at 5",
         also="conservation + agreement"),
    # one key
    case("a key an attempt", "one key", of(error, gateway=faulty.DrawsAKeyPerAttempt),
         SAGA, "tx-ana:A-1", also="settle the unknown"),
    case("another price", "one key", of(error, gateway=faulty.RaisesThePrice),
         SAGA, "ana, 70.00", "ana, 71.00", also="conservation + agreement"),
    case("a key of two payments", "one key",
         doctored(scenarios.circuit_breaker, changed,
                  lambda record: call(record) and record.saga == "user-02:1",
                  fact={"key": "tx-user-01:1"}),
         "user-01:1", "user-02:1"),
    # final is final
    case("a late success", "final is final",
         of(late_success, payment=faulty.MovesFinalPayments),
         f"{SAGA} went from FAILED to COMPLETED at 60", also="agreement"),
    case("a leap in the state diagram", "final is final",
         doctored(happy, changed, commit("Payments DB"), fact={"item": refunding}),
         f"{SAGA} went from nothing to REFUNDING", also="versions"),
    # no ghost, nothing lost
    case("published past the outbox", "no ghost, nothing lost",
         of(happy, wallet=faulty.PublishesPastTheOutbox),
         f"a ghost: BalanceDebited of {SAGA} was published at"),
    case("committed and never published", "no ghost, nothing lost",
         doctored(happy, without, published("PaymentCompleted")),
         f"lost: what {SAGA} committed to Payments DB", also="every saga ends"),
    case("a snapshot's outbox is forgotten", "no ghost, nothing lost",
         of(unpublished_at_the_snapshot, wallet=faulty.ForgetsTheOutbox),
         f"lost: what {SAGA} committed to Wallet DB at 59 ms",
         also="conservation + every saga ends"),
    case("published twice for one commit", "no ghost, nothing lost",
         doctored(happy, repeated, published("PaymentCompleted")),
         f"PaymentCompleted of {SAGA} was published", "for one commit"),
    # causality
    case("a cause that is no event", "causality", of(happy, wallet=faulty.NamesNoCause),
         f"BalanceDebited of {SAGA}", "nobody"),
    case("a cause in another saga", "causality",
         doctored(scenarios.concurrent_payments, changed, published("InsufficientBalance"),
                  fact={"causation_id": identity(SAGA, "PaymentInit", 0)}),
         "InsufficientBalance of ana:B", "is of ana:A"),
    # idempotence
    case("no inbox", "idempotence",
         of(twice, wallet=faulty.HasNoInbox),
         SAGA, "committed event", "again at 5",
         also="conservation + at most once + agreement"),
    case("a fresh id each time", "idempotence",
         of(twice, wallet=faulty.DrawsFreshIds),
         f"{WALLET} made two of one cause: BalanceDebited of {SAGA}",
         also="conservation + at most once + agreement"),
    case("one message answered twice", "idempotence",
         doctored(happy, repeated, commit("Provider DB", 2)),
         SAGA, "was answered in Provider DB", also="versions"),
    case("one id, two payloads", "idempotence",
         doctored(happy, repeated, published("PaymentCompleted"),
                  fact={"causation_id": "x", "payload": {"amount": 71}}),
         f"PaymentCompleted of {SAGA} was published with one payload",
         also="no ghost, nothing lost + causality"),
    # versions
    case("a version that is left out", "versions",
         doctored(happy, changed, commit("Wallet DB"), fact={"item": far_ahead}),
         "version 9 of ana in Wallet DB follows 1"),
    case("an update that nobody saw", "versions",
         doctored(scenarios.circuit_breaker, without, commit("Breaker DB", 3)),
         "an update of provider in Breaker DB was lost"),
    # no silent drop
    case("lost by the bus", "no silent drop",
         of(happy.but(faults=(Drop(queue="Payment SQS"),))),
         f"ProviderPaymentSuccess of {SAGA} was lost on its way to Payment SQS",
         also="every saga ends"),
    case("lost without a word", "no silent drop",
         doctored(happy, without, arrival("ProviderPaymentSuccess")),
         f"ProviderPaymentSuccess of {SAGA} was published", "never came to Payment SQS"),
    case("swallowed by its handler", "no silent drop",
         of(happy, wallet=faulty.SwallowsSmallPayments),
         f"{WALLET} acknowledged", "without taking a single step", also="every saga ends"),
    case("a dead letter without a reason", "no silent drop",
         doctored(poisoned, changed, dead_letter, fact={"reason": ""}),
         "of Wallet SQS became a dead letter", "nothing says why"),
    # every saga ends
    case("nobody ends it", "every saga ends", of(happy, payment=faulty.NeverCompletes),
         f"{SAGA} is PENDING"),
    case("a dead letter", "every saga ends",
         of(happy.but(faults=(Outage(participant="Wallet DB", start=0, end=200_000),))),
         f"{SAGA} is PENDING", "its PaymentInit is a dead letter of Wallet SQS", "redrive it"),
    case("a provider that never answers", "every saga ends",
         of(error.but(provider=({"behaviour": "timeout_before"},))),
         f"{SAGA} is PENDING", "waits in Provider Retry SQS", "no end to it"),
    # recovery
    case("the snapshot taken for all", "recovery",
         of(scenarios.disaster_recovery, wallet=faulty.ReplaysNothing),
         "ana in Wallet DB was", "but was rebuilt as {balance: 170.00, version: 2}",
         also="conservation"),
    case("published by the replay", "recovery",
         of(scenarios.disaster_recovery, wallet=faulty.PublishesInReplay),
         "the recovery made BalanceDebited of", "go out again",
         also="no ghost, nothing lost"),
    case("called by the replay", "recovery", lambda: _recovery_that_calls(), PROVIDER),
    case("never rebuilt", "recovery", of(lost_for_good),
         "Wallet DB was lost at 1000 ms", "not rebuilt", also="conservation"),
    case("cut off half-way", "recovery", of(cut_recovery),
         "Wallet DB was lost at 3000 ms", "crash after step 9",
         also="conservation + every saga ends"),
    # breaker
    case("a call while it is open", "breaker",
         of(stormy, gateway=faulty.gateway_with(faulty.AdmitsWhenOpen)),
         "user-0", f"called {PROVIDER}", "although the breaker was OPEN"),
    case("a call without asking it", "breaker", of(stormy, gateway=faulty.NeverAsksTheBreaker),
         "user-0", "although the breaker was OPEN"),
    case("a stampede when half-open", "breaker",
         of(stormy, gateway=faulty.gateway_with(faulty.AdmitsAllWhenHalfOpen)),
         "user-0", "although the breaker was HALF_OPEN"),
    case("probe after probe", "breaker",
         of(stormy, gateway=faulty.gateway_with(faulty.BeginsProbeAfterProbe)),
         "two probes at once: that of user-0"),
]  # fmt: skip


def _recovery_that_calls() -> Trace:
    """The first call of the run is doctored to be one of the recovery's."""
    trace = run(scenarios.disaster_recovery).records
    (recovering,) = {record.invocation for record in trace.entries if restore(record)}
    return changed(trace, call, fact={}, invocation=recovering)


@pytest.mark.parametrize("case", CASES)
def test_a_law_rejects_what_breaks_it(case: Case) -> None:
    trace = case.trace()
    broken = {verdict.law: verdict for verdict in verdicts(trace) if not verdict.held}
    assert case.law in broken
    verdict = broken[case.law]
    for words in case.tells:
        assert words in verdict.detail
    assert verdict.record is not None
    assert f"record {verdict.record})" in verdict.detail
    assert trace.entries[verdict.record].t >= 0
    assert set(broken) - {case.law} == case.also


def test_every_law_rejects_something() -> None:
    rejected = {param.values[0].law for param in CASES}
    assert rejected == set(LAWS)


@pytest.mark.parametrize("name", LAWS)
def test_a_law_has_a_docstring_and_holds_of_nothing(name: str) -> None:
    assert LAWS[name].__doc__
    assert [(one.law, one.held) for one in verdicts(Trace(()), laws=[name])] == [(name, True)]
