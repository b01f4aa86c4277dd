"""Notebooks of the course as a learner has run them: text and figures are whole, and the widgets
answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.server import Server
from tests.browser.widgets import Cells, Controls, Player, cells_of

WIDTHS = (1280, 1920)

# No output is wider than its place.
WHOLE = """() => [...document.querySelectorAll('.jp-Notebook .jp-OutputArea-output')]
  .every(output => output.scrollWidth <= output.clientWidth + 1)"""


@pytest.fixture(scope="module")
def cells(browser: BrowserContext, server: Server) -> Iterator[Cells]:
    with cells_of(browser, server) as cells:
        yield cells


@pytest.mark.parametrize("name", ["01_happy_path", "04_circuit_breaker"])
def test_a_window_shows_text_and_figures_whole(
    name: str, cells: Cells, outside: list[str], pictures: Path
) -> None:
    """Beside the file browser, as JupyterLab opens: there are 848 pixels at 1280."""
    notebook = cells.course(name)
    page, figure = notebook.page, notebook.page.locator(".jp-Notebook .jp-OutputArea img").first
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(WHOLE)
        figure.scroll_into_view_if_needed()
        expect(figure).to_be_in_viewport()
        box = figure.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        page.screenshot(path=pictures / f"{name}_{width}.png")
    assert outside == []


def test_the_player_of_the_first_notebook_steps_and_plays_by_schedule(
    cells: Cells, outside: list[str], pictures: Path
) -> None:
    page = cells.course("01_happy_path").page
    player = Player.of(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        player.expect_step(0)
        before = player.uncovered()
        player.button("Next step").click()
        player.expect_step(1)
        assert player.uncovered() > before
        player.whole.focus()
        page.keyboard.press("ArrowRight")
        player.expect_step(2)
        page.keyboard.press("End")
        player.expect_step(player.last())
        expect(player.whole.get_by_role("table", name="Stores")).to_contain_text("COMPLETED")
        player.button("Play by schedule").click()
        expect(player.whole.get_by_text("The same scenario, by schedule.")).to_be_visible()
        player.expect_step(0)
        expect(player.whole.get_by_text("came next")).to_be_visible()
        player.whole.screenshot(path=pictures / f"01_player_{width}.png")
        player.button("Run before").click()
        expect(player.whole.get_by_text("The run before.")).to_be_visible()
        player.whole.press("Home")
    assert outside == []


def test_a_threshold_that_is_high_enough_lets_every_payment_of_the_outage_pass(
    cells: Cells, outside: list[str], pictures: Path
) -> None:
    """What notebook 04 asks to find out with the sliders."""
    controls = Controls.of(cells.course("04_circuit_breaker").page)
    expect(controls.outcome).to_contain_text("15 FAILED")
    controls.expect_drawn()
    before = controls.timeline.get_attribute("alt")
    controls.knob("Breaker threshold").press("End")
    expect(controls.outcome).not_to_contain_text("FAILED")
    expect(controls.outcome).to_contain_text("36 COMPLETED")
    controls.expect_drawn()
    expect(controls.timeline).not_to_have_attribute("alt", before or "")
    expect(controls.breaker).to_be_visible()
    controls.whole.screenshot(path=pictures / "04_controls.png")
    assert outside == []
