"""The AWS world on loopback, as a notebook has it."""

import subprocess
import sys

import pytest

from sagakit import scenarios
from sagakit.worlds.emulator import emulator


def test_each_play_has_a_stack_of_its_own() -> None:
    with emulator() as aws:
        first, second = (aws.play(scenarios.insufficient_funds) for _ in range(2))
    assert first.payments.status.tolist() == second.payments.status.tolist() == ["FAILED"]
    assert first.events.event.tolist() == second.events.event.tolist()


@pytest.mark.parametrize("missing", ["moto", "boto3", "aws_lambda_powertools"])
def test_what_is_missing_is_named_with_the_extras_that_bring_it(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; import sagakit.worlds.emulator"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 1
    told = f'{missing} is not installed: pip install "sagakit[aws,emulator]"'
    assert shown.stderr.splitlines()[-1] == f"sagakit.contract.imports.MissingExtra: {told}"
