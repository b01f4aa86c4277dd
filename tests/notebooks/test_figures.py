"""The committed figures fit a screen, and can be read there."""

import re
from pathlib import Path
from typing import NamedTuple

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FIGURE = re.compile(
    r"data:image/svg\+xml,<svg [^>]*?width='(?P<width>[\d.]+)' height='(?P<height>[\d.]+)' "
    r"viewBox='0 0 (?P<units>[\d.]+) [^>]*>(?P<inside>.*?)</svg>"
)
WIDEST, TALLEST = 840, 800  # pixels: a cell on a screen of 1280 x 900, beside the list of files
SMALLEST = 9  # pixels, of letters


class Figure(NamedTuple):
    notebook: str
    width: float
    height: float
    letters: float


def figures() -> list[Figure]:
    """Return the figures in the outputs of all notebooks that are drawn by the SVG writer."""
    found = []
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for figure in FIGURE.finditer(path.read_text(encoding="utf-8")):
            width, height, units = (float(figure[name]) for name in ("width", "height", "units"))
            sizes = map(float, re.findall(r"font-size='([\d.]+)'", figure["inside"]))
            letters = min(sizes, default=units) * width / units
            found.append(Figure(path.name, width, height, round(letters, 1)))
    return found


def test_a_figure_is_no_larger_than_a_screen_and_has_letters_of_nine_pixels() -> None:
    assert [
        figure
        for figure in figures()
        if figure.width > WIDEST or figure.height > TALLEST or figure.letters < SMALLEST
    ] == []
