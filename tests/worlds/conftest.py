"""The three worlds: each runs a scenario's traffic to its end and gives the run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sagakit import Run, Scenario, run
from sagakit.adapters.sqlite.serve import serve
from tests.worlds.emulator import aws
from tests.worlds.play import play

STACKS = count(1)


@dataclass(frozen=True)
class World:
    name: str
    play: Callable[[Scenario], Run]

    def __call__(self, scenario: Scenario) -> Run:
        return self.play(scenario)


@pytest.fixture(scope="session")
def emulator() -> Iterator[dict[str, Any]]:
    with aws() as options:
        yield options


@pytest.fixture(params=["sim", "sqlite", "aws"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sim":
        return World("sim", run)
    if request.param == "sqlite":
        return World("sqlite", lambda one: serve(one, tmp_path / "file.db", hurry=True))
    options = request.getfixturevalue("emulator")
    return World("aws", lambda one: play(one, options, f"stack-{next(STACKS)}"))
