"""Drawings as a browser lays them out: whatever font it has, a text fits the room it was given."""

from itertools import combinations

import pytest
from playwright.sync_api import BrowserContext

from sagakit import run, scenarios
from sagakit.draw.svg import FONTS
from tests.draw.looking import TOUCH

# Of each text its letters, and its left, top, right and bottom, in points.
BOXES = """() => [...document.querySelectorAll("svg text")].map(text => {
  const {x, y, width, height} = text.getBBox();
  return [text.textContent, x, y + height * 0.2, x + width, y + height * 0.98];
})"""


@pytest.mark.parametrize("fonts", [FONTS, "Arial, Helvetica, sans-serif", "serif"])
def test_no_text_lies_on_another_or_beyond_the_edge(browser: BrowserContext, fonts: str) -> None:
    page = browser.new_page()
    for name in scenarios.NAMES:
        picture = run(name).sequence()
        page.set_content(picture.svg().replace(FONTS, fonts))
        boxes = page.evaluate(BOXES)
        assert len(boxes) > 50
        for text, left, _, right, _ in boxes:
            assert left > 0, (name, text)
            assert right < picture.width, (name, text)
        for (one, *a), (other, *b) in combinations(boxes, 2):
            across = min(a[2], b[2]) - max(a[0], b[0])
            down = min(a[3], b[3]) - max(a[1], b[1])
            assert across < TOUCH or down < TOUCH, f"{name}: {one!r} lies on {other!r}"
    page.close()
