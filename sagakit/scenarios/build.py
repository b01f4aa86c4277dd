"""Build the simulated world in which all that a scenario says will happen."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from sagakit.contract.deployment import Deployment
from sagakit.contract.external import Decide, Reaction
from sagakit.contract.faults import Delay, Duplicate, Loss, Outage, Throttle
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Service
from sagakit.contract.suggest import suggest
from sagakit.contract.timing import Timing
from sagakit.contract.validation import BadScenario
from sagakit.payments.payment import payment_id_in
from sagakit.payments.recovery import StartRecovery
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.scenarios.scenario import ProviderRule, Scenario
from sagakit.scenarios.system import USER, System
from sagakit.sim.schedule import Choice, ScheduledKernel
from sagakit.sim.world import World

GIVE_UP_AFTER = 24 * 60 * 60 * 1_000  # ms after the last thing that a scenario has happen
MOST_ACTIONS = 250_000  # of a run besides those that its requests and texts take
MOST_ACTIONS_EACH = 1_000  # for a request or a text

UNBOUNDED = 1_000_000  # invocations of a service at once

INSTANT = Timing(
    bus=(0, 0), poll=(0, 0), store=(0, 0), relay=(0, 0), invoke=(0, 0), external=(0, 0)
)


def build_world(
    scenario: Scenario | System,
    *,
    seed: int | None = None,
    services: Mapping[str, Service] | None = None,
    schedule: Iterable[Choice] | None = None,
    deployment: Deployment | None = None,
) -> World:
    """Return the world of a scenario, ready to run. Raises `BadScenario` for an unknown name.

    `deployment` takes the place of the one that the scenario's settings, timing and services make.

    With a schedule, that gives the order and not the clock: all payments are there at once,
    nothing takes time by itself, and no service is short of room.
    """
    if services is not None and not isinstance(services, Mapping):
        raise BadScenario(f"{scenario.name}: services: give a dict, {{name: class}}")
    if deployment is not None and not isinstance(deployment, Deployment):
        raise BadScenario(f"{scenario.name}: deployment: give a Deployment, as payment_system() is")
    if deployment is not None and services:
        raise BadScenario(f"{scenario.name}: the services are part of the deployment: give one")
    kernel = None if schedule is None else ScheduledKernel(schedule)
    seed = scenario.seed if seed is None else seed
    try:
        if isinstance(scenario, System):
            system = replace_services(scenario, services)
            return _world_of_system(system, seed, kernel, deployment or system.deployment)
        deployment = deployment or payment_system(
            scenario.settings, timing=scenario.timing, services=services
        )
        return _world_of_scenario(scenario, seed, kernel, deployment)
    except ValueError as error:
        text, name = str(error), f"{scenario.name}: "
        raise BadScenario(text if text.startswith(name) else name + text) from None


def _world_of_scenario(
    scenario: Scenario, seed: int, kernel: ScheduledKernel | None, deployment: Deployment
) -> World:
    _must_have(deployment, "API Gateway", "Wallet DB", PROVIDER)
    if kernel is not None:
        deployment = _untimed(deployment)
        at_once = [
            payment.model_copy(update={"at": 0, "repeats": (0,) * len(payment.repeats)})
            for payment in scenario.payments
        ]
        scenario = scenario.but(payments=at_once)
    world = World(
        deployment,
        seed=seed,
        faults=scenario.faults,
        externals={PROVIDER: _provider(scenario.provider)},
        kernel=kernel,
    )
    for field in ("texts", "redrives"):
        for index, part in enumerate(getattr(scenario, field)):
            if part.queue not in world.queues:
                hint = suggest(part.queue, world.queues)
                raise ValueError(f"{field}[{index}].queue: there is no {part.queue!r}: {hint}")

    opening = (Wallet(wallet.user_id, wallet.balance) for wallet in scenario.wallets)
    world.seed_store("Wallet DB", opening)
    for payment in scenario.payments:
        for at in payment.times:
            world.request(at, USER, "API Gateway", payment.post(), payment.payment_id)
    for text in scenario.texts:
        world.put(text.at, text.queue, text.text, USER)
    for redrive in scenario.redrives:
        world.redrive(redrive.at, redrive.queue)
    if scenario.recovery:
        world.snapshot(scenario.recovery.snapshot_at, "Wallet DB", "Snapshot Store")
        start = scenario.recovery.start_at
        world.request(start, "Operator", "Wallet Service", StartRecovery())
    world.give_up(*run_limits(scenario))
    return world


def _world_of_system(
    system: System, seed: int, kernel: ScheduledKernel | None, deployment: Deployment
) -> World:
    _must_have(deployment, *(each.name for each in system.deployment.participants()))
    if kernel is not None:
        deployment = _untimed(deployment)
    reactions = {name: _always(Reaction(does)) for name, does in system.externals.items()}
    world = World(deployment, seed=seed, externals=reactions, kernel=kernel)
    for name, items in system.opening.items():
        world.seed_store(f"{name} DB", items)
    for saga, command in system.requests.items():
        world.request(0, USER, system.receiver(command), command, saga)
    world.give_up(*run_limits(system))
    return world


def _must_have(deployment: Deployment, *names: str) -> None:
    """Raise `ValueError` if it lacks somebody who is asked in the scenario."""
    participants = {participant.name for participant in deployment.participants()}
    for name in names:
        if name not in participants:
            raise ValueError(f"the deployment has no {name!r}: {suggest(name, participants)}")


def replace_services(system: System, services: Mapping[str, Service] | None) -> System:
    """Return the system with others in the place of some services. Raises `BadScenario`."""
    for name in services or {}:
        if name not in system.services:
            hint = suggest(name, system.services)
            raise BadScenario(f"{system.name}: there is no service {name!r} to replace: {hint}")
    return system.but(services={**system.services, **services}) if services else system


def _untimed(deployment: Deployment) -> Deployment:
    """Return the deployment where nothing takes time by itself, and no service is short of room."""
    roomy = tuple(replace(each, concurrency=UNBOUNDED) for each in deployment.functions)
    return replace(deployment, functions=roomy, timing=INSTANT)


def _always(reaction: Reaction) -> Decide:
    return lambda _request, _number, _now: reaction


class Limits(NamedTuple):
    """The end of a run in which something still goes on: a time (ms) and a number of actions."""

    at: int
    actions: int


def run_limits(scenario: Scenario | System) -> Limits:
    """Return how long a run may take: far longer than one that comes to an end. A provider that
    never answers would keep it going."""
    if isinstance(scenario, System):
        last, requests = 0, len(scenario.requests)
    else:
        last = _last_moment(scenario)
        requests = sum(len(payment.times) for payment in scenario.payments) + len(scenario.texts)
    return Limits(last + GIVE_UP_AFTER, MOST_ACTIONS + MOST_ACTIONS_EACH * requests)


def _last_moment(scenario: Scenario) -> int:
    """Return the time (ms) after which a scenario has nothing more happen."""
    moments = [0]
    moments += [max(payment.times) for payment in scenario.payments]
    moments += [rule.end or rule.start for rule in scenario.provider]
    moments += [text.at for text in scenario.texts]
    moments += [redrive.at for redrive in scenario.redrives]
    delays = [rule.delay for rule in scenario.provider]
    for fault in scenario.faults:
        match fault:
            case Outage() | Throttle():
                moments.append(fault.end)
            case Loss():
                moments.append(fault.at)
            case Delay():
                delays.append(fault.by)
            case Duplicate():
                delays.append(fault.after)
    if scenario.recovery:
        moments.append(scenario.recovery.start_at)
    return max(moments) + sum(delays)


def _provider(rules: tuple[ProviderRule, ...]) -> Decide:
    """Make the provider, which reacts by the first rule that matches, and else approves."""
    calls: dict[str, int] = {}

    def decide(request: Ask, _number: int, now: int) -> Reaction:
        call = calls[request.key] = calls.get(request.key, 0) + 1
        return reaction_to(rules, request, call, now)

    return decide


def reaction_to(rules: tuple[ProviderRule, ...], request: Ask, call: int, now: int) -> Reaction:
    """Return how the provider reacts to a request, which is the `call`-th about its payment."""
    payment_id = payment_id_in(request.key)
    for rule in rules:
        if rule.matches(payment_id, call, now):
            return Reaction(rule.behaviour, rule.delay)
    return Reaction("approve")
