"""The scenarios that the notebooks walk through, by name, and what scenarios are made of.

>>> print(", ".join(NAMES[:3]))
happy_path, provider_error, insufficient_funds
"""

from typing import TYPE_CHECKING

from sagakit.contract.imports import suggesting
from sagakit.contract.suggest import suggest
from sagakit.contract.validation import BadScenario
from sagakit.scenarios.catalog import (
    ALL,
    circuit_breaker,
    concurrent_payments,
    disaster_recovery,
    happy_path,
    insufficient_funds,
    provider_error,
)
from sagakit.scenarios.scenario import (
    OpeningWallet,
    PaymentRequest,
    ProviderRule,
    Recovery,
    Scenario,
)
from sagakit.scenarios.system import System

NAMES = tuple(scenario.name for scenario in ALL)


def named(name: str) -> Scenario:
    """Return the scenario of that name. Raises `BadScenario` with the names that there are.

    >>> named("happy_path").title
    'A payment that goes well'
    """
    for scenario in ALL:
        if scenario.name == name:
            return scenario
    raise BadScenario(f"there is no scenario {name!r}: {suggest(name, NAMES)}")


def resolve(scenario: object) -> Scenario | System:
    """Return the scenario or system itself, or the scenario of that name. Raises `BadScenario` for
    anything else.
    """
    if isinstance(scenario, str):
        return named(scenario)
    if isinstance(scenario, Scenario | System):
        return scenario
    what = "None" if scenario is None else f"something of type {type(scenario).__name__}"
    if isinstance(scenario, type):
        what = f"the class {scenario.__name__}"
    hint = ": a run has its own as .scenario" * hasattr(scenario, "scenario")
    raise BadScenario(f"give a Scenario, its name or a System, not {what}{hint}")


__all__ = [
    "ALL",
    "NAMES",
    "BadScenario",
    "OpeningWallet",
    "PaymentRequest",
    "ProviderRule",
    "Recovery",
    "Scenario",
    "System",
    "circuit_breaker",
    "concurrent_payments",
    "disaster_recovery",
    "happy_path",
    "insufficient_funds",
    "named",
    "provider_error",
    "resolve",
]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
