"""The contents of stores are those that the facts leave them with."""

from typing import Any

from sagakit.contract.deployment import Participant
from sagakit.contract.faults import Loss
from sagakit.trace.facts import Committed, Fact, ItemRead, Opening, Record, Restored, StoreLost
from sagakit.trace.trace import Trace
from tests.sim.shop import Shelf, orders, shop
from tests.sim.test_invocation import Shop

TEA = Shelf("tea", 9, version=2)
STORES = (Participant("Shelves", "store"), Participant("Archive", "store"))


def stores(*facts: Fact) -> dict[str, dict[str, Any]]:
    return Trace(STORES, [Record(0, None, None, 0, fact) for fact in facts]).stores()


def written(item: Shelf | None) -> Committed:
    return Committed("Shop", "Shelves", None, None, item, (), None)


def test_stores_hold_what_was_written_last() -> None:
    opening = Opening("Shelves", TEA)
    sold_out = TEA._replace(left=0, version=3)
    assert stores() == {"Shelves": {}, "Archive": {}}
    assert stores(opening)["Shelves"] == {"tea": TEA}
    assert stores(opening, written(sold_out), written(None))["Shelves"] == {"tea": sold_out}


def test_a_read_changes_nothing() -> None:
    assert stores(ItemRead("Shop", "Shelves", "tea", TEA))["Shelves"] == {}


def test_a_loss_empties_a_store_and_a_restore_fills_it() -> None:
    lost, restored = StoreLost("Shelves", (TEA,)), Restored("Shop", "Shelves", (TEA,))
    assert stores(written(TEA), lost)["Shelves"] == {}
    assert stores(written(TEA), lost, restored)["Shelves"] == {"tea": TEA}


def test_the_trace_gives_the_contents_that_the_world_has() -> None:
    world = shop(Shop)
    trace = orders(world, 0, 5, 9)
    assert trace.stores()["Shelves"] == world.stores["Shelves"].items
    lost = shop(Shop, faults=[Loss(store="Shelves", at=18)])
    assert orders(lost, 0, 5, 9).stores()["Shelves"] == lost.stores["Shelves"].items == {}
