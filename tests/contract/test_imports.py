"""What is not installed is named, with the extra that has it and the command that installs it."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import metadata
from pathlib import Path

import pytest

from sagakit import run, sweep
from sagakit.cli import main
from sagakit.contract.imports import MissingExtra, extra


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Modules that were imported before are there again after a test."""
    there = sys.modules.copy()
    yield
    sys.modules.update(there)


def imported(module: str) -> Callable[[Path], object]:
    def again(_path: Path) -> object:
        for name in [name for name in sys.modules if name.startswith(module)]:
            del sys.modules[name]
        return import_module(module)

    return again


@pytest.mark.parametrize(
    ("package", "extras", "use"),
    [
        ("anywidget", "lab", imported("sagakit.lab")),
        ("traitlets", "lab", imported("sagakit.lab")),
        ("boto3", "aws", imported("sagakit.worlds.aws.resources")),
        ("boto3", "aws", imported("sagakit.worlds.aws.tables")),
        ("botocore", "aws", imported("sagakit.worlds.aws.resources")),
        ("aws_lambda_powertools", "aws", imported("sagakit.worlds.aws.functions")),
        ("moto", "aws,emulator", imported("sagakit.worlds.emulator")),
        ("pyarrow", "parquet", lambda path: sweep("happy_path", to=path / "rows")),
        ("opentelemetry", "spans", lambda _: import_module("sagakit.trace.spans").export([], None)),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    package: str,
    extras: str,
    use: Callable[[Path], object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra) as error:
        use(tmp_path)
    assert str(error.value) == f'{package} is not installed: pip install "sagakit[{extras}]"'


def test_the_command_line_names_a_missing_extra_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert main(["template", "--format", "yaml"]) == 2
    said = 'sagakit: yaml is not installed: pip install "sagakit[aws]"\n'
    assert capsys.readouterr() == ("", said)


def test_an_extra_that_is_named_exists() -> None:
    there = set(metadata("sagakit").get_all("Provides-Extra") or [])
    assert {"aws", "emulator", "lab", "parquet", "spans"} <= there


def test_a_mistake_in_sagakit_itself_is_no_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match="nothing"), extra("lab"):
        import_module("sagakit.nothing")


def test_a_run_needs_no_extra() -> None:
    assert run("happy_path").payments.status.tolist() == ["COMPLETED"]
