"""The three worlds: each runs a scenario's traffic to its end and gives the run."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sagakit import Run, Scenario, run
from sagakit.adapters.sqlite.serve import serve
from tests.worlds.emulator import aws, play

World = Callable[[Scenario], Run]
STACKS = count(1)


@pytest.fixture(scope="session")
def emulator() -> Iterator[dict[str, Any]]:
    with aws() as options:
        yield options


@pytest.fixture(params=["sim", "sqlite", "aws"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sim":
        return run
    if request.param == "sqlite":
        return lambda scenario: serve(scenario, tmp_path / "file.db", hurry=True)
    options = request.getfixturevalue("emulator")
    return lambda scenario: play(scenario, options, f"stack-{next(STACKS)}")
