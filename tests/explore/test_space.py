"""What the stores of a state hold, wherever a store stands among them."""

from typing import NamedTuple

from sagakit import System, explore
from sagakit.contract.ports import Store, on
from sagakit.payments.breaker import Breaker


class Trip(NamedTuple):
    """The breaker is to be opened."""


class BreakerAlone:
    def __init__(self, breakers: Store[Breaker]) -> None:
        self.breakers = breakers

    @on(Trip)
    async def open(self, _command: Trip) -> None:
        await self.breakers.commit(Breaker(state="OPEN"))


ONE_STORE = System(name="one", services={"Breaker": BreakerAlone}, requests={"ana": Trip()})


def test_the_first_store_is_looked_into_too() -> None:
    space = explore(ONE_STORE).space
    assert space is not None
    assert space.places[0] == "Breaker DB"
    assert space.held(space.start[0], "Breaker DB") == []
    last = len(space.stores.things) - 1
    assert [one.state for one in space.held(last, "Breaker DB")] == ["OPEN"]


def test_a_store_that_there_is_not_holds_nothing() -> None:
    space = explore(ONE_STORE).space
    assert space is not None
    assert space.held(space.start[0], "Wallet DB") == []
