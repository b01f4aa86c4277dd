"""The launch notes of the README: what they name is there, and they do what the Makefile does."""

import json
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

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


def test_what_the_commands_name_is_there() -> None:
    assert len(COMMANDS) >= 6
    for module in re.findall(r" -m ([\w.]+)", "\n".join(COMMANDS)):
        assert find_spec(module), module
    for path in re.findall(r" (constraints.txt|[\w/]+\.yml)|app_settings_dir=(\S+)", NOTES):
        assert (ROOT / "".join(path)).exists(), path


def test_pip_installs_what_make_installs() -> None:
    assert extras(NOTES) == extras(MAKEFILE)[:2]
    assert {extra for each in extras(NOTES) for extra in each} <= PROJECT[
        "optional-dependencies"
    ].keys()


def test_the_tests_are_run_as_make_runs_them() -> None:
    makes = MAKEFILE.replace("$(PYTEST)", MAKEFILE.partition("PYTEST := ")[2].splitlines()[0])
    (tests,) = [command for command in COMMANDS if "pytest" in command]
    assert f"\t$(PY) -m {tests.partition(' -m ')[2]}\n" in makes


def test_jupyter_opens_what_make_opens() -> None:
    (started,) = [command for command in COMMANDS if "jupyterlab" in command]
    for setting in re.findall(r"--\S+", started):
        assert re.search(rf"{re.escape(setting)}(?= |$)", MAKEFILE, flags=re.MULTILINE), setting


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
    assert f"`conda activate {environment['name']}`" in NOTES
