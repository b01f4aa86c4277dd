"""What a port refuses before any world is asked."""

from typing import Any

import pytest

from sagakit.contract.operations import StorePort
from sagakit.contract.ports import Delayed
from tests.sim.shop import Packed, ordered

ONE, TWO = Packed.after(ordered(), number=1), Packed.after(ordered(), number=2)
OTHER = Packed.after(ordered(), nth=1, number=2)


@pytest.mark.parametrize("publish", [[ONE, ONE], [ONE, TWO], [ONE, Delayed(TWO, 1_000)]])
def test_two_events_of_one_commit_have_two_ids(publish: list[Any]) -> None:
    with pytest.raises(ValueError, match="the same id: tell them apart with nth="):
        StorePort("Shelves").commit(None, publish=publish)
    assert StorePort("Shelves").commit(None, publish=[ONE, OTHER]).publish == (ONE, OTHER)


@pytest.mark.parametrize("publish", [ONE, ["Packed"], [None, ONE], (Packed,)])
def test_commit_refuses_to_publish_anything_but_a_list_of_events(publish: Any) -> None:
    with pytest.raises(TypeError, match="publish= takes a list of events, not"):
        StorePort("Shelves").commit(None, publish=publish)
