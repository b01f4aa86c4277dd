"""Notebook 12: a system of 60 lines; its checks take what is right, whatever it looks like."""

import ast
from functools import cache
from typing import Any

import nbformat
import pytest

from exercises.your_own_saga import HEARD, mend, tells_apart, who_hears, with_a_car
from notebooks.course.editions import teacher
from notebooks.execute import HERE
from sagakit import System, explore, run
from sagakit.contract.ports import on

PATH = HERE / "12_your_own_saga.ipynb"
LINES = 60


@cache
def notebook() -> Any:
    return nbformat.read(PATH, as_version=4)


@cache
def given() -> dict[str, Any]:
    """What the notebook defines, with the solutions of its exercises."""
    names: dict[str, Any] = {"__name__": "__main__", "display": lambda *shown: None}
    for cell in teacher(nbformat.read(PATH, as_version=4)).cells:
        if cell.cell_type == "code":
            kept = [one for one in ast.parse(cell.source).body if not isinstance(one, ast.Expr)]
            exec(compile(ast.Module(kept, []), cell.id, "exec"), names)
    names["long"] = names["answer"]
    return names


def the(name: str) -> Any:
    return given()[name]


def first_draft() -> System:
    travel: System = the("travel")
    return travel.but(services={**travel.services, "Hotel": the("Hotel")})


def test_the_system_has_at_most_60_lines() -> None:
    """From the first event to the `System`: what a learner writes, without the predictions."""
    sources = [cell.source for cell in notebook().cells if cell.cell_type == "code"]
    begin = next(place for place, one in enumerate(sources) if "class TripEvent" in one)
    end = next(place for place, one in enumerate(sources) if "travel = System(" in one)
    written = [
        ast.get_source_segment(source, one) or ""
        for source in sources[begin : end + 1]
        for one in ast.parse(source).body
        if not isinstance(one, ast.Assign | ast.Expr) or "System(" in ast.unparse(one)
    ]
    lines = [line for line in "\n".join(written).splitlines() if line.strip()]
    assert len(lines) <= LINES
    names: dict[str, Any] = {"__name__": "__main__"}
    exec("\n".join([sources[0], *written]), names)
    assert run(names["travel"]).items("Trips DB").state.tolist() == ["BOOKED"]


# The Hotel is mended.


def remembers_trips() -> type:
    """It takes note of the message in a commit that may also be only a check."""

    class Remembers(the("Hotel")):  # type: ignore[misc]
        @on(the("TripRequested"))
        async def take(self, event: Any) -> None:
            rooms = await self.store.get("rooms")
            if rooms.free:
                left, said = rooms._replace(free=rooms.free - 1), the("RoomTaken").after(event)
                await self.store.commit(left, publish=[said], handled=event)
            else:
                said = the("NoRoom").after(event)
                await self.store.commit(rooms, publish=[said], handled=event.header.event_id)

        @on(the("NoSeat"))
        async def give_back(self, event: Any) -> None:
            rooms = await self.store.get("rooms")
            await self.store.commit(rooms._replace(free=rooms.free + 1), handled=event)

    return Remembers


def forgets_to_give_back() -> type:
    class Keeps(the("Mended")):  # type: ignore[misc]
        @on(the("NoSeat"))
        async def give_back(self, event: Any) -> None:
            await self.store.commit(None, handled=event)

    return Keeps


def writes_one() -> type:
    """It gives back what it has heard of: with one traveller, nobody notices what comes twice."""

    class WritesOne(the("Mended")):  # type: ignore[misc]
        @on(the("NoSeat"))
        async def give_back(self, event: Any) -> None:
            rooms = await self.store.get("rooms")
            await self.store.commit(rooms._replace(free=1))

    return WritesOne


def refuses_all() -> type:
    class Full(the("Mended")):  # type: ignore[misc]
        @on(the("TripRequested"))
        async def take(self, event: Any) -> None:
            await self.store.commit(None, publish=[the("NoRoom").after(event)], handled=event)

    return Full


