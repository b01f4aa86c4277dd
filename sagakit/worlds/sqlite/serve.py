"""A scenario's or a system's traffic on a file: begun once, gone on with at each start, looked at.

The classes of a system of one's own are in the program that serves it, and nowhere else: so one
process serves it. What the file keeps of its items and events is read back by the names of their
classes: each has to be what its module, a script or a notebook has by that name.
"""

import asyncio
import json
import multiprocessing
import os
import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from sagakit.contract.deployment import Deployment
from sagakit.contract.external import Behaviour, Decide, Reaction
from sagakit.contract.faults import Loss
from sagakit.contract.operations import Ask, ServicePorts
from sagakit.contract.ports import Service, event_of, handlers
from sagakit.contract.terminal import text_table
from sagakit.contract.timing import duration
from sagakit.contract.validation import whole_number
from sagakit.payments.payment import FINAL
from sagakit.payments.recovery import StartRecovery
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.run import Run
from sagakit.scenarios import BadScenario, Scenario, System, resolve
from sagakit.scenarios.build import build_world, reaction_to, replace_services, run_limits
from sagakit.scenarios.system import USER
from sagakit.trace.facts import A_TEXT
from sagakit.worlds.packing import found_by_name, header_of, pack
from sagakit.worlds.sqlite.database import BadDatabase, Clock, Database
from sagakit.worlds.sqlite.world import LoseStore, Redrive, TakeSnapshot, World

MOST_WORKERS = 16  # they take turns to write: more would only wait
Services = Mapping[str, Service] | None


def serve(
    scenario: Scenario | System,
    path: str | Path,
    *,
    workers: int = 1,
    hurry: bool = False,
    services: Services = None,
) -> Run:
    """Run a scenario's traffic on a file to its end: from the start, or from where it stands.

    A System of one's own is served as well, by one worker: its classes are in this process.
    `workers` processes share the file. `hurry` skips the waits of time, which one worker alone can
    do. `services` puts others in the place of the sound ones, as for `run`; they live in this
    process, so for one worker. Returns the run as the file tells it. Raises `BadDatabase` for a
    file that cannot be used or has another scenario, and `BadScenario` for what this world cannot
    do.
    """
    workers = whole_number("workers", workers, least=1, most=MOST_WORKERS)
    if isinstance(scenario := resolve(scenario), System):
        scenario, services = replace_services(scenario, services), None
        _check_system(scenario, workers)
    else:
        build_world(scenario, services=services)
        _check_scenario(scenario, workers, hurry, services)
    with Database(path, create=True) as database:
        return serve_on(database, scenario, workers=workers, hurry=hurry, services=services)


def _check_scenario(scenario: Scenario, workers: int, hurry: bool, services: Services) -> None:
    """Raise `BadScenario` for what this world cannot do."""
    if services and workers > 1:
        raise BadScenario("services: with one worker only, since another process has them not")
    if hurry and workers > 1:
        raise BadScenario("hurry: with one worker only, since it cannot tell what others wait for")
    if scenario.recovery and workers > 1:
        raise BadScenario(f"{scenario.name}: a recovery stops the intake of one worker: take one")
    for fault in scenario.faults:
        if not isinstance(fault, Loss):
            raise BadScenario(
                f"{scenario.name}: the SQLite world makes no {fault.fault} happen: leave it out of "
                f"faults, and kill the process instead"
            )


def _check_system(system: System, workers: int) -> None:
    """Raise `BadScenario` for several workers, and for what a file cannot keep."""
    if workers > 1:
        raise BadScenario(
            f"{system.name}: a System is served by one worker, since its classes are in this "
            f"process and another has them not: leave workers out"
        )
    classes: list[type] = [type(item) for items in system.opening.values() for item in items]
    for function in system.deployment.functions:
        classes += handlers(function.build(ServicePorts(function.name, system.deployment)))
    for cls in classes:
        if not found_by_name(cls):
            raise BadScenario(
                f"{system.name}: {cls.__qualname__} is not what {cls.__module__} has by that name, "
                f"and a file keeps names: define it at the top of a module, a script or a "
                f"notebook, and make the System after it"
            )
    _kept(system)


def _kept(scenario: Scenario | System) -> str:
    """Return what a file keeps of what it was begun with: a scenario, or a system's name, what is
    asked of it and what its stores hold at first. Raises `BadScenario` for what it cannot keep."""
    if isinstance(scenario, Scenario):
        return scenario.to_json()
    asked = dict(scenario.requests), dict(scenario.opening)
    try:
        return json.dumps({"system": scenario.name, "asked": pack(asked)})
    except ValueError as error:
        raise BadScenario(f"{scenario.name}: {error}") from None


