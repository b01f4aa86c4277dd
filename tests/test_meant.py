"""A name that does not exist is told with the nearest one, and with those that there are."""

import pytest

from sagakit.meant import meant


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("Shop", [], "there are none"),
        ("Shp", ["Shop"], "did you mean Shop?"),
        ("Shp", ["Shop", "Mail"], "did you mean Shop? use one of Mail, Shop"),
        ("Xyz", ["Shop", "Mail"], "use one of Mail, Shop"),
    ],
)
def test_a_hint_names_the_nearest_and_what_there_is(name: str, known: list[str], hint: str) -> None:
    assert meant(name, known) == hint
