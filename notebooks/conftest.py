"""The net under the notebooks: what nbval compares, and the holes that it leaves.

`pytest --nbval notebooks` runs each cell and compares what it shows with what is saved. But nbval
0.11 passes over pictures in PNG and JPEG, runs cells that were never executed without comparing
anything, and has markers by which a cell opts out. So pictures are compared like any other output,
and each notebook gets one more test, `saved whole`, that looks at the file alone. Where a long
output differs, as a picture does, the first difference is told instead of all of it.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbval.plugin import IPyNbCell, find_comment_markers, find_metadata_tags

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
LONG = 2_000  # letters, from which on only the first difference is told


def problems(notebook: Any) -> Iterator[str]:
    """Yield what keeps a saved notebook from being compared as a whole, cell by cell."""
    expected = 0
    number = -1  # as nbval counts: code cells from 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        number += 1
        if not cell.source.strip():
            continue
        expected += 1
        for problem in _problems_of_a_cell(cell, expected):
            yield f"Cell {number} {problem}:\n    {cell.source.splitlines()[0]}"


def _problems_of_a_cell(cell: Any, expected: int) -> Iterator[str]:
    if cell.execution_count is None:
        yield "was not executed: run `make notebooks`"
    elif cell.execution_count != expected:
        yield (
            f"was executed as number {cell.execution_count} instead of {expected}: "
            "run `make notebooks`"
        )
    markers = dict(find_metadata_tags(cell.metadata)) | dict(find_comment_markers(cell.source))
    if markers.get("skip") or markers.get("check") is False:
        yield "opts out of the comparison: make its output deterministic and take the marker out"
    for output in cell.outputs:
        for kind in output.get("data", {}):
            if kind.startswith("image/"):
                yield (
                    f"shows a picture as {kind}: show it as `Picture.img()`, which is compared, "
                    "and seen in a notebook that JupyterLab does not trust"
                )
        if found := ADDRESS.search(str(output)):
            yield f"shows the address of an object, {found[0]}: give the object a __repr__"


class SavedWhole(pytest.Item):
    """One test a notebook: all that is wrong with it as saved."""

    def runtest(self) -> None:
        found = list(problems(nbformat.read(self.path, as_version=4)))
        if found:
            pytest.fail("\n".join(found), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}: {self.name}"


class Saved(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        yield SavedWhole.from_parent(self, name="saved whole")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if parent.config.getoption("nbval") and file_path.suffix == ".ipynb":
        return Saved.from_parent(parent, path=file_path)
    return None


def pytest_configure() -> None:
    os.environ["SAGAKIT_PROGRESS"] = "no"  # the kernels take it over


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have nbval compare pictures too, so that one which only a run shows is a difference."""
    if isinstance(item, IPyNbCell):
        skipped = item.parent.skip_compare
        item.parent.skip_compare = tuple(kind for kind in skipped if not kind.startswith("image/"))
        tell = item.format_output_compare
        item.format_output_compare = lambda kind, *texts: tell(kind, *_where_they_differ(*texts))


def _where_they_differ(saved: str, shown: str) -> tuple[str, str]:
    if max(len(saved), len(shown)) < LONG:
        return saved, shown
    pairs = enumerate(zip(saved, shown, strict=False))
    first = next((index for index, (one, other) in pairs if one != other), 0)
    start = max(0, first - 40)
    return f"... {saved[start : start + 160]} ...", f"... {shown[start : start + 160]} ..."
