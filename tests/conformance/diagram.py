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
from sagakit.trace.arrows import Arrow

FOLDER = Path(__file__).parents[1] / "diagrams"
SHOWN = 3  # how many arrows of the trace a mismatch shows


class Step(NamedTuple):
    """One arrow of a diagram."""

    source: str
    target: str
    kind: str
    event: str | None = None
    says: str | None = None
    parallel: str | None = None
    transaction: str | None = None
    phase: str | None = None

    def is_like(self, arrow: Arrow) -> bool:
        """Whether the arrow of a trace is this one."""
        return (
            (self.source, self.target, self.kind) == (arrow.source, arrow.target, arrow.kind)
            and self.event in (None, arrow.event)
            and (self.says is None or self.says in arrow.text)
        )

    def __str__(self) -> str:
        return _line(self.source, self.target, self.kind, self.event, self.says or "")


class Diagram(NamedTuple):
    name: str
    participants: tuple[Participant, ...]
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, data: Mapping[str, object]) -> Self:
        """Read a diagram; the steps with `via` become two arrows."""
        participants = [
            Participant(each["name"], each["kind"], each["domain"]) for each in data["participants"]
        ]
        steps = [step for told in data["steps"] for step in _steps(told)]
        return cls(data["diagram"], tuple(participants), tuple(steps))

    @classmethod
    def named(cls, name: str) -> Self:
        return cls.of(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))

    def phase(self, name: str) -> Self:
        """The part of the diagram with that name."""
        return self._replace(steps=tuple(step for step in self.steps if step.phase == name))


class Mismatch(AssertionError):
    """The trace is not as the diagram has it: the first arrow missing, and what came instead."""


def hold(arrows: Iterable[Arrow], diagram: Diagram, sagas: Mapping[str, str] | None = None) -> None:
    """Raise `Mismatch` unless the arrows of a trace conform to the diagram.

    `sagas` says which saga (correlation id) each of the diagram's transactions is.
    """
    arrows = [arrow for arrow in arrows if arrow.source != arrow.target]
    for transaction in dict.fromkeys(step.transaction for step in diagram.steps):
        steps = [step for step in diagram.steps if step.transaction == transaction]
        saga = None if transaction is None else (sagas or {})[transaction]
        among = [arrow for arrow in arrows if saga in (None, arrow.correlation_id)]
        _follow(among, steps, diagram.name + (f", transaction {transaction}" if saga else ""))


def _follow(arrows: list[Arrow], steps: Iterable[Step], title: str) -> None:
    """Find each step at its first place after those before it: if that fails, all else does."""
    begin = number = 0
    for together in _blocks(steps):
        taken: list[int] = []
        for step in together:
            number += 1
            free = (index for index in range(begin, len(arrows)) if index not in taken)
            found = next((index for index in free if step.is_like(arrows[index])), None)
            if found is None:
                reached = max(taken, default=begin - 1) + 1
                said = f"{title}: arrow {number} of the diagram is not in the trace\n    {step}"
                early = [arrow for arrow in arrows[:begin] if step.is_like(arrow)]
                raise Mismatch(said + _instead(early, arrows[:reached], arrows[reached:]))
            taken.append(found)
        begin = max(taken) + 1


def _blocks(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The steps of one parallel group together, each other step alone."""
    for _, block in groupby(enumerate(steps), key=lambda pair: pair[1].parallel or pair[0]):
        yield [step for _, step in block]


def _steps(told: Mapping[str, str]) -> Iterator[Step]:
    stops = [told["from"], *filter(None, [told.get("via")]), told["to"]]
    for source, target in pairwise(stops):
        yield Step(
            source,
            target,
            told["kind"],
            told.get("event"),
            told.get("says"),
            told.get("parallel"),
            told.get("transaction"),
            told.get("phase"),
        )


def _instead(early: list[Arrow], before: list[Arrow], rest: list[Arrow]) -> str:
    lines = []
    if early:
        lines.append(f"not any more, that is: it came too early, at {early[-1].t} ms")
    lines += ["after", *(map(_shown, before[-1:]) if before else ["    the start"])]
    lines += ["came instead", *(map(_shown, rest[:SHOWN]) if rest else ["    nothing"])]
    return "\n".join(["", *lines])


def _shown(arrow: Arrow) -> str:
    line = _line(arrow.source, arrow.target, arrow.kind, arrow.event, arrow.text)
    return f"    {arrow.t} ms: {line}"


def _line(source: str, target: str, kind: str, event: str | None, text: str) -> str:
    return f"{source} -> {target}, {kind}" + f", {event}" * bool(event) + f', "{text}"' * bool(text)
