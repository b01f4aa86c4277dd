"""One suite for all worlds: the same services, the same ends, the same laws.

What a world cannot do is said in its place: see docs/worlds.md for all of it.
"""

import pytest

from sagakit import Run, Scenario, run, scenarios
from tests.worlds.conftest import World

# Real time: waits are as short as the settings let them be.
SHORT = {"provider_timeout": 300, "retry_delay": 1_000}
TOLD = [
    scenarios.happy_path,
    scenarios.provider_error,
    scenarios.insufficient_funds,
    scenarios.concurrent_payments,
]


def ends(done: Run) -> list[tuple[str, str]]:
    return sorted(zip(done.payments.payment_id, done.payments.status, strict=True))


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


@pytest.mark.parametrize("scenario", TOLD, ids=lambda scenario: scenario.name)
def test_a_scenario_ends_alike_and_every_law_holds(scenario: Scenario, world: World) -> None:
    simulated = run(scenario)
    done = world(scenario.but(settings=SHORT))
    assert [verdict for verdict in done.verdicts() if not verdict.held] == []
    if scenario.name == "concurrent_payments":  # who comes first is nobody's choice
        assert sorted(status for _, status in ends(done)) == ["COMPLETED", "FAILED"]
        return
    assert ends(done) == ends(simulated)
    assert causes(done) == causes(simulated)
    assert done.wallets.balance.tolist() == simulated.wallets.balance.tolist()


def test_a_text_that_is_no_event_ends_among_the_dead_letters(world: World) -> None:
    poisoned = scenarios.happy_path.but(
        texts=[{"at": 0, "queue": "Wallet SQS", "text": "hello"}], settings=SHORT
    )
    done = world(poisoned)
    assert ends(done) == [("ana:A", "COMPLETED")]
    broken = [verdict.law for verdict in done.verdicts() if not verdict.held]
    assert broken == []


def test_a_repeated_request_is_the_same_payment(world: World) -> None:
    payments = [{"user_id": "ana", "amount": 70, "idempotency_key": "A", "repeats": [0, 0]}]
    done = world(scenarios.happy_path.but(payments=payments, settings=SHORT))
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert done.wallets.balance.tolist() == [30]


def test_the_provider_declines_and_the_debit_is_refunded(world: World) -> None:
    provider = [{"behaviour": "decline"}]
    done = world(scenarios.happy_path.but(provider=provider, settings=SHORT))
    assert ends(done) == [("ana:A", "FAILED")]
    assert done.wallets.balance.tolist() == [100]
    assert [verdict for verdict in done.verdicts() if not verdict.held] == []


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(world: World) -> None:
    provider = [{"behaviour": "timeout_after", "calls": [1]}]
    done = world(scenarios.happy_path.but(provider=provider, settings=SHORT))
    assert ends(done) == [("ana:A", "COMPLETED")]
    assert [verdict for verdict in done.verdicts() if not verdict.held] == []
