"""What a teacher hands out, in a real browser: a word leads to its place in the glossary."""

import shutil
from pathlib import Path

from playwright.sync_api import Page, expect

from notebooks.execute import GLOSSARY, HERE
from tests.browser.notebook import OPEN
from tests.browser.server import Server

START = HERE / "00_start_here.ipynb"


def test_a_word_of_a_notebook_leads_to_its_place_in_the_glossary(
    page: Page, server: Server, outside: list[str], pictures: Path
) -> None:
    for path in (START, GLOSSARY):
        there = server.folder / path.relative_to(HERE.parent)
        there.parent.mkdir(exist_ok=True)
        shutil.copy(path, there)
    page.goto(server.page("notebooks/00_start_here.ipynb"))
    word = page.locator(".jp-RenderedMarkdown a", has_text="compensation").first
    word.click(timeout=OPEN)
    place = page.locator(".jp-MarkdownViewer h2", has_text="compensation")
    expect(place).to_be_in_viewport(timeout=OPEN)
    page.screenshot(path=pictures / "glossary.png")
    assert outside == []
