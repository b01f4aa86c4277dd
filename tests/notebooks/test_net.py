"""The net under the notebooks catches what nbval alone lets through.

A small notebook is changed as `notebooks/execute.py` saves it, and `pytest --nbval` is run over it
with the net, `notebooks/conftest.py`, as the notebooks have it.
"""

import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebooks.conftest import problems
from notebooks.execute import execute

ROOT = Path(__file__).parents[2]

FIGURE = """\
from sagakit.draw.chart import Chart
figure = Chart("", "A line goes up and down.", 72)
figure.plot.plot([1, 3, 2], color="#1f77b4")
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


def notebook_of(*cells: str) -> NotebookNode:
    notebook: NotebookNode = new_notebook(cells=[new_markdown_cell("# A lesson")])
    notebook.cells += map(new_code_cell, cells)
    return notebook


# What is compared when the notebook is run.


def change(notebook: NotebookNode) -> None:
    """Do one thing to each of its code cells."""
    figure, table, printed, missing, off, png = notebook.cells[1:]
    data = figure.outputs[0].data
    assert "%231f77b4" in data["text/html"]
    data["text/html"] = data["text/html"].replace("%231f77b4", "%231f77b5")
    data = table.outputs[0].data
    data["text/html"] = data["text/html"].replace("<td>30</td>", "<td>31</td>")
    printed.outputs[0].text = "refunded\n"
    missing.outputs = []
    off.source = f"# NBVAL_IGNORE_OUTPUT\n{off.source}"
    del png.outputs[0].data["image/png"]


Failures = dict[str, str]


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Failures]:
    """For each of two notebooks, its tests that failed and their messages."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    changed = execute(notebook_of(FIGURE, TABLE, *["print('paid')"] * 3, PNG), ROOT)
    untouched = deepcopy(changed)
    del untouched.cells[-1]
    change(changed)
    nbformat.write(untouched, folder / "untouched.ipynb")
    nbformat.write(changed, folder / "changed.ipynb")
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--color=no"]
    command += ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    command += ["--rootdir", str(folder), "--junitxml", str(report), str(folder)]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert report.exists(), run.stdout + run.stderr
    found: dict[str, Failures] = {"untouched": {}, "changed": {}}
    for case in ET.parse(report).iter("testcase"):
        for outcome in case:
            name = case.attrib["classname"].split(".")[-2]
            found[name][case.attrib["name"]] = outcome.text or ""
    return found


def test_an_untouched_notebook_passes(failures: dict[str, Failures]) -> None:
    assert failures["untouched"] == {}


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("Cell 0", "mismatch 'text/html'"),
        ("Cell 1", "mismatch 'text/html'"),
        ("Cell 2", "mismatch 'stdout'"),
        ("Cell 3", "Unexpected output fields from running code: {'stdout'}"),
        ("saved whole", "Cell 4 opts out of the comparison"),
        ("Cell 5", "Unexpected output fields from running code: {'image/png'}"),
    ],
)
def test_a_changed_notebook_fails(test: str, words: str, failures: dict[str, Failures]) -> None:
    assert words in failures["changed"].get(test, "no failure")


def test_of_a_picture_the_first_difference_is_told(failures: dict[str, Failures]) -> None:
    told = failures["changed"]["Cell 0"]
    assert "1f77b5" in told
    assert len(told) < 2_000


# What is wrong with a notebook as it is saved.


def shows(data: dict[str, str]) -> NotebookNode:
    """A notebook with one cell that shows this."""
    notebook = notebook_of("it")
    notebook.cells[1].update(execution_count=1, outputs=[new_output("display_data", data)])
    return notebook


def executed_as(*numbers: int | None) -> NotebookNode:
    notebook = notebook_of(*["1 + 1"] * len(numbers))
    for cell, number in zip(notebook.cells[1:], numbers, strict=True):
        cell.execution_count = number
    return notebook


@pytest.mark.parametrize(
    ("notebook", "words"),
    [
        (executed_as(1, None), "Cell 1 was not executed: run `make notebooks`"),
        (executed_as(1, 3), "Cell 1 was executed as number 3 instead of 2"),
        (shows({"image/png": "iVBO"}), "Cell 0 shows a picture as image/png"),
        (shows({"image/svg+xml": "<svg/>"}), "Cell 0 shows a picture as image/svg+xml"),
        (
            shows({"text/plain": "<object at 0x7f21b30>"}),
            "Cell 0 shows the address of an object, 0x",
        ),
    ],
)
def test_what_cannot_be_compared_is_told(notebook: NotebookNode, words: str) -> None:
    (problem,) = problems(notebook)
    assert words in problem


def test_a_notebook_that_was_run_from_top_to_bottom_has_no_problem() -> None:
    assert not list(problems(executed_as(1, 2, 3)))
