"""The net under the notebooks catches what nbval alone lets through.

Each test takes a small notebook as `notebooks/execute.py` saves it, does one thing to it, and runs
`pytest --nbval` over it with the net, `notebooks/conftest.py`, as the notebooks have it.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks.execute import execute

ROOT = Path(__file__).parents[2]

FIGURE = """\
from sagakit.plot.figure import Picture
figure = Picture(2, 1, "A line goes up and down.")
figure.subplots().plot([1, 3, 2], color="#1f77b4")
figure"""

TABLE = """\
import pandas as pd
pd.DataFrame({"user": ["ana", "ben"], "balance": [100, 30]})"""

PNG = """\
import io
from IPython.display import Image
png = io.BytesIO()
figure.savefig(png, format="png", metadata={"Software": None})
Image(png.getvalue())"""


def small_notebook() -> NotebookNode:
    notebook: NotebookNode = new_notebook()
    notebook.cells = [
        new_markdown_cell("# A figure and a table"),
        new_code_cell(FIGURE),
        new_code_cell(TABLE),
        new_code_cell("print('paid')"),
    ]
    return notebook


def untouched(notebook: NotebookNode) -> None:
    """Nothing is done to it."""


def figure_changed(notebook: NotebookNode) -> None:
    data = notebook.cells[1].outputs[0].data
    assert "%231f77b4" in data["text/html"]
    data["text/html"] = data["text/html"].replace("%231f77b4", "%231f77b5")


def table_cell_changed(notebook: NotebookNode) -> None:
    data = notebook.cells[2].outputs[0].data
    data["text/html"] = data["text/html"].replace("<td>30</td>", "<td>31</td>")


def svg_shown(notebook: NotebookNode) -> None:
    notebook.cells[3].source = "from IPython.display import SVG\nSVG(figure.svg())"
    execute(notebook, ROOT)


def printed_text_changed(notebook: NotebookNode) -> None:
    notebook.cells[3].outputs[0].text = "refunded\n"


def output_missing(notebook: NotebookNode) -> None:
    notebook.cells[3].outputs = []


def cell_not_executed(notebook: NotebookNode) -> None:
    notebook.cells[3].update(execution_count=None, outputs=[])


def executed_out_of_order(notebook: NotebookNode) -> None:
    notebook.cells[2].execution_count, notebook.cells[3].execution_count = 3, 2


def comparison_switched_off(notebook: NotebookNode) -> None:
    notebook.cells[3].source = "# NBVAL_IGNORE_OUTPUT\nprint('paid')"


def png_shown(notebook: NotebookNode) -> None:
    notebook.cells[3].source = PNG
    execute(notebook, ROOT)


def png_shown_but_not_saved(notebook: NotebookNode) -> None:
    png_shown(notebook)
    del notebook.cells[3].outputs[0].data["image/png"]


def object_without_a_repr(notebook: NotebookNode) -> None:
    notebook.cells[3].source = "object()"
    execute(notebook, ROOT)


# What is done to the notebook, the test of it that fails, and words of its message.
CAUGHT: list[tuple[Callable[[NotebookNode], None], str, str]] = [
    (figure_changed, "Cell 0", "mismatch 'text/html'"),
    (table_cell_changed, "Cell 1", "mismatch 'text/html'"),
    (printed_text_changed, "Cell 2", "mismatch 'stdout'"),
    (output_missing, "Cell 2", "Unexpected output fields from running code: {'stdout'}"),
    (cell_not_executed, "saved whole", "Cell 2 was not executed: run `make notebooks`"),
    (executed_out_of_order, "saved whole", "Cell 1 was executed as number 3 instead of 2"),
    (comparison_switched_off, "saved whole", "Cell 2 opts out of the comparison"),
    (png_shown, "saved whole", "Cell 2 shows a picture as image/png"),
    (svg_shown, "saved whole", "Cell 2 shows a picture as image/svg+xml"),
    (
        png_shown_but_not_saved,
        "Cell 2",
        "Unexpected output fields from running code: {'image/png'}",
    ),
    (object_without_a_repr, "saved whole", "Cell 2 shows the address of an object, 0x"),
]

Failures = dict[str, str]


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Failures]:
    """For each notebook, its tests that failed and their messages."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    saved = execute(small_notebook(), ROOT)
    for change in (untouched, *(change for change, _, _ in CAUGHT)):
        notebook = deepcopy(saved)
        change(notebook)
        nbformat.write(notebook, folder / f"{change.__name__}.ipynb")
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--color=no"]
    command += ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    command += ["--rootdir", str(folder), "--junitxml", str(report), str(folder)]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert report.exists(), run.stdout + run.stderr
    found: dict[str, Failures] = {}
    for case in ET.parse(report).iter("testcase"):
        notebook_name = case.attrib["classname"].split(".")[-2]
        of_notebook = found.setdefault(notebook_name, {})
        for outcome in case:
            of_notebook[case.attrib["name"]] = outcome.text or ""
    return found


def test_an_untouched_notebook_passes(failures: dict[str, Failures]) -> None:
    assert failures["untouched"] == {}


def test_of_a_picture_the_first_difference_is_told(failures: dict[str, Failures]) -> None:
    told = failures["figure_changed"]["Cell 0"]
    assert "1f77b5" in told
    assert len(told) < 2_000


@pytest.mark.parametrize(("change", "test", "words"), CAUGHT)
def test_a_changed_notebook_fails(
    change: Callable[[NotebookNode], None], test: str, words: str, failures: dict[str, Failures]
) -> None:
    assert words in failures[change.__name__].get(test, "no failure")
