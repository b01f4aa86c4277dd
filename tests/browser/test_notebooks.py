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

# No output is wider than its place.
WHOLE = """() => [...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output')]
  .every(output => output.scrollWidth <= output.clientWidth + 1)"""
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


@pytest.mark.parametrize("name", ["01_happy_path", "04_circuit_breaker"])
@pytest.mark.parametrize("width", [1280, 1920])
def test_a_window_of_this_width_shows_text_and_figures_whole(
    width: int, name: str, page: Page, server: Server, pictures: Path
) -> None:
    """Beside the file browser, as JupyterLab opens: there are 848 pixels at 1280."""
    (path,) = (each for each in NOTEBOOKS if each.stem == name)
    saved = nbformat.read(path, as_version=4)
    page.set_viewport_size({"width": width, "height": 900})
    notebook = OpenNotebook.of(saved, page, server)
    notebook.run_all_cells(len(code(saved)))
    page.wait_for_function(WHOLE)
    first = next(number for number, cell in enumerate(code(saved)) if figures(cell))
    figure = notebook.cells.nth(first).locator("img")
    figure.scroll_into_view_if_needed()
    expect(figure).to_be_in_viewport()
    box = figure.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.screenshot(path=pictures / f"{path.stem}_{width}.png")


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
    page.evaluate("new WebSocket('ws://192.0.2.1/')")  # an address that nobody has
    page.wait_for_timeout(500)
    assert outside == ["ws://192.0.2.1/"]
