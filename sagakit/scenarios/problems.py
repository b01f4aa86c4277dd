"""What is wrong with a scenario, in words for the person who wrote it."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sagakit.deployment import Timing, meant
from sagakit.payments.topology import Settings
from sagakit.scenarios import scenario as s
from sagakit.sim.faults import Fault

MOST_SHOWN = 8  # problems
LONGEST_SHOWN = 40  # characters of a wrong value
LONGEST_LINE = 500  # characters of a problem

PARTS: dict[str, type[BaseModel]] = {
    "wallets": s.OpeningWallet,
    "payments": s.PaymentRequest,
    "provider": s.ProviderRule,
    "texts": s.QueuedText,
    "redrives": s.Redrive,
    "recovery": s.Recovery,
    "settings": Settings,
    "timing": Timing,
}
FAULTS: dict[str, type[BaseModel]] = {
    cls.model_fields["fault"].default: cls for cls in get_args(get_args(Fault)[0])
}

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


def in_words(error: ValidationError, *within: str) -> str:
    """All that is wrong, a line each: the place, what is wrong there and what is expected; of a
    part alone, within which field it stands."""
    found = error.errors(include_url=False)
    problems = [_line({**each, "loc": (*within, *each["loc"])}) for each in found]
    if len(problems) > MOST_SHOWN:
        problems[MOST_SHOWN:] = [f"... and {len(problems) - MOST_SHOWN} more"]
    return "\n  ".join(problems)


def _line(problem: ErrorDetails) -> str:
    loc, kind, value = problem["loc"], problem["type"], problem["input"]
    if kind == "value_error":
        text = problem["msg"].removeprefix("Value error, ")
        if text.startswith(NO_NUMBER):  # which goes on as Python would write the value
            text = f"{NO_NUMBER}, not {_shown(value)}"
        return _said(_place(loc), _cut(text, LONGEST_LINE))
    if kind == "missing":
        return _said(_place(loc), "is missing")
    if kind == "extra_forbidden":
        return _said(_place(loc), f"is unknown: {meant(str(loc[-1]), _known_beside(loc))}")
    if kind == "union_tag_not_found":
        return _said(_place((*loc, "fault")), f"is missing: use one of {', '.join(FAULTS)}")
    if kind == "union_tag_invalid":
        tag = str(problem["ctx"]["tag"])
        return _said(_place((*loc, "fault")), f"there is no fault {tag!r}: {meant(tag, FAULTS)}")
    if kind not in EXPECTED:
        return _said(_place(loc), problem["msg"][:1].lower() + problem["msg"][1:])
    expected = EXPECTED[kind].format(**problem.get("ctx", {}))
    return _said(_place(loc), f"{expected}, not {_shown(value)}")


def _said(place: str, what: str) -> str:
    return f"{place}: {what}" if place else what


def _place(loc: tuple[int | str, ...]) -> str:
    """As one would write it: `faults[0].by`. Pydantic puts the kind of a fault in between."""
    if loc[:1] == ("faults",) and len(loc) > 2 and loc[2] in FAULTS:
        loc = (*loc[:2], *loc[3:])
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)[1:]


def _known_beside(loc: tuple[int | str, ...]) -> Iterable[str]:
    """The names of the fields that may stand where an unknown one stands."""
    if len(loc) == 1:
        return s.Scenario.model_fields
    part = FAULTS[str(loc[2])] if loc[0] == "faults" else PARTS[str(loc[0])]
    return part.model_fields


def _shown(value: Any) -> str:
    """A wrong value as it stands in the file; what is long or large is only called by its kind."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return _cut(text, LONGEST_SHOWN)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
