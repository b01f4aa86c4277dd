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
    from sagakit.check.explore import explore
    from sagakit.scenarios import Scenario, System
    from sagakit.sweeps import sweep

__version__ = "0.1.0"
__all__ = ["Run", "Scenario", "System", "explore", "run", "scenarios", "sweep"]


def __getattr__(name: str) -> Any:
    """The scenarios, and with them the system and its world, are loaded when they are asked for."""
    if name == "scenarios":
        return import_module("sagakit.scenarios")
    if name in ("Scenario", "System"):
        return getattr(import_module("sagakit.scenarios"), name)
    if name == "explore":
        return import_module("sagakit.check.explore").explore
    if name == "sweep":
        return import_module("sagakit.sweeps").sweep
    raise AttributeError(f"module 'sagakit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
