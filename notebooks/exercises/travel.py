"""Notebook 12, before any code: who has to hear what, so that a trip is a room and a seat, or
neither."""

from collections.abc import Iterable, Mapping
from typing import Any

from .feedback import UNANSWERED, Cases, Feedback, exercise

SERVICES = ("Trips", "Hotel", "Flights")

# Event to each service that must hear it, and what happens if it does not.
HEARD: dict[str, dict[str, str]] = {
    "TripRequested": {"Hotel": "nobody takes a room, and the trip stays REQUESTED for ever"},
    "RoomTaken": {"Flights": "nobody asks the airline for a seat"},
    "NoRoom": {"Trips": "a trip that finds no room stays REQUESTED for ever"},
    "SeatTaken": {"Trips": "a trip with a room and a seat stays REQUESTED for ever"},
    "NoSeat": {
        "Hotel": "nobody gives the room back: it is taken for a trip that there is not",
        "Trips": "a trip that finds no seat stays REQUESTED for ever",
    },
}
TOO_EARLY = {
    ("TripRequested", "Flights"): "a seat is asked for before it is known that there is a room",
    ("RoomTaken", "Trips"): "half a trip is noted, which is neither BOOKED nor REFUSED",
}


@exercise
def who_hears(answer: Any) -> Cases:
    """For each event of a trip, the services that have to hear it: {"RoomTaken": [...], ...}."""
    yield not isinstance(answer, Mapping) and (
        "A dict is asked for: event to a list of services.",
        'It begins like this: {"TripRequested": ["..."], ...}',
    )
    yield any(each is ... for each in answer.values()) and UNANSWERED
    if answer.keys() != HEARD.keys():
        wrong = min(map(str, answer.keys() ^ HEARD.keys()))
        hint = f"There are five: {', '.join(HEARD)}."
        what = "is missing" if wrong in HEARD else "is no event of a trip"
        return Feedback(False, f"{wrong} {what}.", hint)
    chosen = {event: _names(each) for event, each in answer.items()}
    for event, names in chosen.items():
        yield (names is None or not names <= {*SERVICES}) and (
            f"{event} is heard by services, and this is {answer[event]!r}.",
            f"A list of some of these: {list(SERVICES)}.",
        )
    return _judged({event: names or set() for event, names in chosen.items()})


def _judged(chosen: Mapping[str, set[str]]) -> Feedback:
    for event, needed in HEARD.items():
        for service, otherwise in needed.items():
            if service not in chosen[event]:
                says = f"If {service} does not hear {event}, {otherwise}."
                return Feedback(False, says, "Who has something to do when that has happened?")
    for event, needed in HEARD.items():
        if more := sorted(chosen[event] - needed.keys()):
            otherwise = TOO_EARLY.get((event, more[0]), f"{more[0]} has nothing to do")
            says = f"If {more[0]} hears {event}, {otherwise}."
            return Feedback(False, says, "Who has something to do then, and who has not?")
    return Feedback(
        True, "Each no is heard by whoever has something to undo, and by whoever has to tell of it."
    )


def _names(each: Any) -> set[str] | None:
    """The names in a list, or in one text; None if there are others than names."""
    if isinstance(each, str):
        return {each}
    if not isinstance(each, Iterable):
        return None
    names = list(each)
    return set(names) if all(isinstance(name, str) for name in names) else None
