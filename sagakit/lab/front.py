"""The front ends' files: plain scripts and styles, sent to the browser with the widget."""

from pathlib import Path

HERE = Path(__file__).parent


def front_end(name: str) -> str:
    """The text of a script or a style. A script gets what both build their pages with."""
    text = (HERE / name).read_text(encoding="utf-8")
    return (HERE / "dom.js").read_text(encoding="utf-8") + text if name.endswith(".js") else text
