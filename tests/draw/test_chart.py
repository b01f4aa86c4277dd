"""How large a chart is shown (a notebook's cell has 848 pixels at most), and how it is saved."""

import re
from pathlib import Path

import pytest

from sagakit.draw.chart import Chart
from sagakit.draw.svg import Picture

CELL = 848  # pixels: on a screen of 1280, beside JupyterLab's list of files


def shown(picture: Picture) -> tuple[float, float]:
    """Width and height that the SVG asks for, in pixels."""
    opening = picture.svg().partition("<desc>")[0]
    width, height = (
        float(re.findall(rf'\b{side}="([0-9.]+)"', opening)[0]) for side in ("width", "height")
    )
    return width, height


def test_a_chart_fits_the_cell_and_keeps_its_shape() -> None:
    chart = Chart("Title", "words", 100)
    across, down = shown(chart)
    wide, high = chart.get_size_inches()
    assert CELL - 10 < across <= CELL
    assert across / down == pytest.approx(wide / high, rel=1e-4)


def test_saved_as_svg_it_has_the_bytes_that_a_notebook_shows(tmp_path: Path) -> None:
    picture = Chart("Title", "words", 100)
    picture.save(tmp_path / "late.svg")
    assert (tmp_path / "late.svg").read_bytes() == picture.svg().encode()


@pytest.mark.parametrize(("suffix", "begins"), [(".PNG", b"\x89PNG"), (".pdf", b"%PDF")])
def test_the_suffix_names_the_format(suffix: str, begins: bytes, tmp_path: Path) -> None:
    files = [tmp_path / f"late{suffix}", tmp_path / f"again{suffix}"]
    for file in files:
        Chart("Title", "words", 100).save(str(file))
    first, second = (file.read_bytes() for file in files)
    assert first.startswith(begins)
    assert first == second


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("late.txt", ValueError, "late.txt: name a file that ends in .svg, .png or .pdf"),
        ("late", ValueError, "late: name a file that ends in"),
        ("no/late.svg", FileNotFoundError, "there is no folder {}/no: make it first"),
    ],
)
def test_where_it_cannot_be_saved_is_told(
    name: str, error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as told:
        Chart("Title", "words", 100).save(tmp_path / name)
    assert says.format(tmp_path) in str(told.value)
    assert not list(tmp_path.iterdir())
