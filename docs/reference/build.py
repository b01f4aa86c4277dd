"""Write the API reference to a folder, as pages that need no network.

python docs/reference/build.py DIR

The pages are pdoc's. What is here is the order in which a reader meets the modules, and how the
docstrings of this project are written: plain text, Markdown's marks, and blocks such as

    start, end   ms, a stretch of virtual time
    limit        how many arrows at most
"""

import re
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import NamedTuple

from jinja2 import pass_context
from jinja2.runtime import Context
from pdoc import render
from pdoc.doc import Module

import sagakit

HERE = Path(__file__).resolve().parent


class Chapter(NamedTuple):
    """Modules that belong together. `names` are modules, with all that is in them."""

    title: str
    names: tuple[str, ...]


FIRST = ("run", "explore", "sweep", "Run.check", "Scenario")
"""The four verbs and the noun, with which both the first page and the package's page open."""

CHAPTERS = (
    Chapter("Start here", ("sagakit", "sagakit.run", "sagakit.scenarios")),
    Chapter("Is it right", ("sagakit.laws", "sagakit.zoo")),
    Chapter("What if", ("sagakit.sweeps",)),
    Chapter("What it looks like", ("sagakit.draw", "sagakit.lab")),
    Chapter(
        "Services of your own",
        ("sagakit.contract.events", "sagakit.contract.ports", "sagakit.contract.deployment"),
    ),
    Chapter("The payment system", ("sagakit.payments",)),
    Chapter("The worlds it runs in", ("sagakit.sim", "sagakit.worlds")),
)
REST = "Behind the command line"
STARTED = (".__main__", ".lambdas")  # by the command line, and by AWS Lambda

ROW = re.compile(r"^(?P<names>[\w.*]+(?:, [\w.*]+)*) {2,}(?P<means>\S.*)$")


def build(out: Path, names: Collection[str] = ()) -> None:
    """Write the first page and a page for each module to `out`, or for these `names` alone."""
    for name in ("run", "explore"):  # the module stands for the verb: pdoc is shown the verb
        vars(sagakit)[name] = getattr(import_module(f"sagakit.{name}"), name)
    for name in sagakit.__all__:  # some are loaded only when asked for: pdoc does not ask
        vars(sagakit)[name] = getattr(sagakit, name)
    opening = [name.partition(".")[0] for name in FIRST]
    sagakit.__all__ = [*opening, *(name for name in sagakit.__all__ if name not in opening)]
    warnings.filterwarnings("ignore", "Error parsing type annotation")  # pandas has some
    render.configure(docformat="markdown", template_directory=HERE)
    render.env.filters["to_markdown"] = _to_markdown
    render.env.globals["first"] = FIRST
    render.env.filters["in_chapters"] = in_chapters
    render.env.filters["first_sentence"] = first_sentence
    pages = {name: Module.from_name(name) for name in modules()}
    _write(out / "index.html", render.html_index(pages))
    written = {name: module for name, module in pages.items() if name in (names or pages)}
    for name, module in written.items():
        _write(out / f"{name.replace('.', '/')}.html", render.html_module(module, pages))
    _write(out / "search.js", render.search_index(written))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def modules() -> list[str]:
    """Return every module of the package, but for those that only something else may start."""
    found = walk_packages(sagakit.__path__, "sagakit.")
    return ["sagakit", *(one.name for one in found if not one.name.endswith(STARTED))]


def in_chapters(names: Iterable[str]) -> list[Chapter]:
    """The modules in the order of `CHAPTERS`; what no chapter names comes last."""
    chapter_of = {name: chapter.title for chapter in CHAPTERS for name in chapter.names}
    found: dict[str, list[str]] = {chapter.title: [] for chapter in CHAPTERS}
    for name in names:
        whole = name if name in chapter_of else ".".join(name.split(".")[:2])
        found.setdefault(chapter_of.get(whole, REST), []).append(name)
    return [Chapter(title, tuple(inside)) for title, inside in found.items() if inside]


def first_sentence(docstring: str) -> str:
    """Return what a module is, for a list of them."""
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return paragraph.rstrip(":")


@pass_context
def _to_markdown(context: Context, docstring: str) -> str:
    return markdown(docstring)


def markdown(docstring: str) -> str:
    """A docstring as Markdown: its blocks of names and meanings become lists.

    What a NamedTuple says of itself is left out: it names its fields by number.
    """
    if docstring.startswith(("Alias for field number ", "Create new instance of ")):
        return ""
    return "\n\n".join(map(_paragraph, docstring.split("\n\n")))


def _paragraph(text: str) -> str:
    lines = text.strip("\n").split("\n")
    if not ROW.match(lines[0]):
        return text
    return "\n".join(_items(lines))


def _items(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        row = ROW.match(line)
        if row:
            names = ", ".join(f"`{name}`" for name in row["names"].split(", "))
            yield f"- {names}: {row['means']}"
        else:
            yield f"  {line.strip()}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("say where to write it: python docs/reference/build.py DIR")
    build(Path(sys.argv[1]))
    print(f"open {Path(sys.argv[1]) / 'index.html'}")
