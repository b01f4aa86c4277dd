"""The schedule of a way through the space: who made each step, by arrival."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from sagakit.contract.events import Event
from sagakit.explore.search import after, moves
from sagakit.explore.space import Space
from sagakit.explore.tokens import CRASH, FAULTS, Move, State, Waiting
from sagakit.sim.schedule import THEN_CRASH, Choice


class _Present(NamedTuple):
    """A token with the name of who it is: the place of its last choice is kept to amend it."""

    token: int
    service: str
    subject: str
    arrival: int
    last: int  # the place of its last choice in the schedule, -1 for none


def schedule_to(space: Space, way: Sequence[State], reduced: bool) -> list[Choice]:
    """The choices that lead along these states, from the start."""
    return _Walk(space, reduced).along(way)


class _Walk:
    def __init__(self, space: Space, reduced: bool) -> None:
        self.space = space
        self.reduced = reduced
        self.schedule: list[Choice] = []
        self.present: list[_Present] = []
        self.arrivals: dict[tuple[str, str], int] = {}

    def along(self, way: Sequence[State]) -> list[Choice]:
        for token in way[0][2]:
            self._arrives(token)
        for before, following in pairwise(way):
            for move in moves(self.space, before, reduced=self.reduced):
                if after(self.space, before, move) == following:
                    self._make(move)
                    break
            else:
                self._time_moves(before, following)
        return self.schedule

    def _arrives(self, token: int) -> None:
        thing = self.space.tokens.things[token]
        content = self.space.contents[thing.message]
        if isinstance(content, Event):
            subject = content.header.event_id
        else:
            subject = self.space.sagas[thing.message]
        arrival = 0
        if self.space.is_running[token]:
            arrival = self.arrivals[thing.service, subject] = (
                self.arrivals.get((thing.service, subject), 0) + 1
            )
        self.present.append(_Present(token, thing.service, subject, arrival, -1))

    def _make(self, move: Move) -> None:
        who = next(one for one in self.present if one.token == move.token)
        self.present.remove(who)
        ended = self.space.ended[who.token]
        act = FAULTS[move.fault] if move.fault is not None else "step"
        last = who.last
        if ended and move.fault == CRASH and who.last >= 0:  # after its last step
            done = self.schedule[who.last]
            self.schedule[who.last] = done._replace(act=f"{done.act}{THEN_CRASH}")  # type: ignore[arg-type]
        elif not ended:
            last = len(self.schedule)
            self.schedule.append(Choice(who.service, who.subject, who.arrival, act))  # type: ignore[arg-type]
        for place, token in enumerate(move.tokens):
            goes_on = place == 0 and self.space.is_running[token] and not ended
            if goes_on:
                self.present.append(who._replace(token=token, last=last))
            else:
                self._arrives(token)

    def _time_moves(self, before: State, following: State) -> None:
        things = self.space.tokens.things
        waiting = [one for one in self.present if isinstance(things[one.token], Waiting)]
        moment = min(things[one.token].due for one in waiting)
        arriving = [one for one in waiting if things[one.token].due == moment]
        self.present = [one for one in self.present if one not in arriving]
        for token in _added(before[2], following[2]):
            self._arrives(token)


def _added(before: Sequence[int], following: Sequence[int]) -> list[int]:
    left = list(before)
    added = []
    for token in following:
        if token in left:
            left.remove(token)
        else:
            added.append(token)
    return added
