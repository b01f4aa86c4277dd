"""Make a module callable, where the verb and its module share a name.

`sagakit.run` is the module that has `Run` in it and the verb `run(scenario)`; `sagakit.explore` is
both a package and a verb. Without this, one import would hide the other.
"""

import sys
from collections.abc import Callable
from inspect import signature
from types import ModuleType
from typing import Any


def make_callable(module: str, function: Callable[..., Any]) -> None:
    """Have a call of the module call `function`, and help and completion show its signature."""

    class Verb(ModuleType):
        __doc__ = function.__doc__

        def __call__(self, *arguments: Any, **options: Any) -> Any:
            return function(*arguments, **options)

    found: Any = sys.modules[module]
    found.__class__ = Verb
    found.__signature__ = signature(function)
