"""Data that is checked when it is made: what is wrong with it is told in words.

>>> from sagakit.sim.faults import Crash
>>> Crash(service="Wallet Service", step=0)
Traceback (most recent call last):
sagakit.contract.validation.BadScenario: Crash: step: must be at least 1, not 0
"""

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from sagakit.contract.terminal import printable_lines


class BadScenario(ValueError):
    """A scenario that cannot be run: the text says which field is wrong and what is expected."""

    def __str__(self) -> str:
        return printable_lines(super().__str__())  # a field's name may be anything


if TYPE_CHECKING:
    InWords = type(BaseModel)
else:

    class InWords(type(BaseModel)):
        """Has `Crash(...)` tell what is wrong with it as a scenario does. What stands in a file is
        made by pydantic itself, and told with its place there."""

        def __call__(cls, *unnamed: Any, **fields: Any) -> Any:
            __tracebackhide__ = True
            if unnamed:
                from sagakit.contract.problems import named

                raise BadScenario(f"{cls.__name__}: name its fields: {named(cls, unnamed)}")
            try:
                return super().__call__(**fields)
            except ValidationError as error:
                raise BadScenario(f"{cls.__name__}: {_in_words(error, cls)}") from None


class Checked(BaseModel, metaclass=InWords):  # type: ignore[metaclass]  # a name, to mypy
    """A scenario, or a part of one. Raises `BadScenario`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def checked(cls, values: Any, *within: str) -> Self:
        """Made of such values as a file has. `within` is the field in which it stands."""
        __tracebackhide__ = True  # in a notebook the mistake is in the cell, not in here
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise BadScenario(_in_words(error, cls, *within)) from None


def _in_words(error: ValidationError, model: type[BaseModel], *within: str) -> str:
    from sagakit.contract.problems import in_words  # only mistakes pay for it

    return in_words(error, model, *within)
