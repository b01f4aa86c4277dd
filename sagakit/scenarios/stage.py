"""Puts a scenario on the stage: a simulated world in which all that it says will happen."""

from collections.abc import Mapping

from sagakit.events import encode
from sagakit.payments.api import Post
from sagakit.payments.recovery import StartRecovery
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.scenarios.scenario import BadScenario, ProviderRule, Scenario
from sagakit.sim.external import Decide, Reaction
from sagakit.sim.operations import Ask
from sagakit.sim.world import World

TRANSACTION = "tx-"


def stage(
    scenario: Scenario, *, seed: int | None = None, services: Mapping[str, type] | None = None
) -> World:
    """The world of a scenario, ready to run. Raises `BadScenario` for a name that is unknown."""
    try:
        world = World(
            payment_system(scenario.settings, timing=scenario.timing, services=services),
            seed=scenario.seed if seed is None else seed,
            faults=scenario.faults,
            externals={PROVIDER: _provider(scenario.provider)},
        )
    except ValueError as error:
        raise BadScenario(f"{scenario.name}: {error}") from None
    for queue in (
        *(one.queue for one in scenario.texts),
        *(one.queue for one in scenario.redrives),
    ):
        if queue not in world.queues:
            names = ", ".join(world.queues)
            raise BadScenario(f"{scenario.name}: there is no queue {queue!r}: use one of {names}")

    world.seed_store("Wallet DB", (Wallet(one.user_id, one.balance) for one in scenario.wallets))
    for payment in scenario.payments:
        body = encode({"user_id": payment.user_id, "amount": payment.amount})
        post = Post(body, payment.idempotency_key)
        for later in (0, *payment.repeats):
            world.request(payment.at + later, "User", "API Gateway", post, payment.payment_id)
    for text in scenario.texts:
        world.put(text.at, text.queue, text.text, "User")
    for redrive in scenario.redrives:
        world.redrive(redrive.at, redrive.queue)
    if scenario.recovery:
        world.snapshot(scenario.recovery.snapshot_at, "Wallet DB", "Snapshot Store")
        start = scenario.recovery.start_at
        world.request(start, "Operator", "Wallet Service", StartRecovery())
    return world


def _provider(rules: tuple[ProviderRule, ...]) -> Decide:
    """How the provider reacts: by the first rule that matches, and else it approves."""
    calls: dict[str, int] = {}

    def decide(request: Ask, _number: int, now: int) -> Reaction:
        payment_id = request.key.removeprefix(TRANSACTION)
        call = calls[request.key] = calls.get(request.key, 0) + 1
        for rule in rules:
            if rule.matches(payment_id, call, now):
                return Reaction(rule.behaviour, rule.delay)
        return Reaction("approve")

    return decide
