"""Thousands of runs of one scenario, a row each: settings by seeds."""

from typing import TYPE_CHECKING

from sagakit.contract.imports import suggesting
from sagakit.sweeps.parallel import sweep
from sagakit.sweeps.plan import BadSweep

__all__ = ["BadSweep", "sweep"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
