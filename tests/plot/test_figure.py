"""How large a picture is shown: the cell of a notebook may be no wider than 848 pixels."""

import re

import pytest

from sagakit.plot.figure import WIDTH, Picture

CELL = 848  # pixels: on a screen of 1280, beside JupyterLab's list of files
PIXELS = 96 / 72  # of a point, in a browser


def shown(picture: Picture) -> tuple[float, float]:
    """Width and height that the SVG asks for, in pixels."""
    opening = picture.svg().partition("<desc>")[0]
    width, height = (
        float(re.findall(rf'\b{side}="([0-9.]+)pt"', opening)[0]) for side in ("width", "height")
    )
    return width * PIXELS, height * PIXELS


@pytest.mark.parametrize("width", [WIDTH / 2, WIDTH, WIDTH * 1.3])
def test_a_picture_fits_the_cell_and_keeps_its_shape(width: float) -> None:
    across, down = shown(Picture(width, 4, "words"))
    assert across <= CELL
    assert across / down == pytest.approx(width / 4, rel=1e-5)


def test_letters_are_as_large_in_a_narrow_picture_as_in_a_usual_one() -> None:
    narrow, usual = shown(Picture(WIDTH / 2, 4, "words")), shown(Picture(WIDTH, 4, "words"))
    assert narrow[1] == usual[1]
