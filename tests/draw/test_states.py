"""State diagrams: columns by what follows what, and a move out of an end drawn as wrong."""

import pytest

from sagakit.draw.states import Move, states
from tests.draw.looking import complaints, texts, words

CHARGE = [
    Move("NEW", "TRYING", "before it asks"),
    Move("TRYING", "FAILED", "402 declined"),
    Move("TRYING", "SUCCEEDED", "200 OK"),
    Move("TRYING", "VOIDING", "no answer"),
    Move("TRYING", "TRYING", "no answer"),
    Move("VOIDING", "FAILED", "200 voided"),
    Move("VOIDING", "VOIDING", "no answer"),
    Move("NEW", "FAILED", "the breaker is open"),
]
ENDS = ("SUCCEEDED", "FAILED")
TITLE = "The states of a charge"


def test_it_can_be_read() -> None:
    picture = states(CHARGE, ends=ENDS, title=TITLE)
    assert complaints(picture) == []
    shown = words(picture)
    assert {TITLE, "SUCCEEDED", "402 declined", "the breaker is open"} <= {*shown}
    assert picture.svg() == states(CHARGE, ends=ENDS, title=TITLE).svg()


def test_it_is_told_in_words() -> None:
    assert states(CHARGE[:5], ends=ENDS, title=TITLE).alt.splitlines() == [
        "The states of a charge.",
        "States: NEW, TRYING, FAILED, SUCCEEDED, VOIDING.",
        "Final: FAILED, SUCCEEDED.",
        "NEW to TRYING: before it asks.",
        "TRYING to FAILED: 402 declined.",
        "TRYING to SUCCEEDED: 200 OK.",
        "TRYING to VOIDING: no answer.",
        "TRYING stays: no answer.",
    ]


def test_a_move_out_of_an_end_is_wrong() -> None:
    wrong = Move("SUCCEEDED", "VOIDING", "no answer")
    picture = states([*CHARGE, wrong], ends=ENDS, title=TITLE)
    assert "SUCCEEDED to VOIDING, although that is final: no answer." in picture.alt
    assert complaints(picture) == []


def test_there_and_back_are_two_arrows() -> None:
    back = Move("FAILED", "VOIDING", "no answer")
    picture = states([*CHARGE, back], ends=ENDS, title=TITLE)
    assert complaints(picture) == []
    assert "VOIDING to FAILED: 200 voided." in picture.alt
    assert "FAILED to VOIDING, although that is final: no answer." in picture.alt


def test_moves_between_the_same_states_share_an_arrow() -> None:
    picture = states([Move("A", "B", "x"), Move("A", "B", "y"), Move("A", "B", "x")], title="Two")
    assert picture.alt.splitlines()[-1] == "A to B: x or y."


def test_a_circle_has_a_beginning() -> None:
    circle = [Move("CLOSED", "OPEN"), Move("OPEN", "HALF_OPEN"), Move("HALF_OPEN", "CLOSED")]
    picture = states([*circle, Move("HALF_OPEN", "OPEN")], title="A breaker")
    assert complaints(picture) == []
    x = {seen.text: seen.box.x0 for seen in texts(picture)}
    assert x["CLOSED"] < x["OPEN"] < x["HALF_OPEN"]


def test_nothing_moves() -> None:
    with pytest.raises(ValueError, match="no moves"):
        states([], title="Nothing")
