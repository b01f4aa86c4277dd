"""explore: a scenario in every order that matters, with the faults that a budget allows."""

from sagakit.check.explore.answer import Exploration
from sagakit.check.explore.counterexample import Counterexample
from sagakit.check.explore.explore import explore
from sagakit.check.explore.honest import BadService

__all__ = ["BadService", "Counterexample", "Exploration", "explore"]
