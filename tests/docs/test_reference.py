"""The API reference: every public name has its place, and no page needs the network."""

import re
from collections.abc import Iterable
from os.path import normpath
from pathlib import Path
from typing import NamedTuple

import pytest
from pdoc import render

import sagakit
from docs.reference import build
from docs.reference.build import CHAPTERS, REST, in_chapters, markdown

ADDRESS = re.compile(
    r"""\b(?:src|href|srcset|data|poster|action)=["']([^"']+)|(?:url\(|@import)\s*["']?([^"')\s;]+)"""
)


WRITTEN = ("sagakit", "sagakit.run", "sagakit.scenarios", "sagakit.contract.ports")  # of all: 20 s


class Page(NamedTuple):
    """What of a page matters here: its anchors, and every address that it names, in order."""

    anchors: list[str]
    addresses: list[str]


def read(html: str) -> Page:
    found = ["".join(either) for either in ADDRESS.findall(html)]
    return Page(re.findall(r'\bid="([^"]+)"', html), list(dict.fromkeys(found)))


def outside(page: Page) -> list[str]:
    """The addresses of a page that are neither files beside it nor data within it."""
    return [address for address in page.addresses if re.match(r"(?!data:)(\w+:|//)", address)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    out = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:  # colours for the source take half of the time
        patch.setitem(render.env.filters, "highlight", lambda doc: "")
        for name in sagakit.__all__:  # what it sets of the package is set back
            patch.setitem(vars(sagakit), name, getattr(sagakit, name))
        patch.setattr(sagakit, "__all__", sagakit.__all__)
        build.build(out, WRITTEN)
    return {
        file.relative_to(out): read(file.read_text(encoding="utf-8"))
        for file in sorted(out.rglob("*.html"))
    }


def test_every_public_name_has_its_place(pages: dict[Path, Page]) -> None:
    anchors = pages[Path("sagakit.html")].anchors
    modules = page_names(build.modules())
    assert [
        n for n in sagakit.__all__ if n not in anchors and f"sagakit/{n}.html" not in modules
    ] == []


def test_the_first_page_leads_to_every_module(pages: dict[Path, Page]) -> None:
    led_to = pages[Path("index.html")].addresses
    assert page_names(build.modules()) <= set(led_to)
    assert len(build.modules()) > 100


def page_names(modules: Iterable[str]) -> set[str]:
    return {f"{module.replace('.', '/')}.html" for module in modules}


def test_it_opens_with_the_four_verbs_and_the_noun(pages: dict[Path, Page]) -> None:
    led_to = [
        address for address in pages[Path("index.html")].addresses if address.endswith(".html")
    ]
    addresses = pages[Path("index.html")].addresses
    verbs = ["run", "explore", "sweep", "Run.check", "Scenario"]
    assert [f"sagakit.html#{name}" for name in verbs] == [
        one for one in addresses if one.startswith("sagakit.html#")
    ]
    assert addresses.index("sagakit.html#Scenario") < addresses.index(led_to[0])
    anchors = pages[Path("sagakit.html")].anchors
    assert sorted(verbs, key=anchors.index) == verbs


def test_no_page_needs_the_network(pages: dict[Path, Page]) -> None:
    found = {file: outside(page) for file, page in pages.items()}
    assert not {file: addresses for file, addresses in found.items() if addresses}


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/mathjax.js"></script>',
        '<link href="//fonts.example/a.css">',
        "<style>@import 'https://fonts.example/a.css';</style>",
        "<style>a { background: url(http://a.example/b.png) }</style>",
        '<a href="https://a.example">built with a</a>',
    ],
)
def test_an_outside_address_would_be_seen(html: str) -> None:
    assert outside(read(html))


def test_what_is_beside_a_page_or_within_it_is_not_outside() -> None:
    assert not outside(read('<img src="data:image/svg+xml,x"><a href="../run.html#Run">Run</a>'))


def test_every_link_to_a_page_leads_to_one(pages: dict[Path, Page]) -> None:
    known = {"index.html", *page_names(build.modules())}
    for file, page in pages.items():
        targets = [address.partition("#")[0] for address in page.addresses]
        for target in (target for target in targets if target.endswith(".html")):
            assert normpath(file.parent / target) in known, f"{file} links to {target}"


def test_modules_stand_in_the_order_in_which_a_reader_meets_them() -> None:
    chapters = in_chapters(["sagakit", "sagakit.sim", "sagakit.laws", "sagakit.laws.laws"])
    assert [chapter.names for chapter in chapters] == [
        ("sagakit",),
        ("sagakit.laws", "sagakit.laws.laws"),
        ("sagakit.sim",),
    ]


def test_a_module_that_no_chapter_names_comes_last() -> None:
    (last,) = in_chapters(["sagakit.report"])
    assert last.title == REST


def test_no_module_is_named_by_two_chapters() -> None:
    named = [name for chapter in CHAPTERS for name in chapter.names]
    assert len(named) == len(set(named))


BLOCKS = [
    (
        "start, end  ms, a stretch of time;\n            both included\nlimit       at most",
        "- `start`, `end`: ms, a stretch of time;\n  both included\n- `limit`: at most",
    ),
    ("Plain text stays\nas it is.", "Plain text stays\nas it is."),
    ("    >>> 1 + 1\n    2", "    >>> 1 + 1\n    2"),
    ("Alias for field number 0", ""),
]


@pytest.mark.parametrize(("written", "shown"), BLOCKS)
def test_a_block_of_names_becomes_a_list(written: str, shown: str) -> None:
    assert markdown(written) == shown
