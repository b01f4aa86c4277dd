"""The knobs of a scenario: what of it can be turned, read from its pydantic models.

A number is a slider, a truth value a switch, and each rule of the provider and each fault has a
switch that leaves it out. Kind, bounds and unit are those of the model's JSON schema.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from sagakit.scenarios import Scenario

MOST = 10  # wallets, payments, rules or faults that get knobs
LEFT_OUT = ("timing", "version")
OPTIONAL = ("provider", "faults")  # what may be left out, one by one
ROOM = 4  # a slider goes to so many times the value, or as far as the model allows


class Knob(NamedTuple):
    """One thing to turn.

    name    the path to it, as an error message names it: "settings.retry_delay"
    value   what it is in the scenario: an amount as text, so that it stays exact
    least   the model's bounds; `most` is None if it has none
    top     where the slider ends: `most`, or nearer by
    unit    "ms" or nothing
    about   of a rule or a fault: what it does
    """

    name: str
    kind: Literal["switch", "number", "amount"]
    value: bool | int | str
    least: int | None = None
    most: int | None = None
    top: int = 0
    unit: str = ""
    about: str = ""


def knobs(scenario: Scenario) -> list[Knob]:
    """All knobs of a scenario, its settings first."""
    found = list(_of(scenario, ""))
    return sorted(found, key=lambda knob: not knob.name.startswith("settings."))


def turned(scenario: Scenario, values: Mapping[str, bool | int | str]) -> Scenario:
    """The scenario with some knobs turned. Raises `BadScenario` for what it does not allow."""
    return scenario.but(**_turned(scenario, "", values))


def _of(model: BaseModel, path: str) -> Iterator[Knob]:
    for field, value in model:
        name = f"{path}{field}"
        if field in LEFT_OUT:
            continue
        if isinstance(value, bool):
            yield Knob(name, "switch", value)
        elif isinstance(value, int):
            yield _number(name, value, _schema(type(model), field))
        elif isinstance(value, Decimal):
            yield Knob(name, "amount", str(value))
        elif isinstance(value, BaseModel):
            yield from _of(value, f"{name}.")
        elif isinstance(value, tuple) and len(value) <= MOST:
            for place, part in enumerate(value):
                if isinstance(part, BaseModel):
                    if field in OPTIONAL:
                        yield Knob(f"{name}[{place}]", "switch", True, about=_about(part))
                    yield from _of(part, f"{name}[{place}].")


def _about(part: BaseModel) -> str:
    """What a rule of the provider or a fault does, and to whom."""
    does = ("behaviour", "fault", "service", "queue", "place", "event", "payment_id")
    said = (getattr(part, field, None) for field in does)
    return " ".join(str(one) for one in said if one)


def _number(name: str, value: int, schema: Mapping[str, Any]) -> Knob:
    least, most, unit = (schema.get(key) for key in ("minimum", "maximum", "unit"))
    top = max(ROOM * value, 10_000 if unit == "ms" else 10)
    top = top if most is None else min(top, most)
    return Knob(name, "number", value, least, most, top, unit or "")


@cache
def _schemas(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return found


def _schema(model: type[BaseModel], field: str) -> dict[str, Any]:
    """What the model says of a field; of an optional one, what it says if it is there."""
    schema = _schemas(model)[field]
    kinds: list[dict[str, Any]] = schema.get("anyOf", [schema])
    return next((one for one in kinds if one.get("type") == "integer"), schema)


def _turned(model: BaseModel, path: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The model's fields with some turned."""
    fields: dict[str, Any] = {}
    for field, value in model:
        name = f"{path}{field}"
        if name in values:
            fields[field] = Decimal(values[name]) if isinstance(value, Decimal) else values[name]
        elif isinstance(value, BaseModel):
            fields[field] = _turned(value, f"{name}.", values)
        elif isinstance(value, tuple) and any(isinstance(part, BaseModel) for part in value):
            fields[field] = tuple(
                _turned(part, f"{name}[{place}].", values)
                for place, part in enumerate(value)
                if values.get(f"{name}[{place}]", True)
            )
        else:
            fields[field] = value
    return fields
