"""A system of one's own on a file: its classes are in the program that serves it, and nowhere else.

So one process serves it. What the file keeps of its items and events is read back by the names of
their classes: each has to be what its module, a script or a notebook has by that name.
"""

import json
from collections.abc import Callable
from pathlib import Path

from sagakit.contract.external import Behaviour, Reaction
from sagakit.contract.operations import SimulatedPorts
from sagakit.contract.ports import handlers
from sagakit.run import Run
from sagakit.scenarios import BadScenario, Scenario, System
from sagakit.scenarios.system import USER
from sagakit.worlds.packing import found_by_name, pack
from sagakit.worlds.sqlite.database import BadDatabase, Database
from sagakit.worlds.sqlite.handling import Decide
from sagakit.worlds.sqlite.world import World


def serve_system(
    system: System,
    path: str | Path,
    *,
    workers: int,
    hurry: bool,
    work: Callable[[World, System], None],
) -> Run:
    """Serve a system to its end, as `serve` does a scenario; `work` has the world do it.

    Raises `BadScenario` for several workers, and for what a file cannot keep.
    """
    if workers > 1:
        raise BadScenario(
            f"{system.name}: a System is served by one worker, since its classes are in this "
            f"process and another has them not: leave workers out"
        )
    _refuse_what_is_not_found_again(system)
    told = _told(system)
    with Database(path, create=True) as database:
        externals = {name: _always(one) for name, one in system.externals.items()}
        world = World(database, system.deployment, externals=externals, hurry=hurry)
        with database.transaction():
            begun = database.meta("scenario")
            if begun is None:
                _begin(world, system)
                database.set_meta("scenario", told)
        if begun is not None and begun != told:
            raise another(database, system.name)
        work(world, system)
        return Run(system, system.seed, world.trace())


def begun_with(database: Database) -> Scenario | str | None:
    """The scenario that a file was begun with, or the name of the system."""
    begun = database.meta("scenario")
    if begun is None:
        return None
    try:
        name = json.loads(begun).get("system")
        return name if isinstance(name, str) else Scenario.from_json(begun)
    except (AttributeError, RecursionError, ValueError):
        raise database.damaged("its scenario cannot be read") from None


def another(database: Database, name: str) -> BadDatabase:
    """What is said of a file that was begun with something else than this name stands for."""
    begun = begun_with(database)
    there = begun.name if isinstance(begun, Scenario) else begun
    has = f"{there} as it was before" if there == name else f"{there}, not {name}"
    return BadDatabase(f"{database.path}: it has {has}: go on with that, or take another file")


def _refuse_what_is_not_found_again(system: System) -> None:
    classes: list[type] = [type(item) for items in system.opening.values() for item in items]
    for function in system.deployment.functions:
        classes += handlers(function.build(SimulatedPorts(function.name, system.deployment)))
    for cls in classes:
        if not found_by_name(cls):
            raise BadScenario(
                f"{system.name}: {cls.__qualname__} is not what {cls.__module__} has by that name, "
                f"and a file keeps names: define it at the top of a module, a script or a "
                f"notebook, and make the System after it"
            )


def _told(system: System) -> str:
    """What a file is told of a system: its name, what is asked and what its stores hold at first.
    Raises `BadScenario` for what it cannot keep."""
    asked = dict(system.requests), dict(system.opening)
    try:
        return json.dumps({"system": system.name, "asked": pack(asked)})
    except ValueError as error:
        raise BadScenario(f"{system.name}: {error}") from None


def _begin(world: World, system: System) -> None:
    for name, items in system.opening.items():
        world.seed_store(f"{name} DB", items)
    for saga, command in system.requests.items():
        world.request(0, USER, system.receiver(command), command, saga)


def _always(behaviour: Behaviour) -> Decide:
    return lambda _request, _call, _now: Reaction(behaviour)
