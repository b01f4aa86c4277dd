"""simloom's part, in a process of its own: it needs Python 3.12, and sagakit's may be older."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.bench.simloom_toy import PAYMENTS
from tests.pythons import ROOT, SUPPORTED

__all__ = ["PAYMENTS", "Campaign", "Missing", "measured"]

SECONDS = 60  # of the CPU, for each campaign


class Missing(Exception):
    """No Python here has simloom; the words say what to do."""


class Campaign(NamedTuple):
    """What simloom reached within a bound of delays (None: without)."""

    max_delays: int | None
    schedules: int
    seconds: float
    exhausted: bool


def candidates() -> list[str]:
    others = [str(ROOT / f".venv-{version}" / "bin" / "python") for version in SUPPORTED]
    return [sys.executable, *others]


def python() -> str:
    """One that has simloom. Raises `Missing`."""
    for each in candidates():
        try:
            found = subprocess.run([each, "-c", "import simloom"], capture_output=True, check=False)
        except OSError:
            continue
        if found.returncode == 0:
            return each
    raise Missing(
        "no Python 3.12 or newer here has it: `make test` puts it into .venv-3.12, if there is one"
    )


def measured(seconds: int = SECONDS) -> list[Campaign]:
    """Within 3 delays, then without a bound. Raises `Missing`."""
    script = Path(__file__).with_name("simloom_toy.py")
    done = subprocess.run(
        [python(), str(script), str(seconds)], stdout=subprocess.PIPE, text=True, check=True
    )
    return [Campaign(**campaign) for campaign in json.loads(done.stdout)]
