"""docs/decisions has a page for each decision, and its index names them all."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in DECISIONS.glob("[0-9]*.md")}
INDEX = (DECISIONS / "README.md").read_text(encoding="utf-8")


def test_the_index_names_each_page_once() -> None:
    assert re.findall(r"\]\((\d\w+\.md)\)", INDEX) == sorted(PAGES)


def test_a_page_says_what_was_decided_and_what_was_tried_instead_within_45_lines() -> None:
    for name, text in PAGES.items():
        headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
        assert headings == ["Decision", "What was tried instead", "Consequences"], name
        assert len(text.splitlines()) <= 45, name


def test_files_that_a_page_names_are_there() -> None:
    named = re.findall(r"`((?:sagakit|tests)/[\w/.]+)`", "".join(PAGES.values()))
    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []
