"""The front ends' files: plain scripts and styles, sent to the browser with the widget."""

from pathlib import Path

HERE = Path(__file__).parent


def front_end(name: str) -> str:
    """The text of a script or a style, after what both widgets share of its kind."""
    path = HERE / name
    shared = path.with_stem("dom").read_text(encoding="utf-8")
    return shared + path.read_text(encoding="utf-8")
