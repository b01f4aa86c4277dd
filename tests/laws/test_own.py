"""Laws, items, services and systems of one's own: what is wrong with one is told in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sagakit import Run, System, explore, run, scenarios
from sagakit.contract.events import Event
from sagakit.contract.ports import Store, on
from sagakit.explore.purity import BadService
from sagakit.scenarios import BadScenario
from sagakit.trace.facts import Answered, CutOff
from sagakit.worlds.sqlite.serve import serve


class Book(NamedTuple):
    room: str
    guests: Any = ()


class Room(NamedTuple):
    key: str
    guests: Any = ()
    version: int = 0


class Booked(Event):
    rooms: list[str]


class Hotel:
    def __init__(self, rooms: Store[Room]) -> None:
        self.rooms = rooms

    @on(Book)
    async def book(self, command: Book) -> None:
        await self.rooms.commit(Room(command.room, command.guests))


def hotel(**changes: Any) -> System:
    booked: dict[str, Any] = {"services": {"Hotel": Hotel}, "requests": {"trip": Book("12")}}
    return System(**{"name": "hotel", **booked, **changes})


def all_is_well(_finished: Run) -> None:
    return None


def says_true(_finished: Run) -> Any:
    return True


def says_false(_finished: Run) -> Any:
    return False


def says_nothing(_finished: Run) -> str:
    return ""


def last(finished: Run) -> str:
    """Return the answer with which a run ended."""
    fact = finished.records.entries[-1].fact
    assert isinstance(fact, Answered)
    return fact.answer


def is_no_law() -> None:
    return None


def looks_for_what_is_not_there(finished: Run) -> None:
    finished.records.stores()["Nowhere"]


async def takes_its_time(_finished: Run) -> None:
    return None


WRONG_LAWS: list[tuple[Callable[..., Any], str]] = [
    (says_true, "the law says_true returns True: return None where it holds"),
    (says_false, "the law says_false returns False: return None where it holds"),
    (says_nothing, "the law says_nothing returns '': return None where it holds"),
    (is_no_law, "the law is_no_law fails: TypeError: is_no_law() takes 0 positional arguments"),
    (looks_for_what_is_not_there, r"fails: KeyError: 'Nowhere' \(line \d+ of looks_for_what"),
    (takes_its_time, "the law takes_its_time is `async def`: a law is a plain `def`"),
]


@pytest.mark.parametrize(("law", "says"), WRONG_LAWS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_law_that_answers_otherwise_is_told_how(law: Any, says: str) -> None:
    says = says.replace("()", r"\(\)")
    with pytest.raises(BadScenario, match=says):
        run(hotel(laws=(law,))).check()
    with pytest.raises(BadScenario, match=says):
        explore(hotel(laws=(law,)))
    with pytest.raises(BadScenario, match=says):
        explore("happy_path", invariants=[law])


@pytest.mark.parametrize("laws", [5, all_is_well, [5]])
def test_laws_that_are_no_functions_are_refused(laws: Any) -> None:
    with pytest.raises(BadScenario, match="invariants: give a list of functions"):
        explore("happy_path", invariants=laws)


def test_a_law_that_holds_or_is_broken_is_told_as_such() -> None:
    def nobody_comes(finished: Run) -> str | None:
        return "somebody came" if len(finished.records) else None

    laws = {one.law: one for one in run(hotel(laws=(all_is_well, nobody_comes))).verdicts()}
    assert laws["all_is_well"].held
    assert laws["nobody_comes"].detail == "somebody came"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"laws": all_is_well}, r"hotel: laws: give a tuple of functions: \(my_law,\)"),
        ({"laws": ("all_is_well",)}, "hotel: laws: give a tuple of functions"),
        ({"requests": [Book("12")]}, "hotel: requests: give a dict"),
        ({"services": [Hotel]}, "hotel: services: give a dict"),
        ({"externals": {"Van": "aprove"}}, "Van cannot 'aprove': did you mean approve?"),
        ({"seed": "x"}, "hotel: seed: must be a whole number, not 'x'"),
        (
            {"opening": {"Hotel": ["12"]}},
            "opening of Hotel: an item is a NamedTuple with a key and",
        ),
        ({"opening": {"Hotel": [Book("12")]}}, r"int = 0; and not Book\(room='12'"),
        ({"services": {"Hotel": lambda: Hotel}}, "Hotel cannot be made: TypeError"),
        ({"opening": {"Hotel": 5}}, "hotel: opening of Hotel: give a list of items"),
        ({"opening": {"Hotel": [Room("1"), Room("1")]}}, "opening of Hotel: '1' is there twice"),
        ({"opening": {"Hotel": [Room(5)]}}, r"key: str; .* and not Room\(key=5"),  # type: ignore[arg-type]
        ({"services": {5: Hotel}}, "hotel: services: a name is a text, not 5"),
        ({"services": {"User": Hotel}}, "hotel: two participants are called 'User'"),
        ({"externals": {"Hotel": "approve"}}, "hotel: two participants are called 'Hotel'"),
        ({"requests": {None: Book("12")}}, "hotel: requests: a name is a text, not None"),
        ({"requests": {"trip": Book}}, r"hotel: requests: give a Book\(...\), not its class"),
        ({"name": 5}, "name: must be a text, not 5"),
    ],
)
def test_a_system_that_makes_no_sense_is_told_so(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadScenario, match=says):
        hotel(**changes)


class Careless(Hotel):
    """Commits what has no version."""

    @on(Book)
    async def book(self, command: Book) -> None:
        await self.rooms.commit(command)  # type: ignore[arg-type]


def test_an_item_without_a_version_is_told_in_every_world(tmp_path: Path) -> None:
    careless = hotel(services={"Hotel": Careless})
    for finished in (run(careless), serve(careless, tmp_path / "file.db", hurry=True)):
        assert "Hotel DB: an item is a NamedTuple with a key and" in last(finished)
    assert explore(careless).complete


class Asks(Hotel):
    """Reads by what is no key, or answers what is no event."""

    @on(Book)
    async def book(self, command: Book) -> None:
        if command.guests:
            await self.rooms.get(command.guests)
        await self.rooms.commit(Room(command.room), handled=command)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("guests", "says"),
    [(("ana",), "Hotel DB: a key is a text, not ('ana',)"), ((), "handled= takes the event that")],
)
def test_a_step_that_no_store_can_make_is_told_in_every_world(
    guests: Any, says: str, tmp_path: Path
) -> None:
    asks = hotel(services={"Hotel": Asks}, requests={"trip": Book("12", guests)})
    for finished in (run(asks), serve(asks, tmp_path / "file.db", hurry=True)):
        assert says in last(finished)


@pytest.mark.parametrize("guests", [["ana"], {"ana": 1}, {"ana"}, ("ana", ["ben"])])
def test_an_item_that_explore_cannot_compare_is_told_with_its_field(guests: Any) -> None:
    filled = hotel(opening={"Hotel": [Room("1", guests)]})
    assert run(filled).items("Hotel DB").key.tolist() == ["1", "12"]
    with pytest.raises(BadService, match=r"(Room\.guests|tuple\.1) holds a (list|dict|set), which"):
        explore(filled)


class Lists(Hotel):
    """Commits an item and publishes an event, each with a list."""

    @on(Book)
    async def book(self, command: Book) -> None:
        booked = Booked.first("trip", rooms=[command.room])
        await self.rooms.commit(Room(command.room, command.guests), publish=[booked])

    @on(Booked)
    async def note(self, event: Booked) -> None:
        await self.rooms.commit(Room("note", event.rooms), handled=event)


def test_what_a_handler_writes_and_publishes_is_told_too() -> None:
    lists = hotel(services={"Hotel": Lists})
    with pytest.raises(BadService, match=r"Booked\.rooms holds a list, which explore cannot"):
        explore(lists)
    with pytest.raises(BadService, match=r"Book\.guests holds a list, which explore cannot"):
        explore(hotel(requests={"trip": Book("12", ["ana"])}))


class NeedsMore:
    def __init__(self, wallets: Any, more: Any) -> None:
        raise NotImplementedError


def test_a_service_that_cannot_be_made_is_told_wherever_it_is_used(tmp_path: Path) -> None:
    services = {"Wallet Service": NeedsMore}
    says = "Wallet Service cannot be made: TypeError: NeedsMore.__init__.. missing 1 required"
    with pytest.raises(BadScenario, match=says):
        run("happy_path", services=services)
    with pytest.raises(BadScenario, match=says):
        serve(scenarios.happy_path, tmp_path / "file.db", services=services)
    with pytest.raises(BadService, match=says):
        explore("happy_path", services=services)


def test_a_handler_takes_the_message_as_its_one_argument() -> None:
    with pytest.raises(TypeError, match=r"book handles Book and must take it as its one argument"):

        @on(Book)
        async def book(self: Any) -> None: ...

    with pytest.raises(TypeError, match=r"`async def book\(self, event\)`"):

        @on(Book)
        async def book(self: Any, command: Book, more: str) -> None: ...


class NeverEnds(Hotel):
    @on(Book)
    async def book(self, command: Book) -> None:
        while True:
            await self.rooms.get(command.room)


def test_a_handler_that_never_ends_is_ended_in_every_world(tmp_path: Path) -> None:
    endless = hotel(services={"Hotel": NeverEnds})
    assert any(isinstance(record.fact, CutOff) for record in run(endless).records.entries)
    served = serve(endless, tmp_path / "file.db", hurry=True)
    assert "no end after 2,000 steps" in last(served)
    with pytest.raises(BadService, match="does not come to an end"):
        explore(endless)
