"""The search for a broken law: which steps to try from a state, and the paths that are judged.

Two things keep it short, and neither may lose a broken law.

Partial-order reduction: a step that reads what no other saga writes, or writes what no other saga
touches, changes nothing for the others, and they nothing for it. If its saga has nothing else
under way, it can come first, and no other order need be tried (a persistent set of one: Godefroid,
"Partial-Order Methods for the Verification of Concurrent Systems", 1996). Which items sagas share
is found on the way: the search begins again when one turns out to be shared.

Judging few paths: a law is asked of whole runs, and a state may be reached on many paths. What a
law says of a run's end depends on the state at rest alone (see `Store.past`), so one path to each
is enough. What it says of a moment, as that no balance is ever below zero, depends on what the
stores hold at that moment: so the judged paths also pass, between them, through everything that
the stores ever hold. Of calls while these are not free (a circuit breaker is not closed, say) it
also counts who else is calling: each such call is passed.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sagakit.explore.state_graph import StateGraph
from sagakit.explore.states import CRASH, Move, State


def moves(graph: StateGraph, state: State, *, reduced: bool = True) -> list[Move]:
    """Return all that may come next."""
    stores, clock, tokens, budget = state
    is_running = graph.is_running
    running = [number for number in tokens if is_running[number]]
    if not graph.reorder:
        running = running[:1]
    elif reduced and len(running) > 1:
        running = _first_alone(graph, running)
    found: list[Move] = []
    before = -1
    for number in running:
        if number == before:
            continue  # two equal tokens: one is enough
        before = number
        found += [
            move
            for move in graph.moves(number, stores, clock)
            if move.fault is None or budget[move.fault]
        ]
    return found


def _first_alone(graph: StateGraph, running: list[int]) -> list[int]:
    """Return only one token, if there is one whose moves change nothing for the others.

    That is a handler at its end, which only waits for its acknowledgement (if it crashes, its
    message comes when time moves, and so when nobody is running); or else one whose step is its
    saga's own business, if its saga has no other running.
    """
    ended, alone, saga_of = graph.ended, graph.alone, graph.saga_of
    for number in running:
        if ended[number]:
            return [number]
    sagas = [saga_of[number] for number in running]
    for number, saga in zip(running, sagas, strict=True):
        if alone[number] and sagas.count(saga) == 1:
            return [number]
    return running


def following(
    graph: StateGraph, state: State, *, reduced: bool = True
) -> list[tuple[Move | None, State]]:
    """Return all states that may come next, and the move: None if time moves, since nobody has a
    step to make. At rest there is none."""
    found = moves(graph, state, reduced=reduced)
    if found:
        return [(move, after(graph, state, move)) for move in found]
    later = graph.due(state)
    return [(None, later)] if later is not None else []


def after(graph: StateGraph, state: State, move: Move) -> State:
    """Return the state that a move leads to."""
    _, clock, tokens, budget = state
    index = tokens.index(move.token)
    others, new = tokens[:index] + tokens[index + 1 :], move.tokens
    if move.fault is not None:
        left = list(budget)
        left[move.fault] -= 1
        budget = tuple(left)
        if not budget[CRASH]:
            others = graph.without_acknowledgements(others)
    if not budget[CRASH]:
        new = move.if_nobody_crashes
    return move.stores, clock, graph.in_order(others + new), budget


class Paths:
    """The path on which each state was first reached, and the steps that some judged path must
    take."""

    def __init__(self, graph: StateGraph, start: State) -> None:
        self.came_from: dict[State, State | None] = {start: None}
        self._graph = graph
        self._is_shut = graph.prepared.is_shut
        self._contents = {start[0]}
        self._calls: set[Any] = set()
        self._shut: dict[int, bool] = {}
        self._unjudged: list[tuple[State, State]] = []
        self._passed: set[tuple[State, State]] = set()

    def is_new(self, before: State, move: Move | None, after: State) -> bool:
        """Note a step, None if time moves. Return whether it leads to a state not seen so far."""
        if after[0] not in self._contents:
            self._contents.add(after[0])
            self._unjudged.append((before, after))
        elif move and self._graph.guarded[move.token] and self._calls_anew(before, move):
            self._unjudged.append((before, after))
        if after in self.came_from:
            return False
        self.came_from[after] = before
        return True

    def _calls_anew(self, state: State, move: Move) -> bool:
        """Note a step by or beside one who may call while the guard is shut. Return whether it is
        the first such with these others calling."""
        guarded, (stores, _, tokens, _) = self._graph.guarded, state
        if not self._meets_a_shut_guard(move.token, stores):
            return False
        others = [token for token in tokens if guarded[token] and token != move.token]
        call = (move.token, move.fault, stores, *others)
        if call in self._calls:
            return False
        self._calls.add(call)
        return True

    def _meets_a_shut_guard(self, token: int, stores: int) -> bool:
        """The guard is shut, or was when this handler last looked."""
        shut = self._shut.get(stores)
        if shut is None:
            items = self._graph.items(stores, self._graph.prepared.guard)
            shut = self._shut[stores] = any(map(self._is_shut, items))
        return shut or any(map(self._is_shut, self._graph.tokens.things[token].results))

    def to(self, *last: State) -> list[State]:
        """Return the path to a state, or to the first of several that follow one another, and
        count it as judged."""
        path = [*last[::-1]]
        while (before := self.came_from[path[-1]]) is not None:
            path.append(before)
        path.reverse()
        self._passed.update(pairwise(path))
        return path

    def unjudged(self) -> Iterator[list[State]]:
        """Yield the paths that are still to be judged: long ones first, since they pass where
        others lead. Those who want the shortest first take `shortest_first`."""
        for step in reversed(self._unjudged):
            if step not in self._passed:
                yield self.to(*step)

    def shortest_first(self) -> Iterator[list[State]]:
        return (self.to(*step) for step in self._unjudged)

    def all_judged(self) -> None:
        self._unjudged.clear()
