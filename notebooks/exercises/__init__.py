"""Checks of the exercises: each answers at once, in words, and never with a traceback.

One module a notebook; in it one function an exercise, which takes the learner's answer. A check
works its expectation out from a run; it does not know the answer by heart.

A notebook imports this package from its own folder, as `exercises`; an edition has a copy. So its
modules import each other relatively: what it is called depends on where it stands.
"""

from typing import TYPE_CHECKING

from sagakit.contract.imports import suggesting

from .grader import Feedback, compare, exercise

__all__ = ["Feedback", "compare", "exercise"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
