"""Events: the facts that services publish, and their form on the wire.

An event is a frozen pydantic model; its class name is its name on the wire. Every event carries a
`Header`: who it is, which saga it belongs to, what caused it, and when it became true.

    >>> class RoomBooked(Event):
    ...     room: str
    >>> booked = RoomBooked.first("trip-1", room="12")
    >>> decode(booked.wire(), [RoomBooked]) == booked
    True
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from hashlib import blake2b
from typing import Annotated, Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

Identifier = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]


MOST_DIGITS = 1_000  # before or after the point of a number in a message

_set = object.__setattr__  # an event is frozen


class NotUnderstood(ValueError):
    """A message that is no event of the expected types: the text says what is wrong and where."""


class Header(NamedTuple):
    """The header of an event: who, why and when.

    event_id        names this event; the same cause handled twice gives the same id
    correlation_id  names the saga
    causation_id    the event (or request) that caused this one
    event_type      the class name
    timestamp       ms of virtual time at which its state change was committed; 0 before that
    version         of the event's schema
    """

    event_id: Identifier
    correlation_id: Identifier
    causation_id: Identifier
    event_type: str
    timestamp: int = 0
    version: int = 1


def identity(*parts: str | int) -> str:
    """Derive an id from what it stands for: 16 hexadecimal digits, the same on every machine."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()


class Event(BaseModel):
    """A fact. Subclass it and declare the payload's fields."""

    # Validators are made at first use: a run needs few of all types, and starts sooner.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    schema_version: ClassVar[int] = 1

    header: Header

    @classmethod
    def first(cls, correlation_id: str, **payload: Any) -> Self:
        """Make the event that starts a saga. Its id is derived from the saga's."""
        name = cls.__name__
        event_id = identity(correlation_id, name, 0)
        header = Header(event_id, correlation_id, correlation_id, name, 0, cls.schema_version)
        return cls(header=header, **payload)

    @classmethod
    def after(cls, cause: "Event", *, nth: int = 0, **payload: Any) -> Self:
        """Make the event that follows from `cause`: in the same saga, with the payload they share.

        `nth` tells apart several events of one type that one handler publishes.
        """
        name = cls.__name__
        causation_id, correlation_id, *_ = cause.header
        event_id = identity(causation_id, name, nth)
        header = Header(event_id, correlation_id, causation_id, name, 0, cls.schema_version)
        known = cause.__dict__
        carried, defaults, valid = _inherited(cls, type(cause))
        fields = {field: known[field] for field in carried}
        if valid and not payload:
            return cls._of_valid({"header": header, **fields, **defaults})
        return cls(header=header, **(fields | payload))

    def stamped(self, now: int) -> Self:
        """Return the same event with the time (ms) at which it became true."""
        event_id, correlation_id, causation_id, event_type, _, version = self.header
        header = Header(event_id, correlation_id, causation_id, event_type, now, version)
        return self._of_valid({**self.__dict__, "header": header})

    @classmethod
    def _of_valid(cls, fields: dict[str, Any]) -> Self:
        """Make an event of fields that come from a valid event: they are not validated again."""
        event = cls.__new__(cls)
        _set(event, "__dict__", fields)  # as `model_construct` does, at five times the speed
        _set(event, "__pydantic_fields_set__", set(fields))
        _set(event, "__pydantic_extra__", None)
        _set(event, "__pydantic_private__", None)
        return event

    @property
    def remark(self) -> str:
        """The words that a diagram has beside the event's name; none by default."""
        return ""

    def payload(self) -> dict[str, Any]:
        """Return the fields without the header."""
        fields = dict(self.__dict__)
        del fields["header"]
        return fields

    def wire(self) -> str:
        """Return the JSON text that travels: `{"header": {...}, "payload": {...}}`."""
        return encode({"header": self.header._asdict(), "payload": self.payload()})


@cache
def _inherited(
    cls: type[Event], other: type[Event]
) -> tuple[tuple[str, ...], dict[str, Any], bool]:
    """Return the fields that `cls` takes from `other`, the defaults of the rest, and whether that
    makes a valid event: nothing is missing, and what was valid there is valid here."""
    own = {name: field for name, field in cls.model_fields.items() if name != "header"}
    carried = tuple(name for name in own if name in other.model_fields)
    rest = {name: field for name, field in own.items() if name not in carried}
    defaults = {name: field.default for name, field in rest.items() if not field.is_required()}
    checks = cls.__pydantic_decorators__
    valid = (
        len(carried) + len(defaults) == len(own)
        and all(field.default_factory is None for field in rest.values())
        and all(_alike(own[name], other.model_fields[name]) for name in carried)
        and not (checks.field_validators or checks.model_validators or checks.validators)
    )
    return carried, defaults, valid


def _alike(field: FieldInfo, other: FieldInfo) -> bool:
    return (field.annotation, field.metadata) == (other.annotation, other.metadata)


