"""Independence of steps: one that touches nothing that sagas share can come first (see `search`).

An item or request is taken for one saga's own until another saga is seen to touch it. Then the
search begins again, with it among those that are contended.
"""

from collections import defaultdict
from collections.abc import Mapping

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment
from sagakit.explore.states import Running

Resource = tuple[int, str]
"""A store or an external party by its number, and the key of an item or a request there"""


class Contended(Exception):
    """Raised for a resource that was taken for one saga's own, and is touched by another too."""


class Sharing:
    """The record of which saga touches what. `numbers` are those of stores and parties, by name."""

    def __init__(
        self, deployment: Deployment, numbers: Mapping[str, int], contended: frozenset[Resource]
    ) -> None:
        self._numbers = numbers
        self._contended = contended
        owners = {numbers[table.name]: table.owner for table in deployment.tables}
        self._contending = {owners.get(shared) for shared, _ in contended}
        self._readers: dict[Resource, set[str]] = defaultdict(set)
        self._writers: dict[Resource, set[str]] = defaultdict(set)

    def is_own(self, token: Running, saga: str) -> bool:
        """Return whether the next step touches nothing that another saga writes, and writes nothing
        that another touches. Such a step can come first: it changes nothing for the others."""
        match token.operation:
            case ops.Get(store, key):
                writes = False
            case ops.Commit(store, item) if item is not None:
                key, writes = item.key, True
            case ops.Ask(party=store, key=key):
                if token.service in self._contending:
                    return False  # whether the call was right depends on the breaker at that moment
                writes = True
            case _:
                return True
        resource = self._numbers[store], key
        if resource in self._contended:
            return False
        readers, writers = self._readers[resource], self._writers[resource]
        readers.add(saga)
        if writes:
            writers.add(saga)
        if len(readers) > 1 and writers:
            raise Contended(resource)
        return True
