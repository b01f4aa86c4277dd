"""Which places sagas share: a step that touches none of them can come first (see `search`).

A place is taken for one saga's own until another is seen to touch it. Then the search begins again,
with that place among those that are contended.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment
from sagakit.explore.tokens import Running

Place = tuple[int, str]
"""A store or an external party by its number, and the key of an item or a request there"""


class Contended(Exception):
    """A place that was taken for one saga's own is touched by another saga too."""


class Sharing:
    """Who touches what. `numbers` are those of the stores and parties, by name."""

    def __init__(
        self, deployment: Deployment, numbers: Mapping[str, int], contended: frozenset[Place]
    ) -> None:
        self._numbers = numbers
        self._contended = contended
        owners = {numbers[table.name]: table.owner for table in deployment.tables}
        self._contending = {owners.get(shared) for shared, _ in contended}
        self._readers: dict[Place, set[str]] = defaultdict(set)
        self._writers: dict[Place, set[str]] = defaultdict(set)

    def is_own(self, token: Running, saga: str) -> bool:
        """Whether the next step touches nothing that another saga writes, or writes what another
        touches. Such a step can come first: it changes nothing for the others."""
        operation: Any = token.operation
        if isinstance(operation, ops.Get):
            place, writes = (self._numbers[operation.store], operation.key), False
        elif isinstance(operation, ops.Commit) and operation.item is not None:
            place, writes = (self._numbers[operation.store], operation.item.key), True
        elif isinstance(operation, ops.Ask):
            if token.service in self._contending:
                return False  # whether the call was right depends on the breaker at that moment
            place, writes = (self._numbers[operation.party], operation.key), True
        else:
            return True
        if place in self._contended:
            return False
        readers, writers = self._readers[place], self._writers[place]
        readers.add(saga)
        if writes:
            writers.add(saga)
        if len(readers) > 1 and writers:
            raise Contended(place)
        return True
