"""Shared parts of the widgets: their front ends' files, and a page for where widgets do not run."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from sagakit.draw.svg import Picture

HERE = Path(__file__).parent
LEFT = 'style="text-align:left"'

Rows = Iterable[Sequence[str]]


def front_end(name: str) -> str:
    """Return the text of a script or a style, after what both widgets share of its kind."""
    path = HERE / name
    shared = path.with_stem("dom").read_text(encoding="utf-8")
    return shared + path.read_text(encoding="utf-8")


def static_page(picture: Picture, caption: str, tables: Iterable[tuple[str, Rows]]) -> str:
    """Return HTML: the picture with its text alternative, and below it each table with its name."""
    parts = [picture.img(), f"<p>{escape(caption)}</p>"]
    for name, rows in tables:
        body = "".join(map(_row, rows))
        parts.append(
            f"<table><caption {LEFT}>{escape(name)}</caption><tbody>{body}</tbody></table>"
        )
    return f"<div>{''.join(parts)}</div>"


def _row(cells: Sequence[str]) -> str:
    first, *others = map(escape, cells)
    rest = "".join(f"<td {LEFT}>{cell}</td>" for cell in others)
    return f'<tr><th scope="row" {LEFT}>{first}</th>{rest}</tr>'
