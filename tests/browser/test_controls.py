"""The controls in a real browser: a slider, a switch and a number change what is drawn."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.notebook import OpenNotebook, of_cells
from tests.browser.server import Server
from tests.browser.widgets import Controls

# A slider goes up and back before the first answer comes, and on as soon as it is there.
TO_AND_FRO = """controls => {
  const slider = controls.querySelector('[aria-label="settings.provider_attempts"]');
  const turn = to => { slider.value = to; slider.dispatchEvent(new Event("input")); };
  [1, 4, 1].forEach(turn);
  const answered = new MutationObserver(() => { answered.disconnect(); turn(5); });
  answered.observe(controls, { attributeFilter: ["data-ms"] });
}"""


def opened(page: Page, server: Server, scenario: str) -> Controls:
    notebook = OpenNotebook.of(
        of_cells(f"from sagakit.lab import control\n\ncontrol({scenario!r})"), page, server
    )
    notebook.run_all_cells(1)
    controls = Controls.of(page)
    expect(controls.whole).to_be_visible()
    assert notebook.errors() == []
    return controls


def test_a_slider_moved_by_a_key_changes_the_outcome_and_the_diagram(
    page: Page, server: Server, outside: list[str], pictures: Path
) -> None:
    page.set_viewport_size({"width": 1280, "height": 1200})  # the knobs stand above
    controls = opened(page, server, "provider_error")
    expect(controls.outcome).to_contain_text("1 FAILED")  # two attempts, and no answer to either
    before = controls.timeline.inner_html()
    controls.knob("settings.provider_attempts").press("ArrowRight")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    assert controls.timeline.inner_html() != before
    controls.whole.screenshot(path=pictures / "controls.png")
    assert outside == []


def test_a_slider_is_drawn_by_mouse_and_what_it_changed_is_marked(
    page: Page, server: Server, pictures: Path
) -> None:
    page.set_viewport_size({"width": 1800, "height": 1000})  # the knobs stand beside
    controls = opened(page, server, "provider_error")
    attempts = controls.knob("settings.provider_attempts")  # from 1 to 10, and it is 2
    changed = controls.outcome.locator("[data-changed]")
    expect(controls.outcome).to_contain_text("1 FAILED")
    expect(changed).to_have_count(0)
    box = attempts.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 6, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, y, steps=10)
    page.mouse.up()
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(changed.filter(has_text="payments")).to_contain_text("1 COMPLETED")
    expect(changed.filter(has_text="dead letters")).to_have_count(0)
    assert 4 <= int(attempts.input_value()) <= 7
    controls.whole.screenshot(path=pictures / "controls_wide.png")


def test_a_turn_to_and_fro_does_not_hold_up_the_next(page: Page, server: Server) -> None:
    controls = opened(page, server, "provider_error")
    controls.whole.evaluate(TO_AND_FRO)
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(controls.calls).to_have_count(3)


def test_a_switch_leaves_a_rule_of_the_provider_out(page: Page, server: Server) -> None:
    controls = opened(page, server, "provider_error")
    expect(controls.outcome).to_contain_text("1 FAILED")
    expect(controls.calls).to_have_count(2)
    controls.whole.get_by_role("checkbox", name="provider[0]").uncheck()
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(controls.calls).to_have_count(1)


def test_reset_puts_all_back_as_it_was_given(page: Page, server: Server) -> None:
    controls = opened(page, server, "provider_error")
    attempts = controls.knob("settings.provider_attempts")
    attempts.press("ArrowRight")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    controls.whole.get_by_role("button", name="Reset").click()
    expect(controls.outcome).to_contain_text("1 FAILED")
    expect(attempts).to_have_value("2")


def test_what_a_cell_turns_is_seen_at_the_knobs(page: Page, server: Server) -> None:
    cells = (
        "from sagakit.lab import control\n\nknobs = control('provider_error')\nknobs",
        "knobs.values = {'settings.provider_attempts': 3}",
    )
    OpenNotebook.of(of_cells(*cells), page, server).run_all_cells(2)
    controls = Controls.of(page)
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(controls.knob("settings.provider_attempts")).to_have_value("3")


def test_a_number_that_is_not_given_can_be_given_and_taken_back(page: Page, server: Server) -> None:
    controls = opened(page, server, "disaster_recovery")
    end = controls.whole.get_by_role("spinbutton", name="provider[0].end")
    expect(end).to_have_value("")
    expect(controls.outcome).to_contain_text("2 FAILED")
    for value, failed in (("5", 0), ("", 1)):
        end.fill(value)
        end.press("Enter")
        expect(controls.outcome.get_by_text("2 FAILED")).to_have_count(failed)


def test_what_a_scenario_does_not_allow_is_told_and_the_last_run_stays(
    page: Page, server: Server
) -> None:
    controls = opened(page, server, "insufficient_funds")
    controls.whole.get_by_text("The rest").click()
    balance = controls.whole.get_by_role("spinbutton", name="wallets[0].balance")
    balance.fill("90")
    balance.press("Enter")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    balance.fill("-1")
    balance.press("Enter")
    expect(controls.whole.get_by_role("alert")).to_contain_text("balance")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
