"""sagakit: learn and verify event-driven payments.

>>> from sagakit import run, scenarios
>>> len(run(scenarios.happy_path).records) > 40
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sagakit.run import Run, run

if TYPE_CHECKING:
    from sagakit import scenarios
    from sagakit.check.explore import BadService, Counterexample, Exploration, explore
    from sagakit.scenarios import BadScenario, Scenario, System
    from sagakit.sweeps import BadSweep, sweep

__version__ = "0.1.0"
__all__ = [
    "BadScenario",
    "BadService",
    "BadSweep",
    "Counterexample",
    "Exploration",
    "Run",
    "Scenario",
    "System",
    "explore",
    "run",
    "scenarios",
    "sweep",
]

# Loaded when they are asked for, and with them the system and its world.
_HOMES = {
    "sagakit.scenarios": ("BadScenario", "Scenario", "System"),
    "sagakit.check.explore": ("BadService", "Counterexample", "Exploration", "explore"),
    "sagakit.sweeps": ("BadSweep", "sweep"),
}


def __getattr__(name: str) -> Any:
    if name == "scenarios":
        return import_module("sagakit.scenarios")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'sagakit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
