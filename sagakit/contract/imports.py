"""Help with imports: unknown names, modules that are called, packages that are missing."""

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from inspect import signature
from types import FrameType, ModuleType
from typing import Any

from sagakit.contract.suggest import suggest


class MissingExtra(ImportError):
    """A package is not installed: the text names the extra that has it, and how to install that."""


@contextmanager
def extra(*names: str) -> Iterator[None]:
    """Import in this block what these extras have. Raises `MissingExtra` if it is not there, also
    within another such block, whose extras are more.

    >>> with extra("aws"):
    ...     import boto9
    Traceback (most recent call last):
    sagakit.contract.imports.MissingExtra: boto9 is not installed: pip install "sagakit[aws]"
    """
    try:
        yield
    except (ModuleNotFoundError, MissingExtra) as error:
        missing = str(error.name).partition(".")[0]
        if missing == "sagakit":
            raise
        wanted = ",".join(names)
        text = f'{missing} is not installed: pip install "sagakit[{wanted}]"'
        raise MissingExtra(text, name=error.name) from None


def make_callable(module: str, function: Callable[..., Any]) -> None:
    """Have a call of the module call `function`, and help and completion show its signature.

    `sagakit.run` is the module that has `Run` in it and the verb `run(scenario)`; `sagakit.explore`
    is both a package and a verb. Without this, one import would hide the other.
    """

    class Verb(ModuleType):
        __doc__ = function.__doc__

        def __call__(self, *arguments: Any, **options: Any) -> Any:
            return function(*arguments, **options)

    verb: Any = sys.modules[module]
    verb.__class__ = Verb
    verb.__signature__ = signature(function)


def suggesting(
    module: str, known: Collection[str], load: Callable[[str], Any] | None = None
) -> Callable[[str], Any]:
    """Make the `__getattr__` of a module: suggest a close match for a name it does not have.

    `load` is asked for those known names that the module does not have yet.

    >>> from sagakit.scenarios import hapy_path
    Traceback (most recent call last):
    ImportError: sagakit.scenarios has no 'hapy_path': did you mean happy_path? use one of ALL, ...
    """

    def __getattr__(name: str) -> Any:  # noqa: N807 (it is a module's)
        if load is not None and name in known:
            return load(name)
        if name.startswith("__"):  # Python asks for these, and goes on without
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        text = f"{module} has no {name!r}: {suggest(name, known)}"
        # `from module import name` would put words of its own in the place of an AttributeError's.
        raise (
            ImportError(text, name=module) if _is_import(sys._getframe(1)) else AttributeError(text)
        )

    return __getattr__


def _is_import(frame: FrameType) -> bool:
    """Return whether code is at `from ... import`."""
    from opcode import opmap

    return frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]
