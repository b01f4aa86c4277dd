"""What each code cell of a notebook shows, without a kernel: its cells are run one after another in
one namespace, as a kernel does."""

import ast
from contextlib import redirect_stdout
from io import StringIO
from typing import Any, NamedTuple

from nbformat import NotebookNode


class Shown(NamedTuple):
    """printed, displayed: as text. value: what the cell ends with, None if with a statement."""

    printed: str
    displayed: list[str]
    value: Any

    def text(self) -> str:
        return "\n".join([self.printed, *self.displayed, repr(self.value)])


def shown(notebook: NotebookNode) -> dict[str, Shown]:
    """By the cell's id. A cell that raises ends it with its error."""
    displayed: list[str] = []
    names: dict[str, Any] = {
        "__name__": "__main__",
        "display": lambda *objects: displayed.extend(map(repr, objects)),
    }
    found = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        displayed.clear()
        code = ast.parse(cell.source)
        last = code.body.pop() if code.body and isinstance(code.body[-1], ast.Expr) else None
        with redirect_stdout(StringIO()) as printed:
            exec(compile(code, cell.id, "exec"), names)
            value = eval(ast.unparse(last), names) if isinstance(last, ast.Expr) else None
        found[cell.id] = Shown(printed.getvalue(), [*displayed], value)
    return found
