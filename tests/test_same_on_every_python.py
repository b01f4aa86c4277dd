"""The same scenario and seed give the same trace, byte for byte, on every Python.

`make test` makes a `.venv-X.Y` for each other Python that the machine has (see `pythons.py`).
Every process hashes strings in another way, which must not show either.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from sagakit import scenarios

ROOT = Path(__file__).parents[1]
THIS = sys.executable
OTHERS = [str(path) for path in sorted(ROOT.glob(".venv-3*/bin/python"))]

if OTHERS:
    PYTHONS = [pytest.param(path, id=Path(path).parts[-3]) for path in (THIS, *OTHERS)]
else:
    none = pytest.mark.skip(reason="no .venv-X.Y: no other Python was found by `make test`")
    PYTHONS = [
        pytest.param(THIS, id="this one"),
        pytest.param("", id="no other", marks=none),
    ]


HASHES = """
from hashlib import sha256
from sagakit import run, scenarios
for name in scenarios.NAMES:
    records = list(run(name).records.jsonl())
    assert len(records) > 10
    print(name, sha256("\\n".join(records).encode()).hexdigest())
"""


@cache
def traces(python: str, hash_seed: str) -> dict[str, str]:
    """For each scenario the sha256 of the structured log that a run writes."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": hash_seed,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    run = subprocess.run(
        [python, "-c", HASHES], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return dict(line.split() for line in run.stdout.splitlines())


@pytest.mark.parametrize("hash_seed", ["1", "2"])
@pytest.mark.parametrize("python", PYTHONS)
def test_the_traces_are_the_same(python: str, hash_seed: str) -> None:
    same = traces(THIS, "0")
    assert same.keys() == set(scenarios.NAMES)
    assert traces(python, hash_seed) == same
