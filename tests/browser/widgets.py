"""The player and the controls in an open page, found as a learner or a screen reader finds them."""

from collections.abc import Iterator
from contextlib import contextmanager

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import BrowserContext, Locator, Page, expect

from notebooks.execute import HERE
from tests.browser.notebook import OpenNotebook, code, of_cells
from tests.browser.server import Server


class Cells:
    """Notebooks and single cells that were run in JupyterLab, each once and in a page of its own
    that several tests look at."""

    def __init__(self, browser: BrowserContext, server: Server) -> None:
        self.browser, self.server = browser, server
        self.pages: dict[tuple[str, ...], Page] = {}

    def run(self, *sources: str) -> Page:
        return self._page(sources, of_cells(*sources))

    def course(self, name: str) -> OpenNotebook:
        """A notebook of the course."""
        saved = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
        return OpenNotebook(self._page((name,), saved))

    def _page(self, name: tuple[str, ...], cells: NotebookNode) -> Page:
        page = self.pages.get(name)
        if page is None:
            page = self.pages[name] = self.browser.new_page()
            file = f"cells_{len(self.pages)}.ipynb"
            notebook = OpenNotebook.of(cells, page, self.server, file)
            notebook.run_all_cells(len(code(cells)))
            assert notebook.errors() == []
        page.bring_to_front()
        page.set_viewport_size({"width": 1280, "height": 900})
        return page


@contextmanager
def cells_of(browser: BrowserContext, server: Server) -> Iterator[Cells]:
    cells = Cells(browser, server)
    yield cells
    for page in cells.pages.values():
        page.close()
    server.stop_kernels()


class Player:
    """One that is open in a page; its parts are found by the names that a screen reader says."""

    def __init__(self, whole: Locator) -> None:
        self.whole = whole
        self.said = whole.get_by_role("status", name="What happens")
        self.counter = whole.locator(".counter")
        self.slider = whole.get_by_role("slider", name="Step")
        self.sagas = whole.get_by_role("combobox", name="Saga")
        self.diagram = whole.get_by_role("group", name="Diagram")

    @classmethod
    def of(cls, page: Page) -> "Player":
        return cls(page.get_by_role("group", name="Player"))

    def button(self, name: str) -> Locator:
        return self.whole.get_by_role("button", name=name)

    def expect_step(self, step: int) -> None:
        expect(self.whole).to_have_attribute("data-step", str(step))

    def last(self) -> int:
        return int(self.slider.get_attribute("max") or 0)

    def uncovered(self) -> float:
        """How much of the arrows is seen, in pixels from their top: what is to come is covered."""
        picture = self.whole.get_by_role("img", name="Sequence diagram").bounding_box()
        cover = self.whole.locator("rect.cover")
        assert picture is not None
        if cover.get_attribute("visibility") == "hidden":
            return picture["height"]
        return float(cover.evaluate("rect => rect.getBoundingClientRect().top")) - picture["y"]


class Controls:
    """Of one scenario, open in a page."""

    def __init__(self, whole: Locator) -> None:
        self.whole = whole
        self.outcome = whole.get_by_role("table", name="Outcome")
        self.timeline = whole.get_by_role("img", name="Timeline")
        self.breaker = whole.get_by_role("img", name="Circuit breaker")
        self.reset = whole.get_by_role("button", name="Reset")

    @classmethod
    def of(cls, page: Page) -> "Controls":
        return cls(page.locator(".sagakit-controls"))

    def knob(self, label: str) -> Locator:
        return self.whole.get_by_role("slider", name=label)

    def expect_drawn(self) -> None:
        """The pictures are those of the outcome that is shown."""
        expect(self.whole.locator(".pictures")).to_have_attribute("aria-busy", "false")
