"""What a widget shows where widgets do not run: a picture and tables, as plain HTML."""

from collections.abc import Iterable, Sequence
from html import escape

from sagakit.draw.svg import Picture

Rows = Iterable[Sequence[str]]


def page(picture: Picture, caption: str, tables: Iterable[tuple[str, Rows]]) -> str:
    """The picture with its text alternative, and below it each table with its name."""
    parts = [picture.img(), f"<p>{escape(caption)}</p>"]
    for name, rows in tables:
        body = "".join(map(_row, rows))
        parts.append(
            f'<table><caption style="text-align:left">{escape(name)}</caption>'
            f"<tbody>{body}</tbody></table>"
        )
    return f"<div>{''.join(parts)}</div>"


def _row(cells: Sequence[str]) -> str:
    style = 'style="text-align:left"'
    first, *others = map(escape, cells)
    rest = "".join(f"<td {style}>{cell}</td>" for cell in others)
    return f'<tr><th scope="row" {style}>{first}</th>{rest}</tr>'
