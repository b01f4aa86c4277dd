"""Suggest close matches for an unknown name: every error that is about one does so."""

import sys
from collections.abc import Callable, Collection, Iterable
from types import FrameType
from typing import Any

MOST = 22  # names in an error message


def suggest(name: object, known: Iterable[str]) -> str:
    """What to do about a name that is not among the known ones. It may be no text at all."""
    from difflib import get_close_matches  # only mistakes pay for it

    known = sorted(known)
    if not known:
        return "there are none"
    small = {one.casefold(): one for one in known}
    nearest = [small[one] for one in get_close_matches(str(name).casefold(), small, n=1)]
    if nearest == known:
        return f"did you mean {known[0]}?"
    some = ", ".join(known[:MOST]) + ", ..." * (len(known) > MOST)
    return "".join(f"did you mean {name}? " for name in nearest) + f"use one of {some}"


def suggesting(
    module: str, known: Collection[str], load: Callable[[str], Any] | None = None
) -> Callable[[str], Any]:
    """Make the `__getattr__` of a module, which says what was meant by a name it does not have.

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
        raise ImportError(text, name=module) if _imports(sys._getframe(1)) else AttributeError(text)

    return __getattr__


def _imports(frame: FrameType) -> bool:
    """Whether code is at `from ... import`."""
    from opcode import opmap

    return frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]
