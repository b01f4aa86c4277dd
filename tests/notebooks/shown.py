"""What each code cell of a notebook shows as text: as it is saved, and when its cells are run one
after another in one namespace, as a kernel does."""

import ast
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pandas as pd
from IPython.core.formatters import PlainTextFormatter
from nbformat import NotebookNode

Shown = dict[str, list[str]]  # by the cell's id: what it printed, and then each object


def saved(notebook: NotebookNode) -> Shown:
    """What the notebook has kept."""
    return {
        cell.id: [
            "".join(out.text for out in cell.outputs if out.output_type == "stream"),
            *(out.data["text/plain"] for out in cell.outputs if "data" in out),
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def shown(notebook: NotebookNode) -> Shown:
    """What it shows when it is run."""
    objects: list[Any] = []
    names = {"__name__": "__main__", "display": lambda *displayed: objects.extend(displayed)}
    found = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        objects.clear()
        code = ast.parse(cell.source)
        last = code.body.pop() if code.body and isinstance(code.body[-1], ast.Expr) else None
        # Outside a kernel, pandas shows as many columns as a terminal has room for.
        with pd.option_context("display.max_columns", 20), redirect_stdout(StringIO()) as printed:
            exec(compile(code, cell.id, "exec"), names)
            if last is not None and (value := eval(ast.unparse(last), names)) is not None:
                objects.append(value)
            found[cell.id] = [printed.getvalue(), *map(_text, objects)]
    return found


def _text(value: Any) -> str:
    """Its plain text in a notebook. A picture's is its repr: it need not be drawn for that."""
    if "<" in repr(value)[:1] and hasattr(value, "_repr_mimebundle_"):
        bundle = value._repr_mimebundle_()
        return str((bundle if isinstance(bundle, dict) else bundle[0])["text/plain"])
    return str(PlainTextFormatter()(value))
