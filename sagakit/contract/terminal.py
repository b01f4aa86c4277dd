"""Text for a terminal: of a line's length, and with nothing in it that would steer the terminal."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
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
