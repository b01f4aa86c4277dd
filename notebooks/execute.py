"""Run the notebooks from top to bottom and save what they show.

python notebooks/execute.py               run all and save them in place
python notebooks/execute.py 01*.ipynb     only these
python notebooks/execute.py --html DIR    run all and write them as HTML that needs no network

What is saved depends on the notebook and the package alone: no time, no path and no version of
Python, so that running them again changes no file.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

HERE = Path(__file__).resolve().parent
GLOSSARY = HERE.parent / "docs" / "glossary.md"  # which the notebooks link to
EXERCISES = HERE / "exercises"  # which they import
CELL_TIMEOUT = 120  # seconds

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT_OF_A_CELL = {"jupyter", "tags"}  # hidden sources and `raises-exception`

# A page without the scripts that come from outside.
PAGE = """\
{% extends 'index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
"""
SHOWN = ["text/html", "text/markdown", "text/plain"]  # the first that there is


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run every cell in a new kernel that works in `folder`, and clean what it left.

    Raises `nbclient.exceptions.CellExecutionError` at the first cell that fails, unless the cell
    is tagged `raises-exception`.
    """
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL["name"],
        timeout=CELL_TIMEOUT,
        record_timing=False,
        coalesce_streams=True,  # else the pieces of a stream depend on the kernel's timing
        resources={"metadata": {"path": str(folder)}},
    )
    os.environ["SAGAKIT_PROGRESS"] = "no"  # nobody looks, and what is shown is saved
    client.execute(stderr=subprocess.DEVNULL)  # what a kernel's start says there is not the cells'
    return clean(notebook)


def clean(notebook: NotebookNode) -> NotebookNode:
    """Take out what would differ between two runs, machines or Pythons."""
    notebook.metadata = NotebookNode(kernelspec=KERNEL, language_info=LANGUAGE)
    for cell in notebook.cells:
        cell.metadata = NotebookNode(
            {key: value for key, value in cell.metadata.items() if key in KEPT_OF_A_CELL}
        )
        for output in cell.get("outputs", []):
            if output.output_type == "error":  # the frames name this machine's folders
                output.traceback = [f"{output.ename}: {output.evalue}"]
            output.get("data", {}).pop(WIDGET, None)  # its id is another each time
    return notebook


def to_html(notebook: NotebookNode, title: str) -> str:
    """Return the notebook as one page that loads nothing from outside: no math, no Mermaid, no
    widgets."""
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    config = Config({"NbConvertBase": {"display_data_priority": SHOWN}})
    exporter = HTMLExporter(config=config, raw_template=PAGE)
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    return str(page).replace("../docs/glossary.md", "glossary.html")


def glossary_page() -> str:
    """Return the glossary, for the folder of pages that link to it."""
    text = GLOSSARY.read_text(encoding="utf-8")
    notebook = new_notebook(cells=[new_markdown_cell(text)], metadata={"kernelspec": KERNEL})
    return to_html(notebook, "Glossary")


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0, or 1 if a notebook failed (its file is left as it was)."""
    parser = argparse.ArgumentParser(description="Run the notebooks and save what they show.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all beside this script")
    parser.add_argument("--html", type=Path, metavar="DIR", help="write HTML, leave the notebooks")
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted(HERE.glob("*.ipynb"))
    if not paths:
        parser.error(f"no notebook in {HERE}")
    return run(paths, options.html)


def run(paths: Sequence[Path], html: Path | None) -> int:
    failed = 0
    if html is not None:
        html.mkdir(parents=True, exist_ok=True)
        (html / "glossary.html").write_text(glossary_page(), encoding="utf-8")
    for number, path in enumerate(paths, start=1):
        print(f"[{number:2} of {len(paths)}] {path.name:32}", end="", flush=True)
        started = time.perf_counter()
        notebook: Any = nbformat.read(path, as_version=4)
        try:
            execute(notebook, path.parent)
        except CellExecutionError as error:
            failed += 1
            print("failed", error, sep="\n", file=sys.stderr)
            continue
        if html is None:
            nbformat.write(notebook, path)
        else:
            page = to_html(notebook, path.stem)
            (html / path.with_suffix(".html").name).write_text(page, encoding="utf-8")
        print(f"{time.perf_counter() - started:5.1f} s")
    if html is not None:
        print(f"Open {html / paths[0].with_suffix('.html').name} in a browser.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
