"""The sound system holds every law: in the six scenarios, at each moment of them, in trouble."""

import pytest
from hypothesis import HealthCheck, given, settings

from sagakit import Scenario, run, scenarios
from sagakit.contract.faults import Crash, Drop, Loss, Outage
from sagakit.laws import LAWS, verdicts
from sagakit.payments.recovery import StartRecovery
from sagakit.scenarios.build import build_world
from sagakit.trace.facts import Crashed, Published
from sagakit.trace.trace import Trace
from tests.laws.worlds import disastrous, troubled

NAMES = [
    "conservation", "no overdraft", "at most once", "agreement", "settle the unknown", "one key",
    "final is final", "no ghost, nothing lost", "causality", "idempotence", "versions",
    "no silent drop", "every saga ends", "recovery", "breaker",
]  # fmt: skip

drawn = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,  # the same worlds on every machine
    suppress_health_check=[HealthCheck.too_slow],
)


def broken(trace: Trace, *, ended: bool = True) -> dict[str, str]:
    """The laws that are broken, with what their verdicts tell."""
    return {law: detail for law, held, detail, _ in verdicts(trace, ended=ended) if not held}


@pytest.mark.parametrize("name", scenarios.NAMES)
@pytest.mark.parametrize("seed", range(5))
def test_a_scenario_holds_every_law(name: str, seed: int) -> None:
    judged = run(name, seed=seed).verdicts()
    assert [verdict.law for verdict in judged] == NAMES
    assert [verdict for verdict in judged if not verdict.held] == []
    assert all(verdict.detail and verdict.record is None for verdict in judged)


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_run_that_is_cut_short_holds_every_law(name: str) -> None:
    trace = run(name).records
    records = trace.entries
    step = 1 + len(records) // 300
    for end in range(0, len(records), step):
        assert broken(Trace(trace.participants, records[:end]), ended=False) == {}


@given(troubled())
@drawn
def test_every_law_holds_in_trouble(scenario: Scenario) -> None:
    assert broken(run(scenario).records) == {}


@given(disastrous())
@drawn
def test_every_law_holds_through_a_disaster(scenario: Scenario) -> None:
    assert broken(run(scenario).records) == {}


@pytest.mark.parametrize("snapshot_at", [30, 60])
def test_a_debit_lost_before_it_was_published_is_published_or_made_again(snapshot_at: int) -> None:
    """The debit is committed at 59 ms and would be published at 62 ms; its store is lost between.
    A snapshot has it in its outbox, or has never heard of it either."""
    lost = scenarios.happy_path.but(
        faults=(Loss(store="Wallet DB", at=61),),
        recovery={"snapshot_at": snapshot_at, "start_at": 100},
    )
    trace = run(lost).records
    assert broken(trace) == {}
    assert (
        sum(
            isinstance(record.fact, Published) and record.fact.event == "BalanceDebited"
            for record in trace.entries
        )
        == 1
    )
    assert trace.stores()["Wallet DB"]["ana"].balance == 30


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_recovery_that_is_cut_off_may_be_started_again(when: str) -> None:
    """Whichever step it is cut off at; there is a step too far, at which it is not."""
    disaster = scenarios.disaster_recovery
    step, cut = 0, True
    while cut:
        step += 1
        crash = Crash(service="Wallet Service", step=step, when=when, event="StartRecovery")
        world = build_world(disaster.but(faults=(*disaster.faults, crash)))
        world.request(10_000, "Operator", "Wallet Service", StartRecovery())
        trace = world.run()
        cut = any(record.fact == Crashed("Wallet Service", when, step) for record in trace.entries)
        assert broken(trace) == {}, f"crash {when} step {step}"
    assert step > 10


STUCK = {"no silent drop", "every saga ends"}
MISSING = STUCK | {"conservation"}  # the message would have moved the money on


@pytest.mark.parametrize(
    ("name", "queue", "event", "laws"),
    [
        ("happy_path", "Wallet SQS", "PaymentInit", STUCK),
        ("happy_path", "Provider SQS", "ProviderPaymentInit", MISSING),
        ("happy_path", "Payment SQS", "ProviderPaymentSuccess", STUCK),
        ("happy_path", "SNS Topic", "PaymentCompleted", {"no silent drop"}),
        ("insufficient_funds", "Payment SQS", "InsufficientBalance", STUCK),
        ("provider_error", "Payment SQS", "ProviderPaymentFailed", MISSING),
        ("provider_error", "Wallet SQS", "ReembolsarUsuario", MISSING),
        ("provider_error", "Payment SQS", "BalanceRefunded", STUCK),
    ],
)
def test_a_lost_message_breaks_what_it_must_and_nothing_else(
    name: str, queue: str, event: str, laws: set[str]
) -> None:
    lossy = scenarios.named(name).but(faults=(Drop(queue=queue, event=event),))
    told = broken(run(lossy).records)
    assert set(told) == laws
    assert told["no silent drop"].startswith(f"{event} of ana:A was lost on its way to {queue}")


def test_a_saga_ends_when_its_dead_letter_is_redriven() -> None:
    out = scenarios.happy_path.but(
        faults=(Outage(participant="Wallet DB", start=0, end=200_000),),
    )
    assert set(broken(run(out).records)) == {"every saga ends"}
    redriven = out.but(redrives=({"at": 210_000, "queue": "Wallet SQS"},))
    assert broken(run(redriven).records) == {}


def test_a_verdict_says_that_there_was_nothing_to_look_at() -> None:
    told = {verdict.law: verdict.detail for verdict in run("insufficient_funds").verdicts()}
    assert told["recovery"] == "no recovery in this run"
    assert told["settle the unknown"] == "no refunds; the provider was asked about no payments"
    assert told["breaker"] == "no calls; the breaker never opened"


def test_a_verdict_counts_what_was_looked_at() -> None:
    told = {verdict.law: verdict.detail for verdict in run("disaster_recovery").verdicts()}
    assert "3 items rebuilt as they were" in told["recovery"]
    assert told["at most once"].endswith("1 refund, 8 charges")
    assert told["no overdraft"].startswith("3 wallets")


def test_the_laws_have_their_names() -> None:
    assert list(LAWS) == NAMES


def test_a_law_may_be_asked_alone() -> None:
    trace = run("happy_path").records
    assert [verdict.law for verdict in verdicts(trace, laws=NAMES[:2])] == NAMES[:2]


def test_a_recovery_may_take_longer_than_a_message() -> None:
    """It is cut off after 15 minutes, not after the 3 s that the wallet has for a message."""
    crowded = Scenario(
        name="crowded",
        title="400 payments, then the store is lost",
        wallets=[{"user_id": f"user-{n}", "balance": 1_000} for n in range(10)],
        payments=[{"user_id": f"user-{n % 10}", "amount": 1, "at": 10 * n} for n in range(400)],
        faults=[Loss(store="Wallet DB", at=5_000)],
        recovery={"snapshot_at": 100, "start_at": 6_000},
    )
    assert broken(run(crowded).records) == {}


def test_a_breaker_that_opens_for_a_moment_still_has_one_probe_at_a_time() -> None:
    """A probe may take longer than the breaker stays open: its lease is the gateway's timeout."""
    payments = scenarios.circuit_breaker.payments
    hasty = scenarios.circuit_breaker.but(
        payments=[one.model_copy(update={"at": 300 * n}) for n, one in enumerate(payments)],
        provider=[{"behaviour": "timeout_before", "end": 10_000}],
        settings={"breaker_threshold": 1, "breaker_open_for": 1_000},
    )
    assert broken(run(hasty).records) == {}
