"""The solutions that a notebook offers, tried the way a learner would: pasted and checked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from sagakit.exercises import Feedback

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOLUTION = re.compile(r"<summary>Solution</summary>\s*```python\n(.*?)```", re.DOTALL)


def tried(notebook: str) -> Iterator[tuple[str, Feedback, Feedback]]:
    """Run a notebook's code; for each exercise give its check, and what that says of the cell as it
    stands and of the solution."""
    names: dict[str, Any] = {"__name__": "__main__", "display": lambda *shown: None}
    asked = None  # the check, as the last code cell calls it
    as_it_stands = None
    for cell in nbformat.read(NOTEBOOKS / notebook, as_version=4).cells:
        if cell.cell_type == "code":
            code = ast.parse(cell.source)
            last = code.body.pop() if isinstance(code.body[-1], ast.Expr) else None
            exec(compile(code, cell.id, "exec"), names)
            asked, as_it_stands = None, None
            if isinstance(last, ast.Expr):
                value = eval(ast.unparse(last), names)
                if isinstance(value, Feedback):
                    asked, as_it_stands = ast.unparse(last), value
        for solution in SOLUTION.findall(cell.source) if cell.cell_type == "markdown" else ():
            assert asked, f"{cell.id}: no exercise stands before this solution"
            assert as_it_stands is not None
            exec(compile(solution, cell.id, "exec"), names)
            yield asked, as_it_stands, eval(asked, names)
