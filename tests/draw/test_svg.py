"""The SVG writer: what it writes is the same everywhere, safe, and as wide as it was measured."""

import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.ft2font import FT2Font

from sagakit.draw.svg import SHOWN, WIDTH, Sheet
from sagakit.draw.text_metrics import width

SVG = "{http://www.w3.org/2000/svg}"


def drawing(text: str = "words", wide: float = WIDTH) -> Sheet:
    sheet = Sheet(wide, 100, "A title.\nAll in words")
    sheet.words(10, 20, text, 9)
    return sheet


def test_it_is_as_wide_as_a_cell_at_most() -> None:
    widths = [ET.fromstring(drawing(wide=wide).svg()).get("width") for wide in (360, 720, 1440)]
    assert widths == ["420", "840", "840"]
    assert SHOWN == 840


def test_a_text_is_shown_as_it_is_and_never_markup() -> None:
    text = """<b> & "quotes" 'n $\\frac{$ 100%# \x00 ]]>"""
    (shown,) = ET.fromstring(drawing(text).svg()).iter(f"{SVG}text")
    assert shown.text == text.replace("\x00", "\\x00")


@given(st.text())
def test_any_text_survives_as_svg_and_as_img(text: str) -> None:
    picture = drawing(text)
    source = picture.img().partition(' src="data:image/svg+xml,')[2].removesuffix('">')
    shown = [
        [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]
        for svg in (picture.svg(), unquote(unescape(source)))
    ]
    assert shown[0] == shown[1]
    assert len(shown[0]) == bool(text)


def test_a_screen_reader_is_told_the_title_and_the_rest() -> None:
    root = ET.fromstring(drawing().svg())
    assert root.get("role") == "img"
    assert [root.findtext(f"{SVG}{name}") for name in ("title", "desc")] == [
        "A title.",
        "All in words",
    ]


def test_what_lies_higher_is_drawn_later() -> None:
    sheet = Sheet(10, 10, "alt")
    sheet.words(0, 0, "above", 9, z=2)
    with sheet.told("grouped", z=1):
        sheet.words(0, 0, "in front", 9, z=5)
        sheet.words(0, 0, "behind", 9, z=4)
    svg = sheet.svg()
    places = [svg.index(text) for text in ("<title>grouped", "behind", "in front", "above")]
    assert places == sorted(places)


def test_an_icon_that_comes_often_is_there_once() -> None:
    from sagakit.draw.icons import HEADS

    sheet = Sheet(10, 10, "alt")
    for x in range(5):
        sheet.icon("actor", HEADS["actor"], x, 0)
    assert sheet.svg().count("<symbol") == 1
    assert sheet.svg().count("<use") == 5


@pytest.mark.parametrize("file", ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"])
def test_widths_are_those_of_the_font(file: str) -> None:
    font = FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / file))
    font.set_size(1_000, 72)
    for letter in [*map(chr, range(32, 127)), *"…→←×–—·✓✗⚡’≤≥ßæøœéñü\u00a0"]:
        advance = font.load_char(ord(letter)).linearHoriAdvance / 65536
        assert width(letter, 1_000, "Bold" in file) == pytest.approx(advance, abs=1.5), letter


def test_letters_of_other_scripts_get_room_enough() -> None:
    assert width("日本", 10) == 20
    assert width("Ж", 10) >= 7


def test_png_is_the_same_each_time_and_pdf_too(tmp_path: Path) -> None:
    for suffix, begins in ((".PNG", b"\x89PNG"), (".pdf", b"%PDF")):
        for name in ("one", "two"):
            drawing().save(tmp_path / f"{name}{suffix}")
        one, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
        assert one.startswith(begins)
        assert one == two


def test_png_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ImportError, match=r"pip install 'sagakit\[png\]'"):
        drawing().save(tmp_path / "late.png")
