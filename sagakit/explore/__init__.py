"""explore: a scenario in every order that matters, with the faults that a budget allows."""

from sagakit.contract.imports import make_callable
from sagakit.explore.answer import Exploration
from sagakit.explore.counterexample import Counterexample
from sagakit.explore.explore import explore
from sagakit.explore.purity import BadService

__all__ = ["BadService", "Counterexample", "Exploration", "explore"]

make_callable(__name__, explore)