def encode(value: Any) -> str:
    """Return JSON text in which a `Decimal` is an exact number, which `json.dumps` cannot write.

    Dates, enumerations and the like become what pydantic reads back as them.
    """
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(k))}: {encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return encode(value._asdict())
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)  # in the same order every time
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(encode, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, default=to_jsonable_python)


def encode_lines(value: Any) -> Iterator[str]:
    """Write JSON text as lines: an item of a list each, and a field of an object that has lists.

    >>> print("\\n".join(encode_lines({"user": "ana", "paid": [{"amount": 5}, {"amount": 7}]})))
    {
    "user": "ana",
    "paid": [
    {"amount": 5},
    {"amount": 7}
    ]
    }
    """
    if isinstance(value, dict) and any(isinstance(part, list) for part in value.values()):
        opening, closing = "{}"
        parts = [(f"{json.dumps(name)}: ", part) for name, part in value.items()]
    elif isinstance(value, list):
        opening, closing = "[]"
        parts = [("", part) for part in value]
    else:
        yield encode(value)
        return
    yield opening
    for number, (name, part) in enumerate(parts, start=1):
        *lines, last = encode_lines(part)
        for line in lines:
            yield name + line
            name = ""
        yield name + last + "," * (number < len(parts))
    yield closing


def _exact(number: str) -> Decimal:
    """Read a fraction. Raises `ValueError` for an exponent that would make millions of digits."""
    exact = Decimal(number)
    if abs(exact.adjusted()) > MOST_DIGITS:
        raise ValueError
    return exact


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise NotUnderstood(f"{twice!r:.40} stands twice in one object: keep one")
    return found


_EXACT = json.JSONDecoder(parse_float=_exact)
_ONCE = json.JSONDecoder(parse_float=_exact, object_pairs_hook=_each_once)


def _text(data: bytes) -> str:
    return data.decode(json.detect_encoding(data))


def _same_on_every_python(error: json.JSONDecodeError) -> json.JSONDecodeError:
    # From 3.13 on, a comma before a closing bracket is told of at the comma, in other words.
    text, comma = error.doc, error.pos
    if text[comma : comma + 1] in ("}", "]"):
        comma = len(text[:comma].rstrip()) - 1
    if comma < 0 or text[comma : comma + 1] != "," or not error.msg.startswith(("Exp", "Ill")):
        return error
    return json.JSONDecodeError("nothing follows the comma", text, comma)


def loads(text: str | bytes, *, once: bool = False) -> Any:
    """Read JSON text with numbers exact: a fraction becomes a `Decimal`, never a binary float.

    Bytes may be UTF-8, UTF-16 or UTF-32. `once` refuses a name that stands twice in one object,
    where JSON would have the last one count. Raises `NotUnderstood` for what is not JSON, with the
    place of the error, and for numbers that nobody could mean.
    """
    try:
        return (_ONCE if once else _EXACT).decode(text if isinstance(text, str) else _text(text))
    except NotUnderstood:
        raise
    except json.JSONDecodeError as found:
        error = _same_on_every_python(found)
        raise NotUnderstood(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except UnicodeDecodeError:
        raise NotUnderstood("not JSON: it is no text (expected UTF-8)") from None
    except (ValueError, InvalidOperation):
        raise NotUnderstood("a number in it is too large, or has too many digits") from None
    except RecursionError:
        raise NotUnderstood("not JSON that can be read: it is nested too deeply") from None


def decode(text: str, types: Iterable[type[Event]]) -> Event:
    """Read an event of one of `types` from its wire form.

    Raises `NotUnderstood` that says what is wrong and where: text that is no JSON, a missing
    header, a type or version that is not among `types`, a field with a wrong value.
    """
    known = {cls.__name__: cls for cls in types}
    message = loads(text)
    if not isinstance(message, dict) or not isinstance(message.get("header"), dict):
        raise NotUnderstood('no header: an event is {"header": {...}, "payload": {...}}')
    if not isinstance(message.get("payload"), dict):
        raise NotUnderstood('no payload: an event is {"header": {...}, "payload": {...}}')
    header, payload = message["header"], message["payload"]
    cls = known.get(str(header.get("event_type")))
    if cls is None:
        names = ", ".join(known) or "no events"
        raise NotUnderstood(f"unknown event type {header.get('event_type')!r}: expected {names}")
    if header.get("version") != cls.schema_version:
        raise NotUnderstood(
            f"unknown version {header.get('version')!r} of {cls.__name__}: "
            f"expected {cls.schema_version}"
        )
    if "header" in payload:
        raise NotUnderstood("payload.header: the header stands beside the payload, not in it")
    try:
        return cls(header=header, **payload)
    except ValidationError as error:
        raise NotUnderstood(f"{cls.__name__}: {explain(error)}") from None


def explain(error: ValidationError) -> str:
    """Return a pydantic error in one line for people: each field and what is wrong with it."""
    lines = []
    for problem in error.errors(include_url=False):
        path = ".".join(str(part) for part in problem["loc"]) or "value"
        reason = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{path}: {reason[:1].lower()}{reason[1:]}")
    return "; ".join(lines)
