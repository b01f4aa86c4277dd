"""The README keeps its word: its pictures are of runs, and its lines of Python run."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from docs import pictures
from docs.gallery import lost_update
from docs.pictures import PICTURES
from sagakit.cli import main
from sagakit.draw.svg import Picture

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = {path: alt for alt, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", README)}


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("draw", PICTURES, ids=lambda draw: draw.__name__)
def test_a_picture_is_of_a_run_made_with_this_code(draw: Callable[[], Picture]) -> None:
    saved = pictures.file_of(draw).read_text(encoding="utf-8")
    assert saved == draw().svg(), "draw it again with `make pictures`, and look at it"


def test_every_picture_that_is_drawn_is_shown_and_no_other() -> None:
    drawn = {pictures.file_of(draw).relative_to(ROOT).as_posix() for draw in PICTURES}
    assert set(SHOWN) == drawn


@pytest.mark.parametrize("path", SHOWN)
def test_a_picture_is_told_in_words(path: str) -> None:
    assert len(SHOWN[path].split()) > 10


def test_a_picture_that_is_not_current_is_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "HERE", tmp_path)
    monkeypatch.setattr(pictures, "PICTURES", (pictures.circuit_breaker,))
    (tmp_path / "circuit_breaker.svg").write_text("<svg/>", encoding="utf-8")
    assert pictures.main() == pictures.main() == 0
    assert (tmp_path / "circuit_breaker.svg").read_text(encoding="utf-8") != "<svg/>"
    assert capsys.readouterr().out.splitlines() == [
        "circuit_breaker.svg: drawn again",
        "circuit_breaker.svg: as it was",
    ]


def test_the_counterexample_is_told_as_it_is_found() -> None:
    found = lost_update()
    sums = found.effect.partition(":")[0]  # what it means for each payment is in the answer
    assert f"{found.cause} Then '{found.verdict.law}' is broken: {sums}" in in_one_line(README)


def test_the_lines_of_python_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        assert len(code.strip().splitlines()) <= 12
        exec(compile(code, "README.md", "exec"), names)


def test_what_the_command_prints_is_as_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "happy_path"]) == 0
    assert capsys.readouterr().out.rstrip() in README


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, flags=re.MULTILINE))
def test_a_command_it_names_exists(target: str) -> None:
    assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", re.findall(r"`(tests/[\w/.]+)`|\]\((docs/[\w/.]+)\)", README))
def test_a_file_it_names_exists(path: tuple[str, str]) -> None:
    assert (ROOT / "".join(path)).exists()
