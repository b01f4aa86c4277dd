"""The version is told in three places, which agree."""

import re
from importlib.metadata import version

import yaml

from tests.test_environment import PROJECT, ROOT

RELEASE = re.compile(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d{2}-\d{2})\)$", re.MULTILINE)


def test_package_changelog_and_citation_tell_the_same_version() -> None:
    released = RELEASE.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert released[0] == (citation["version"], citation["date-released"])
    assert released[0][0] == PROJECT["version"]


def test_the_installed_package_is_of_this_version() -> None:
    assert version("sagakit") == PROJECT["version"], "install it again: `make test` does"


def test_releases_are_listed_from_the_newest() -> None:
    released = RELEASE.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    numbers = [tuple(map(int, number.split("."))) for number, _ in released]
    assert numbers == sorted(numbers, reverse=True)
    assert [day for _, day in released] == sorted((day for _, day in released), reverse=True)


def test_the_workflow_calls_targets_that_exist_on_every_python_that_is_promised() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    targets = [step["run"].split()[1] for step in steps if step.get("run", "").startswith("make ")]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets
    assert all(f"\n{target}:" in makefile for target in targets)
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
