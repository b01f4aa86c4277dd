"""A system of one's own on a file: the trip of a room and a seat, served to its end."""

import random
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from sagakit import Run, System, run
from sagakit.cli import main
from sagakit.contract.external import Behaviour
from sagakit.contract.ports import Ports, Store, on
from sagakit.scenarios import BadScenario, happy_path
from sagakit.worlds.sqlite.database import BadDatabase, Database
from sagakit.worlds.sqlite.serve import serve
from tests.examples import test_travel as travel
from tests.examples.test_travel import BookTrip, FlightService, Hotel, HotelService, TripService
from tests.scenarios.test_system import BOOKS, MINUTE, NOWHERE, PATIENT, Order, Shop

TRIPS = ("to Rome", "to Oslo", "to Bonn")


def trips(ports: Ports) -> TripService:
    return TripService(ports.store("Trips DB"), ports.person("User"))


def flights(ports: Ports) -> FlightService:
    return FlightService(ports.store("Flights DB"), ports.external("Airline"))


def both_or_neither(run: Run) -> str | None:
    stores = run.records.stores()
    booked = {key for key, trip in stores["Trips DB"].items() if trip.state == "BOOKED"}
    hotel = stores["Hotel DB"]["hotel"]
    if hotel.trips == booked and hotel.free + len(booked) == 2:
        return None
    return f"rooms of {sorted(hotel.trips)}, {hotel.free} free, but booked: {sorted(booked)}"


def trip(airline: Behaviour = "approve") -> System:
    """Three trips, and two rooms."""
    return System(
        name="trip",
        services={"Trips": trips, "Hotel": HotelService, "Flights": flights},
        requests={name: BookTrip(name) for name in TRIPS},
        opening={"Hotel": [Hotel(2)]},
        externals={"Airline": airline},
        laws=(both_or_neither,),
    )


def broken(done: Run) -> list[str]:
    return [verdict.law for verdict in done.verdicts() if not verdict.held]


def states(done: Run) -> list[str]:
    return sorted(done.items("Trips DB").state)


@pytest.mark.parametrize("airline", ["approve", "decline"])
def test_it_ends_as_in_the_simulator_and_its_laws_hold(airline: Behaviour, tmp_path: Path) -> None:
    done, simulated = serve(trip(airline), tmp_path / "file.db", hurry=True), run(trip(airline))
    assert states(done) == states(simulated)
    assert broken(done) == broken(simulated) == []
    assert "both_or_neither" in [verdict.law for verdict in done.verdicts()]


def test_what_is_delayed_comes_back_to_the_services_own_queue(tmp_path: Path) -> None:
    done = serve(PATIENT, tmp_path / "file.db", hurry=True)
    assert done.items("Courier DB").state.tolist() == ["LEFT"]
    assert done.records.end >= MINUTE
    assert broken(done) == []


def test_what_is_delayed_by_a_service_without_a_queue_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        BadScenario, match="Shop publishes a Delayed event, and nothing says in which queue"
    ):
        serve(NOWHERE, tmp_path / "file.db", hurry=True)


def test_an_actor_hears_what_it_hears_in_the_simulator(tmp_path: Path) -> None:
    for number, shop in enumerate((SilentShop, FailingShop)):
        system = BOOKS.but(services={**BOOKS.services, "Shop": shop}, laws=())
        served = serve(system, tmp_path / f"{number}.db", hurry=True)
        assert heard(served) == heard(run(system))
    assert heard(served)[0].startswith("Shop failed: KeyError: 'dune' (line ")


def heard(done: Run) -> list[str]:
    return [
        one.text for one in done.records.arrows() if one.kind == "return" and one.target == "User"
    ]


class SilentShop(Shop):
    @on(Order)
    async def begin(self, order: Order) -> None:
        await super().begin(order)


class FailingShop(Shop):
    @on(Order)
    async def begin(self, order: Order) -> str:
        raise KeyError(order.book)


class ForgetfulHotel(HotelService):
    """Gives a room away and does not note to whom."""

    @on(travel.TripRequested)
    async def book(self, event: travel.TripRequested) -> None:
        hotel = await self.hotels.get("hotel")
        outcome = travel.RoomBooked if hotel.free else travel.HotelFull
        hotel = hotel._replace(free=max(0, hotel.free - 1))
        await self.hotels.commit(hotel, publish=[outcome.after(event)], handled=event)


def test_a_law_of_its_own_that_breaks_is_told(tmp_path: Path) -> None:
    system = trip().but(services={**trip().services, "Hotel": ForgetfulHotel})
    assert broken(serve(system, tmp_path / "file.db", hurry=True)) == ["both_or_neither"]


