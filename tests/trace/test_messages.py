"""The life of a message, as the facts tell it."""

import pytest

from sagakit.trace import facts
from sagakit.trace.facts import Fact, Record
from sagakit.trace.messages import Messages

SENT = facts.Queued("Bus", "Q", "Ordered", 1)
TAKEN = facts.Received("Q", "Shop", "Ordered", 1, 1, "", "Invoke Lambda")
DONE = facts.Acknowledged("Shop", "Q", 1, 1)
FAILED = facts.Failed("Shop", "Q", 1, "no tea")
AGAIN = facts.VisibleAgain("Q", "Ordered", 1, 1)
BURIED = facts.DeadLettered("Q", "DLQ", "Ordered", 1, "no tea")
REDRIVEN = facts.Redriven("DLQ", "Q", "Ordered", 2, formerly=1)
WAITS = ("Q", "waiting", "")

Fate = tuple[str, str, str]  # queue, state, reason


def messages(*happened: Fact) -> Messages:
    return Messages([Record(0, "saga", "id", 1, fact) for fact in happened])


@pytest.mark.parametrize(
    ("happened", "fates"),
    [
        ([], {}),
        ([SENT], {1: WAITS}),
        ([SENT, TAKEN], {1: WAITS}),
        ([SENT, TAKEN, DONE], {1: ("Q", "done", "")}),
        ([SENT, TAKEN, FAILED], {1: ("Q", "waiting", "no tea")}),
        ([SENT, TAKEN, FAILED, AGAIN, TAKEN, DONE], {1: ("Q", "done", "no tea")}),
        ([SENT, TAKEN, FAILED, BURIED], {1: ("Q", "dead", "no tea")}),
        ([SENT, TAKEN, BURIED, DONE], {1: ("Q", "dead", "no tea")}),
        ([SENT, TAKEN, FAILED, BURIED, REDRIVEN], {2: WAITS}),
        ([SENT, TAKEN, BURIED, REDRIVEN, DONE, FAILED], {2: WAITS}),
        ([SENT, TAKEN, facts.MessageLost("Q", "Ordered", 1)], {}),
        (
            [facts.FannedOut("Bus", "Topic", "Ordered", (1, 2))],
            {1: ("Topic", "waiting", ""), 2: ("Topic", "waiting", "")},
        ),
        (
            [facts.Postponed("Shop", "Retry", "Ordered", "id", 1, {}, 1, 0)],
            {1: ("Retry", "waiting", "")},
        ),
    ],
)
def test_the_fate_of_a_message(happened: list[Fact], fates: dict[int, Fate]) -> None:
    found = messages(*happened).by_id
    assert {
        message_id: (message.queue, message.state, message.reason)
        for message_id, message in found.items()
    } == fates


def test_a_message_is_in_flight_until_it_is_acknowledged_or_visible_again() -> None:
    for happened, in_flight in (
        ([SENT], False),
        ([SENT, TAKEN], True),
        ([SENT, TAKEN, FAILED], True),
        ([SENT, TAKEN, FAILED, AGAIN], False),
        ([SENT, TAKEN, DONE], False),
    ):
        assert messages(*happened).by_id[1].in_flight == in_flight


def test_an_acknowledgement_before_the_first_step_is_noted() -> None:
    read = facts.ReadRequested("Shop", "Shelves")
    assert [seen.position for seen in messages(SENT, TAKEN, DONE).idle] == [2]
    assert messages(SENT, TAKEN, read, DONE).idle == []
