"""The knobs of a scenario or a system: what of it can be turned, read from its models.

A number is a slider, a truth value a switch, a word out of a few a choice, and each rule of the
provider and each fault has a switch that leaves it out. Kind, bounds and unit are those of the
model's JSON schema. Of a system of one's own these are the parties outside, the numbers of its
opening items and its commands, and the timing.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from pydantic import BaseModel

from sagakit.scenarios import Scenario, System
from sagakit.sim.external import Behaviour

MOST = 10  # wallets, payments, rules, faults or items that get knobs
OPTIONAL = ("provider", "faults")  # what may be left out, one by one
OF_A_SYSTEM = ("externals", "opening", "requests", "timing", "seed")
ROOM = 4  # a slider goes to so many times the value, or as far as the model allows

Given = TypeVar("Given", Scenario, System)


class Knob(NamedTuple):
    """One thing to turn.

    name      the path to it, as an error message names it: "settings.retry_delay"
    value     what it is in the scenario: an amount as text, so that it stays exact; None for none
    least     the model's bounds; `most` is None if it has none
    top       where the slider ends: `most`, or nearer by
    unit      "ms" or nothing
    about     of a rule or a fault: what it does; of a span of time: which end of it
    choices   the words to choose from
    optional  whether it may be none
    """

    name: str
    kind: Literal["switch", "number", "amount", "choice"]
    value: bool | int | str | None
    least: int | None = None
    most: int | None = None
    top: int = 0
    unit: str = ""
    about: str = ""
    choices: tuple[str, ...] = ()
    optional: bool = False


def knobs(scenario: Scenario | System) -> list[Knob]:
    """All knobs of a scenario, its settings first."""
    found = list(_of(scenario, ""))
    return sorted(found, key=lambda knob: not knob.name.startswith("settings."))


def turned(scenario: Given, values: Mapping[str, bool | int | str | None]) -> Given:
    """The scenario with some knobs turned. Raises `BadScenario` for what it does not allow."""
    return scenario.but(**_turned(scenario, "", values))


def _parts(whole: Any, path: str) -> Iterator[tuple[Any, str, Any]]:
    """What something is made of: of each part its name or place, the path to it, and the part."""
    dot = f"{path}." if path else ""
    if isinstance(whole, System):
        yield from ((field, f"{dot}{field}", getattr(whole, field)) for field in OF_A_SYSTEM)
    elif isinstance(whole, BaseModel):
        yield from ((field, f"{dot}{field}", value) for field, value in whole)
    elif isinstance(whole, tuple) and hasattr(whole, "_fields"):  # an item or a command
        own = [field for field in whole._fields if field != "version"]
        yield from ((field, f"{dot}{field}", getattr(whole, field)) for field in own)
    elif isinstance(whole, Mapping | list | tuple) and len(whole) <= MOST:
        parts = whole.items() if isinstance(whole, Mapping) else enumerate(whole)
        yield from ((key, f"{path}[{key}]", value) for key, value in parts)


def _of(whole: Any, path: str) -> Iterator[Knob]:
    for part, name, value in _parts(whole, path):
        schema = _schema(type(whole), part) if isinstance(whole, BaseModel) else {}
        choices = get_args(Behaviour) if path == "externals" else schema.get("enum", ())
        number = schema.get("type") == "integer" if value is None else isinstance(value, int)
        if isinstance(value, bool):
            yield Knob(name, "switch", value)
        elif number and isinstance(part, str):  # a place in a list says nothing
            yield _number(name, value, schema)
        elif isinstance(value, Decimal):
            yield Knob(name, "amount", str(value))
        elif isinstance(value, str) and choices:
            yield Knob(name, "choice", value, choices=tuple(choices))
        elif "prefixItems" in schema:
            yield from _span(name, value, schema.get("unit", ""))
        else:
            if path in OPTIONAL:
                yield Knob(name, "switch", True, about=_about(value))
            yield from _of(value, name)


def _about(part: BaseModel) -> str:
    """Of which kind a fault is, and whom it or a rule of the provider strikes."""
    does = ("fault", "service", "queue", "place", "event", "payment_id")
    said = (getattr(part, field, None) for field in does)
    return " ".join(str(one) for one in said if one)


def _number(name: str, value: int | None, schema: Mapping[str, Any]) -> Knob:
    least, most, unit = (schema.get(key) for key in ("minimum", "maximum", "unit"))
    top = max(ROOM * (value or 0), 10_000 if unit == "ms" else 10)
    top = top if most is None else min(top, most)
    optional = schema.get("optional", False)
    return Knob(name, "number", value, least, most, top, unit or "", optional=optional)


def _span(name: str, span: tuple[int, int], unit: str) -> Iterator[Knob]:
    top = max(ROOM * span[1], 10)
    for place, end in enumerate(("shortest", "longest")):
        yield Knob(f"{name}[{place}]", "number", span[place], 0, None, top, unit, end)


@cache
def _schemas(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return found


def _schema(model: type[BaseModel], field: str) -> dict[str, Any]:
    """What the model says of a field; of an optional one, what it says if it is there."""
    schema = _schemas(model)[field]
    kinds: list[dict[str, Any]] = schema.get("anyOf", [schema])
    optional = {"type": "null"} in kinds
    numbers = ({**one, "optional": optional} for one in kinds if one.get("type") == "integer")
    return next(numbers, schema)


def _turned(whole: Any, path: str, values: Mapping[str, Any]) -> Any:
    """The same with some turned; of a model its fields, which are checked with all the others."""
    model = isinstance(whole, BaseModel)
    if path in values and not model:
        return Decimal(values[path]) if isinstance(whole, Decimal) else values[path]
    found = list(_parts(whole, path))
    if not found:
        return whole
    parts = {
        part: _turned(value, name, values)
        for part, name, value in found
        if not (isinstance(value, BaseModel) and values.get(name) is False)
    }
    if model or isinstance(whole, System | Mapping):
        return parts
    return whole._replace(**parts) if hasattr(whole, "_fields") else tuple(parts.values())
