"""A system that is not about payments: a trip is a room and a seat, both or neither.

It is written as another project would write it, with what `sagakit` offers to all: events, ports,
a deployment as data and the simulated world. If no seat is to be had, the room is given back.
"""

from typing import NamedTuple

import pytest

from sagakit.contract.deployment import Deployment, Function, Participant, Queue, Rule, Table
from sagakit.contract.events import Event
from sagakit.contract.external import Behaviour, Reaction
from sagakit.contract.faults import Crash, Duplicate, Fault, Outage
from sagakit.contract.ports import External, Person, Store, on
from sagakit.sim.world import World
from sagakit.trace.facts import Asked, Published
from sagakit.trace.trace import Trace


class TripEvent(Event):
    trip: str


class TripRequested(TripEvent): ...


class RoomBooked(TripEvent): ...


class HotelFull(TripEvent): ...


class FlightBooked(TripEvent): ...


class FlightRefused(TripEvent): ...


class RoomCancelled(TripEvent): ...


class BookTrip(NamedTuple):
    """What the traveller asks for."""

    trip: str
    label: str = "book a trip"


class Trip(NamedTuple):
    key: str
    state: str = "REQUESTED"
    version: int = 0


class Hotel(NamedTuple):
    """How many rooms are free, and which trips have one."""

    free: int
    trips: frozenset[str] = frozenset()
    version: int = 0
    key: str = "hotel"

    def __str__(self) -> str:
        return f"free: {self.free}"


class TripService:
    """Begins a trip, and ends it as booked or refused."""

    def __init__(self, trips: Store[Trip], traveller: Person) -> None:
        self.trips = trips
        self.traveller = traveller

    @on(BookTrip)
    async def begin(self, command: BookTrip) -> str:
        requested = TripRequested.first(command.trip, trip=command.trip)
        await self.trips.commit(Trip(command.trip), publish=[requested])
        return "requested"

    @on(FlightBooked, HotelFull, RoomCancelled)
    async def end(self, event: TripEvent) -> None:
        state = "BOOKED" if isinstance(event, FlightBooked) else "REFUSED"
        trip = await self.trips.get(event.trip)
        await self.trips.commit(trip._replace(state=state), handled=event)
        await self.traveller.tell(f"your trip is {state}")


class HotelService:
    """Gives rooms to trips, and takes them back."""

    def __init__(self, hotels: Store[Hotel]) -> None:
        self.hotels = hotels

    @on(TripRequested)
    async def book(self, event: TripRequested) -> None:
        hotel = await self.hotels.get("hotel")
        outcome = RoomBooked if hotel.free else HotelFull
        if hotel.free:
            hotel = hotel._replace(free=hotel.free - 1, trips=hotel.trips | {event.trip})
        await self.hotels.commit(hotel, publish=[outcome.after(event)], handled=event)

    @on(FlightRefused)
    async def cancel(self, event: FlightRefused) -> None:
        """The compensation."""
        hotel = await self.hotels.get("hotel")
        hotel = hotel._replace(free=hotel.free + 1, trips=hotel.trips - {event.trip})
        await self.hotels.commit(hotel, publish=[RoomCancelled.after(event)], handled=event)


class FlightService:
    """Has the airline book a seat. Its store holds nothing but the inbox and the outbox."""

    def __init__(self, outbox: Store[Trip], airline: External) -> None:
        self.outbox = outbox
        self.airline = airline

    @on(RoomBooked)
    async def book(self, event: RoomBooked) -> None:
        answer = await self.airline.execute(
            event.trip, ["a seat"], timeout=2_000, label="book a seat"
        )
        outcome = FlightBooked if answer.status == 200 else FlightRefused
        await self.outbox.commit(None, publish=[outcome.after(event)], handled=event)


DEPLOYMENT = Deployment(
    functions=(
        Function(
            name="Trips",
            build=lambda ports: TripService(ports.store("Trips DB"), ports.person("Traveller")),
            queues=("Trips SQS",),
        ),
        Function(
            name="Hotel",
            build=lambda ports: HotelService(ports.store("Hotel DB")),
            queues=("Hotel SQS",),
        ),
        Function(
            name="Flights",
            build=lambda ports: FlightService(ports.store("Flights DB"), ports.external("Airline")),
            queues=("Flights SQS",),
        ),
    ),
    queues=(Queue(name="Trips SQS"), Queue(name="Hotel SQS"), Queue(name="Flights SQS")),
    rules=(
        Rule(event=TripRequested, target="Hotel SQS"),
        Rule(event=RoomBooked, target="Flights SQS"),
        Rule(event=FlightBooked, target="Trips SQS"),
        Rule(event=FlightRefused, target="Hotel SQS"),
        Rule(event=HotelFull, target="Trips SQS"),
        Rule(event=RoomCancelled, target="Trips SQS"),
    ),
    tables=(
        Table(name="Trips DB", owner="Trips"),
        Table(name="Hotel DB", owner="Hotel"),
        Table(name="Flights DB", owner="Flights"),
    ),
    others=(Participant("Traveller", "actor"), Participant("Airline", "external")),
)


