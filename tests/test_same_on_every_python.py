"""The same scenario and seed give the same trace, byte for byte, on every Python.

`make test` makes a `.venv-X.Y` for each other Python that the machine has (see `pythons.py`).
Every process hashes strings in another way, which must not show either.
"""

import os
import subprocess
import sys
from functools import cache
from hashlib import sha256
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


@cache
def trace(python: str, scenario: str, hash_seed: str) -> str:
    """The sha256 of the structured log that one run writes."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": hash_seed,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [python, "-m", "sagakit", "run", scenario, "--format", "jsonl"]
    run = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout.count(b"\n") > 10
    return sha256(run.stdout).hexdigest()


@pytest.mark.parametrize("hash_seed", ["1", "2"])
@pytest.mark.parametrize("scenario", scenarios.NAMES)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_trace_is_the_same(python: str, scenario: str, hash_seed: str) -> None:
    assert trace(python, scenario, hash_seed) == trace(THIS, scenario, "0")
