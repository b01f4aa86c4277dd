"""What if? Thousands of runs of one scenario, a row each: settings by seeds."""

from sagakit.sweeps.plan import BadSweep
from sagakit.sweeps.sweep import sweep

__all__ = ["BadSweep", "sweep"]
