"""Run a scenario once: `run(scenario) -> Run`, a finished trace with its views."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sagakit.scenarios import named
from sagakit.scenarios.scenario import Scenario
from sagakit.scenarios.stage import stage
from sagakit.sim.trace import Trace

if TYPE_CHECKING:
    import pandas as pd

    from sagakit.plot.figure import Picture


def run(
    scenario: Scenario | str,
    *,
    seed: int | None = None,
    services: Mapping[str, type] | None = None,
) -> "Run":
    """Run a scenario, or the one of that name, to its end in virtual time.

    `seed` takes the place of the scenario's; the same scenario and seed give the same trace, byte
    for byte. `services` puts other classes in the place of the sound ones, for instance
    `{"Wallet Service": MyWalletService}`. Raises `BadScenario` for a name that does not exist.
    """
    if isinstance(scenario, str):
        scenario = named(scenario)
    seed = scenario.seed if seed is None else seed
    return Run(scenario, seed, stage(scenario, seed=seed, services=services).run())


class Run:
    """A run of a scenario. All its views are made from the one trace, when they are asked for."""

    def __init__(self, scenario: Scenario, seed: int, records: Trace) -> None:
        self.scenario = scenario
        self.seed = seed
        self.records = records
