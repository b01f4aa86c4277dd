"""A notebook in an open page of JupyterLab, with a learner's eyes and hands."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page

from notebooks.execute import KERNEL
from tests.browser.server import Server

OPEN = 300_000  # milliseconds, for a busy machine; JupyterLab and a kernel take about 5,000
RUN = 900_000  # for all cells of a notebook, which take about 3,000

# When a cell with code has its number and the kernel rests, or at the first error.
DONE = r"""cells => {
  if (document.querySelector('.jp-Notebook [data-mime-type="application/vnd.jupyter.error"]'))
    return true;
  const prompts = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')];
  const numbered = prompts.filter(prompt => /\[\d+\]/.test(prompt.textContent)).length;
  const status = document.querySelector('#jp-main-statusbar').textContent;
  return numbered === cells && status.includes('| Idle');
}"""

# Of a picture as it is drawn: a broken one has no natural width.
SIZE = """image => image.decode().then(() => [
  image.naturalWidth && image.getBoundingClientRect().width,
  image.naturalHeight && image.getBoundingClientRect().height,
], () => [0, 0])"""


# What a cell shows that is no widget.
OUTPUT = '.jp-OutputArea [data-mime-type]:not([data-mime-type*="widget"])'


def code(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that get a number when they are run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def of_cells(*sources: str) -> NotebookNode:
    """A notebook of these cells, for the kernel that the project's notebooks have."""
    cells = [new_code_cell(source) for source in sources]
    notebook: NotebookNode = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    return notebook


def pages(cell: NotebookNode) -> list[str]:
    """What a cell shows as HTML."""
    return [output.get("data", {}).get("text/html", "") for output in cell.outputs]


def figures(cell: NotebookNode) -> int:
    """How many pictures a cell shows, without those that stand in for a widget."""
    return sum(page.startswith("<img ") for page in pages(cell))


def drawn(pictures: Locator) -> list[tuple[float, float]]:
    """Width and height of each picture as it is drawn, in pixels; 0 if it is not."""
    return [
        (width, height) for width, height in (picture.evaluate(SIZE) for picture in pictures.all())
    ]


def emptied(notebook: NotebookNode, path: Path) -> None:
    """Write it without what its cells showed, so that all that is seen was just run."""
    copy: Any = nbformat.from_dict(notebook)
    for cell in code(copy):
        cell.outputs, cell.execution_count = [], None
    nbformat.write(copy, path)


@dataclass
class OpenNotebook:
    page: Page

    @classmethod
    def of(
        cls, saved: NotebookNode, page: Page, server: Server, name: str = "notebook.ipynb"
    ) -> "OpenNotebook":
        """Open a copy, without outputs, and wait until its kernel is there."""
        emptied(saved, server.folder / name)
        page.goto(server.page(name))
        status = page.locator("#jp-main-statusbar")
        status.get_by_text(re.compile(r"\| Idle$")).wait_for(timeout=OPEN)
        return cls(page)

    def run_all_cells(self, cells: int) -> None:
        """Until that many have a number, or until one fails."""
        for item in ("Run", "Run All Cells"):
            self.page.get_by_role("menuitem", name=item, exact=True).click()
        self.page.wait_for_function(DONE, arg=cells, timeout=RUN)

    @property
    def cells(self) -> Locator:
        """Those with code, in order, whether run or not."""
        return self.page.locator(".jp-Notebook .jp-CodeCell")

    def errors(self) -> list[str]:
        """What a cell raised, or a kernel wrote to its standard error."""
        kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
        return [
            text
            for kind in kinds
            for text in self.page.locator(f'[data-mime-type="{kind}"]').all_text_contents()
        ]

    def figures(self, cell: int) -> list[tuple[float, float]]:
        """Width and height of each figure of a cell as it is drawn, in pixels; 0 if it is not.
        Without those within a widget."""
        return drawn(self.cells.nth(cell).locator(f"{OUTPUT} img"))
