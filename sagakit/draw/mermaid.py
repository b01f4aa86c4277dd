"""A run as Mermaid text: JupyterLab, GitHub and many editors draw it.

It tells the same story as the picture. See Mermaid, "Sequence diagrams".
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sagakit.contract.deployment import Participant
from sagakit.contract.terminal import printable
from sagakit.draw.clock import roughly
from sagakit.draw.folding import Sign, Step
from sagakit.draw.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, YELLOW
from sagakit.draw.story import Names, Story, tell
from sagakit.draw.words import heading, what_is_left
from sagakit.trace.trace import Trace

ARROWS: dict[Sign, str] = {
    "call": "->>", "async": "-)", "return": "-->>", "refused": "--x", "dead": "-x", "lost": "-x",
    "late": "--)", "doubled": "-)",
}  # fmt: skip
SAYS: dict[Sign, str] = {
    "refused": "refused: ", "dead": "dead: ", "lost": "lost: ", "late": "late: ",
    "doubled": "twice: ",
}  # fmt: skip
BOXES = (BLUE, ORANGE, GREEN, PURPLE, GREY, YELLOW)
RESERVED = {
    "activate", "actor", "alt", "and", "as", "autonumber", "box", "break", "create", "critical",
    "deactivate", "destroy", "else", "end", "link", "links", "loop", "note", "off", "opt", "option",
    "over", "par", "participant", "rect", "sequencediagram", "title",
}  # fmt: skip
# What Mermaid would read as an entity, the end of a statement, markup, a comment or a directive.
UNSAFE = {"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "%%": "#37;#37;"}
SPECIAL = re.compile(r"[#;<>]|%%|(?<=^wrap):|(?<=^nowrap):")


class Mermaid(str):
    """Mermaid text, which JupyterLab draws when it stands at the end of a cell."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/vnd.mermaid": str(self), "text/plain": str(self)}


def mermaid(
    trace: Trace,
    *,
    saga: Names = None,
    participants: Names = None,
    outside: bool = True,
    start: int | None = None,
    end: int | None = None,
    notes: bool = True,
    acknowledgements: bool = False,
    limit: int = 80,
    gap: int = 1_000,
    title: str | None = None,
) -> Mermaid:
    """Write a trace, or what is chosen of it, as a Mermaid sequence diagram.

    The choices are those of `sagakit.draw.sequence.sequence`, with the same errors. An arrow from
    or to a participant that is not shown becomes a note.
    """
    story = tell(
        trace, saga=saga, participants=participants, outside=outside, start=start, end=end,
        notes=notes, acknowledgements=acknowledgements, limit=limit,
    )  # fmt: skip
    names = _names(story.lanes)
    lines = ["sequenceDiagram", f"    title {_safe(title or heading(story))}"]
    if not story.open_ends:  # else the numbers would not be those of the picture
        lines.append("    autonumber")
    lines += _lanes(story.lanes, names)
    lines += _steps(story, names, gap)
    return Mermaid("\n".join(lines) + "\n")


def _names(lanes: Iterable[Participant]) -> dict[str, str]:
    """A word for each lane by which the arrows name it."""
    names: dict[str, str] = {}
    for lane in lanes:
        word = re.sub(r"[^A-Za-z0-9]", "", lane.name) or "lane"
        while word.lower() in RESERVED or word in names.values():
            word += "X"
        names[lane.name] = word
    return names


def _lanes(lanes: Iterable[Participant], names: dict[str, str]) -> Iterator[str]:
    boxes = 0
    for domain, members in groupby(lanes, key=lambda one: one.domain):
        if domain:
            red, green, blue = bytes.fromhex(BOXES[boxes % len(BOXES)][1:])
            yield f"    box rgba({red}, {green}, {blue}, 0.1) {_safe(domain)}"
            boxes += 1
        for one in members:
            what = "actor" if one.kind == "actor" else "participant"
            yield f"    {what} {names[one.name]} as {_safe(one.name)}"
        if domain:
            yield "    end"


def _steps(story: Story, names: dict[str, str], gap: int) -> Iterator[str]:
    begins = {frame.first: frame for frame in story.frames}
    ends = {frame.last for frame in story.frames}
    splits = {place for frame in story.frames for place in frame.splits}
    jumps = story.jumps(gap)
    words = [*names.values()]
    everywhere = ",".join(dict.fromkeys((*words[:1], *words[-1:])))
    several = len(story.shown) > 1
    for place, step in enumerate(story.steps):
        if place in jumps:
            yield f"    Note over {everywhere}: {roughly(jumps[place])} later"
        if place in begins:
            yield f"    {begins[place].kind} {_safe(begins[place].title)}"
        elif place in splits:
            yield "    and"
        yield from _step(step, names, several)
        for one in story.activations:
            if one.first == place and one.last > place:
                yield f"    activate {names[one.lane]}"
        for one in story.activations:
            if one.last == place and one.first < place:
                yield f"    deactivate {names[one.lane]}"
        if place in ends:
            yield "    end"
    rest = what_is_left(story)
    if rest:
        yield f"    Note over {everywhere}: {_safe(rest)}"


def _step(step: Step, names: dict[str, str], several: bool) -> Iterator[str]:
    source, target = step.record.source, step.record.target
    saga = f"{step.record.correlation_id}: " if several and step.record.correlation_id else ""
    text = _safe(f"{saga}{SAYS.get(step.sign, '')}{step.text}")
    if source in names and target in names and step.number:
        yield f"    {names[source]}{ARROWS[step.sign]}{names[target]}: {text}"
    elif not step.number:
        yield f"    Note over {names[source]}: {'⚡ ' * (step.sign == 'alarm')}{text}"
    elif source in names:
        yield f"    Note over {names[source]}: {text} (to {_safe(target)})"
    else:
        yield f"    Note over {names[target]}: {text} (from {_safe(source)})"


def _safe(text: str) -> str:
    """Text that Mermaid shows as it is. A colon needs no care after the first one of a line."""
    text = printable(" ".join(text.split()))
    return SPECIAL.sub(lambda found: UNSAFE.get(found[0], "#58;"), text)
