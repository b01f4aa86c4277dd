"""A run as Mermaid text: JupyterLab, GitHub and many editors draw it.

It tells the same story as the picture. See Mermaid, "Sequence diagrams".
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sagakit.contract.deployment import Participant
from sagakit.contract.terminal import printable
from sagakit.contract.timing import roughly
from sagakit.draw.palette import domain_hues
from sagakit.draw.story import Sign, Step, Story, View, domain_of, tell
from sagakit.trace.trace import Trace

ARROWS: dict[Sign, str] = {
    "call": "->>", "async": "-)", "return": "-->>", "refused": "--x", "dead": "-x", "lost": "-x",
    "late": "--)", "doubled": "-)",
}  # fmt: skip
SAYS: dict[Sign, str] = {
    "refused": "refused: ", "dead": "dead: ", "lost": "lost: ", "late": "late: ",
    "doubled": "twice: ",
}  # fmt: skip
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


def mermaid(trace: Trace, view: View | None = None) -> Mermaid:
    """Write a trace, or what a view shows of it, as a Mermaid sequence diagram.

    Raises `ValueError` as `tell` does. An arrow from or to a participant that is not shown becomes
    a note.
    """
    story = tell(trace, view)
    names = _names(story.lanes)
    lines = ["sequenceDiagram", f"    title {_safe(story.title)}"]
    if not story.open_ends:  # else the numbers would not be those of the picture
        lines.append("    autonumber")
    lines += _lanes(story, names)
    lines += _steps(story, names)
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


def _lanes(story: Story, names: dict[str, str]) -> Iterator[str]:
    hues = domain_hues(story.everyone)
    for domain, members in groupby(story.lanes, key=domain_of):
        if domain:
            red, green, blue = bytes.fromhex(hues[domain].strong[1:])
            yield f"    box rgba({red}, {green}, {blue}, 0.1) {_safe(domain)}"
        for lane in members:
            what = "actor" if lane.kind == "actor" else "participant"
            yield f"    {what} {names[lane.name]} as {_safe(lane.name)}"
        if domain:
            yield "    end"


def _steps(story: Story, names: dict[str, str]) -> Iterator[str]:
    begins = {frame.first: frame for frame in story.frames}
    ends = {frame.last for frame in story.frames}
    splits = {index for frame in story.frames for index in frame.splits}
    jumps = story.jumps
    words = [*names.values()]
    everywhere = ",".join(dict.fromkeys((*words[:1], *words[-1:])))
    several = len(story.shown) > 1
    for index, step in enumerate(story.steps):
        if index in jumps:
            yield f"    Note over {everywhere}: {roughly(jumps[index])} later"
        if index in begins:
            yield f"    {begins[index].kind} {_safe(begins[index].title)}"
        elif index in splits:
            yield "    and"
        yield from _step(step, names, several)
        for activation in story.activations:
            if activation.first == index and activation.last > index:
                yield f"    activate {names[activation.lane]}"
        for activation in story.activations:
            if activation.last == index and activation.first < index:
                yield f"    deactivate {names[activation.lane]}"
        if index in ends:
            yield "    end"
    if story.rest:
        yield f"    Note over {everywhere}: {_safe(story.rest)}"


def _step(step: Step, names: dict[str, str], several: bool) -> Iterator[str]:
    source, target = step.arrow.source, step.arrow.target
    saga = f"{step.arrow.correlation_id}: " if several and step.arrow.correlation_id else ""
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
