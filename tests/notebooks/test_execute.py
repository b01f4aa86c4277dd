"""Executing a notebook saves what it shows, and nothing of the machine that it ran on."""

import platform
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks.execute import execute, main


def notebook_of(*sources: str) -> NotebookNode:
    notebook: NotebookNode = new_notebook()
    notebook.cells = [new_markdown_cell("# A notebook"), *map(new_code_cell, sources)]
    return notebook


def save(notebook: NotebookNode, path: Path) -> Path:
    nbformat.write(notebook, path)
    return path


def test_executing_again_changes_no_byte(tmp_path: Path) -> None:
    path = save(notebook_of("print('paid')", "{'balance': 30}"), tmp_path / "twice.ipynb")
    assert main([str(path)]) == 0
    once = path.read_bytes()
    assert main([str(path)]) == 0
    assert path.read_bytes() == once
    assert b"'balance': 30" in once


def test_what_is_printed_is_saved_as_one_stream(tmp_path: Path) -> None:
    source = "import sys, time\nfor n in range(3):\n    print(n, flush=True)\n    time.sleep(0.3)"
    assert [output.text for output in execute(notebook_of(source), tmp_path).cells[1].outputs] == [
        "0\n1\n2\n"
    ]


def test_no_version_time_or_folder_is_saved(tmp_path: Path) -> None:
    notebook = notebook_of("print('paid')", "import json; json.loads('{')")
    notebook.cells[2].metadata = {"tags": ["raises-exception"], "scrolled": True}
    text = nbformat.writes(execute(notebook, tmp_path))
    assert "JSONDecodeError" in text
    for word in (platform.python_version(), "iopub", "scrolled", sys.prefix, str(tmp_path)):
        assert word not in text


def test_a_notebook_that_fails_is_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(notebook_of("1 / 0"), tmp_path / "broken.ipynb")
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_html_tells_how_far_it_is_and_which_page_to_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [save(notebook_of("1 + 1"), tmp_path / f"{name}.ipynb") for name in ("one", "two")]
    assert main(["--html", str(tmp_path / "html"), *map(str, paths)]) == 0
    one, two, last = capsys.readouterr().out.splitlines()
    assert one.startswith("[ 1 of 2] one.ipynb ")
    assert two.startswith("[ 2 of 2] two.ipynb ")
    assert last == f"Open {tmp_path / 'html' / 'one.html'} in a browser."


def test_html_leads_to_the_glossary_beside_it(tmp_path: Path) -> None:
    notebook = notebook_of("1 + 1")
    notebook.cells[0].source = "# A [saga](../docs/glossary.md#saga)"
    path = save(notebook, tmp_path / "linked.ipynb")
    assert main(["--html", str(tmp_path / "html"), str(path)]) == 0
    assert 'href="glossary.html#saga"' in (tmp_path / "html" / "linked.html").read_text("utf-8")
    assert 'id="saga"' in (tmp_path / "html" / "glossary.html").read_text("utf-8")


def test_html_shows_the_run_and_loads_nothing_from_outside(tmp_path: Path) -> None:
    picture = '<img alt="a circle" src="data:image/svg+xml,<svg/>">'
    bundle = {"text/vnd.mermaid": "graph LR", "text/html": picture, "text/plain": "a circle"}
    shown = f"from IPython.display import display\ndisplay({bundle!r}, raw=True)"
    path = save(notebook_of(shown), tmp_path / "picture.ipynb")
    saved = path.read_bytes()
    assert main(["--html", str(tmp_path / "html"), str(path)]) == 0
    page = (tmp_path / "html" / "picture.html").read_text(encoding="utf-8")
    assert '<img alt="a circle" src="data:image/svg+xml,' in page
    assert not re.findall(r"""(?:src|href)=["']?https?:|@import|import\(|url\(["']?https?:""", page)
    assert path.read_bytes() == saved
