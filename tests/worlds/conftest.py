"""The three worlds: each runs a scenario's traffic to its end and gives the run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sagakit import Run, Scenario, run
from sagakit.contract.ports import Service
from sagakit.worlds.emulator import Emulator
from sagakit.worlds.sqlite.serve import serve
from tests.worlds.logged import functions_logs

Services = Mapping[str, Service] | None


@dataclass(frozen=True)
class World:
    name: str
    play: Callable[[Scenario, Services], Run]

    def __call__(self, scenario: Scenario, services: Services = None) -> Run:
        """`services` take the place of the sound ones."""
        return self.play(scenario, services)


@pytest.fixture(params=["sim", "sqlite", "aws"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    def simulated(scenario: Scenario, services: Services) -> Run:
        return run(scenario, services=services)

    def on_file(scenario: Scenario, services: Services) -> Run:
        return serve(scenario, tmp_path / "file.db", hurry=True, services=services)

    def on_aws(scenario: Scenario, services: Services) -> Run:
        with functions_logs(services):
            return aws.play(scenario)

    if request.param == "aws":
        aws: Emulator = request.getfixturevalue("emulator")
    return World(request.param, {"sim": simulated, "sqlite": on_file, "aws": on_aws}[request.param])
