"""The scenarios that the notebooks walk through, by name.

>>> print(", ".join(NAMES[:3]))
happy_path, provider_error, insufficient_funds
"""

from typing import TYPE_CHECKING

from sagakit.contract.imports import suggesting
from sagakit.contract.suggest import suggest
from sagakit.contract.validation import BadScenario
from sagakit.scenarios.circuit_breaker import circuit_breaker
from sagakit.scenarios.concurrent_payments import concurrent_payments
from sagakit.scenarios.disaster_recovery import disaster_recovery
from sagakit.scenarios.happy_path import happy_path
from sagakit.scenarios.insufficient_funds import insufficient_funds
from sagakit.scenarios.provider_error import provider_error
from sagakit.scenarios.scenario import (
    OpeningWallet,
    PaymentRequest,
    ProviderRule,
    Recovery,
    Scenario,
)
from sagakit.scenarios.system import System

ALL = (
    happy_path,
    provider_error,
    insufficient_funds,
    circuit_breaker,
    concurrent_payments,
    disaster_recovery,
)
NAMES = tuple(scenario.name for scenario in ALL)


def named(name: str) -> Scenario:
    """The scenario of that name. Raises `BadScenario` with the names that there are.

    >>> named("happy_path").title
    'A payment that goes well'
    """
    for scenario in ALL:
        if scenario.name == name:
            return scenario
    raise BadScenario(f"there is no scenario {name!r}: {suggest(name, NAMES)}")


def chosen(scenario: object) -> Scenario | System:
    """The scenario or system that is given, or the scenario of that name. Raises `BadScenario` for
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
    "chosen",
    "circuit_breaker",
    "concurrent_payments",
    "disaster_recovery",
    "happy_path",
    "insufficient_funds",
    "named",
    "provider_error",
]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
