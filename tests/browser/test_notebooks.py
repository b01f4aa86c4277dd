"""Each notebook in a real browser, as a learner has it: opened, run from the menu, looked at. And
without the network: a page that asks for anything beyond this machine fails."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.browser.notebook import OpenNotebook, code, has_figure, of_cells
from tests.browser.server import Server

# No output is wider than its place.
WHOLE = """() => [...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output')]
  .every(output => output.scrollWidth <= output.clientWidth + 1)"""
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_without_an_error_or_the_network_and_draws_its_figures(
    path: Path, page: Page, server: Server, outside: list[str], pictures: Path
) -> None:
    saved = nbformat.read(path, as_version=4)
    notebook = OpenNotebook.of(saved, page, server)
    notebook.run_all_cells(len(code(saved)))
    page.screenshot(path=pictures / f"{path.stem}.png")
    assert notebook.errors() == []
    drawn = {number for number, cell in enumerate(code(saved)) if has_figure(cell)}
    assert drawn
    for number in drawn:
        figures = notebook.figures(number)
        assert figures, f"cell {number} shows no figure"
        assert all(width > 0 and height > 0 for width, height in figures), f"cell {number}"
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
    first = next(number for number, cell in enumerate(code(saved)) if has_figure(cell))
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
