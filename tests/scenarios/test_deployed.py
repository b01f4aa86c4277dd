"""A scenario on a deployment that somebody has changed: what is wired otherwise goes otherwise."""

from dataclasses import replace

import pytest

from sagakit import Run, run, scenarios
from sagakit.contract.deployment import Deployment
from sagakit.contract.faults import Crash
from sagakit.payments import events
from sagakit.payments.topology import payment_system
from sagakit.scenarios import BadScenario
from tests.examples.test_travel import DEPLOYMENT as TRAVEL
from tests.scenarios.test_system import BOOKS

SOUND = payment_system()


def without(event: type) -> Deployment:
    return replace(SOUND, rules=tuple(rule for rule in SOUND.rules if rule.event is not event))


def broken(done: Run) -> list[str]:
    return [verdict.law for verdict in done.verdicts() if not verdict.held]


def test_the_same_deployment_makes_the_same_run() -> None:
    given = run("provider_error", deployment=payment_system())
    assert list(given.records.jsonl()) == list(run("provider_error").records.jsonl())


def test_a_rule_that_is_missing_strands_the_saga() -> None:
    done = run("provider_error", deployment=without(events.BalanceRefunded))
    assert done.payments.status.tolist() == ["REFUNDING"]
    assert "every saga ends" in broken(done)
    assert broken(run("happy_path", deployment=without(events.BalanceRefunded))) == []


def test_a_queue_that_gives_up_at_once_does() -> None:
    crash = scenarios.happy_path.but(
        faults=[Crash(service="Wallet Service", when="before", step=1)]
    )
    assert run(crash).payments.status.tolist() == ["COMPLETED"]
    hasty = replace(SOUND, queues=tuple(replace(queue, receives=1) for queue in SOUND.queues))
    done = run(crash, deployment=hasty)
    assert done.payments.status.tolist() == ["PENDING"]
    assert done.queues.set_index("queue").dead["Wallet SQS"] == 1


def test_a_run_keeps_its_deployment() -> None:
    changed = without(events.BalanceRefunded)
    done = run("provider_error", deployment=changed, schedule=())
    assert done.deployment is changed
    again = run(done.scenario, deployment=done.deployment, schedule=done.schedule)
    assert list(again.records.jsonl()) == list(done.records.jsonl())


def test_a_system_of_ones_own_runs_on_another_deployment() -> None:
    mute = replace(BOOKS.deployment, rules=())
    assert len(run(BOOKS, deployment=mute).records) < len(run(BOOKS).records)


def test_a_deployment_of_something_else() -> None:
    with pytest.raises(BadScenario, match="happy_path: the deployment has no 'API Gateway'"):
        run("happy_path", deployment=TRAVEL)
    with pytest.raises(BadScenario, match="the deployment has no"):
        run(BOOKS, deployment=TRAVEL)


def test_services_and_a_deployment_together_are_refused() -> None:
    with pytest.raises(BadScenario, match="the services are part of the deployment"):
        run("happy_path", deployment=SOUND, services={"API Gateway": object})
