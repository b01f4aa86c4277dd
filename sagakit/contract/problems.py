"""What is wrong with a scenario, in words for the person who wrote it."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sagakit.contract.suggest import suggest
from sagakit.contract.terminal import printable

MOST_SHOWN = 8  # problems
LONGEST_SHOWN = 40  # characters of a wrong value
LONGEST_LINE = 500  # characters of a problem

TAG = "fault"  # the field that tells one kind of fault from another
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


def in_words(error: ValidationError, model: type[BaseModel], *within: str) -> str:
    """All that is wrong, a line each: the place, what is wrong there and what is expected; of a
    part alone, within which field it stands."""
    found = error.errors(include_url=False)
    around = "".join(f"{name}." for name in within)
    problems = [_line(each, _spot(model, each["loc"]), around) for each in found]
    if len(problems) > MOST_SHOWN:
        problems[MOST_SHOWN:] = [f"... and {len(problems) - MOST_SHOWN} more"]
    return "\n  ".join(problems)


def named(model: type[BaseModel], values: tuple[Any, ...]) -> str:
    """How to write the model with these values, a field each, in the order of its fields."""
    fields = [name for name in model.model_fields if name != TAG]
    written = [f"{name}={value!r:.40}" for name, value in zip(fields, values, strict=False)]
    return f"{model.__name__}({', '.join(written)})"


class Spot(NamedTuple):
    """Where a problem is: the place as one would write it, `faults[0].by`, the names of the fields
    that there are beside it, and of the kinds of faults that there might be in it."""

    place: str
    beside: tuple[str, ...]
    kinds: tuple[str, ...]


def _spot(model: type[BaseModel], loc: tuple[int | str, ...]) -> Spot:
    place = ""
    beside: tuple[str, ...] = ()
    inside: type[BaseModel] | None = model
    kinds: dict[str, type[BaseModel]] = {}
    for part in loc:
        if isinstance(part, int):
            place += f"[{part}]"
        elif part in kinds:  # pydantic puts the kind of a fault in between
            inside, kinds = kinds[part], {}
        else:
            place += f".{printable(part)}"
            fields = inside.model_fields if inside else {}
            beside = tuple(fields)
            found = list(_models(fields[part].annotation)) if part in fields else []
            inside = found[0] if len(found) == 1 else None
            kinds = {one.model_fields[TAG].default: one for one in found} if found[1:] else {}
    return Spot(place.removeprefix("."), beside, tuple(kinds))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


def _line(problem: ErrorDetails, spot: Spot, around: str) -> str:
    loc, kind, value = problem["loc"], problem["type"], problem["input"]
    place = f"{around}{spot.place}" if spot.place else around.removesuffix(".")
    tag = f"{place}.{TAG}"
    if kind == "value_error":
        text = problem["msg"].removeprefix("Value error, ")
        if text.startswith(NO_NUMBER):  # which goes on as Python would write the value
            text = f"{NO_NUMBER}, not {_shown(value)}"
        return _said(place, _cut(text, LONGEST_LINE))
    if kind == "missing":
        return _said(place, "is missing")
    if kind == "extra_forbidden":
        return _said(place, f"is unknown: {suggest(str(loc[-1]), spot.beside)}")
    if kind == "union_tag_not_found":
        return _said(tag, f"is missing: use one of {', '.join(spot.kinds)}")
    if kind == "union_tag_invalid":
        told = str(problem["ctx"]["tag"])
        return _said(tag, f"there is no fault {told!r}: {suggest(told, spot.kinds)}")
    if kind not in EXPECTED:
        return _said(place, problem["msg"][:1].lower() + problem["msg"][1:])
    expected = EXPECTED[kind].format(**problem.get("ctx", {}))
    return _said(place, f"{expected}, not {_shown(value)}")


def _said(place: str, what: str) -> str:
    return f"{place}: {what}" if place else what


def _shown(value: Any) -> str:
    """A wrong value as it stands in the file; what is long or large is only called by its kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, BaseModel):
        return f"a {type(value).__name__}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return _cut(text, LONGEST_SHOWN)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
