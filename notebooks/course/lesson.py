"""Read from the cells of a notebook what it teaches: objectives, checks, exercises and solutions.

A notebook is the one source of a lesson. Its form, which `tests/notebooks/lint.py` holds it to:

* the objectives are the list in its first cell
* an exercise is a code cell that ends with a check; `...` stands where the answer goes. A
  prediction is held against the run by a code cell that ends with `compare`. Either is a check, and
  its tags `objective-1`, `objective-2`, ... say which objectives it checks
* the solution of an exercise follows in a markdown cell, folded up under the summary "Solution": a
  block of Python that the learner could paste, and perhaps a word on it
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from nbformat import NotebookNode

SOLUTION = re.compile(
    r"<details><summary>Solution</summary>\s*```python\n(?P<code>.*?)```\n*(?P<word>.*?)</details>\n*",
    re.DOTALL,
)


OBJECTIVE = re.compile(r"^\* (.*(?:\n  .*)*)", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
TAG = re.compile(r"objective-(\d+)")
VERDICTS = {"Not answered yet.": "exercise", "No prediction.": "prediction"}  # of saved cells


class Check(NamedTuple):
    """A cell that answers the learner, and the objectives that it checks, counted from 1."""

    name: str
    cell: NotebookNode
    objectives: tuple[int, ...]


class Exercise(NamedTuple):
    """A code cell to be answered, and its answer. Indexes are those of `notebook.cells`."""

    asked_at: int
    solution: str
    solved_at: int


def objectives(notebook: NotebookNode) -> list[str]:
    """Return what the learner will be able to do, an entry of the list in the first cell each, as
    plain text without links."""
    text = LINK.sub(r"\1", notebook.cells[0].source)
    return [" ".join(one.split()).rstrip(";.") for one in OBJECTIVE.findall(text)]


def checks(notebook: NotebookNode) -> Iterator[Check]:
    """The exercises and predictions, in order; each kind is counted from 1."""
    counts = dict.fromkeys(VERDICTS.values(), 0)
    for cell in notebook.cells:
        for verdict, kind in VERDICTS.items():
            if any(shown.startswith(verdict) for shown in texts(cell)):
                counts[kind] += 1
                tags = map(TAG.fullmatch, cell.metadata.get("tags", []))
                checked = sorted(int(tag[1]) for tag in tags if tag)
                yield Check(f"{kind} {counts[kind]}", cell, tuple(checked))


def texts(cell: NotebookNode) -> list[str]:
    """Return what a code cell shows, as text; of a picture it is the alternative."""
    data = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [shown["text/plain"] for shown in data if "text/plain" in shown]


def exercises(notebook: NotebookNode) -> Iterator[Exercise]:
    """The exercises that have a solution, in order.

    Raises ValueError if a solution follows no code cell.
    """
    asked = None
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            asked = index
        elif cell.cell_type == "markdown":
            for found in SOLUTION.finditer(cell.source):
                if asked is None:
                    raise ValueError(f"cell {cell.id}: no exercise stands before this solution")
                yield Exercise(asked, found["code"], index)


def answered(source: str, solution: str) -> str:
    """The code of an exercise with its solution: what the solution defines takes the place of what
    the learner was given under the same names.

    >>> print(answered("answer = ...  # ms\\ncheck(answer)", "answer = 19\\n"))
    answer = 19
    check(answer)
    """
    given, answer = ast.parse(source).body, ast.parse(solution).body
    names = set().union(*map(_bound, answer))
    replaced = [_lines(one) for one in given if _bound(one) & names] or [_lines(given[-1])[:0]]
    lines = source.splitlines()
    first = replaced[0].start
    after = [n for n in range(first, len(lines)) if not any(n in span for span in replaced)]
    pieces = [
        "\n".join(lines[:first]),
        "\n\n\n" if _is_definition(answer[0]) else "\n",
        solution.rstrip(),
        "\n\n\n" if _is_definition(answer[-1]) else "\n",
        "\n".join(lines[n] for n in after).lstrip("\n"),
    ]
    if _is_definition(answer[0]):
        pieces[0] = pieces[0].rstrip()
    return "".join(pieces).strip("\n")


def _is_definition(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()


def _lines(statement: ast.stmt) -> range:
    """The lines of a statement, counted from 0, its decorators among them."""
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(one.lineno for one in decorators)])
    return range(first - 1, statement.end_lineno or first)
