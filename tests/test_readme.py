"""The README keeps its word: its picture is of a run, and its lines of Python run."""

import re
from pathlib import Path

import pytest

from sagakit import run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WALLET = ["EventBridge", "Wallet SQS", "Wallet Service", "Wallet DB"]


def picture() -> str:
    """The picture at the top: to renew it, write this to docs/concurrent_payments.svg."""
    met = run("concurrent_payments")
    return met.sequence(participants=WALLET, start=30, end=75).svg()


def test_the_picture_is_of_a_run_made_with_this_code() -> None:
    saved = (ROOT / "docs" / "concurrent_payments.svg").read_text(encoding="utf-8")
    assert saved == picture()


def test_the_lines_of_python_run() -> None:
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        assert len(code.strip().splitlines()) <= 12
        exec(compile(code, "README.md", "exec"), names)


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, flags=re.MULTILINE))
def test_a_command_it_names_exists(target: str) -> None:
    assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", re.findall(r"`(tests/[\w/.]+)`|\]\((docs/[\w/.]+)\)", README))
def test_a_file_it_names_exists(path: tuple[str, str]) -> None:
    assert (ROOT / "".join(path)).exists()
