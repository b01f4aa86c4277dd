"""explore: a scenario in every order that matters, with the faults that a budget allows."""

from sagakit.check.explore.answer import Exploration
from sagakit.check.explore.counterexample import Counterexample
from sagakit.check.explore.explore import explore

__all__ = ["Counterexample", "Exploration", "explore"]
