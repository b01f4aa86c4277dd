"""The widgets where a learner meets them: in the course's notebooks themselves."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from notebooks.execute import HERE
from tests.browser.notebook import OpenNotebook, code
from tests.browser.server import Server
from tests.browser.widgets import Controls, Player


def run(name: str, page: Page, server: Server) -> OpenNotebook:
    """The notebook, opened and run from the menu."""
    saved = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    notebook = OpenNotebook.of(saved, page, server)
    notebook.run_all_cells(len(code(saved)))
    assert notebook.errors() == []
    return notebook


@pytest.mark.parametrize("width", [1280, 1920])
def test_the_player_of_the_first_notebook_steps_and_plays_by_schedule(
    width: int, page: Page, server: Server, outside: list[str], pictures: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    run("01_happy_path", page, server)
    player = Player.of(page)
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
    assert outside == []


def test_a_threshold_that_is_high_enough_lets_every_payment_of_the_outage_pass(
    page: Page, server: Server, outside: list[str], pictures: Path
) -> None:
    """What notebook 04 asks to find out with the sliders."""
    run("04_circuit_breaker", page, server)
    controls = Controls.of(page)
    expect(controls.outcome).to_contain_text("15 FAILED")
    before = controls.timeline.inner_html()
    controls.knob("settings.breaker_threshold").press("End")
    expect(controls.outcome).not_to_contain_text("FAILED")
    expect(controls.outcome).to_contain_text("36 COMPLETED")
    assert controls.timeline.inner_html() != before
    controls.whole.screenshot(path=pictures / "04_controls.png")
    assert outside == []