def travel(
    *trips: str, airline: Behaviour = "approve", faults: tuple[Fault, ...] = (), rooms: int = 2
) -> Trace:
    """The trace of a run in which these trips are asked for, a second apart."""
    world = World(
        DEPLOYMENT, faults=faults, externals={"Airline": lambda *_request: Reaction(airline)}
    )
    world.seed_store("Hotel DB", [Hotel(rooms)])
    for place, trip in enumerate(trips):
        world.request(1_000 * place, "Traveller", "Trips", BookTrip(trip), trip)
    return world.run()


def states(trace: Trace) -> dict[str, str]:
    return {key: trip.state for key, trip in trace.stores()["Trips DB"].items()}


def hotel(trace: Trace) -> tuple[int, frozenset[str]]:
    """How many rooms are free, and which trips have one."""
    return trace.stores()["Hotel DB"]["hotel"][:2]


def story(trace: Trace) -> list[str]:
    """The events in the order in which they were published."""
    return [record.fact.event for record in trace.entries if isinstance(record.fact, Published)]


def test_a_trip_gets_a_room_and_a_seat() -> None:
    trace = travel("to Rome")
    assert story(trace) == ["TripRequested", "RoomBooked", "FlightBooked"]
    assert states(trace) == {"to Rome": "BOOKED"}
    assert hotel(trace) == (1, {"to Rome"})


def test_without_a_seat_the_room_is_given_back() -> None:
    trace = travel("to Rome", airline="decline")
    assert story(trace) == ["TripRequested", "RoomBooked", "FlightRefused", "RoomCancelled"]
    assert states(trace) == {"to Rome": "REFUSED"}
    assert hotel(trace) == (2, frozenset())


def test_who_finds_no_room_asks_for_no_seat() -> None:
    trace = travel("to Rome", "to Oslo", rooms=1)
    assert states(trace) == {"to Rome": "BOOKED", "to Oslo": "REFUSED"}
    seats = [record.fact.key for record in trace.entries if isinstance(record.fact, Asked)]
    assert seats == ["to Rome"]


def test_the_saga_is_told_as_a_diagram_would() -> None:
    trace = travel("to Rome", airline="decline")
    between = [each for each in trace.arrows() if each.source != each.target]
    arrows = [(each.source, each.target, each.text) for each in between]
    put = "put key: to Rome, state: REQUESTED, version: 1, condition: it is new"
    assert arrows[:4] == [
        ("Traveller", "Trips", "book a trip"),
        ("Trips", "Trips DB", f"{put} & outbox [TripRequested]"),
        ("Trips DB", "Trips", "OK"),
        ("Trips", "Traveller", "requested"),
    ]
    assert ("Airline", "Flights", "402 declined") in arrows
    assert ("Trips", "Traveller", "your trip is REFUSED") in arrows
    assert {each.correlation_id for each in between} == {"to Rome"}


@pytest.mark.parametrize(
    "fault",
    [
        Duplicate(queue="Hotel SQS", event="TripRequested"),
        Duplicate(queue="Hotel SQS", event="FlightRefused", after=50),
        Duplicate(queue="Flights SQS"),
        Crash(service="Hotel", event="TripRequested", step=2),
        Crash(service="Hotel", event="FlightRefused", step=1),
        Crash(service="Flights", step=1),
        Crash(service="Trips", event="RoomCancelled", step=3),
        Outage(participant="Hotel DB", start=0, end=500),
        Outage(participant="Airline", start=0, end=5_000),
        Outage(participant="EventBridge", start=0, end=5_000),
    ],
)
@pytest.mark.parametrize("airline", ["approve", "decline"])
def test_whatever_goes_wrong_a_trip_is_both_or_neither(airline: Behaviour, fault: Fault) -> None:
    trips = ("to Rome", "to Oslo", "to Bonn")
    trace = travel(*trips, airline=airline, faults=(fault,), rooms=5)
    free, booked = hotel(trace)
    assert free + len(booked) == 5
    assert states(trace) == {trip: "BOOKED" if trip in booked else "REFUSED" for trip in trips}
    assert booked == (frozenset(trips) if airline == "approve" else frozenset())
    assert {fate.state for fate in trace.messages().values()} == {"done"}
