"""Holds a trace against a sequence diagram: each arrow of the diagram is there, in its order.

A diagram is data, `tests/diagrams/*.json`. A step of it names an arrow by source, target and kind,
by its event if the step has one, and by a part of its text if the step `says` one. The trace may
have more arrows in between, as a run tells more than a picture: reads of the inbox, answers of
stores. What a step may be besides:

    via          two arrows: from -> via, via -> to
    parallel     of one group, in any order among themselves
    loop         one or more times
    transaction  of one saga; the order then holds in that saga, not across sagas
    phase        a name for some steps that follow each other
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple, Self

from sagakit.contract.deployment import Participant
from sagakit.trace.trace import Record

FOLDER = Path(__file__).parents[1] / "diagrams"
SHOWN = 3  # how many arrows of the trace a mismatch shows


class Arrow(NamedTuple):
    """One arrow of a diagram."""

    source: str
    target: str
    kind: str
    event: str | None = None
    says: str | None = None
    parallel: str | None = None
    transaction: str | None = None
    phase: str | None = None

    def is_like(self, record: Record) -> bool:
        """Whether the record is this arrow."""
        return (
            (self.source, self.target, self.kind) == (record.source, record.target, record.kind)
            and self.event in (None, record.event)
            and (self.says is None or self.says in record.text)
        )

    def __str__(self) -> str:
        return _line(self.source, self.target, self.kind, self.event, self.says or "")


class Diagram(NamedTuple):
    name: str
    participants: tuple[Participant, ...]
    arrows: tuple[Arrow, ...]

    @classmethod
    def of(cls, data: Mapping[str, object]) -> Self:
        """Read a diagram; the steps with `via` become two arrows."""
        participants = [
            Participant(one["name"], one["kind"], one["domain"]) for one in data["participants"]
        ]
        arrows = [arrow for step in data["steps"] for arrow in _arrows(step)]
        return cls(data["diagram"], tuple(participants), tuple(arrows))

    @classmethod
    def named(cls, name: str) -> Self:
        return cls.of(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))

    def phase(self, name: str) -> Self:
        """The part of the diagram with that name."""
        return self._replace(arrows=tuple(each for each in self.arrows if each.phase == name))


class Mismatch(AssertionError):
    """The trace is not as the diagram has it: the first arrow missing, and what came instead."""


def hold(
    records: Iterable[Record], diagram: Diagram, sagas: Mapping[str, str] | None = None
) -> None:
    """Raise `Mismatch` unless the records conform to the diagram.

    `sagas` says which saga (correlation id) each of the diagram's transactions is.
    """
    records = [record for record in records if record.source != record.target]
    for transaction in dict.fromkeys(arrow.transaction for arrow in diagram.arrows):
        arrows = [arrow for arrow in diagram.arrows if arrow.transaction == transaction]
        saga = None if transaction is None else (sagas or {})[transaction]
        among = [record for record in records if saga in (None, record.correlation_id)]
        _follow(among, arrows, diagram.name + (f", transaction {transaction}" if saga else ""))


def _follow(records: list[Record], arrows: Iterable[Arrow], title: str) -> None:
    """Find each arrow at its first place after those before it: if that fails, all else does."""
    place = number = 0
    for together in _blocks(arrows):
        taken: list[int] = []
        for arrow in together:
            number += 1
            free = (at for at in range(place, len(records)) if at not in taken)
            found = next((at for at in free if arrow.is_like(records[at])), None)
            if found is None:
                reached = max(taken, default=place - 1) + 1
                said = f"{title}: arrow {number} of the diagram is not in the trace\n    {arrow}"
                early = [record for record in records[:place] if arrow.is_like(record)]
                raise Mismatch(said + _instead(early, records[:reached], records[reached:]))
            taken.append(found)
        place = max(taken) + 1


def _blocks(arrows: Iterable[Arrow]) -> Iterator[list[Arrow]]:
    """The arrows of one parallel group together, each other arrow alone."""
    numbered = enumerate(arrows)
    for _, block in groupby(numbered, key=lambda one: one[1].parallel or one[0]):
        yield [arrow for _, arrow in block]


def _arrows(step: Mapping[str, str]) -> Iterator[Arrow]:
    stops = [step["from"], *filter(None, [step.get("via")]), step["to"]]
    for source, target in pairwise(stops):
        yield Arrow(
            source,
            target,
            step["kind"],
            step.get("event"),
            step.get("says"),
            step.get("parallel"),
            step.get("transaction"),
            step.get("phase"),
        )


def _instead(early: list[Record], before: list[Record], rest: list[Record]) -> str:
    lines = []
    if early:
        lines.append(f"not any more, that is: it came too early, at {early[-1].t} ms")
    lines += ["after", *(map(_shown, before[-1:]) if before else ["    the start"])]
    lines += ["came instead", *(map(_shown, rest[:SHOWN]) if rest else ["    nothing"])]
    return "\n".join(["", *lines])


def _shown(record: Record) -> str:
    line = _line(record.source, record.target, record.kind, record.event, record.text)
    return f"    {record.t} ms: {line}"


def _line(source: str, target: str, kind: str, event: str | None, text: str) -> str:
    return f"{source} -> {target}, {kind}" + f", {event}" * bool(event) + f', "{text}"' * bool(text)
