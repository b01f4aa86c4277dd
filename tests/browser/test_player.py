"""The player in a real browser, by mouse and by keyboard: what is pressed changes what is seen."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.notebook import OpenNotebook, of_cells
from tests.browser.server import Server
from tests.browser.widgets import Player

# What is seen at once, before an answer can be there.
CHOSEN = """(sagas, name) => {
  sagas.value = name;
  sagas.dispatchEvent(new Event("change"));
  return sagas.closest(".sagakit-player").querySelector(".diagram").getAttribute("aria-busy");
}"""


def opened(page: Page, server: Server, call: str) -> Player:
    source = f"from sagakit import run\nfrom sagakit.lab import play\n\nplay({call})"
    notebook = OpenNotebook.of(of_cells(source), page, server)
    notebook.run_all_cells(1)
    player = Player.of(page)
    expect(player.whole).to_be_visible()
    assert notebook.errors() == []
    player.expect_step(0)
    return player


def test_the_buttons_step_and_the_diagram_grows(
    page: Page, server: Server, outside: list[str]
) -> None:
    player = opened(page, server, "run('happy_path')")
    expect(player.said).to_have_text("Before the first step")
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
    assert player.uncovered() < seen[3]
    assert outside == []


def test_the_keys_step_too(page: Page, server: Server) -> None:
    player = opened(page, server, "run('happy_path')")
    player.whole.focus()
    for key, step in (("ArrowRight", 1), ("ArrowDown", 2), ("ArrowLeft", 1), ("Home", 0)):
        page.keyboard.press(key)
        player.expect_step(step)
    before = player.uncovered()
    page.keyboard.press("End")
    player.expect_step(player.last())
    assert player.uncovered() > before
    expect(player.whole).to_be_focused()
    expect(player.button("Next step")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(player.whole).not_to_be_focused()
    page.keyboard.press("Home")  # is the notebook's again
    player.expect_step(player.last())


def test_it_jumps_to_a_retry_and_marks_what_changed(page: Page, server: Server) -> None:
    player = opened(page, server, "run('provider_error')")
    changed = player.whole.locator("[data-changed]")
    expect(changed).to_have_count(0)
    expect(player.button("First conflict")).to_be_hidden()  # there is none
    player.button("First retry").click()
    expect(player.said).to_contain_text("Provider Retry SQS")
    expect(changed.first).to_contain_text("Provider Retry SQS")
    player.button("First compensation").click()
    expect(player.said).to_contain_text("ReembolsarUsuario")
    expect(player.whole.get_by_role("table", name="Event")).to_contain_text("PROVIDER_TIMEOUT")


def test_it_shows_one_saga_of_two(page: Page, server: Server, pictures: Path) -> None:
    player = opened(page, server, "run('concurrent_payments')")
    both = player.last()
    player.button("First conflict").click()
    expect(player.said).to_contain_text("conflict")
    player.whole.screenshot(path=pictures / "player.png")
    player.sagas.select_option("ana:B")
    expect(player.slider).not_to_have_attribute("max", str(both))
    player.expect_step(0)
    assert 0 < player.last() < both


def test_it_jumps_to_another_saga_if_only_that_has_a_compensation(
    page: Page, server: Server
) -> None:
    player = opened(page, server, "run('circuit_breaker')")
    player.button("First compensation, in saga user-13:1").click()
    expect(player.said).to_contain_text("ReembolsarUsuario")
    expect(player.sagas).to_have_value("user-13:1")
    expect(player.diagram).to_have_attribute("aria-busy", "false")


def test_the_diagram_is_grey_until_another_saga_is_drawn(page: Page, server: Server) -> None:
    player = opened(page, server, "run('concurrent_payments')")
    grey = player.sagas.evaluate(CHOSEN, "ana:B")
    assert grey == "true"
    expect(player.diagram).to_contain_text("saga ana:B")
    expect(player.diagram).to_have_attribute("aria-busy", "false")


def test_the_slider_is_drawn_by_mouse(page: Page, server: Server) -> None:
    player = opened(page, server, "run('happy_path')")
    box = player.slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, y, steps=10)
    page.mouse.up()
    middle = int(player.slider.input_value())
    assert abs(middle - player.last() / 2) < 3
    player.expect_step(middle)
    expect(player.said).not_to_have_text("Before the first step")


def test_a_key_shows_the_step_in_a_low_window_and_a_button_stays_under_the_mouse(
    page: Page, server: Server
) -> None:
    page.set_viewport_size({"width": 1280, "height": 420})
    player = opened(page, server, "run('happy_path')")
    band = player.whole.locator("rect.band")
    player.button("Last step").click()
    player.expect_step(player.last())
    expect(player.button("Last step")).to_be_in_viewport()
    expect(band).not_to_be_in_viewport()
    player.whole.press("ArrowLeft")
    expect(band).to_be_in_viewport(ratio=0.9)


def test_the_names_of_the_lanes_stay_above_what_is_scrolled(page: Page, server: Server) -> None:
    player = opened(page, server, "run('happy_path')")
    name = player.whole.locator(".heads text", has_text="Bridge")
    expect(name).to_be_hidden()
    player.button("Last step").click()
    expect(name).to_be_visible()


def test_it_plays_by_itself_until_something_else_is_pressed(page: Page, server: Server) -> None:
    player = opened(page, server, "run('happy_path')")
    player.button("Play or pause").click()
    player.expect_step(2)
    player.whole.press("ArrowLeft")
    expect(player.button("Play or pause")).to_have_text("Play")
    before = player.whole.locator(".counter").inner_text()
    page.wait_for_timeout(1_500)  # a step takes 1,000
    assert player.whole.locator(".counter").inner_text() == before


def test_the_keys_stay_with_the_player_when_what_had_them_is_gone(
    page: Page, server: Server
) -> None:
    player = opened(page, server, "run('concurrent_payments', schedule=())")
    player.button("Last step").press("Enter")
    player.expect_step(player.last())
    page.keyboard.press("Home")
    player.expect_step(0)
    player.button("Run: Payment Service: read item, Payments DB (ana:B)").press("Enter")
    expect(player.whole.get_by_text("Another run")).to_be_visible()
    page.keyboard.press("Home")
    player.expect_step(0)
    page.keyboard.press("ArrowRight")
    player.expect_step(1)


def test_another_step_that_was_ready_is_chosen_and_taken_back(page: Page, server: Server) -> None:
    player = opened(page, server, "run('concurrent_payments', schedule=())")
    expect(player.whole.get_by_text("Another run")).to_have_count(0)
    player.button("Run: Payment Service: read item, Payments DB (ana:B)").click()
    expect(player.whole.get_by_text("Another run")).to_be_visible()
    player.button("Run before").click()
    expect(player.whole.get_by_text("The run before.")).to_be_visible()


def test_what_could_go_wrong_is_unfolded_chosen_and_stays_unfolded(
    page: Page, server: Server, pictures: Path
) -> None:
    player = opened(page, server, "run('happy_path', schedule=())")
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
