"""The search: breadth first, those with fewer faults first, so what is found first is shortest.

One reduction, proved by what the sagas touch: a step that reads what no other saga writes, or
writes what no other saga touches, changes nothing for the others, and they nothing for it. If its
saga has nothing else under way, it can come first, and no other order need be tried (a persistent
set of one: Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996).
Which places sagas share is found on the way: the search begins again when one turns out to be.
"""

from sagakit.explore.space import Space
from sagakit.explore.tokens import CRASH, Move, State


def moves(space: Space, state: State, *, reduced: bool = True) -> list[Move]:
    """All that may come next."""
    stores, clock, tokens, budget = state
    is_running = space.is_running
    running = [number for number in tokens if is_running[number]]
    if not space.reorder:
        running = running[:1]
    elif reduced and len(running) > 1:
        running = _first_alone(space, running)
    found: list[Move] = []
    before = -1
    for number in running:
        if number == before:
            continue  # two equal tokens: one is enough
        before = number
        found += [
            move
            for move in space.moves(number, stores, clock)
            if move.fault is None or budget[move.fault]
        ]
    return found


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
) -> list[tuple[Move | None, State]]:
    """All states that may come next, and how; None if time moves, since nobody has a step to make.
    At rest there is none."""
    found = moves(space, state, reduced=reduced)
    if found:
        return [(move, after(space, state, move)) for move in found]
    later = space.due(state)
    return [(None, later)] if later is not None else []


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
            others = space.without_acknowledgements(others)
    if not budget[CRASH]:
        new = move.if_nobody_crashes
    return move.stores, clock, space.in_order(others + new), budget
