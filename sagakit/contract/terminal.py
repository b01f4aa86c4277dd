"""Text for a terminal, with nothing in it that would steer the terminal; and progress of work that
takes a while."""

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from importlib import import_module
from textwrap import fill
from typing import Any

WIDTH = 80  # columns

# Control characters (but a tab), those that change the direction of text or begin a new line, and
# halves of a character.
_STEERING = re.compile(
    "[\0-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number of things for people: "1 wallet", "3,000 wallets", "no wallets"."""
    things = one if number == 1 else many or f"{one}s"
    return f"{number:,} {things}" if number else f"no {things}"


def shortened(text: str, most: int) -> str:
    """Return the text, or as much of it as fits before three dots."""
    return text if len(text) <= most else text[: most - 3] + "..."


def printable(text: str) -> str:
    r"""Return a line of text with what would steer a terminal spelled out.

    What JSON leaves as it is (DEL, for instance) is spelled as JSON may spell it too.

    >>> print(printable("\x1b[2JALL LAWS HELD\n\x9b0m \u202edleh"))
    \x1b[2JALL LAWS HELD\x0a\u009b0m \u202edleh
    """
    return _STEERING.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}"


def printable_lines(text: str) -> str:
    """Return a text of several lines, each of them printable."""
    return "\n".join(map(printable, text.split("\n")))


def wrapped(lines: Iterable[str]) -> str:
    """Return lines of prose in the width of a terminal."""
    return "\n".join(fill(printable(line), WIDTH, subsequent_indent="  ") for line in lines)


def text_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Yield the lines of a table: columns of text, numbers on the right.

    >>> list(text_table(("user", "balance"), [("ana", 5), ("benjamin", 30)]))
    ['user      balance', 'ana             5', 'benjamin       30']
    """
    if not rows:
        yield f"no {header[0]}"
        return
    columns = [
        (max(len(str(cell)) for cell in cells), isinstance(cells[1], int | Decimal))
        for cells in zip(header, *rows, strict=True)
    ]
    for row in (header, *rows):
        cells = [
            str(cell).rjust(width) if number else str(cell).ljust(width)
            for cell, (width, number) in zip(row, columns, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def show_lines(lines: Iterable[str]) -> None:
    """Print to stdout. If its reader has gone (`| head`), the rest is of no interest."""
    try:
        for line in lines:
            print(printable(line))
        print(end="", flush=True)
    except OSError as error:
        # What could not be written must not be tried again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def tell(text: str) -> None:
    """Print to stderr. Where that cannot be written either, the exit status has to do."""
    with suppress(OSError):
        print(printable_lines(text), file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Tell what is wrong."""
    tell(f"sagakit: {text}")


EVERY = 1.0  # s between two words, and before the first


class Progress:
    """Says how far the work is, at most once a second. `done` takes it away again.

    It goes to a terminal, or below the cell of a notebook that somebody has open. Where nobody
    looks (a pipe, a test, a notebook that is executed to be saved) nothing is said, so nothing of
    it is kept: `SAGAKIT_PROGRESS=no` says so to a kernel, which cannot tell.
    """

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
