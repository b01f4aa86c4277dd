"""Puts a scenario on the stage: a simulated world in which all that it says will happen."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from sagakit.contract.deployment import Deployment
from sagakit.contract.operations import Ask
from sagakit.contract.suggest import suggest
from sagakit.contract.timing import Timing
from sagakit.contract.validation import BadScenario
from sagakit.payments.payment import payment_id_in
from sagakit.payments.recovery import StartRecovery
from sagakit.payments.topology import PROVIDER, Service, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.scenarios.scenario import ProviderRule, Scenario
from sagakit.scenarios.system import USER, System
from sagakit.sim.external import Decide, Reaction
from sagakit.sim.faults import Delay, Duplicate, Loss, Outage, Throttle
from sagakit.sim.schedule import Choice, ScheduledKernel
from sagakit.sim.world import World

PATIENCE = 24 * 60 * 60 * 1_000  # ms after the last thing that a scenario has happen
MOST = 250_000  # actions of a run besides those that its requests and texts take
MOST_EACH = 1_000  # for a request or a text

UNBOUNDED = 1_000_000  # invocations of a service at once

INSTANT = Timing(
    bus=(0, 0), poll=(0, 0), store=(0, 0), relay=(0, 0), invoke=(0, 0), external=(0, 0)
)


def stage(
    scenario: Scenario | System,
    *,
    seed: int | None = None,
    services: Mapping[str, Service] | None = None,
    schedule: Iterable[Choice] | None = None,
    deployment: Deployment | None = None,
) -> World:
    """The world of a scenario, ready to run. Raises `BadScenario` for a name that is unknown.

    `deployment` takes the place of the one that the scenario's settings, timing and services make.

    With a schedule, that gives the order and not the clock: all payments are there at once,
    nothing takes time by itself, and no service is short of room.
    """
    if services is not None and not isinstance(services, Mapping):
        raise BadScenario(f"{scenario.name}: services: give a dict, {{name: class}}")
    if deployment is not None and not isinstance(deployment, Deployment):
        raise BadScenario(f"{scenario.name}: deployment: give a Deployment, as payment_system() is")
    kernel = None if schedule is None else ScheduledKernel(schedule)
    seed = scenario.seed if seed is None else seed
    if deployment is not None and services:
        raise BadScenario(f"{scenario.name}: the services are part of the deployment: give one")
    if isinstance(scenario, System):
        return _stage_system(with_services(scenario, services), seed, kernel, deployment)
    if kernel is not None:
        at_once = [
            one.model_copy(update={"at": 0, "repeats": (0,) * len(one.repeats)})
            for one in scenario.payments
        ]
        scenario = scenario.but(payments=at_once)
    try:
        deployment = deployment or payment_system(
            scenario.settings, timing=scenario.timing, services=services
        )
        _has(deployment, "API Gateway", "Wallet DB", PROVIDER)
        if kernel is not None:
            deployment = _by_schedule(deployment)
        world = World(
            deployment,
            seed=seed,
            faults=scenario.faults,
            externals={PROVIDER: _provider(scenario.provider)},
            kernel=kernel,
        )
    except ValueError as error:
        raise BadScenario(f"{scenario.name}: {error}") from None
    named = [(f"texts[{place}]", text.queue) for place, text in enumerate(scenario.texts)]
    named += [(f"redrives[{place}]", one.queue) for place, one in enumerate(scenario.redrives)]
    for place, queue in named:
        if queue not in world.queues:
            hint = suggest(queue, world.queues)
            raise BadScenario(f"{scenario.name}: {place}.queue: there is no {queue!r}: {hint}")

    world.seed_store("Wallet DB", (Wallet(one.user_id, one.balance) for one in scenario.wallets))
    for payment in scenario.payments:
        for at in payment.times:
            world.request(at, "User", "API Gateway", payment.post(), payment.payment_id)
    for text in scenario.texts:
        world.put(text.at, text.queue, text.text, "User")
    for redrive in scenario.redrives:
        world.redrive(redrive.at, redrive.queue)
    if scenario.recovery:
        world.snapshot(scenario.recovery.snapshot_at, "Wallet DB", "Snapshot Store")
        start = scenario.recovery.start_at
        world.request(start, "Operator", "Wallet Service", StartRecovery())
    world.give_up(*limits(scenario))
    return world


def _stage_system(
    system: System, seed: int, kernel: ScheduledKernel | None, deployment: Deployment | None
) -> World:
    deployment = deployment or system.deployment
    try:
        _has(deployment, *(one.name for one in system.deployment.participants()))
    except ValueError as error:
        raise BadScenario(f"{system.name}: {error}") from None
    deployment = deployment if kernel is None else _by_schedule(deployment)
    reactions = {name: _always(Reaction(one)) for name, one in system.externals.items()}
    world = World(deployment, seed=seed, externals=reactions, kernel=kernel)
    for name, items in system.opening.items():
        world.seed_store(f"{name} DB", items)
    for saga, command in system.requests.items():
        world.request(0, USER, system.receiver(command), command, saga)
    world.give_up(*limits(system))
    return world


def _has(deployment: Deployment, *names: str) -> None:
    """Raises `ValueError` if it lacks somebody who is asked in the scenario."""
    there = {one.name for one in deployment.participants()}
    for name in names:
        if name not in there:
            raise ValueError(f"the deployment has no {name!r}: {suggest(name, there)}")


def with_services(system: System, services: Mapping[str, Service] | None) -> System:
    """The system with others in the place of some services. Raises `BadScenario`."""
    for name in services or {}:
        if name not in system.services:
            hint = suggest(name, system.services)
            raise BadScenario(f"{system.name}: there is no service {name!r} to replace: {hint}")
    return system.but(services={**system.services, **services}) if services else system


def _by_schedule(deployment: Deployment) -> Deployment:
    """The deployment where nothing takes time by itself, and no service is short of room."""
    roomy = tuple(replace(one, concurrency=UNBOUNDED) for one in deployment.functions)
    return replace(deployment, functions=roomy, timing=INSTANT)


def _always(reaction: Reaction) -> Decide:
    return lambda _request, _number, _now: reaction


class Limits(NamedTuple):
    """When a run is ended though something still goes on: at a time (ms), and after so many
    actions."""

    at: int
    actions: int


def limits(scenario: Scenario | System) -> Limits:
    """How long a run of it may take: far longer than one that comes to an end. A provider that
    never answers would keep it going."""
    if isinstance(scenario, System):
        return Limits(PATIENCE, MOST + MOST_EACH * len(scenario.requests))
    asked = sum(len(one.times) for one in scenario.payments) + len(scenario.texts)
    return Limits(_last_moment(scenario) + PATIENCE, MOST + MOST_EACH * asked)


def _last_moment(scenario: Scenario) -> int:
    """When (ms) a scenario has said all."""
    moments = [0]
    moments += [one.at + max(one.repeats, default=0) for one in scenario.payments]
    moments += [one.end or one.start for one in scenario.provider]
    moments += [text.at for text in scenario.texts]
    moments += [redrive.at for redrive in scenario.redrives]
    for fault in scenario.faults:
        if isinstance(fault, Outage | Throttle):
            moments.append(fault.end)
        elif isinstance(fault, Loss):
            moments.append(fault.at)
    if scenario.recovery:
        moments.append(scenario.recovery.start_at)
    delays = [one.delay for one in scenario.provider]
    delays += [one.by for one in scenario.faults if isinstance(one, Delay)]
    delays += [one.after for one in scenario.faults if isinstance(one, Duplicate)]
    return max(moments) + sum(delays)


def _provider(rules: tuple[ProviderRule, ...]) -> Decide:
    """How the provider reacts: by the first rule that matches, and else it approves."""
    calls: dict[str, int] = {}

    def decide(request: Ask, _number: int, now: int) -> Reaction:
        call = calls[request.key] = calls.get(request.key, 0) + 1
        return reaction_to(rules, request, call, now)

    return decide


def reaction_to(rules: tuple[ProviderRule, ...], request: Ask, call: int, now: int) -> Reaction:
    """How the provider reacts to a request, which is the `call`-th about its payment."""
    payment_id = payment_id_in(request.key)
    for rule in rules:
        if rule.matches(payment_id, call, now):
            return Reaction(rule.behaviour, rule.delay)
    return Reaction("approve")
