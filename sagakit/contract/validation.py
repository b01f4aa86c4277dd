"""Validated data: what is wrong with it is told in words, with its place.

>>> from sagakit.contract.faults import Crash
>>> Crash(service="Wallet Service", step=0)
Traceback (most recent call last):
sagakit.contract.validation.BadScenario: Crash: step: must be at least 1, not 0
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, Self, SupportsIndex, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from sagakit.contract.suggest import suggest
from sagakit.contract.terminal import printable, printable_lines, shortened

MOST_SHOWN = 8  # problems
LONGEST_VALUE = 40  # characters of a wrong value
LONGEST_PROBLEM = 500  # characters

KIND = "fault"  # the field that tells one kind of fault from another
NO_NUMBER = "an amount must be a number"

# By pydantic's type of error; its `ctx` fills the braces. A type that is not here keeps its text.
EXPECTED = {
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "model_attributes_type": "must be an object, {{...}}",
    "model_type": "must be an object, {{...}}",
    "string_pattern_mismatch": "must be 1 to 64 letters, digits, dots, dashes or underscores",
    "string_type": "must be a text",
    "string_unicode": "must be a text of whole characters",
    "too_long": "must be a list of at most {max_length}",
    "too_short": "must be a list of at least {min_length}",
    "tuple_type": "must be a list, [...]",
}


class BadScenario(ValueError):
    """A scenario that cannot be run: the text says which field is wrong and what is expected."""

    def __str__(self) -> str:
        return printable_lines(super().__str__())  # a field's name may be anything


def whole_number(
    name: str, value: object, *, least: int | None = None, most: int | None = None
) -> int:
    """Return a whole number, also of one of numpy's. Raises `BadScenario` for anything else.

    >>> whole_number("workers", 99, least=1, most=16)
    Traceback (most recent call last):
    sagakit.contract.validation.BadScenario: workers: a whole number from 1 to 16, not 99
    """
    number = None
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        number = index(value)
    if number is not None and (
        (least is None or least <= number) and (most is None or number <= most)
    ):
        return number
    if least is None:
        raise BadScenario(f"{name}: must be a whole number, not {value!r:.40}")
    bounds = f"from {least} on" if most is None else f"from {least} to {most}"
    raise BadScenario(f"{name}: a whole number {bounds}, not {value!r:.40}")


if TYPE_CHECKING:
    _InWords = type(BaseModel)
else:

    class _InWords(type(BaseModel)):
        """Has `Crash(...)` tell what is wrong with it as a scenario does. What stands in a file is
        made by pydantic itself, and told with its place there."""

        def __call__(cls, *unnamed: Any, **fields: Any) -> Any:
            __tracebackhide__ = True
            if unnamed:
                raise BadScenario(f"{cls.__name__}: name its fields: {_written(cls, unnamed)}")
            try:
                return super().__call__(**fields)
            except ValidationError as error:
                raise BadScenario(f"{cls.__name__}: {_problems(error, cls)}") from None


class Validated(BaseModel, metaclass=_InWords):  # type: ignore[metaclass]  # a name, to mypy
    """A scenario, or a part of one. Raises `BadScenario`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def from_values(cls, values: Any, *within: str) -> Self:
        """Make it of such values as a file has. `within` is the field in which it stands."""
        __tracebackhide__ = True  # in a notebook the mistake is in the cell, not in here
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise BadScenario(_problems(error, cls, *within)) from None


# The words.


def _written(model: type[BaseModel], values: tuple[Any, ...]) -> str:
    """Return how to write the model with these values, in the order of its fields."""
    fields = [name for name in model.model_fields if name != KIND]
    written = [f"{name}={value!r:.40}" for name, value in zip(fields, values, strict=False)]
    return f"{model.__name__}({', '.join(written)})"


def _problems(error: ValidationError, model: type[BaseModel], *within: str) -> str:
    """Return all that is wrong, a line each: the place, and what is expected there."""
    details = error.errors(include_url=False)
    around = "".join(f"{name}." for name in within)
    problems = [_problem(each, _place_of(model, each["loc"]), around) for each in details]
    if len(problems) > MOST_SHOWN:
        problems[MOST_SHOWN:] = [f"... and {len(problems) - MOST_SHOWN} more"]
    return "\n  ".join(problems)


class _Place(NamedTuple):
    """The place of a problem.

    path      as one would write it: `faults[0].by`
    siblings  the names of the fields that there are beside it
    kinds     the kinds of faults that there might be in it
    """

    path: str
    siblings: tuple[str, ...]
    kinds: tuple[str, ...]


def _place_of(model: type[BaseModel], loc: tuple[int | str, ...]) -> _Place:
    path = ""
    siblings: tuple[str, ...] = ()
    inside: type[BaseModel] | None = model
    kinds: dict[str, type[BaseModel]] = {}
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part in kinds:  # pydantic puts the kind of a fault in between
            inside, kinds = kinds[part], {}
        else:
            path += f".{printable(part)}"
            fields = inside.model_fields if inside else {}
            siblings = tuple(fields)
            models = list(_models(fields[part].annotation)) if part in fields else []
            inside = models[0] if len(models) == 1 else None
            several = models if len(models) > 1 else []
            kinds = {each.model_fields[KIND].default: each for each in several}
    return _Place(path.removeprefix("."), siblings, tuple(kinds))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _problem(detail: ErrorDetails, place: _Place, around: str) -> str:
    loc, kind, value = detail["loc"], detail["type"], detail["input"]
    path = f"{around}{place.path}" if place.path else around.removesuffix(".")
    if kind == "value_error":
        text = detail["msg"].removeprefix("Value error, ")
        if text.startswith(NO_NUMBER):  # which goes on as Python would write the value
            text = f"{NO_NUMBER}, not {_shown(value)}"
        text = shortened(text, LONGEST_PROBLEM)
    elif kind == "missing":
        text = "is missing"
    elif kind == "extra_forbidden":
        text = f"is unknown: {suggest(str(loc[-1]), place.siblings)}"
    elif kind == "union_tag_not_found":
        path += f".{KIND}"
        text = f"is missing: use one of {', '.join(place.kinds)}"
    elif kind == "union_tag_invalid":
        path += f".{KIND}"
        wrong = str(detail["ctx"]["tag"])
        text = f"there is no fault {wrong!r}: {suggest(wrong, place.kinds)}"
    elif kind in EXPECTED:
        text = f"{EXPECTED[kind].format(**detail.get('ctx', {}))}, not {_shown(value)}"
    else:
        text = detail["msg"][:1].lower() + detail["msg"][1:]
    return f"{path}: {text}" if path else text


def _shown(value: Any) -> str:
    """Return a wrong value as it stands in the file; of what is long or large only its kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, BaseModel):
        return f"a {type(value).__name__}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return shortened(text, LONGEST_VALUE)
