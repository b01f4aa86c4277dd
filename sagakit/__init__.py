"""sagakit: learn and verify event-driven payments.

>>> from sagakit import run, scenarios
>>> len(run(scenarios.happy_path).records) > 40
True
"""

from sagakit import scenarios
from sagakit.run import Run, run
from sagakit.scenarios import Scenario

__version__ = "0.1.0"
__all__ = ["Run", "Scenario", "run", "scenarios"]
