"""The controls in a real browser: a slider, a switch and a number change what is drawn."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.notebook import OpenNotebook, of_cells
from tests.browser.server import Server
from tests.browser.widgets import Controls


def opened(page: Page, server: Server, scenario: str) -> Controls:
    notebook = OpenNotebook.of(
        of_cells(f"from sagakit.lab import control\n\ncontrol({scenario!r})"), page, server
    )
    notebook.run_all_cells(1)
    controls = Controls.of(page)
    expect(controls.whole).to_be_visible()
    assert notebook.errors() == []
    return controls


def test_a_slider_changes_the_outcome_and_the_diagram(
    page: Page, server: Server, outside: list[str], pictures: Path
) -> None:
    controls = opened(page, server, "provider_error")
    expect(controls.outcome).to_contain_text("1 FAILED")  # two attempts, and no answer to either
    before = controls.timeline.inner_html()
    controls.knob("settings.provider_attempts").press("ArrowRight")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    assert controls.timeline.inner_html() != before
    controls.whole.screenshot(path=pictures / "controls.png")
    assert outside == []


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


def test_what_a_scenario_does_not_allow_is_told_and_the_last_run_stays(
    page: Page, server: Server
) -> None:
    controls = opened(page, server, "insufficient_funds")
    controls.whole.get_by_text("The rest of the scenario").click()
    balance = controls.whole.get_by_role("spinbutton", name="wallets[0].balance")
    balance.fill("90")
    balance.press("Enter")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
    balance.fill("-1")
    balance.press("Enter")
    expect(controls.whole.get_by_role("alert")).to_contain_text("balance")
    expect(controls.outcome).to_contain_text("1 COMPLETED")
