"""Exercises: a check answers at once, in words, and never with a traceback.

One module a notebook; in it one function an exercise, which takes the learner's answer. A check
works its expectation out from a run; it does not know the answer by heart.
"""

from typing import TYPE_CHECKING

from sagakit.contract.imports import suggesting
from sagakit.exercises.feedback import Feedback, compare, exercise

__all__ = ["Feedback", "compare", "exercise"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
