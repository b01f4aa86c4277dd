"""The colours of all pictures: domains have theirs, sagas have others, red is what went wrong."""

from collections.abc import Iterable
from itertools import cycle
from typing import NamedTuple

from sagakit.contract.deployment import Participant

# Okabe and Ito, "Color Universal Design" (2008): told apart with every common colour blindness.
BLUE, RED, YELLOW = "#0072B2", "#D55E00", "#F0E442"
INK, GREY, PALE, WHITE = "#222222", "#6B6B6B", "#D9D9D9", "#FFFFFF"
ALARM = "#A33C00"  # RED, dark enough for letters
NOTE = "#FFFDF0"
LOST = "#F3E0D3"  # behind a time in which a store is lost

# Paul Tol, "Colour Schemes" (2021), "muted": none of it is a domain's colour.
SAGAS = ("#332288", "#AA4499", "#117733", "#CC6677", "#44AA99", "#882255", "#999933")


class Hue(NamedTuple):
    """A domain's colours: behind its lanes, and for its lines and letters."""

    tint: str
    strong: str


DOMAINS = (
    Hue("#EDF4FA", BLUE), Hue("#FCF3E2", "#9A6A00"), Hue("#E8F5F0", "#00795A"),
    Hue("#F8EDF3", "#A4467A"), Hue("#EEF1F3", "#52616B"), Hue("#F6F5DF", "#77700A"),
)  # fmt: skip
OUTSIDE = Hue(WHITE, INK)  # who belongs to no domain


def domain_hues(participants: Iterable[Participant]) -> dict[str | None, Hue]:
    """Return the colours of each domain: the same in all pictures if all participants are given."""
    domains = dict.fromkeys(each.domain for each in participants if each.domain)
    return {None: OUTSIDE, **dict(zip(domains, cycle(DOMAINS), strict=False))}


def saga_colours(sagas: Iterable[str]) -> dict[str, str]:
    """Return a colour for each saga: the same in all pictures of a run if all sagas are given."""
    return dict(zip(sagas, cycle(SAGAS), strict=False))


def paled(colour: str) -> str:
    """Return a colour that is two thirds white."""
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (255 - part) * 0.65):02X}" for part in parts)