def serve_on(
    database: Database,
    scenario: Scenario | System,
    *,
    workers: int = 1,
    hurry: bool = False,
    services: Services = None,
) -> Run:
    """Do the same on a file that is open."""
    world = world_of(database, scenario, hurry=hurry, services=services)
    with database.transaction():
        begun = database.meta("scenario")
        if begun is None:
            begin(database, world, scenario)
    if begun is not None and begun != _kept(scenario):
        there = _begun_with(database)
        name = there.name if isinstance(there, Scenario) else there
        has = (
            f"{name} as it was before" if name == scenario.name else f"{name}, not {scenario.name}"
        )
        raise BadDatabase(f"{database.path}: it has {has}: go on with that, or take another file")
    others = [
        multiprocessing.get_context("spawn").Process(target=_work, args=(database.path,))
        for _ in range(workers - 1)
    ]
    try:
        for other in others:
            other.start()
        _to_its_end(world, scenario)
        for other in others:
            other.join()
    finally:
        for other in others:
            if other.is_alive():
                other.kill()  # at any moment: its messages come again
    return Run(scenario, scenario.seed, world.trace(), services=services)


def _to_its_end(world: World, scenario: Scenario | System) -> None:
    """Run the world; in a notebook, where a loop runs already and no second one may, in a
    thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(world.run(*run_limits(scenario)))
        return
    with ThreadPoolExecutor(1) as thread:
        work = thread.submit(lambda: asyncio.run(world.run(*run_limits(scenario))))
        try:
            work.result()
        except KeyboardInterrupt:
            world.stop()
            raise


def _work(path: str | Path) -> None:
    """Work as a further process on the same file. It ends with the first, however that one ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the first one's to hear
    Thread(target=_end_with_the_first, daemon=True).start()
    with suppress(BadDatabase), Database(path) as database:  # the first meets it too, and tells
        scenario = scenario_of(database)
        asyncio.run(world_of(database, scenario).run(*run_limits(scenario)))


def _end_with_the_first() -> None:
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
        os._exit(1)


def redrive(path: str | Path, queue: str) -> int:
    """Send a queue's dead letters back into it. Returns how many. Raises `BadDatabase`, and
    `BadScenario` for a queue that does not exist."""
    with Database(path) as database:
        world = world_of(database, scenario_of(database))
        try:
            with database.transaction():
                return world.redrive(queue)
        except ValueError as error:
            raise BadScenario(f"{path}: {error}") from None


# What a file has.


def scenario_of(database: Database) -> Scenario:
    """Return the scenario whose traffic a file has. Raises `BadDatabase` if it has none yet."""
    begun = _begun_with(database)
    if begun is None:
        raise BadDatabase(f"{database.path}: no scenario has been begun: `serve` begins one")
    if isinstance(begun, str):
        raise BadDatabase(
            f"{database.path}: it has the system {begun}, whose classes are in the program that "
            f"serves it: there, look at the run that `serve` returns"
        )
    return begun


def _begun_with(database: Database) -> Scenario | str | None:
    """Return the scenario that a file was begun with, or the name of the system."""
    begun = database.meta("scenario")
    if begun is None:
        return None
    try:
        name = json.loads(begun).get("system")
        return name if isinstance(name, str) else Scenario.from_json(begun)
    except (AttributeError, RecursionError, ValueError):
        raise database.damaged("its scenario cannot be read") from None


def world_of(
    database: Database,
    scenario: Scenario | System,
    *,
    hurry: bool = False,
    services: Services = None,
) -> World:
    """Return a system on a file: the payment system, or one of one's own."""
    if isinstance(scenario, System):
        externals = {name: _always(each) for name, each in scenario.externals.items()}
        return World(database, scenario.deployment, externals=externals, hurry=hurry)

    def provider(request: Ask, call: int, now: int) -> Reaction:
        return reaction_to(scenario.provider, request, call, now)

    deployment = payment_system(scenario.settings, timing=scenario.timing, services=services)
    return World(database, deployment, externals={PROVIDER: provider}, hurry=hurry)


def _always(behaviour: Behaviour) -> Decide:
    return lambda _request, _call, _now: Reaction(behaviour)


def begin(database: Database, world: World, scenario: Scenario | System) -> None:
    """Put into a file all that the scenario has happen. Within a transaction."""
    if isinstance(scenario, System):
        for name, items in scenario.opening.items():
            world.seed_store(f"{name} DB", items)
        for saga, command in scenario.requests.items():
            world.request(0, USER, scenario.receiver(command), command, saga)
    else:
        _begin_payments(world, scenario)
    database.set_meta("scenario", _kept(scenario))


