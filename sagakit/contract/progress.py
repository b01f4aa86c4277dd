"""Progress of work that takes a while: for somebody who looks, and gone when it is done.

They go to a terminal, or below the cell of a notebook that somebody has open. Where nobody looks
(a pipe, a test, a notebook that is executed to be saved) nothing is said, so nothing of it is kept:
`SAGAKIT_PROGRESS=no` says so to a kernel, which cannot tell.
"""

import os
import sys
import time
from importlib import import_module
from typing import Any

EVERY = 1.0  # s between two words, and before the first


class Progress:
    """Says how far the work is, at most once a second. `done` takes it away again."""

    def __init__(self) -> None:
        self._said = time.perf_counter()
        self._shown = False
        self._display: Any = None

    @property
    def due(self) -> bool:
        """True when it is time for the next word."""
        return time.perf_counter() - self._said > EVERY

    def say(self, text: str) -> None:
        self._said = time.perf_counter()
        self._shown = True
        self._show(text)

    def done(self) -> None:
        if self._shown:
            self._show("")
            self._shown = False

    def _show(self, text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{text:<70}", end="" if text else "\r", file=sys.stderr, flush=True)
        elif os.environ.get("SAGAKIT_PROGRESS") != "no" and _in_notebook():
            ipython = import_module("IPython.display")
            html = ipython.HTML(f"<em>{text}</em>" if text else "")
            if self._display is None:
                self._display = ipython.display(html, display_id=True)
            else:
                self._display.update(html)


def _in_notebook() -> bool:
    """Return whether this is a Jupyter kernel, without loading anything of it."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    return getattr(shell, "kernel", None) is not None
