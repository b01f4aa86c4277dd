"""sagakit: learn and verify event-driven payments.

>>> from sagakit import run, scenarios
>>> len(run(scenarios.happy_path).records) > 40
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sagakit.contract.imports import suggesting
from sagakit.run import Run

if TYPE_CHECKING:
    from sagakit import scenarios
    from sagakit.explore import BadService, Counterexample, Exploration, explore
    from sagakit.run import run
    from sagakit.scenarios import BadScenario, Scenario, System
    from sagakit.sweeps import BadSweep, sweep

    __version__: str
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
    "sagakit.explore": ("BadService", "Counterexample", "Exploration"),
    "sagakit.sweeps": ("BadSweep", "sweep"),
}


def _load(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in ("scenarios", "explore"):
        return import_module(f"sagakit.{name}")
    (home,) = (home for home, names in _HOMES.items() if name in names)
    return getattr(import_module(home), name)


def _version() -> str:
    """Return the installed version, which a checkout alone does not say."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("sagakit")
    except PackageNotFoundError:
        return "unknown: it is not installed"


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __dir__(), _load)
