"""The lanes of a sequence diagram: where they stand, with a head each, and a box for each domain.

All lengths are in points, from the left and from the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from sagakit.contract.deployment import Participant
from sagakit.draw.text_metrics import humps, width, wrapped

HEAD_SIZE = 8.0
LINE = 9.5  # from one line of a head to the next
SIGN = 16.0  # height of the sign in a head
NARROWEST = 39.0  # lane
GAP = 5.0  # between two boxes
PAD = 8.0  # beside the words of a head
MOST_LINES = 3
TINTS = ("#EDF4FA", "#FCF3E2", "#E8F5F0", "#F8EDF3", "#EEF1F3", "#F6F5DF")


class Lane(NamedTuple):
    """One participant's lane: its middle, its width, its name in lines, its background."""

    participant: Participant
    x: float
    width: float
    lines: tuple[str, ...]
    tint: str


class Domain(NamedTuple):
    """A box around the lanes of one domain."""

    name: str
    left: float
    right: float
    tint: str


@dataclass(frozen=True)
class Lanes:
    left: float
    right: float
    all: tuple[Lane, ...]
    domains: tuple[Domain, ...]

    @property
    def head_height(self) -> float:
        """All heads are as tall as the one with the most lines."""
        return SIGN + self.names_height

    @property
    def names_height(self) -> float:
        """The same without the signs."""
        return 7 + LINE * max((len(lane.lines) for lane in self.all), default=1)


def lay_lanes(
    participants: Sequence[Participant], left: float, right: float, margin: float
) -> Lanes:
    """Put the lanes between `left` and `right`, and go further right if they need more room.

    `margin` is kept free on both sides of all lanes.
    """
    groups = [
        (domain, list(members))
        for domain, members in groupby(participants, key=lambda one: one.domain)
    ]
    needs = [_needed(domain, members) for domain, members in groups]
    lanes_in_all = sum(map(len, needs))
    taken = sum(map(sum, needs)) + GAP * (len(groups) - 1) + 2 * margin
    spare = max(0.0, right - left - taken) / max(1, lanes_in_all)

    x = left + margin
    lanes: list[Lane] = []
    domains: list[Domain] = []
    for (domain, members), need in zip(groups, needs, strict=True):
        start, tint = x, TINTS[len(domains) % len(TINTS)] if domain else "white"
        for one, narrowest in zip(members, need, strict=True):
            slot = narrowest + spare
            lines = wrapped(one.name, HEAD_SIZE, slot - PAD, MOST_LINES)
            lanes.append(Lane(one, x + slot / 2, slot, lines, tint))
            x += slot
        if domain:
            domains.append(Domain(domain, start, x, tint))
        x += GAP
    return Lanes(left, max(right, x - GAP + margin), tuple(lanes), tuple(domains))


def _needed(domain: str | None, members: Sequence[Participant]) -> list[float]:
    """The least width of each lane: its name must fit, and together the domain's name."""
    need = [_narrowest(one.name) for one in members]
    title = width(domain, HEAD_SIZE, bold=True) + 6 if domain else 0.0
    short = max(0.0, title - sum(need)) / len(need)
    return [each + short for each in need]


def _narrowest(name: str) -> float:
    """The least width in which a name has few lines and no word is divided but at its humps."""
    parts = [part for word in name.split() for part in humps(word)]
    slot = max(NARROWEST, *(width(part, HEAD_SIZE) + PAD for part in parts))
    while "…" in "".join(wrapped(name, HEAD_SIZE, slot - PAD, MOST_LINES)) and slot < 120:
        slot += 6
    return slot