def marks_first() -> type:
    """The mark before the work: a crash in between loses the work."""

    class Marks(the("Mended")):  # type: ignore[misc]
        @on(the("TripRequested"))
        async def take(self, event: Any) -> None:
            await self.store.commit(None, handled=event)
            rooms = await self.store.get("rooms")
            said = the("RoomTaken").after(event)
            await self.store.commit(rooms._replace(free=rooms.free - 1), publish=[said])

    return Marks


def is_broken() -> type:
    class Broken(the("Mended")):  # type: ignore[misc]
        @on(the("TripRequested"))
        async def take(self, event: Any) -> None:
            raise KeyError("no such room")

    return Broken


@pytest.mark.parametrize("make", [lambda: the("Mended"), remembers_trips])
def test_a_mended_hotel(make: Any) -> None:
    feedback = mend(first_draft(), "Hotel")(make())
    assert feedback, feedback


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: the("Hotel"), "With a message that comes twice"),
        (lambda: the("HalfMended"), "a request that is declined, and a message that comes twice"),
        (forgets_to_give_back, "With a request that is declined, it goes wrong"),
        (refuses_all, "With no faults at all"),
        (marks_first, "With a service that crashes"),
        (is_broken, "no such room"),
        (writes_one, "With two travellers"),
        (lambda: the("Mended")(None), "Give the class itself, without ()."),
        (lambda: 3, "This is of type int, and a class is asked for."),
        (lambda: ..., "three dots"),
    ],
)
def test_a_hotel_that_is_not_mended(make: Any, says: str) -> None:
    feedback = mend(first_draft(), "Hotel")(make())
    assert not feedback
    assert says in repr(feedback)


def test_the_run_in_which_a_hotel_fails_is_shown() -> None:
    assert "<img" in mend(first_draft(), "Hotel")(the("HalfMended"))._repr_html_()


# The law that was missing.


def by_merging(finished: Any) -> str | None:
    both = finished.items("Trips DB").merge(finished.items("Airline"), how="left", on="key")
    for trip in both.itertuples():
        if (trip.state_x == "BOOKED") != (trip.state_y == "executed"):
            return f"{trip.key} is {trip.state_x}, and the airline says {trip.state_y}"
    return None


def any_entry(finished: Any) -> str | None:
    refused = finished.items("Trips DB").query("state == 'REFUSED'").key
    return "kept" if set(refused) & set(finished.items("Airline").key) else None


def law(answer: Any) -> Any:
    budget = {"duplicates": 1, "provider": {"decline": 1, "timeout_before": 1, "timeout_after": 1}}
    return tells_apart(the("travel"), the("hasty"), **budget)(answer)


@pytest.mark.parametrize("make", [lambda: the("seats_fit"), lambda: by_merging])
def test_a_law_of_seats(make: Any) -> None:
    assert law(make()), law(make())


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: the("both_or_neither"), "It says nothing of a run that must not be"),
        (lambda: lambda finished: None, "It says nothing"),
        (lambda: lambda finished: "always", "It speaks up in a sound run"),
        (lambda: any_entry, "It speaks up in a sound run"),
        (lambda: lambda finished: True, "it returns True"),
        (lambda: lambda finished: finished.items("Airlines"), "no store 'Airlines'"),
        (lambda: "seats", "A function of a run is asked for"),
        (lambda: ..., "three dots"),
        (lambda: lambda finished: ..., "three dots"),
    ],
)
def test_other_laws(make: Any, says: str) -> None:
    assert not law(make())
    assert says in repr(law(make()))


