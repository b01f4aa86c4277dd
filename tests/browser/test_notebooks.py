"""Each notebook in a real browser, as a learner has it: as cloned, and run from the menu.

And without the network: a page that asks for anything beyond this machine fails."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from notebooks.execute import to_html
from tests.browser.notebook import OPEN, OpenNotebook, code, drawn, figures, of_cells, pages
from tests.browser.server import Server

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def saved_figures(notebook: NotebookNode) -> int:
    return sum(page.count("<img ") for cell in code(notebook) for page in pages(cell))


def assert_drawn(pictures: Locator, many: int) -> None:
    expect(pictures).to_have_count(many)
    assert all(width > 0 and height > 0 for width, height in drawn(pictures))


@pytest.fixture(scope="module")
def as_cloned(browser: BrowserContext, server: Server) -> Iterator[Page]:
    """JupyterLab on notebooks that it has never seen, and so does not trust, and no kernel to run
    them: what is asked for one gets no answer."""
    svg = of_cells("draw()")
    svg.cells[0].outputs = [
        new_output("display_data", data={"image/svg+xml": "<svg/>", "text/plain": "a picture"})
    ]
    nbformat.write(svg, server.folder / "svg_alone.ipynb")
    for path in NOTEBOOKS:
        shutil.copy(path, server.folder)

    def start_nothing(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()

    page = browser.new_page()
    page.route("**/api/sessions*", start_nothing)
    page.goto(server.page("svg_alone.ipynb"))
    yield page
    page.close()


def unrun(name: str, page: Page) -> Locator:
    """What the notebook shows when it is opened from the list of files."""
    page.get_by_role("listitem", name=f"Name: {name}.ipynb").dblclick(timeout=OPEN)
    page.locator(".jp-mod-current[role=tab]", has_text=name).wait_for(timeout=OPEN)
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cloned_notebook_shows_its_figures_before_it_is_run(path: Path, as_cloned: Page) -> None:
    shown = unrun(path.stem, as_cloned)
    many = saved_figures(nbformat.read(path, as_version=4))
    assert many > 0
    assert_drawn(shown.locator("img"), many)


def test_the_first_run_is_within_a_screen_and_a_half(as_cloned: Page) -> None:
    unrun(NOTEBOOKS[0].stem, as_cloned)
    run = as_cloned.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell").nth(2)
    expect(run).to_contain_text("run(")
    box = run.bounding_box()
    assert box is not None
    assert box["y"] < 1.5 * 800


def test_of_a_cloned_notebook_an_svg_alone_is_not_shown(as_cloned: Page) -> None:
    shown = unrun("svg_alone", as_cloned)
    expect(shown).to_have_text("a picture")
    expect(shown.locator("img")).to_have_count(0)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_of_a_notebook_shows_its_figures(
    path: Path, page: Page, tmp_path: Path, outside: list[str]
) -> None:
    notebook = nbformat.read(path, as_version=4)
    file = tmp_path / "page.html"
    file.write_text(to_html(notebook, path.stem), encoding="utf-8")
    page.goto(file.as_uri())
    assert_drawn(page.locator("img"), saved_figures(notebook))
    assert outside == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_without_an_error_or_the_network_and_draws_its_figures(
    path: Path, page: Page, server: Server, outside: list[str], pictures: Path
) -> None:
    saved = nbformat.read(path, as_version=4)
    notebook = OpenNotebook.of(saved, page, server)
    notebook.run_all_cells(len(code(saved)))
    page.screenshot(path=pictures / f"{path.stem}.png")
    assert notebook.errors() == []
    for number, cell in enumerate(code(saved)):
        seen = notebook.figures(number)
        assert len(seen) == figures(cell), f"cell {number} shows {len(seen)} figures"
        assert all(width > 0 and height > 0 for width, height in seen), f"cell {number}"
    assert outside == []


def test_an_error_is_seen_and_a_picture_that_is_broken(page: Page, server: Server) -> None:
    shown = "from IPython.display import SVG, display\ndisplay({!r}, raw=True)"
    broken = {"image/svg+xml": "<svg"}
    notebook = OpenNotebook.of(of_cells(shown.format(broken), "1 / 0"), page, server)
    notebook.run_all_cells(2)
    (error,) = notebook.errors()
    assert "ZeroDivisionError" in error
    assert notebook.figures(0) == [(0, 0)]


def test_a_request_to_the_outside_is_refused_and_seen(
    page: Page, server: Server, outside: list[str]
) -> None:
    page.goto(server.page(""))
    failed = page.evaluate("fetch('https://example.org/a.js').then(() => false, () => true)")
    assert failed
    assert outside == ["https://example.org/a.js"]


def test_a_socket_to_the_outside_is_seen(page: Page, server: Server, outside: list[str]) -> None:
    page.goto(server.page(""))
    with page.expect_websocket(lambda one: one.url in outside):
        page.evaluate("new WebSocket('ws://192.0.2.1/')")  # an address that nobody has
    assert outside == ["ws://192.0.2.1/"]
