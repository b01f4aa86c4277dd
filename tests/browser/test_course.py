"""What a teacher hands out, in a real browser: a word leads to its place in the glossary, and
slides are drawn without the network."""

import shutil
from pathlib import Path

import nbformat
from playwright.sync_api import Page, expect

from notebooks.course.slides import reveal, to_html
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


def test_slides_are_drawn_and_turned_without_the_network(
    page: Page, tmp_path: Path, outside: list[str], pictures: Path
) -> None:
    shutil.copytree(reveal(), tmp_path / "reveal.js")
    slides = tmp_path / "slides.html"
    slides.write_text(to_html(nbformat.read(START, as_version=4), "slides"), encoding="utf-8")
    page.goto(slides.as_uri())
    expect(page.locator("section.present h1")).to_be_in_viewport()
    page.keyboard.press("ArrowRight")
    expect(page.locator("section.present h2")).to_contain_text("Why not one transaction?")
    figures = page.locator(".jp-RenderedSVG img")
    assert figures.count() > 0
    assert figures.evaluate_all("images => images.every(image => image.naturalWidth > 0)")
    page.screenshot(path=pictures / "slides.png")
    assert outside == []
