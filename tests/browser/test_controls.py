"""The controls in a real browser: a slider, a switch and a number change what is drawn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.server import Server
from tests.browser.widgets import Cells, Controls, cells_of

# A slider goes up and back before the first answer comes, and on as soon as it is there.
TO_AND_FRO = """controls => {
  const slider = controls.querySelector('[aria-label="Provider attempts"]');
  const turn = to => { slider.value = to; slider.dispatchEvent(new Event("input")); };
  [1, 4, 1].forEach(turn);
  const answered = new MutationObserver(() => { answered.disconnect(); turn(5); });
  answered.observe(controls.querySelector("table"), { childList: true });
}"""


@pytest.fixture(scope="module")
def cells(browser: BrowserContext, server: Server) -> Iterator[Cells]:
    with cells_of(browser, server) as cells:
        yield cells


def opened(cells: Cells, scenario: str) -> Controls:
    """The controls of a scenario as it was given."""
    controls = Controls.of(cells.run(f"from sagakit.lab import control\n\ncontrol({scenario!r})"))
    expect(controls.outcome).to_be_visible()
    if controls.reset.is_enabled():
        controls.reset.click()
    expect(controls.reset).to_be_disabled()
    return controls


def test_a_slider_moved_by_a_key_changes_the_outcome_and_then_the_pictures(
    cells: Cells, pictures: Path
) -> None:
    controls = opened(cells, "provider_error")
    expect(controls.outcome).to_contain_text("1 FAILED")  # two attempts, and no answer to either
    controls.expect_drawn()
    before = controls.timeline.get_attribute("alt")
    controls.knob("Provider attempts").press("ArrowRight")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(controls.timeline).not_to_have_attribute("alt", before or "")
    expect(controls.whole.get_by_role("img", name="Sequence diagram")).to_be_visible()
    controls.whole.screenshot(path=pictures / "controls.png")


def test_a_slider_is_drawn_by_mouse_and_what_it_changed_is_marked(
    cells: Cells, pictures: Path
) -> None:
    controls = opened(cells, "provider_error")
    controls.whole.page.set_viewport_size({"width": 1920, "height": 1080})
    attempts = controls.knob("Provider attempts")  # from 1 to 10, and it is 2
    changed = controls.outcome.locator("[data-changed]")
    expect(controls.outcome).to_contain_text("1 FAILED")
    box = attempts.bounding_box()
    assert box is not None
    assert box["width"] >= 240, "wide enough to aim"
    y = box["y"] + box["height"] / 2
    mouse = controls.whole.page.mouse
    mouse.move(box["x"] + box["width"] / 6, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] / 2, y, steps=10)
    mouse.up()
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(changed.filter(has_text="payments")).to_contain_text("1 COMPLETED")
    expect(changed.filter(has_text="dead letters")).to_have_count(0)
    assert 4 <= int(attempts.input_value()) <= 7
    controls.whole.screenshot(path=pictures / "controls_wide.png")


def test_a_turn_to_and_fro_does_not_hold_up_the_next(cells: Cells) -> None:
    controls = opened(cells, "provider_error")
    controls.whole.evaluate(TO_AND_FRO)
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(controls.outcome).to_contain_text("3, of which 2 got no answer")


def test_a_switch_leaves_a_rule_of_the_provider_out(cells: Cells) -> None:
    controls = opened(cells, "provider_error")
    expect(controls.outcome).to_contain_text("1 FAILED")
    controls.whole.get_by_role("checkbox", name="Provider on calls 1, 2").uncheck()
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(controls.outcome).to_contain_text("1, of which 0 got no answer")


def test_time_is_given_in_seconds_and_what_the_provider_does_in_words(cells: Cells) -> None:
    controls = opened(cells, "provider_error")
    delay = controls.whole.get_by_role("spinbutton", name="Retry delay")
    expect(delay).to_have_value("60")
    delay.fill("1.5")
    delay.press("Enter")
    expect(controls.outcome).to_contain_text("12 s")
    expect(controls.knob("Retry delay")).to_have_attribute("aria-valuetext", "1.5 s")
    does = controls.whole.get_by_role("combobox", name="What the provider does on calls 1, 2")
    does.select_option("approves")
    expect(controls.outcome).to_contain_text("1 COMPLETED")


def test_the_breaker_is_drawn_when_one_of_its_knobs_is_turned_until_the_reset(
    cells: Cells,
) -> None:
    controls = opened(cells, "provider_error")
    controls.expect_drawn()
    expect(controls.breaker).to_have_count(0)
    controls.knob("Breaker threshold").press("Home")
    expect(controls.breaker).to_be_visible()
    controls.reset.click()
    expect(controls.breaker).to_have_count(0)
    expect(controls.knob("Breaker threshold")).to_have_value("5")


def test_what_a_cell_turns_is_seen_at_the_knobs(cells: Cells) -> None:
    page = cells.run(
        "from sagakit.lab import control\n\nknobs = control('provider_error')\nknobs",
        "knobs.values = {'settings.provider_attempts': 3}",
    )
    controls = Controls.of(page)
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    expect(controls.knob("Provider attempts")).to_have_value("3")


def test_a_number_that_is_not_given_can_be_given_and_taken_back(cells: Cells) -> None:
    controls = opened(cells, "disaster_recovery")
    end = controls.whole.get_by_role("spinbutton", name="Provider for ana:4: until")
    expect(end).to_have_value("")
    expect(controls.outcome).to_contain_text("2 FAILED")
    for value, failed in (("0.005", 0), ("", 1)):
        end.fill(value)
        end.press("Enter")
        expect(controls.outcome.get_by_text("2 FAILED")).to_have_count(failed)


def test_what_a_scenario_does_not_allow_is_told_and_the_last_run_stays(cells: Cells) -> None:
    controls = opened(cells, "insufficient_funds")
    controls.whole.get_by_text("More: wallets, payments, timing").click()
    balance = controls.whole.get_by_role("spinbutton", name="Wallet of ana: balance")
    balance.fill("90")
    balance.press("Enter")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    balance.fill("-1")
    balance.press("Enter")
    expect(controls.whole.get_by_role("alert")).to_contain_text("balance")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
