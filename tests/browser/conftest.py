"""One JupyterLab and one Chromium for all tests here, neither with anything that a user has set."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect, sync_playwright

from tests.browser import chromium
from tests.browser.server import Server, jupyterlab

WAIT = 120_000  # milliseconds, for a busy machine
expect.set_options(timeout=WAIT)

OUTSIDE = re.compile(r"^(?:https?|wss?)://(?!127\.0\.0\.1[:/])")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with jupyterlab(tmp_path_factory.mktemp("jupyterlab")) as server:
        yield server


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    path = chromium.found()
    if path is None:
        pytest.skip(chromium.MISSING)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"),
            executable_path=path,
            args=FLAGS,
            viewport={"width": 1280, "height": 900},
        )
        context.set_default_timeout(WAIT)
        yield context
        context.close()


@pytest.fixture
def outside(browser: BrowserContext) -> Iterator[list[str]]:
    """The addresses beyond this machine that pages ask for. They get no answer."""
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    browser.route(OUTSIDE, refuse)
    yield asked
    browser.unroute(OUTSIDE)


@pytest.fixture
def page(browser: BrowserContext, server: Server, outside: list[str]) -> Iterator[Page]:
    """An empty page, and no kernel left behind it."""
    page = browser.new_page()
    page.on(
        "websocket",
        lambda socket: outside.append(socket.url) if OUTSIDE.match(socket.url) else None,
    )
    yield page
    page.close()
    server.stop_kernels()


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are kept."""
    folder = Path(__file__).parents[2] / "out" / "browser"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
