"""Traces made of given arrows, for tests of what is drawn and not of what happens."""

from collections.abc import Iterable, Iterator
from typing import Any

from sagakit.contract.deployment import Participant
from sagakit.trace.arrows import Arrow, Kind
from sagakit.trace.trace import Trace


class Given(Trace):
    """A trace of these arrows."""

    def __init__(self, participants: Iterable[Participant], arrows: Iterable[Arrow]) -> None:
        super().__init__(participants)
        self.given = tuple(arrows)

    def arrows(self) -> Iterator[Arrow]:
        return iter(self.given)


def arrow(
    t: int,
    kind: Kind,
    source: str,
    target: str,
    label: str,
    invocation: int = 0,
    *,
    event: str | None = None,
    saga: str | None = None,
    event_id: str | None = None,
    fact: Any = None,
) -> Arrow:
    return Arrow(t, kind, source, target, label, "", event, saga, event_id, invocation, fact)
