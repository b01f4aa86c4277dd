"""The ways that a search has found, and which of them tell all that the laws can say.

A law is asked of whole runs, and a state may be reached on many ways. What a law says of a run's
end depends on the state at rest alone (see `Shelf.past`), so one way to each is enough. What it
says of a moment, as that no balance is ever below zero, depends on what the stores hold at that
moment: so the judged ways also pass, between them, through everything that the stores ever hold.
Of calls while the breaker is not closed it also counts who else is calling: each such is passed.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sagakit.explore.space import Space
from sagakit.explore.tokens import Move, State
from sagakit.laws.facts import BREAKER
from sagakit.payments.breaker import Breaker


class Ways:
    """How each state was first reached, and the steps that some judged way must take."""

    def __init__(self, space: Space, start: State) -> None:
        self.came_from: dict[State, State | None] = {start: None}
        self._space = space
        self._contents = {start[0]}
        self._calls: set[Any] = set()
        self._tripped: dict[int, bool] = {}
        self._unjudged: list[tuple[State, State]] = []
        self._passed: set[tuple[State, State]] = set()

    def is_new(self, before: State, move: Move | None, after: State) -> bool:
        """Note a step, None if time moves. Returns whether it leads to a state not seen so far."""
        if after[0] not in self._contents:
            self._contents.add(after[0])
            self._unjudged.append((before, after))
        elif move and self._space.watched[move.token] and self._calls_anew(before, move):
            self._unjudged.append((before, after))
        if after in self.came_from:
            return False
        self.came_from[after] = before
        return True

    def _calls_anew(self, state: State, move: Move) -> bool:
        """Whether the step is one around a breaker that is not closed, and the first such."""
        space, (stores, _, tokens, _) = self._space, state
        if not self._is_tripped(move.token, stores):
            return False
        others = [one for one in tokens if space.watched[one] and one != move.token]
        call = (move.token, move.fault, stores, *others)
        if call in self._calls:
            return False
        self._calls.add(call)
        return True

    def _is_tripped(self, number: int, stores: int) -> bool:
        """Whether the breaker is not closed, or was not when this handler last looked."""
        known = self._tripped.get(stores)
        if known is None:
            known = any(map(_is_open, self._space.held(stores, BREAKER)))
            self._tripped[stores] = known
        return known or any(map(_is_open, self._space.tokens.things[number].results))

    def to(self, *last: State) -> list[State]:
        """The way to a state; or to the first of several that follow one another. It is judged."""
        way = [*last[::-1]]
        while (before := self.came_from[way[-1]]) is not None:
            way.append(before)
        way.reverse()
        self._passed.update(pairwise(way))
        return way

    def unjudged(self) -> Iterator[list[State]]:
        """The ways that are still to be judged: long ones first, since they pass where others
        lead. Those who want the shortest first take `shortest_first`."""
        for step in reversed(self._unjudged):
            if step not in self._passed:
                yield self.to(*step)

    def shortest_first(self) -> Iterator[list[State]]:
        return (self.to(*step) for step in self._unjudged)

    def all_judged(self) -> None:
        self._unjudged.clear()


def _is_open(thing: Any) -> bool:
    return isinstance(thing, Breaker) and thing.state != "CLOSED"
