"""A system of one's own runs, is drawn, and is explored, as the payments are."""

from typing import Any, NamedTuple

import pytest

from sagakit import Run, System, explore, run
from sagakit.contract.events import Event
from sagakit.contract.ports import Delayed, External, Ports, Store, on
from sagakit.draw.deployment import deployment_diagram
from sagakit.payments.topology import payment_system
from sagakit.scenarios import BadScenario


class Order(NamedTuple):
    """What a customer asks for."""

    book: str
    label: str = "order"


class Sale(NamedTuple):
    key: str
    state: str = "ORDERED"
    version: int = 0


class Stock(NamedTuple):
    key: str
    left: int
    version: int = 0


class Ordered(Event):
    book: str


class Reserved(Event):
    book: str


class SoldOut(Event):
    book: str


class Shop:
    def __init__(self, sales: Store[Sale]) -> None:
        self.sales = sales

    @on(Order)
    async def begin(self, order: Order) -> str:
        saga = f"order of {order.book}"
        await self.sales.commit(Sale(saga), publish=[Ordered.first(saga, book=order.book)])
        return "ordered"

    @on(Reserved, SoldOut)
    async def end(self, event: Event) -> None:
        sale = await self.sales.get(event.header.correlation_id)
        state = "SOLD" if isinstance(event, Reserved) else "REFUSED"
        await self.sales.commit(sale._replace(state=state), handled=event)


class Shelf:
    def __init__(self, stocks: Store[Stock]) -> None:
        self.stocks = stocks

    @on(Ordered)
    async def reserve(self, event: Ordered) -> None:
        stock = await self.stocks.get(event.book)
        outcome = Reserved if stock.left else SoldOut
        stock = stock._replace(left=max(0, stock.left - 1))
        await self.stocks.commit(stock, publish=[outcome.after(event)], handled=event)


class ForgetfulShelf(Shelf):
    """It does not note which message it handled: one that comes twice takes two books."""

    @on(Ordered)
    async def reserve(self, event: Ordered) -> None:
        stock = await self.stocks.get(event.book)
        outcome = Reserved if stock.left else SoldOut
        stock = stock._replace(left=max(0, stock.left - 1))
        await self.stocks.commit(stock, publish=[outcome.after(event)])


class Courier:
    """Asks a party outside. Its store has nothing but the inbox and the outbox."""

    def __init__(self, outbox: Store[Sale], van: External) -> None:
        self.outbox = outbox
        self.van = van

    @on(Reserved)
    async def send(self, event: Reserved) -> None:
        await self.van.execute(event.header.correlation_id, ["a parcel"], timeout=1_000)
        await self.outbox.commit(None, handled=event)


class NotSent(Event):
    book: str


class PatientCourier(Courier):
    """Tries again after a minute, and then gives up."""

    @on(Reserved)
    async def send(self, event: Reserved) -> None:
        if await self.took_it(event):
            await self.outbox.commit(Sale(event.header.correlation_id, "SENT"), handled=event)
        else:
            later = Delayed(NotSent.after(event, book=event.book), MINUTE)
            await self.outbox.commit(None, publish=[later], handled=event)

    @on(NotSent)
    async def send_again(self, event: NotSent) -> None:
        state = "SENT" if await self.took_it(event) else "LEFT"
        await self.outbox.commit(Sale(event.header.correlation_id, state), handled=event)

    async def took_it(self, event: Event) -> bool:
        saga, attempt = event.header.correlation_id, event.header.event_type
        answer = await self.van.execute(f"{saga}, {attempt}", ["a parcel"], timeout=1_000)
        return answer.status == 200


def patient(ports: Ports) -> PatientCourier:
    return PatientCourier(ports.store("Courier DB"), ports.external("Van"))


def sold_what_left_the_shelf(run: Run) -> str | None:
    stores = run.records.stores()
    gone = 1 - stores["Shelf DB"]["dune"].left
    sold = sum(sale.state == "SOLD" for sale in stores["Shop DB"].values())
    return None if gone == sold else f"{gone} left the shelf, {sold} were sold"


VAN = ("Van", "Courier")
MINUTE = 60_000  # ms