def _begin_payments(world: World, scenario: Scenario) -> None:
    wallets = [Wallet(wallet.user_id, wallet.balance) for wallet in scenario.wallets]
    world.seed_store("Wallet DB", wallets)
    for payment in scenario.payments:
        for at in payment.times:
            world.request(at, USER, "API Gateway", payment.post(), payment.payment_id)
    for text in scenario.texts:
        world.put(text.at, text.queue, text.text, USER)
    for redrive in scenario.redrives:
        world.plan(redrive.at, Redrive(redrive.queue))
    for fault in scenario.faults:
        if isinstance(fault, Loss):
            world.plan(fault.at, LoseStore(fault.store))
    if scenario.recovery:
        snapshot = TakeSnapshot("Wallet DB", "Snapshot Store")
        world.plan(scenario.recovery.snapshot_at, snapshot)
        start = scenario.recovery.start_at
        world.request(start, "Operator", "Wallet Service", StartRecovery(), None)


Row = tuple[Any, ...]


def queues(database: Database, deployment: Deployment, now: int) -> Iterator[Row]:
    """Yield how many messages each queue has: to be received now, hidden or due later, and dead. In
    the deployment's order; subscriptions that hold something follow."""
    rows = database.rows(
        "SELECT queue, sum(dead = 0 AND due <= ?), sum(dead = 0 AND due > ?), sum(dead) "
        "FROM messages GROUP BY queue ORDER BY queue",
        now, now,
    )  # fmt: skip
    found = {row[0]: row for row in rows}
    for queue in deployment.queues:
        yield found.pop(queue.name, (queue.name, 0, 0, 0))
    yield from found.values()


def dead_letters(database: Database) -> Iterator[Row]:
    rows = database.rows("SELECT id, queue, body, reason FROM messages WHERE dead = 1 ORDER BY id")
    for message_id, queue, body, reason in rows:
        event, saga, _ = header_of(body)
        yield message_id, queue, event or A_TEXT, saga or "", reason


def open_sagas(database: Database, store: str, now: int) -> Iterator[Row]:
    """Yield the items of a store whose state is not final, their state and what each waits for."""
    waits: dict[str, list[str]] = defaultdict(list)
    for outbox, entry in database.rows("SELECT store, entry FROM outbox ORDER BY id"):
        header = event_of(database.kept(entry)).header
        told = f"its {header.event_type} waits in the outbox of {outbox}"
        waits[header.correlation_id].append(told)
    rows = database.rows("SELECT queue, body, due, dead, reason FROM messages ORDER BY id")
    for queue, body, due, dead, reason in rows:
        event, saga, _ = header_of(body)
        if dead:
            told = f"its {event} is a dead letter of {queue}: {reason}"
        elif due > now:
            told = f"its {event} comes to {queue} in {duration(due - now)}"
        else:
            told = f"its {event} waits in {queue}"
        waits[saga or ""].append(told)
    requests = database.rows(
        "SELECT service, saga, due FROM requests WHERE done = 0 AND saga IS NOT NULL ORDER BY id"
    )
    for service, saga, due in requests:
        told = f"comes in {duration(due - now)}" if due > now else "waits"
        waits[saga].append(f"its request to {service} {told}")
    for key, item in database.items(store):
        if item.status not in FINAL:
            yield key, item.status, "; ".join(waits[key]) or "nothing of it is under way"


def log(path: str | Path) -> Iterator[str]:
    """Yield the file's trace so far, as `check` reads it: a line a record. Raises `BadDatabase`."""
    with Database(path, reading=True) as database:
        scenario_of(database)
        yield from database.trace(()).jsonl()


def inspection(path: str | Path) -> Iterator[str]:
    """Yield all of it as tables. Raises `BadDatabase`."""
    with Database(path, reading=True) as database:
        scenario, now = scenario_of(database), Clock(database).now()
        deployment = payment_system(scenario.settings)
        yield f"{path}: {scenario.title}"
        for header, found, nothing in (
            (("queue", "waiting", "later", "dead"), queues(database, deployment, now), ""),
            (("message", "queue", "event", "saga", "reason"), dead_letters(database),
             "no dead letters"),
            (("saga", "state", "where"), open_sagas(database, "Payments DB", now),
             "every saga has ended"),
        ):  # fmt: skip
            rows = list(found)
            yield ""
            yield from text_table(header, rows) if rows else [nothing]
        (requests,) = database.one("SELECT count(*) FROM requests WHERE done = 0")
        if requests:
            yield ""
            yield f"requests to come, or to be answered: {requests}; `serve` goes on with them"
