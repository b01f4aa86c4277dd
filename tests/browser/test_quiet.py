"""JupyterLab as the project starts it asks the learner nothing."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.notebook import OpenNotebook, of_cells
from tests.browser.server import QUIET, SETTINGS, Server, jupyterlab

NEWS = "Would you like to get notified about official Jupyter news?"


def opened(page: Page, server: Server) -> None:
    OpenNotebook.of(of_cells("1 + 1"), page, server).run_all_cells(1)


def test_no_pop_up_about_news_covers_a_notebook(page: Page, server: Server) -> None:
    opened(page, server)
    expect(page.get_by_text(NEWS)).to_have_count(0)
    expect(page.locator(".jp-Notification-Toast-Close")).to_have_count(0)


def test_without_the_projects_settings_there_is_one(page: Page, tmp_path: Path) -> None:
    flags = [flag for flag in QUIET if str(SETTINGS) not in flag]
    with jupyterlab(tmp_path, flags) as other:
        opened(page, other)
        expect(page.get_by_text(NEWS)).to_be_visible()
        other.stop_kernels()
