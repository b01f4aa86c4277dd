"""The search: breadth first, those with fewer faults first, so what is found first is shortest.

One reduction, proved by what the sagas touch: a step that reads what no other saga writes, or
writes what no other saga touches, changes nothing for the others, and they nothing for it. If its
saga has nothing else under way, it can come first, and no other order need be tried (a persistent
set of one: Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996).
Which places sagas share is found on the way: the search begins again when one turns out to be.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sagakit.check.explore.space import Space
from sagakit.check.explore.tokens import CRASH, DROP, DUPLICATE, State


class Move(NamedTuple):
    """One way on from a state: whose token, what is spent on it, and what stands in its place."""

    token: int
    fault: int | None
    stores: int
    tokens: tuple[int, ...]


def moves(space: Space, state: State, *, reduced: bool = True) -> Iterator[Move]:
    """All that may come next."""
    stores, clock, tokens, budget = state
    is_running = space.is_running
    running = [number for number in tokens if is_running[number]]
    if reduced and len(running) > 1:
        running = _first_alone(space, running)
    before = -1
    for number in running:
        if number == before:
            continue  # two equal tokens: one is enough
        before = number
        for fault, after, following in space.outcomes(number, stores, clock):
            if fault is None or budget[fault]:
                yield Move(number, fault, after, following)
        if budget[CRASH] and space.crashable[number]:
            token = space.tokens.things[number]
            yield Move(number, CRASH, stores, (space.again(token, clock, "crash"),))
        if (budget[DUPLICATE] or budget[DROP]) and space.is_fresh[number]:
            if budget[DUPLICATE]:
                token = space.tokens.things[number]
                copy = space.arrive(token.service, token.message, 0, clock)
                yield Move(number, DUPLICATE, stores, (number, copy))
            if budget[DROP]:
                yield Move(number, DROP, stores, ())


def _first_alone(space: Space, running: list[int]) -> list[int]:
    """Only one token, if there is one whose moves change nothing for the others.

    That is a handler at its end, which only waits for its acknowledgement (if it crashes, its
    message comes when time moves, and so when nobody is running); or else one whose step is its
    saga's own business, if its saga has no other running.
    """
    ended, alone, saga_of = space.ended, space.alone, space.saga_of
    for number in running:
        if ended[number]:
            return [number]
    sagas = [saga_of[number] for number in running]
    for number, saga in zip(running, sagas, strict=True):
        if alone[number] and sagas.count(saga) == 1:
            return [number]
    return running


def following(
    space: Space, state: State, *, reduced: bool = True
) -> Iterator[tuple[Move | None, State]]:
    """All states that may come next, and how; None if time moves, since nobody has a step to make.
    At rest there is none."""
    anyone = False
    for move in moves(space, state, reduced=reduced):
        anyone = True
        yield move, after(space, state, move)
    if not anyone:
        later = space.due(state)
        if later is not None:
            yield None, later


def after(space: Space, state: State, move: Move) -> State:
    """The state that a move leads to."""
    _, clock, tokens, budget = state
    place = tokens.index(move.token)
    others, new = tokens[:place] + tokens[place + 1 :], move.tokens
    if move.fault is not None:
        left = list(budget)
        left[move.fault] -= 1
        budget = tuple(left)
        if not budget[CRASH]:
            others = _left(space, others)
    if not budget[CRASH]:
        new = _left(space, new)
    return move.stores, clock, tuple(sorted(others + new)), budget


def _left(space: Space, tokens: tuple[int, ...]) -> tuple[int, ...]:
    """What is left when no crash can come any more: an acknowledgement is then no choice, and is
    made at once."""
    acknowledges = space.acknowledges
    return tuple([number for number in tokens if not acknowledges[number]])