BOOKS = System(
    name="books",
    title="A book is sold once",
    services={"Shop": Shop, "Shelf": Shelf},
    requests={"order of dune": Order("dune")},
    opening={"Shelf": [Stock("dune", 1)]},
    laws=(sold_what_left_the_shelf,),
)
PATIENT = BOOKS.but(services={**BOOKS.services, "Courier": patient}, externals={"Van": "decline"})


class Teller(Shop):
    """Handles no event but the one that it delays, and not even that."""

    @on(Order)
    async def begin(self, order: Order) -> None:
        later = Delayed(Ordered.first(order.book, book=order.book), MINUTE)
        await self.sales.commit(Sale(order.book), publish=[later])

    async def end(self, event: Event) -> None: ...


NOWHERE = BOOKS.but(services={"Shop": Teller}, opening={}, laws=())


class TestARun:
    def test_takes_its_course_from_what_the_services_handle(self) -> None:
        done = run(BOOKS)
        assert list(done.events.event) == ["Ordered", "Reserved"]
        assert done.items("Shop DB").state.tolist() == ["SOLD"]
        assert done.items("Shelf DB").left.tolist() == [0]

    def test_is_summed_up_by_what_its_stores_hold(self) -> None:
        text = run(BOOKS)._repr_mimebundle_()["text/plain"]
        assert "A book is sold once" in text
        assert "state: SOLD" in text
        assert "Laws: 6 of 6 held" in text

    def test_has_a_lane_a_participant_from_the_user_to_those_outside(self) -> None:
        system = BOOKS.but(
            services={**BOOKS.services, "Shelf": Shelf}, externals={"Van": "approve"}
        )
        names = [one.name for one in system.deployment.participants()]
        lanes = ["User", "Shop", "Shop SQS", "Shop DB", "Shelf", "Shelf SQS", "Shelf DB"]
        assert names[:9] == [*lanes, "EventBridge", "Van"]

    def test_has_a_command_done_whose_handler_says_nothing(self) -> None:
        class Silent(Shop):
            @on(Order)
            async def begin(self, order: Order) -> None:
                await super().begin(order)

        records = run(BOOKS, services={"Shop": Silent}).records
        assert [one.label for one in records.arrows() if one.target == "User"] == ["done"]

    def test_takes_others_in_the_place_of_its_services(self) -> None:
        broken = run(BOOKS, services={"Shelf": ForgetfulShelf})
        assert broken.items("Shop DB").state.tolist() == ["SOLD"]

    def test_is_judged_by_the_laws_of_any_system_and_its_own(self) -> None:
        laws = [one.law for one in run(BOOKS).verdicts()]
        assert laws[-1] == "sold_what_left_the_shelf"
        assert "causality" in laws
        assert "no overdraft" not in laws

    def test_a_law_of_its_own_can_be_broken(self) -> None:
        def nothing_is_sold(run: Run) -> str | None:
            return "a book was sold"

        verdict = run(BOOKS.but(laws=(nothing_is_sold,))).verdicts()[-1]
        assert (verdict.law, verdict.held) == ("nothing_is_sold", False)
        assert verdict.detail == "a book was sold"

    def test_takes_the_time_that_the_system_says(self) -> None:
        slow = run(BOOKS.but(timing={"bus": (1_000, 1_000)})).records
        assert slow.end > 2_000  # Ordered and Reserved, one after the other
        assert run(BOOKS).records.end < 1_000

    def test_asks_a_party_outside(self) -> None:
        def courier(ports: Ports) -> Courier:
            return Courier(ports.store("Courier DB"), ports.external("Van"))

        services = {**BOOKS.services, "Courier": courier}
        system = BOOKS.but(services=services, externals={"Van": "decline"})
        said = [one.text for one in run(system).records.arrows() if (one.source, one.target) == VAN]
        assert said == ["402 declined"]

    def test_a_delayed_event_comes_back_to_the_services_own_queue(self) -> None:
        done = run(PATIENT)
        assert [one.text for one in done.records.arrows() if (one.source, one.target) == VAN] == [
            "402 declined", "402 declined",
        ]  # fmt: skip
        put = next(one for one in done.records.arrows() if one.label.startswith("Enqueue"))
        assert (put.source, put.target) == ("Courier", "Courier SQS")
        assert done.records.end > MINUTE
        assert done.items("Courier DB").state.tolist() == ["LEFT"]
        assert all(verdict.held for verdict in done.verdicts())

    def test_a_figure_draws_nothing_delayed_that_is_not_declared(self) -> None:
        assert "delayed" in deployment_diagram(payment_system()).svg()
        assert "delayed" not in deployment_diagram(PATIENT.deployment).svg()


