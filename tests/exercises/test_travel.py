"""Notebook 12: its check takes the design that the notebook then builds, and tells of others."""

from typing import Any

import pytest

from exercises.travel import HEARD, who_hears
from tests.exercises.test_your_own_saga import the

RIGHT = {event: [*needed] for event, needed in HEARD.items()}


def test_the_design_is_that_of_the_notebook_s_system() -> None:
    rules: dict[str, set[str]] = {}
    for rule in the("travel").deployment.rules:
        rules.setdefault(rule.event.__name__, set()).add(rule.target.removesuffix(" SQS"))
    assert {event: {*needed} for event, needed in HEARD.items()} == rules


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        {**RIGHT, "RoomTaken": "Flights", "NoSeat": {"Trips", "Hotel"}},
        dict(reversed(RIGHT.items())),
    ],
)
def test_a_design(answer: Any) -> None:
    assert who_hears(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (..., "three dots"),
        (RIGHT | {"NoSeat": ...}, "three dots"),
        (RIGHT | {"NoSeat": ["Trips"]}, "nobody gives the room back"),
        (RIGHT | {"NoSeat": "Hotel"}, "If Trips does not hear NoSeat"),
        (RIGHT | {"NoRoom": []}, "stays REQUESTED for ever"),
        (RIGHT | {"TripRequested": ["Hotel", "Flights"]}, "before it is known"),
        (RIGHT | {"SeatTaken": ["Trips", "Hotel"]}, "Hotel has nothing to do"),
        (RIGHT | {"NoSeat": ["Trips", "hotel"]}, "this is ['Trips', 'hotel']"),
        (RIGHT | {"NoSeat": 3}, "this is 3"),
        (RIGHT | {"NoSeat": [3]}, "this is [3]"),
        (RIGHT | {"NoCar": ["Trips"]}, "NoCar is no event of a trip"),
        ({"TripRequested": ["Hotel"]}, "NoRoom is missing"),
        ([["Hotel"], ["Flights"]], "A dict is asked for"),
    ],
)
def test_other_designs(answer: Any, says: str) -> None:
    assert not who_hears(answer)
    assert says in repr(who_hears(answer))
