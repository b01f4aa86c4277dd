"""Items, events and records as JSON text, and back.

A value of a named type is kept with its type's module and name. Only types that are loaded are
made again, and only named tuples and events: a file cannot have other code run.
"""

import json
import sys
from decimal import Decimal
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from sagakit.contract.events import Event, Header, loads

PLAIN = (str, int, float)  # as it is in JSON; a truth value is an int
AS_IT_IS = frozenset((*PLAIN, bool, type(None)))  # most parts are, and need no call each
_JSON = json.JSONEncoder(separators=(",", ":"))  # one for all: each packing would make another


def pack(value: Any) -> str:
    """Return the JSON text of plain values, `Decimal`, tuples, sets, mappings, named tuples and
    events."""
    return _JSON.encode(_plain(value))


def unpack(text: str) -> Any:
    """Return the value of a text that `pack` made. Raises `ValueError` for what it would not
    make."""
    try:
        return _value(json.loads(text))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise ValueError(f"this was not kept here: {text!r:.60}") from error


def found_by_name(cls: type) -> bool:
    """Return whether a text that tells of this type leads back to it."""
    try:
        return _type(_name(cls)) is cls
    except ValueError:
        return False


Types = frozenset[Any]


def types_of(cls: type) -> list[Types]:
    """Return the types that each field of a named tuple may have by its annotation; none for a
    field that may have any."""
    found = []
    for hint in get_type_hints(cls).values():
        parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        types = [get_origin(part) or part for part in parts]
        found.append(frozenset(() if Any in types else types))
    return found


def fits(values: tuple[Any, ...], fields: list[Types]) -> bool:
    """Return whether values that were unpacked are what the fields of a named tuple may be."""
    return len(values) == len(fields) and all(
        not types or type(value) in types for value, types in zip(values, fields, strict=True)
    )


def header_of(body: str) -> tuple[str | None, str | None, str | None]:
    """Return the event's type, saga and id, of a text that may be no event."""
    try:
        header = loads(body)["header"]
        found = header["event_type"], header["correlation_id"], header["event_id"]
        "".join(found).encode()  # all are texts, and such as can be kept
    except (ValueError, TypeError, KeyError):
        return None, None, None
    return found


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, PLAIN):
        return value
    if isinstance(value, Decimal):
        return {"number": str(value)}
    if isinstance(value, Event):
        return {"event": _name(type(value)), "of": [_plain(value.header), _plain(value.payload())]}
    if isinstance(value, tuple):
        parts = [part if type(part) in AS_IT_IS else _plain(part) for part in value]
        return {"is": _name(type(value)), "of": parts} if hasattr(value, "_fields") else parts
    if isinstance(value, frozenset):
        return {"set": [_plain(part) for part in sorted(value)]}
    if isinstance(value, dict):
        return {"map": [[_plain(key), _plain(part)] for key, part in value.items()]}
    raise ValueError(f"a {type(value).__qualname__} cannot be kept: use numbers, texts and tuples")


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple([part if type(part) in AS_IT_IS else _value(part) for part in plain])
    if not isinstance(plain, dict):
        return plain
    if "number" in plain:
        return Decimal(plain["number"])
    if "set" in plain:
        return frozenset(map(_value, plain["set"]))
    if "map" in plain:
        return {_value(key): _value(part) for key, part in plain["map"]}
    cls = _type(plain.get("event") or plain["is"])
    parts = _value(plain["of"])
    if issubclass(cls, Event):
        header, payload = parts
        return cls(header=Header(*header), **payload)
    if not issubclass(cls, tuple) or not hasattr(cls, "_fields"):
        raise ValueError(f"{cls.__qualname__} is no named tuple")
    return cls(*parts)


def _name(cls: type) -> str:
    """Raises `ValueError` for a type that nobody finds again by its name."""
    if "<locals>" in cls.__qualname__:
        raise ValueError(
            f"{cls.__qualname__} is defined within a function, where nobody finds it again: define "
            f"it at the top of a module, a script or a notebook"
        )
    return f"{cls.__module__}:{cls.__qualname__}"


def _type(name: str) -> type:
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise ValueError(f"there is no {path} in {module}: is the module that has it loaded?")
    return found
