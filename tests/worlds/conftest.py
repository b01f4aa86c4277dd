"""The three worlds: each runs a scenario's traffic to its end and gives the run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sagakit import Run, Scenario, run
from sagakit.adapters import emulator as loopback
from sagakit.adapters.emulator import Emulator
from sagakit.adapters.sqlite.serve import serve


@dataclass(frozen=True)
class World:
    name: str
    play: Callable[[Scenario], Run]

    def __call__(self, scenario: Scenario) -> Run:
        return self.play(scenario)


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with loopback.emulator() as aws:
        yield aws


@pytest.fixture(params=["sim", "sqlite", "aws"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sim":
        return World("sim", run)
    if request.param == "sqlite":
        return World("sqlite", lambda one: serve(one, tmp_path / "file.db", hurry=True))
    return World("aws", request.getfixturevalue("emulator").play)
