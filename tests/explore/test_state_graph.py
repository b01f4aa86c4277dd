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


def test_items_of_the_first_store() -> None:
    graph = explore(ONE_STORE).graph
    assert graph is not None
    assert graph.names[0] == "Breaker DB"
    assert graph.items(graph.start[0], "Breaker DB") == []
    last = len(graph.stores.things) - 1
    assert [one.state for one in graph.items(last, "Breaker DB")] == ["OPEN"]


def test_a_store_that_does_not_exist_has_no_items() -> None:
    graph = explore(ONE_STORE).graph
    assert graph is not None
    assert graph.items(graph.start[0], "Wallet DB") == []
