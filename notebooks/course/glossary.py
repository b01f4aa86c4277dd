"""The glossary, and the links to it: each notebook links a term where it first uses it.

python -m notebooks.course.glossary                 add the links that are missing
python -m notebooks.course.glossary 01*.ipynb       only in these
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from notebooks.execute import GLOSSARY, HERE

LINK = re.compile(r"\[([^\]]*)\]\(\.\./docs/glossary\.md#([^)]*)\)")

NOT_PROSE = re.compile(
    r"""
    ^```.*?^``` | `[^`]*`                   # code
    | ^\#+\ .*?$                            # headings
    | !?\[[^\]]*\]\([^)]*\)                 # links and pictures
    | <summary>.*?</summary> | <[^>]+>
    | \b[A-Z]\w+(?:\s[A-Z]\w+)+\b           # names, such as Wallet Service
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)


def terms(path: Path = GLOSSARY) -> list[str]:
    """The terms, as they stand in the headings of the glossary."""
    return re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def anchor(term: str) -> str:
    """Where a heading is found, for JupyterLab as for GitHub: both keep small letters."""
    return term.replace(" ", "-")


def first_use(notebook: NotebookNode, term: str) -> tuple[int, int, int] | None:
    """Where prose first uses a term: the index of the cell, and from where to where in its text.

    A hyphen is as good as a space, a capital as a small letter, and a plural as a singular.
    """
    words = r"[\s-]+".join(map(re.escape, re.split("[ -]", term)))
    ending = r"(?:y|ies)" if term.endswith("y") else r"(?:e?s)?"
    word = re.compile(rf"(?<![\w-]){words.removesuffix('y')}{ending}(?![\w-])", re.IGNORECASE)
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            prose = NOT_PROSE.sub(lambda other: "\0" * len(other[0]), cell.source)
            if found := word.search(prose):
                return index, *found.span()
    return None


def linked(notebook: NotebookNode) -> dict[str, int]:
    """The anchors that a notebook links to, and the index of the first cell that does."""
    found: dict[str, int] = {}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            for _, target in LINK.findall(cell.source):
                found.setdefault(target, index)
    return found


def unlinked(notebook: NotebookNode, terms: list[str]) -> Iterator[tuple[str, int, int, int]]:
    """The terms that are used before they are linked, or without it, and where. A term within a
    longer one (`dead letter` in `dead-letter queue`) is not that use of the shorter one."""
    taken: list[tuple[int, int, int]] = []
    links = linked(notebook)
    for term in sorted(terms, key=len, reverse=True):
        use = first_use(notebook, term)
        if use is None or links.get(anchor(term), sys.maxsize) <= use[0]:
            continue
        index, start, end = use
        if any(index == where and start < last and first < end for where, first, last in taken):
            continue
        taken.append(use)
        yield term, *use


def link(notebook: NotebookNode, terms: list[str]) -> int:
    """Link each term at its first use, and say how many links were added."""
    added = 0
    while missing := list(unlinked(notebook, terms)):
        for term, index, start, end in sorted(missing, key=lambda one: one[1:], reverse=True):
            text = notebook.cells[index].source
            target = f"../docs/glossary.md#{anchor(term)}"
            notebook.cells[
                index
            ].source = f"{text[:start]}[{text[start:end]}]({target}){text[end:]}"
        added += len(missing)
    return added


def main(arguments: list[str]) -> int:
    for path in map(Path, arguments) if arguments else sorted(HERE.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if added := link(notebook, terms()):
            nbformat.write(notebook, path)
            print(f"{path.name}: {added} links added")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
