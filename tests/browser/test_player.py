"""The player in a real browser, by mouse and by keyboard: what is pressed changes what is seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.server import Server
from tests.browser.widgets import Cells, Player, cells_of

# What is seen at once, before an answer can be there.
CHOSEN = """(sagas, name) => {
  sagas.value = name;
  sagas.dispatchEvent(new Event("change"));
  return sagas.closest(".sagakit-player").querySelector(".diagram").getAttribute("aria-busy");
}"""

# Neither above the diagram's edge nor over the step that is shown.
HEADS_ARE_WHOLE = """diagram => {
  const [pane, heads, band] = [diagram, ...diagram.querySelectorAll(".heads, .band")].map(
    each => each.getBoundingClientRect());
  return pane.top <= heads.top && heads.bottom <= band.top + 1;
}"""


@pytest.fixture(scope="module")
def cells(browser: BrowserContext, server: Server) -> Iterator[Cells]:
    with cells_of(browser, server) as cells:
        yield cells


def opened(cells: Cells, call: str) -> Player:
    """A player at its start."""
    page = cells.run(f"from sagakit import run\nfrom sagakit.lab import play\n\nplay({call})")
    player = Player.of(page)
    player.whole.press("Home")
    player.expect_step(0)
    return player


def test_the_buttons_step_and_the_diagram_grows(cells: Cells) -> None:
    player = opened(cells, "run('happy_path')")
    expect(player.said).to_have_text("Before the first arrow")
    expect(player.button("Previous step")).to_be_disabled()
    said, seen = [player.said.inner_text()], [player.uncovered()]
    for step in (1, 2, 3):
        player.button("Next step").click()
        player.expect_step(step)
        expect(player.said).not_to_have_text(said[-1])
        said.append(player.said.inner_text())
        seen.append(player.uncovered())
    assert seen == sorted(set(seen)), "the diagram grows with each step"
    player.button("Previous step").click()
    player.expect_step(2)
    expect(player.said).to_have_text(said[2])
    expect(player.counter).to_have_text("arrow 1 of 40")  # the first step is a note
    assert player.uncovered() < seen[3]


def test_the_keys_that_it_names_step_and_play(cells: Cells) -> None:
    player = opened(cells, "run('happy_path')")
    for name in ("← →", "Home End", "Space", "Esc"):
        expect(player.whole.get_by_text("Keys:")).to_contain_text(name)
    player.whole.focus()
    keyboard = player.whole.page.keyboard
    for key, step in (("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("Home", 0)):
        keyboard.press(key)
        player.expect_step(step)
    before = player.uncovered()
    keyboard.press("End")
    player.expect_step(player.last())
    assert player.uncovered() > before
    expect(player.whole).to_be_focused()
    expect(player.button("Next step")).to_be_disabled()
    keyboard.press("Escape")
    expect(player.whole).not_to_be_focused()
    keyboard.press("Home")  # is the notebook's again
    player.expect_step(player.last())


def test_the_slider_is_drawn_by_mouse(cells: Cells) -> None:
    player = opened(cells, "run('happy_path')")
    box = player.slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    mouse = player.whole.page.mouse
    mouse.move(box["x"] + 8, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] / 2, y, steps=10)
    mouse.up()
    middle = int(player.slider.input_value())
    assert abs(middle - player.last() / 2) < 3
    player.expect_step(middle)
    expect(player.said).not_to_have_text("Before the first arrow")


def test_a_key_shows_the_step_in_a_low_window_and_a_button_stays_under_the_mouse(
    cells: Cells,
) -> None:
    player = opened(cells, "run('happy_path')")
    player.whole.page.set_viewport_size({"width": 1280, "height": 340})
    band = player.whole.locator("rect.band")
    player.button("Last step").click()
    player.expect_step(player.last())
    expect(player.button("Last step")).to_be_in_viewport()
    expect(band).not_to_be_in_viewport()
    player.whole.press("ArrowLeft")
    expect(band).to_be_in_viewport(ratio=0.9)


def test_it_plays_at_a_speed_until_something_else_is_pressed_or_the_end(cells: Cells) -> None:
    player = opened(cells, "run('happy_path')")
    player.whole.get_by_role("combobox", name="Speed").select_option("4×")
    player.whole.press(" ")
    expect(player.whole).not_to_have_attribute("data-step", "0")
    player.whole.press("ArrowLeft")
    expect(player.button("Play or pause")).to_have_text("Play")
    player.whole.press("End")
    player.whole.press("ArrowLeft")
    player.button("Play or pause").click()
    player.expect_step(player.last())
    expect(player.button("Play or pause")).to_have_text("Play")
    player.button("Play or pause").click()  # again from the start
    expect(player.button("Play or pause")).to_have_text("Pause")
    expect(player.whole).not_to_have_attribute("data-step", str(player.last()))
    player.button("Play or pause").click()


def test_it_jumps_to_a_retry_and_marks_what_changed(cells: Cells) -> None:
    player = opened(cells, "run('provider_error')")
    changed = player.whole.locator("[data-changed]")
    expect(changed).to_have_count(0)
    expect(player.button("First conflict")).to_be_hidden()  # there is none
    player.button("First retry").click()
    expect(player.said).to_contain_text("Provider Retry SQS")
    expect(changed.filter(has_text="Provider Retry SQS")).to_have_count(1)
    player.button("First compensation").click()
    expect(player.said).to_contain_text("ReembolsarUsuario")
    expect(player.whole.get_by_role("table", name="Event")).to_contain_text("PROVIDER_TIMEOUT")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_heads_of_lanes_and_the_state_are_in_sight_at_every_step(
    width: int, height: int, cells: Cells, pictures: Path
) -> None:
    player = opened(cells, "run('provider_error')")
    player.whole.page.set_viewport_size({"width": width, "height": height})
    band = player.whole.locator("rect.band")
    player.whole.evaluate("player => player.scrollIntoView()")
    for key, known in (("ArrowRight", 2), ("End", 3), ("ArrowLeft", 3)):
        player.whole.press(key)
        expect(band).to_be_in_viewport(ratio=0.9)
        assert player.diagram.evaluate(HEADS_ARE_WHOLE)
        for name in ("Queues", "Breaker", "Stores")[:known]:
            expect(player.whole.get_by_role("table", name=name)).to_be_in_viewport(ratio=0.95)
    player.whole.page.screenshot(path=pictures / f"player_{width}.png")


def test_it_shows_one_saga_of_two_and_is_grey_until_that_is_drawn(
    cells: Cells, pictures: Path
) -> None:
    player = opened(cells, "run('concurrent_payments')")
    both = player.last()
    player.button("First conflict").click()
    expect(player.said).to_contain_text("conflict")
    player.whole.screenshot(path=pictures / "player.png")
    assert player.sagas.evaluate(CHOSEN, "ana:B") == "true"
    expect(player.diagram).to_contain_text("saga ana:B")
    expect(player.diagram).to_have_attribute("aria-busy", "false")
    player.expect_step(0)
    assert 0 < player.last() < both


def test_it_jumps_to_another_saga_if_only_that_has_a_compensation(cells: Cells) -> None:
    player = opened(cells, "run('circuit_breaker')")
    player.button("First compensation, in saga user-13:1").click()
    expect(player.said).to_contain_text("ReembolsarUsuario")
    expect(player.sagas).to_have_value("user-13:1")
    expect(player.diagram).to_have_attribute("aria-busy", "false")


def test_another_step_that_was_ready_is_chosen_by_key_and_taken_back(cells: Cells) -> None:
    player = opened(cells, "run('concurrent_payments', schedule=())")
    expect(player.whole.get_by_text("Another run")).to_have_count(0)
    player.button("Run: Payment Service: read item, Payments DB (ana:B)").press("Enter")
    expect(player.whole.get_by_text("Another run")).to_be_visible()
    keyboard = player.whole.page.keyboard
    keyboard.press("Home")  # the button is gone, and the player has the keys
    player.expect_step(0)
    keyboard.press("ArrowRight")
    player.expect_step(1)
    player.button("Run before").click()
    expect(player.whole.get_by_text("The run before.")).to_be_visible()


def test_what_could_go_wrong_is_unfolded_chosen_and_stays_unfolded(
    cells: Cells, pictures: Path
) -> None:
    player = opened(cells, "run('happy_path', schedule=())")
    wrong = player.whole.get_by_text("What could go wrong here")
    twice = player.whole.get_by_role("button", name="its message comes a second time")
    while not wrong.count():
        player.button("Next step").click()
    wrong.click()
    while not twice.count():
        player.button("Next step").click()
    player.whole.screenshot(path=pictures / "player_wrong.png")
    twice.first.click()
    expect(player.whole.get_by_text("All laws hold in it.")).to_be_visible()
    expect(player.said).to_contain_text("message doubled")
    player.button("Run before").click()
    expect(twice.first).to_be_visible()
