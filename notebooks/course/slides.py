"""Make slides of the notebooks, with reveal.js: what is written, run and shown, a screen at a time.

python -m notebooks.course.slides      out/slides/NAME.html, one for each notebook

The pages load nothing from outside: reveal.js, as `sphinx-revealjs` installs it, is copied beside
them. Solutions become speaker notes (press S).

What stands on which slide is worked out from the cells: a heading begins a slide; below it a figure
with its caption, a prediction, an exercise, or what would not fit begins another one. What the run
says of a prediction comes at the next key. A cell's tag `slide`, `subslide`, `fragment`, `skip` or
`notes` overrules all that.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from math import ceil
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from notebooks.course.lesson import LINK, SOLUTION, texts
from notebooks.execute import HERE, SHOWN, glossary_page

OUT = HERE.parent / "out" / "slides"
KINDS = ("slide", "subslide", "fragment", "skip", "notes")  # reveal.js's words, and so the tags
LINES = 19  # that fit on a slide of 1280 by 720
WIDTH = 95  # characters in a line of prose
ROW = 1.3  # lines of prose that a row of a table takes
WIDTH_OF_ROW = 120  # characters
BLOCK = re.compile(r"<details>.*?</details>|^```.*?^```|(?:^[^\n]+\n?)+", re.DOTALL | re.MULTILINE)
CAPTION = re.compile(r"\*Figures?\b")
HEADING = re.compile(r"##? ")
TASK = re.compile(r"\*\*(?:Predict|Exercise)\b")

PAGE = """\
{% extends 'index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_css %}
<style>
  :root {
    --jp-content-font-size1: 22px; --jp-code-font-size: 18px; --jp-cell-prompt-width: 0px;
  }
  .reveal { --r-heading-text-transform: none; --r-heading1-size: 1.8em; --r-heading2-size: 1.4em; }
  .reveal .slides section { text-align: left; max-height: 720px; overflow: hidden auto; }
  .reveal .jp-InputPrompt, .reveal .jp-OutputPrompt { display: none; }
  .reveal .jp-RenderedSVG img { max-width: 100%; margin: 0; }
</style>
{% endblock %}
{% block data_svg %}
<div class="jp-RenderedSVG jp-OutputArea-output">
<img alt="{{ output.data['text/plain'] | escape_html }}"
     src="data:image/svg+xml;base64,{{ output.data['image/svg+xml'] | text_base64 }}">
</div>
{% endblock %}
{% block footer_js %}
<script src="{{ reveal_url_prefix }}/dist/reveal.js"></script>
<script src="{{ reveal_url_prefix }}/plugin/notes/notes.js"></script>
<script>
  Reveal.initialize({
    hash: true, slideNumber: "h.v", width: 1280, height: 720, margin: 0.04, center: false,
    transition: "none", plugins: [RevealNotes],
  });
</script>
{% endblock %}
"""


def slides(notebook: NotebookNode) -> NotebookNode:
    """The notebook with its text cut into pieces, each of which says where its slide begins."""
    cells: list[NotebookNode] = []
    left: float = LINES
    for place, cell in enumerate(notebook.cells):
        shown_next = is_figure(next_code(notebook, place))
        for number, piece in enumerate(pieces(cell)):
            tags = [tag for tag in KINDS if tag in cell.metadata.get("tags", [])]
            kind = tags[0] if tags and number == 0 else begins(piece, shown_next, cells)
            if kind in ("-", "fragment") and lines(piece) > left and not is_folded(piece):
                if leads_in(cells) and lines(cells[-1]) + lines(piece) <= LINES:
                    cells[-1].metadata["slideshow"] = {"slide_type": "subslide"}
                    left = LINES - lines(cells[-1])
                else:
                    kind = "subslide"
            if kind in ("slide", "subslide"):
                left = LINES
            if kind not in ("skip", "notes"):
                left -= lines(piece)
            piece.metadata["slideshow"] = {"slide_type": kind}
            cells.append(piece)
    made = NotebookNode(notebook)
    made.cells = cells
    return made


def begins(piece: NotebookNode, shown_next: bool, before: list[NotebookNode]) -> str:
    """What a piece begins, by what it is and what is before it; "-" if nothing."""
    if piece.cell_type == "code":
        captioned = bool(before) and CAPTION.match(before[-1].source)
        if is_figure(piece) and not captioned:
            return "subslide"
        return (
            "fragment" if any(text.startswith("No prediction.") for text in texts(piece)) else "-"
        )
    if SOLUTION.search(piece.source):
        return "notes"
    if HEADING.match(piece.source):
        return "slide"
    if before and HEADING.match(before[-1].source):
        return "-"
    if TASK.match(piece.source) or (CAPTION.match(piece.source) and shown_next):
        return "subslide"
    return "-"


def leads_in(before: list[NotebookNode]) -> bool:
    """Whether the last piece begins a sentence that the next one ends, and does not need to stay
    where it is, below a heading."""
    if len(before) < 2 or HEADING.match(before[-2].source):
        return False
    last = before[-1]
    follows = last.metadata.slideshow.slide_type == "-"
    return (
        follows and last.cell_type == "markdown" and not last.source.endswith((".", "?", ".*", ">"))
    )


def pieces(cell: NotebookNode) -> Iterator[NotebookNode]:
    """A cell of prose paragraph by paragraph; what is folded up stays in one."""
    if cell.cell_type != "markdown":
        yield cell
        return
    for number, block in enumerate(BLOCK.findall(cell.source)):
        yield new_markdown_cell(block.strip("\n"), id=f"{cell.id}-{number}")


def lines(cell: NotebookNode) -> float:
    """How much of a slide a cell takes. A figure takes all that there is; it can be scrolled."""
    if cell.cell_type == "markdown":
        rows = LINK.sub(r"\1", cell.source).splitlines()[: 1 if is_folded(cell) else None]
        return 1 + sum(
            ROW * ceil(len(row) / WIDTH_OF_ROW) if row.startswith("|") else ceil(len(row) / WIDTH)
            for row in rows
        )
    if is_figure(cell):
        return 1
    shown = sum(len(text.splitlines()) + 1 for text in [*texts(cell), *printed(cell)])
    return 1 + 0.9 * len(cell.source.splitlines()) + shown


def is_folded(cell: NotebookNode) -> bool:
    """A hint: one line, which goes with what it is a hint for."""
    return bool(cell.cell_type == "markdown" and cell.source.startswith("<details>"))


def printed(cell: NotebookNode) -> list[str]:
    return [output.text for output in cell.outputs if output.output_type == "stream"]


def is_figure(cell: NotebookNode | None) -> bool:
    return cell is not None and any(
        "image/svg+xml" in output.get("data", {}) for output in cell.outputs
    )


def next_code(notebook: NotebookNode, place: int) -> NotebookNode | None:
    """The code cell that comes right after a cell."""
    following = notebook.cells[place + 1 : place + 2]
    return following[0] if following and following[0].cell_type == "code" else None


def to_html(notebook: NotebookNode, title: str) -> str:
    """A page that finds reveal.js in the folder `reveal.js` beside it."""
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    config = Config(
        {
            "NbConvertBase": {"display_data_priority": SHOWN},
            "SlidesExporter": {"reveal_url_prefix": "reveal.js", "reveal_theme": "white"},
        }
    )
    exporter = SlidesExporter(config=config, raw_template=PAGE)
    page, _ = exporter.from_notebook_node(slides(notebook), {"metadata": {"name": title}})
    return str(page).replace("../docs/glossary.md", "glossary.html")


def reveal() -> Path:
    """Where reveal.js is installed.

    Raises SystemExit, with what to do, if it is not.
    """
    found = find_spec("sphinx_revealjs")
    if found is None or found.origin is None:
        sys.exit("reveal.js is not installed: make setup, or pip install -e '.[slides]'")
    return Path(found.origin).parent / "_static" / "revealjs"


def main() -> int:
    shutil.copytree(reveal(), OUT / "reveal.js", dirs_exist_ok=True)
    (OUT / "glossary.html").write_text(glossary_page(), encoding="utf-8")
    for path in sorted(HERE.glob("*.ipynb")):
        page = to_html(nbformat.read(path, as_version=4), path.stem)
        (OUT / path.with_suffix(".html").name).write_text(page, encoding="utf-8")
    print(f"slides in {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
