"""The launch notes of the README: what they name is there, and they do what the Makefile does."""

import json
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

NOTES = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Without make")[2]
BLOCKS = re.findall(r"```\n(.*?)```", NOTES, flags=re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]


def extras(text: str) -> list[list[str]]:
    """The extras of each `.[these,ones]` in a text."""
    return [found.split(",") for found in re.findall(r"""['"]\.\[([\w,]+)\]['"]""", text)]


def named_paths(command: str) -> list[str]:
    """What of a command is a file or folder of this project."""
    words = [word.rpartition("/lab/tree/")[2] for word in command.split()]
    files = [word for word in words if re.fullmatch(r"[\w/]+\.(?:txt|yml|py|ipynb)", word)]
    folders = words[words.index("sagakit") :] if "--nbval" in words else []
    return files + folders


def test_the_notes_are_found() -> None:
    assert len(COMMANDS) >= 8
    assert any(named_paths(command) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_names_is_there(command: str) -> None:
    for path in named_paths(command):
        assert (ROOT / path).exists(), path
    for module in re.findall(r" -m (\w+)", command):
        assert find_spec(module), module


def test_pip_installs_what_make_installs() -> None:
    whole, alone = extras(NOTES)
    assert whole == extras(MAKEFILE)[0]
    assert alone == ["lab", "aws", "emulator"]
    assert {*whole, *alone} <= PROJECT["optional-dependencies"].keys()


def test_the_tests_are_run_as_make_runs_them() -> None:
    (tests,) = [command for command in COMMANDS if "pytest" in command]
    arguments = tests.partition(" -m ")[2]
    assert f"\t$(PY) -m {arguments}\n" in MAKEFILE


def test_jupyter_opens_where_make_opens_it() -> None:
    started = [command for command in COMMANDS if "jupyterlab" in command]
    assert len(started) == 2
    for command in started:
        *settings, place = re.findall(r"--\S+", command)
        assert settings == ["--LabApp.app_settings_dir=notebooks/jupyterlab"]
        assert all(f"\t{flag} \\\n" in MAKEFILE for flag in (*settings, place))


def test_jupyterlab_is_told_not_to_ask_about_news() -> None:
    """By what JupyterLab's own schema calls the setting: a name that it does not know does
    nothing."""
    lab = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    overrides = json.loads((ROOT / "notebooks" / "jupyterlab" / "overrides.json").read_text())
    for plugin, settings in overrides.items():
        schema = json.loads((lab / f"{plugin.replace(':', '/')}.json").read_text())
        for name, value in settings.items():
            allowed = [each["const"] for each in schema["properties"][name]["oneOf"]]
            assert value in allowed
            assert value != schema["properties"][name]["default"]


def test_conda_activates_the_environment_that_it_creates() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert f"conda activate {environment['name']}" in COMMANDS
