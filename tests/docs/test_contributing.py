"""CONTRIBUTING.md is one page, and what it names is there."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
README = (ROOT / "README.md").read_text(encoding="utf-8")

PATHS = sorted(
    {
        *re.findall(r"`((?:sagakit|tests|docs|notebooks)/[\w/.]*)`", PAGE),
        *re.findall(r"`([\w]+\.(?:toml|yml|txt))`", PAGE),
        *re.findall(r"\]\(([\w/.]+)\)", PAGE),
        *re.findall(r"pytest -q (\w[\w/]*)", PAGE),
        *re.findall(r"python (\w+/[\w/.]+)", PAGE),
    }
)
TARGETS = sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", PAGE, flags=re.MULTILINE)))


def sentences(text: str) -> set[str]:
    """What is said, without code and tables. Short ones may well be said twice."""
    prose = re.sub(r"```.*?```|^\|.*$", "", text, flags=re.DOTALL | re.MULTILINE)
    said = re.split(r"(?<=[.:;])\s+", " ".join(prose.split()))
    return {sentence for sentence in said if len(sentence.split()) > 8}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", TARGETS)
def test_a_command_that_it_names_is_there(target: str) -> None:
    assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_it_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 100


def test_it_says_nothing_that_the_readme_says() -> None:
    assert sentences(PAGE)
    assert not sentences(PAGE) & sentences(README)


def test_its_table_has_the_layers_in_the_order_that_is_checked() -> None:
    rows = re.findall(r"^\| (`sagakit/.*?) \|", PAGE, flags=re.MULTILINE)
    told = [set(re.findall(r"sagakit/(\w+)", row)) for row in rows]
    assert told == [set(layer.split(" | ")) for layer in LAYERS]