class TestExplored:
    def test_two_orders_of_one_book_are_proved(self) -> None:
        both = BOOKS.but(requests={"order of dune": Order("dune")})
        answer = explore(both, crashes=1, duplicates=1)
        assert answer.proved
        assert answer.states > 50
        assert "1 request in every order" in "\n".join(answer.told())

    def test_a_flaw_is_found_by_a_duplicate(self) -> None:
        answer = explore(BOOKS, duplicates=1, services={"Shelf": ForgetfulShelf})
        assert answer.broken
        assert "came twice" in answer.broken[0].sentence
        again = run(BOOKS, services={"Shelf": ForgetfulShelf}, schedule=answer.broken[0].schedule)
        assert [one.law for one in again.verdicts() if not one.held] == [
            one.verdict.law for one in answer.broken
        ]

    def test_the_test_of_a_counterexample_names_the_system(self) -> None:
        answer = explore(BOOKS, duplicates=1, services={"Shelf": ForgetfulShelf})
        text = answer.broken[0].as_test()
        compile(text, "test", "exec")
        assert "scenario = books" in text
        assert "# books: put your System in a module" in text

    def test_explore_refuses_a_party_outside_that_fails_by_itself(self) -> None:
        system = BOOKS.but(externals={"Van": "decline"})
        with pytest.raises(BadScenario, match=r"Van does 'decline' already"):
            explore(system)

    def test_explore_delivers_a_delayed_event_when_nobody_has_a_step_to_make(self) -> None:
        declining = PATIENT.but(externals={"Van": "approve"})
        answer = explore(declining, crashes=1, provider={"decline": 2})
        assert answer.proved

    def test_a_flaw_after_the_delay_is_found(self) -> None:
        def no_parcel_is_left(run: Run) -> str | None:
            states = [parcel.state for parcel in run.records.stores()["Courier DB"].values()]
            return "a parcel was left" if "LEFT" in states else None

        system = PATIENT.but(externals={"Van": "approve"}, laws=(no_parcel_is_left,))
        assert explore(system, provider={"decline": 1}).proved
        (broken,) = explore(system, provider={"decline": 2}).broken
        again = run(system, schedule=broken.schedule)
        assert [one.law for one in again.verdicts() if not one.held] == ["no_parcel_is_left"]


class TestAMistakeIsTold:
    @pytest.mark.parametrize("how", [run, explore])
    def test_a_service_without_a_queue_cannot_delay_an_event(self, how: Any) -> None:
        with pytest.raises(BadScenario, match=r"Shop publishes a Delayed event, and .*handle"):
            how(NOWHERE)

    def test_a_command_that_nobody_handles(self) -> None:
        with pytest.raises(BadScenario, match=r"nobody handles str.*@on\(str\)"):
            BOOKS.but(requests={"x": "a text"})

    def test_a_store_of_no_service(self) -> None:
        with pytest.raises(BadScenario, match="no service 'Shelv': did you mean Shelf"):
            BOOKS.but(opening={"Shelv": []})

    def test_a_service_that_cannot_be_made(self) -> None:
        with pytest.raises(BadScenario, match="Shop cannot be made: TypeError"):
            BOOKS.but(services={**BOOKS.services, "Shop": Courier})

    def test_a_service_without_a_handler(self) -> None:
        class Idle:
            def __init__(self, store: Store[Sale]) -> None: ...

        with pytest.raises(BadScenario, match="Idle has no handler"):
            BOOKS.but(services={**BOOKS.services, "Idle": Idle})

    def test_another_in_the_place_of_a_service_that_is_not_there(self) -> None:
        with pytest.raises(BadScenario, match="no service 'Till' to replace"):
            run(BOOKS, services={"Till": Shop})

    def test_a_timing_that_cannot_be(self) -> None:
        with pytest.raises(BadScenario, match=r"books: timing.bos: is unknown: did you mean bus"):
            BOOKS.but(timing={"bos": (1, 2)})

    def test_a_field_that_does_not_exist(self) -> None:
        with pytest.raises(BadScenario, match="wallets"):
            BOOKS.but(wallets=[])
