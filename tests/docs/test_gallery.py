"""The gallery: a page with every figure, its caption, and the same in words."""

from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.gallery import EXPLORED, FIGURES, SWEPT, main
from sagakit.scenarios import NAMES


class Gallery(HTMLParser):
    """A page: its images, sections, links, what can be unfolded, and which elements stay open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: dict[str, str] = {}
        self.open: list[str] = []
        self.words: set[str] = set()
        self.sections: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            values = dict(attrs)
            self.images[values["src"] or ""] = values["alt"] or ""
        if tag == "section":
            self.sections.append(dict(attrs)["id"] or "")
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "details" in self.open:
            self.words.add(data)


@pytest.mark.slow
def test_the_gallery_shows_every_figure_and_tells_it_in_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "out"
    assert main(["--out", str(out)]) == 0
    gallery = Gallery((out / "index.html").read_text(encoding="utf-8"))
    assert gallery.open == []
    assert gallery.links[: len(gallery.sections)] == [f"#{name}" for name in gallery.sections]
    assert gallery.links.count("#top") == len(gallery.sections)
    table, said = capsys.readouterr()
    assert [row.split()[0] for row in table.splitlines()[1:]] == list(NAMES)
    *steps, last = said.splitlines()
    assert [line.partition("]")[0] for line in steps] == [f"[{n}/9" for n in range(1, 10)]
    assert last == f"The figures: open {out / 'index.html'} in a browser."
    assert {path.name for path in out.glob("*.svg")} == set(gallery.images)
    for name in NAMES:
        assert {f"{name}-sequence.svg", f"{name}-timeline.svg"} <= set(gallery.images)
    assert {f"{draw.__name__}.svg" for draw in (*EXPLORED, *SWEPT)} <= set(gallery.images)
    assert "7 functions" in gallery.images["deployment.svg"]
    views = {figure.view for figures in FIGURES.values() for figure in figures}
    assert views == {"sequence", "timeline", "balances", "breaker", "latency"}
    for file, alt in gallery.images.items():
        assert len(alt) > 40
        assert ET.parse(out / file).getroot().tag.endswith("svg")
        assert alt in gallery.words
