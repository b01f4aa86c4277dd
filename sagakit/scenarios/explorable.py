"""A scenario as `explore` needs it: the system, what is asked of it, and what is at stake."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import permutations
from typing import Any, NamedTuple

from sagakit.contract.deployment import Deployment
from sagakit.contract.events import Event
from sagakit.contract.faults import Loss, Outage
from sagakit.contract.ports import Service
from sagakit.contract.suggest import suggest
from sagakit.contract.terminal import count
from sagakit.contract.validation import BadScenario
from sagakit.payments.api import parse
from sagakit.payments.breaker import Breaker
from sagakit.payments.events import BalanceDebited, BalanceRefunded
from sagakit.payments.topology import SOUND, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.scenarios.build import INSTANT, build_world, replace_services
from sagakit.scenarios.scenario import Recovery, Scenario
from sagakit.scenarios.system import System
from sagakit.trace.facts import Committed, Published

ENTRANCE = "API Gateway"
STORE, OWNER = "Wallet DB", "Wallet Service"
LATER = 1  # ms from the loss to the recovery


class Variants(NamedTuple):
    """Runs by the clock that stand for all of a scenario, where there is no budget of faults.

    name       "disasters" or "batches"
    covered    what they vary, as a sentence
    scenarios  makes them, one a run
    """

    name: str
    covered: str
    scenarios: Callable[[], Iterator[Scenario]]


class Explorable(NamedTuple):
    """A scenario as the start of a search.

    deployment  the system that is asked
    opening     store to the items that it has at the start
    commands    (service, command, saga) of each request
    texts       (ms, queue, text) of each message that somebody puts in a queue
    about       what is asked, for people: "2 payments of 1 wallet"
    party       what an external party is called, for people
    repeats     whether a request is repeated later
    amounts     event to its field that says how much money moved, which the laws add up
    guard       the store that says whether parties outside may be called; "" if there is none
    is_shut     whether an item of that store forbids or limits calls
    variants    the runs to explore in the place of the states
    """

    deployment: Deployment
    opening: Mapping[str, Iterable[Any]]
    commands: list[tuple[str, Any, str]]
    texts: list[tuple[int, str, str]]
    about: str
    party: str
    repeats: bool = False
    amounts: Mapping[type[Event], str] = {}
    guard: str = ""
    is_shut: Callable[[Any], bool] = lambda _item: False
    variants: Variants | None = None


def prepare(scenario: Scenario | System, services: Mapping[str, Service] | None) -> Explorable:
    """Return a scenario as `explore` needs it.

    Raises `BadScenario` for a scenario with faults of its own, since faults are what the budget of
    `explore` is for, and for services that do not fit.
    """
    if isinstance(scenario, System):
        return _of_system(scenario, services)
    return _of_payments(scenario, services)


def _of_system(system: System, services: Mapping[str, Service] | None) -> Explorable:
    for name, reaction in system.externals.items():
        if reaction != "approve":
            raise BadScenario(
                f"{system.name}: {name} does {reaction!r} already, and `explore` injects faults of "
                f'its own: explore it with {{"{name}": "approve"}}, and allow '
                f'provider={{"decline": 1}}'
            )
    system = replace_services(system, services)
    requests = len(system.requests)
    return Explorable(
        deployment=system.deployment,
        opening={f"{name} DB": items for name, items in system.opening.items()},
        commands=[(system.receiver(one), one, saga) for saga, one in system.requests.items()],
        texts=[],
        about=count(requests, "request"),
        party="a party outside",
    )


def _of_payments(scenario: Scenario, services: Mapping[str, Service] | None) -> Explorable:
    for name in services or {}:
        if name == ENTRANCE:
            raise BadScenario(
                f"{ENTRANCE}: it stands before what is explored, which begins with its commands to "
                f"the Payment Service: run it instead"
            )
        if name not in SOUND:
            raise BadScenario(f"there is no service {name!r} to replace: {suggest(name, SOUND)}")
    build_world(scenario)  # raises for what is wrong with the scenario
    if not scenario.recovery:
        _must_have_no_faults(scenario)
    commands: list[tuple[str, Any, str]] = []
    for payment in scenario.payments:
        sent = "Payment Service", parse(payment.post()), payment.payment_id
        commands += [sent] * len(payment.times)
    about = f"{count(len(scenario.payments), 'payment')} of "
    about += count(len(scenario.wallets), "wallet")
    if scenario.texts:
        about += f" and {count(len(scenario.texts), 'text')}"
    return Explorable(
        deployment=payment_system(scenario.settings, services=services),
        opening={STORE: [Wallet(one.user_id, one.balance) for one in scenario.wallets]},
        commands=commands,
        texts=[(one.at, one.queue, one.text) for one in scenario.texts],
        about=about,
        party="the provider",
        repeats=any(payment.repeats for payment in scenario.payments),
        amounts={BalanceDebited: "amount_debited", BalanceRefunded: "amount_refunded"},
        guard="Breaker DB",
        is_shut=lambda item: isinstance(item, Breaker) and item.state != "CLOSED",
        variants=_variants(scenario),
    )


def _must_have_no_faults(scenario: Scenario) -> None:
    for name in ("faults", "provider", "redrives"):
        if getattr(scenario, name):
            raise BadScenario(
                f"{scenario.name}: the scenario already says what goes wrong ({name}), and "
                f"`explore` injects faults of its own: explore scenario.but({name}=())"
            )


def _variants(scenario: Scenario) -> Variants | None:
    if scenario.recovery:
        return Variants(
            "disasters",
            "The wallet store was lost, and its snapshot taken, at each moment that can matter",
            lambda: _disasters(scenario),
        )
    if scenario.settings.wallet_batch > 1:
        return Variants(
            "batches", "All messages came as one batch, in each order", lambda: _batches(scenario)
        )
    return None


def _disasters(scenario: Scenario) -> Iterator[Scenario]:
    """The store is lost, and its snapshot taken, at every two moments: earlier losses first.

    A recovery reads a snapshot and a history, so what matters is how the moments of the snapshot
    and of the loss lie to what the store wrote and to what was published of it. The messages come
    in the order in which they come.
    """
    moments = {0}  # before the first write, and just after each write and each publication
    for record in build_world(scenario.but(faults=(), recovery=None)).run():
        match record.fact:
            case Committed(store=store) if store == STORE:
                moments.add(record.t + 1)
            case Published(source=source) if source == OWNER:
                moments.add(record.t + 1)
    for lost_at in sorted(moments):
        for snapshot_at in sorted(moments):
            if snapshot_at < lost_at:
                recovery = Recovery(snapshot_at=snapshot_at, start_at=lost_at + LATER)
                yield scenario.but(faults=(Loss(store=STORE, at=lost_at),), recovery=recovery)


def _batches(scenario: Scenario) -> Iterator[Scenario]:
    """All messages for the wallet service come as one batch, in each order: the scenario's first.

    Which message stands before which in a batch is chance, and if failures are not reported it
    decides what comes again. The service is out of reach until all of them wait.
    """
    arriving = (*scenario.payments, *scenario.texts)
    for order in permutations(range(len(arriving))):
        moved = [one.model_copy(update={"at": at}) for at, one in zip(order, arriving, strict=True)]
        yield scenario.but(
            payments=moved[: len(scenario.payments)],
            texts=moved[len(scenario.payments) :],
            faults=(Outage(participant=OWNER, start=0, end=len(arriving)),),
            timing=INSTANT,
        )
