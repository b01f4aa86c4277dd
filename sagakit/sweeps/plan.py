"""The runs of a sweep: every combination of the values that its fields take, with every seed."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any, NamedTuple

from pydantic import BaseModel

from sagakit.contract.ports import Service
from sagakit.contract.suggest import suggest
from sagakit.payments.topology import SOUND
from sagakit.scenarios import Scenario, resolve
from sagakit.scenarios.build import build_world

PATH = re.compile(r"\w+(\[\d+\])*(\.\w+(\[\d+\])*)*")
LARGEST = 2**63  # beyond this a seed has no place in a table of 64-bit numbers
MOST = 10_000_000  # seeds, or values of a field
PART = re.compile(r"\w+")


class BadSweep(ValueError):
    """A sweep that cannot be made: the text says what is wrong and what to do."""


class Case(NamedTuple):
    """One run: the value of each field, in the order of the plan, and the seed."""

    values: tuple[Any, ...]
    seed: int


@dataclass(frozen=True)
class Plan:
    """A scenario, its fields to the values that they take, the seeds, and services to replace.

    The runs are numbered: the last field turns fastest of the fields, and the seed faster still.
    """

    scenario: Scenario
    over: Mapping[str, tuple[Any, ...]]
    seeds: tuple[int, ...]
    services: Mapping[str, Service] | None = None

    @classmethod
    def of(
        cls,
        scenario: Scenario | str,
        over: Mapping[str, Iterable[Any]] | None,
        seeds: int | Iterable[int] | None,
        services: Mapping[str, Service] | None,
    ) -> "Plan":
        """Check all that can be checked before the first run.

        Raises `BadSweep` for a field or a service that does not exist and for seeds that are none,
        and `BadScenario` for a value that its field does not take.
        """
        base = resolve(scenario)
        if not isinstance(base, Scenario):
            raise BadSweep("a sweep is made of a Scenario, not of a System")
        for name, given in {"over": over, "services": services}.items():
            if not isinstance(given or {}, Mapping):
                raise BadSweep(f"{name}: give a dict, {{name: ...}}, not {given!r:.40}")
        values = {path: _values(path, given) for path, given in (over or {}).items()}
        for name in services or {}:
            if name not in SOUND:
                raise BadSweep(f"there is no service {name!r} to replace: {suggest(name, SOUND)}")
        plan = cls(base, values, _seeds(seeds, base), services)
        for index, combination in enumerate(product(*values.values())):
            changed = plan.scenario_with(combination)
            if index == 0:
                build_world(changed)
        return plan

    def __len__(self) -> int:
        return prod(map(len, self.over.values())) * len(self.seeds)

    def __iter__(self) -> Iterator[Case]:
        """Yield the runs in the order of their numbers."""
        for values in product(*self.over.values()):
            for seed in self.seeds:
                yield Case(values, seed)

    def scenario_with(self, values: tuple[Any, ...]) -> Scenario:
        """Return the scenario with these values in its fields. Raises `BadScenario`."""
        fields: dict[str, Any] = dict(self.scenario)
        changed = set()
        for path, value in zip(self.over, values, strict=True):
            keys = [int(key) if key.isdigit() else key for key in PART.findall(path)]
            fields = _replaced(fields, keys, value, path)
            changed.add(str(keys[0]))
        return self.scenario.but(**{name: fields[name] for name in sorted(changed)})


def _values(path: str, given: Iterable[Any]) -> tuple[Any, ...]:
    if not isinstance(path, str) or not PATH.fullmatch(path):
        raise BadSweep(f"over: {path!r} names no field: write settings.retry_delay, say")
    if path == "seed":
        raise BadSweep("over: the seeds of the runs are given as seeds=")
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise BadSweep(f"over: {path}: give a list of the values to try, not {given!r}")
    values = _all(f"over: {path}", given)
    if not values:
        raise BadSweep(f"over: {path}: give at least one value to try")
    return values


def _all(name: str, given: Iterable[Any]) -> tuple[Any, ...]:
    """Return all that is given, which may have no end."""
    values = tuple(islice(given, MOST + 1))
    if len(values) > MOST:
        raise BadSweep(f"{name}: give at most {MOST:,}")
    return values


def _seeds(seeds: int | Iterable[int] | None, scenario: Scenario) -> tuple[int, ...]:
    if seeds is None:
        return (scenario.seed,)
    if isinstance(seeds, int | Iterable) and not isinstance(seeds, bool):
        found = _all("seeds", range(seeds) if isinstance(seeds, int) else seeds)
        if found and all(type(seed) is int and abs(seed) < LARGEST for seed in found):
            return found
    raise BadSweep(f"seeds: give how many, 20 say, or a list of whole numbers, not {seeds!r:.40}")


def _replaced(part: Any, keys: list[Any], value: Any, path: str) -> Any:
    """Return a part of a scenario with the value at the end of the keys."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(part, tuple | list):
        if not isinstance(key, int) or key >= len(part):
            there = f"[0] to [{len(part) - 1}]" if part else "none yet"
            raise BadSweep(f"over: {path}: {key!r} is none of its items: there are {there}")
        return (*part[:key], _replaced(part[key], rest, value, path), *part[key + 1 :])
    if not isinstance(part, BaseModel | dict):
        raise BadSweep(f"over: {path}: {part!r} has no field {key!r}")
    fields = dict(part)
    if key not in fields:
        raise BadSweep(f"over: {path}: there is no field {key!r}: {suggest(str(key), fields)}")
    return {**fields, key: _replaced(fields[key], rest, value, path)}