SERVED = """
import sys
from sagakit import System
from sagakit.worlds.sqlite.serve import serve

def flights(ports):
    return FlightService(ports.store("Flights DB"), ports.external("Airline"))

system = System(
    name="trip",
    services={
        "Trips": lambda ports: TripService(ports.store("Trips DB"), ports.person("User")),
        "Hotel": HotelService,
        "Flights": flights,
    },
    requests={f"trip {n}": BookTrip(f"trip {n}") for n in range(12)},
    opening={"Hotel": [Hotel(7)]},
    externals={"Airline": "approve"},
)
print("begun", flush=True)
done = serve(system, sys.argv[1], hurry=True)
print(sorted(done.items("Trips DB").state), [one.law for one in done.verdicts() if not one.held])
"""


def test_a_script_with_its_own_classes_is_killed_at_any_moment_and_gone_on_with(
    tmp_path: Path,
) -> None:
    script = tmp_path / "trip.py"
    script.write_text(Path(travel.__file__).read_text(encoding="utf-8") + SERVED, encoding="utf-8")
    draw, kills, files = random.Random("when it is killed"), 0, 0
    while kills < 3:  # how many files that takes depends on the machine, and nothing else does
        files += 1
        while True:
            command = [sys.executable, script, tmp_path / f"{files}.db"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(timeout=draw.uniform(0, 0.1) if kills < 5 else None)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
            else:
                break
        assert process.stdout.read().decode() == f"{['BOOKED'] * 7 + ['REFUSED'] * 5} []\n"


class TestWhatCannotBeServed:
    def test_by_several_workers(self, tmp_path: Path) -> None:
        with pytest.raises(BadScenario, match=r"trip: a System is served by one worker, since its"):
            serve(trip(), tmp_path / "file.db", workers=2)

    def test_a_class_that_is_not_found_again(self, tmp_path: Path) -> None:
        class Order(NamedTuple):
            what: str

        class Shop:
            def __init__(self, sales: Store[Hotel]) -> None:
                self.sales = sales

            @on(Order)
            async def order(self, order: Order) -> str:
                return order.what

        shop = System(name="shop", services={"Shop": Shop}, requests={"a": Order("tea")})
        with pytest.raises(BadScenario, match=r"shop: .*Order is not what .*define it at the top"):
            serve(shop, tmp_path / "file.db")
        assert not (tmp_path / "file.db").exists()

    def test_what_a_file_cannot_keep(self, tmp_path: Path) -> None:
        odd = trip().but(requests={"to Rome": BookTrip("to Rome", label=b"bytes")})  # type: ignore[arg-type]
        with pytest.raises(BadScenario, match="trip: a bytes cannot be kept"):
            serve(odd, tmp_path / "file.db")

    def test_another_than_the_file_has(self, tmp_path: Path) -> None:
        serve(trip(), tmp_path / "file.db", hurry=True)
        with pytest.raises(BadDatabase, match=r"it has trip as it was before: .*another file"):
            serve(trip().but(opening={"Hotel": [Hotel(1)]}), tmp_path / "file.db")
        with pytest.raises(BadDatabase, match="it has trip, not happy_path: "):
            serve(happy_path, tmp_path / "file.db", hurry=True)

    @pytest.mark.parametrize(
        "arguments", [["inspect"], ["inspect", "--format", "jsonl"], ["redrive", "Hotel SQS"]]
    )
    def test_by_the_command_line_which_has_no_classes(
        self, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        serve(trip(), tmp_path / "file.db", hurry=True)
        assert main([*arguments, "--db", str(tmp_path / "file.db")]) == 2
        assert "it has the system trip, whose classes are in" in capsys.readouterr().err


def test_an_item_that_is_not_found_again_fails_its_handler_which_says_so(tmp_path: Path) -> None:
    class Note(NamedTuple):
        key: str
        version: int = 0

    class Notes:
        def __init__(self, notes: Store[Note]) -> None:
            self.notes = notes

        @on(str)
        async def note(self, text: str) -> None:
            await self.notes.commit(Note(text))

    system = System(name="notes", services={"Notes": Notes}, requests={"a": "milk"})
    done = serve(system, tmp_path / "file.db", hurry=True)
    (answer,) = [one.label for one in done.records.arrows() if one.target == "User"]
    assert answer.startswith("Notes failed: ")
    assert "define it at the top of a module, a script or a notebook (line " in answer
    with Database(tmp_path / "file.db") as database:
        assert list(database.items("Notes DB")) == []