def test_the_law_refutes_what_was_proved_before() -> None:
    silence = {"timeout_before": 1, "timeout_after": 1}
    assert explore(the("hasty"), provider=silence).proved
    hasty = the("hasty").but(laws=(the("both_or_neither"), the("seats_fit")))
    assert "seats: ['ana']" in explore(hasty, provider=silence).broken[0].sentence
    travel = the("travel").but(laws=(the("both_or_neither"), the("seats_fit")))
    assert explore(travel, duplicates=1, provider=silence).proved


# A car.


def with_services(**others: Any) -> System:
    long: System = the("long")
    return long.but(services={**long.services, **others})


def keeps_the_seat() -> System:
    """NoSeat is said, and nobody has told the airline."""

    class Keeps(the("Flights")):  # type: ignore[misc]
        @on(the("NoCar"))
        async def give_back(self, event: Any) -> None:
            await self.store.commit(None, publish=[the("NoSeat").after(event)], handled=event)

    return with_services(Flights=lambda p: Keeps(p.store("Flights DB"), p.external("Airline")))


def voids_in_a_hurry() -> System:
    """A void without an answer is taken for done."""

    class Hurries(the("Flights")):  # type: ignore[misc]
        @on(the("NoCar"))
        async def give_back(self, event: Any) -> None:
            try:
                await self.airline.void(event.trip, timeout=2_000)
            except the("TimedOut"):
                pass
            await self.store.commit(None, publish=[the("NoSeat").after(event)], handled=event)

    return with_services(Flights=lambda p: Hurries(p.store("Flights DB"), p.external("Airline")))


def car_without_inbox() -> System:
    class Forgets(the("Cars")):  # type: ignore[misc]
        @on(the("SeatTaken"))
        async def take(self, event: Any) -> None:
            cars = await self.store.get("cars")
            said, left = (the("CarTaken"), cars.free - 1) if cars.free else (the("NoCar"), 0)
            await self.store.commit(cars._replace(free=left), publish=[said.after(event)])

    return with_services(Cars=Forgets)


def hotel_hears_of_the_car() -> System:
    """Another design: the Hotel and the trip hear of NoCar themselves, and Flights says nothing."""

    class Trips(the("LongTrips")):  # type: ignore[misc]
        @on(the("NoCar"))
        async def refuse(self, event: Any) -> None:
            trip = await self.store.get(event.trip)
            await self.store.commit(trip._replace(state="REFUSED"), handled=event)

    class Hotel(the("Mended")):  # type: ignore[misc]
        @on(the("NoCar"))
        async def free(self, event: Any) -> None:
            await self.give_back(event)

    class Flights(the("Flights")):  # type: ignore[misc]
        @on(the("NoCar"))
        async def cancel(self, event: Any) -> None:
            await self.airline.void(event.trip, timeout=2_000)
            await self.store.commit(None, handled=event)

    def flights(ports: Any) -> Any:
        return Flights(ports.store("Flights DB"), ports.external("Airline"))

    return with_services(Trips=Trips, Hotel=Hotel, Flights=flights)


@pytest.mark.parametrize("make", [lambda: the("long"), hotel_hears_of_the_car])
def test_a_trip_with_a_car(make: Any) -> None:
    feedback = with_a_car(make())
    assert feedback, feedback


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (keeps_the_seat, "With no car, and no faults at all"),
        (voids_in_a_hurry, "With no car, and answers of the party outside that are lost"),
        (car_without_inbox, "With a car, and a message that comes twice"),
        (lambda: with_services(Trips=the("Trips")), "With no car"),
        (lambda: the("travel"), "There is no service Cars"),
        (lambda: the("long").but(opening=the("travel").opening), "Cars has no item with a field"),
        (
            lambda: the("long").but(requests={one: the("BookTrip")(one) for one in ("a", "b")}),
            "One request",
        ),
        (lambda: the("Cars"), "A System is asked for"),
        (lambda: ..., "three dots"),
    ],
)
def test_no_trip_with_a_car_yet(make: Any, says: str) -> None:
    feedback = with_a_car(make())
    assert not feedback
    assert says in repr(feedback)


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
