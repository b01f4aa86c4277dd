"""One list of dependencies, told three times: pyproject.toml, environment.yml, constraints.txt."""

import tomllib
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

ON_CONDA_FORGE = {
    "matplotlib": "matplotlib-base",  # without the toolkits of a desktop
    "playwright": "playwright-python",  # the other name there is the one for Node
}
EXTRAS = PROJECT["optional-dependencies"].values()
SIMLOOM = "simloom>=0.5; python_version >= '3.12'"
ON_PIP_ALONE = ["resvg-py>=0.5", SIMLOOM]

Bounds = dict[str, SpecifierSet]


def bounds(requirements: list[str]) -> Bounds:
    parsed = map(Requirement, requirements)
    return {canonicalize_name(each.name): each.specifier for each in parsed}


@pytest.fixture
def required() -> Bounds:
    """Everything that the package and its extras ask for."""
    return bounds([*PROJECT["dependencies"], *chain.from_iterable(EXTRAS)])


@pytest.fixture
def pinned() -> Bounds:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return bounds([line for line in lines if not line.startswith("#")])


def test_environment_yml_asks_for_what_pyproject_asks_for(required: Bounds) -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    asked = bounds([entry for entry in environment["dependencies"] if isinstance(entry, str)])
    assert asked.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert asked.pop("pip") == SpecifierSet()
    on_conda = required.items() - bounds(ON_PIP_ALONE).items()
    assert asked == {ON_CONDA_FORGE.get(name, name): bound for name, bound in on_conda}
    assert environment["dependencies"][-1] == {"pip": ["-e .", *ON_PIP_ALONE]}
    assert environment["channels"] == ["conda-forge"]


def test_constraints_pin_one_exact_version_of_each(pinned: Bounds) -> None:
    for name, specifier in pinned.items():
        (pin,) = specifier
        assert pin.operator == "==", name
        assert "*" not in pin.version, name


def test_constraints_are_within_the_bounds(required: Bounds, pinned: Bounds) -> None:
    for name, bound in required.items():
        (pin,) = pinned[name]
        assert bound.contains(pin.version), name


def test_the_pins_agree_with_one_another(pinned: Bounds) -> None:
    """What is installed as pinned says what it needs: each of those pins has to be fine with it."""
    seen = 0
    for package in distributions():
        name = canonicalize_name(package.name)
        if name not in pinned or not pinned[name].contains(package.version, prereleases=True):
            continue
        for need in map(Requirement, package.requires or ()):
            needed = canonicalize_name(need.name)
            if needed in pinned and (not need.marker or need.marker.evaluate({"extra": ""})):
                (pin,) = pinned[needed]
                seen += 1
                assert need.specifier.contains(pin.version, prereleases=True), (
                    f"{name} {package.version} needs {need}, and constraints.txt has {pin.version}"
                )
    assert seen


def test_constraints_name_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "@" not in text
