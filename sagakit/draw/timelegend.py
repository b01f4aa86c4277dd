"""The signs of a timeline, and the legend that says what they mean."""

from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sagakit.draw.figure import GREY, INK, RED
from sagakit.draw.scene import Scene

SHAPES = ("o", "s", "D", "^", "v", "P", "h", "*", "p", "<", ">", "d")  # of events
COFFIN = [(-2, -1), (2, -1), (2, 1), (-2, 1)]
FEW_SAGAS = 7  # up to here each has a colour of its own, named below


def legend(
    scene: Scene, colours: Mapping[str, str], shapes: Mapping[str, str], roomy: bool, cut: bool
) -> Iterator[Any]:
    """What is in the scene. `shapes` are those of the events, which are named here unless there is
    room (`roomy`) to name each; `cut` if time was left out."""
    events = [one for one in scene.emissions if one.how != "renamed"]
    if 1 < len(scene.sagas) <= FEW_SAGAS:
        for saga in scene.sagas:
            colour = colours.get(saga, GREY)
            yield Patch(fc=tint(colour, 0.65), ec=colour, label=f"saga {saga}")
    if not roomy:
        for name in dict.fromkeys(event.event for event in events):
            yield Line2D([], [], ls="", marker=shapes[name], color=GREY, label=name)
    yield Patch(fc=tint(GREY, 0.65), ec=GREY, label="a service works")
    if any(call.answered for call in scene.calls):
        yield Patch(fc="white", ec=GREY, label="call, answered")
    if any(not call.answered for call in scene.calls):
        yield Patch(fc="white", ec=GREY, hatch="//////", label="call, no answer")
    if scene.waits:
        yield Line2D([], [], ls=":", lw=1.6, color=GREY, label="message waits")
    if any(event.how in ("again", "enqueued") for event in events):
        yield Line2D([], [], ls="", marker="o", mfc="white", mec=GREY,
                     label="queued by the service itself")  # fmt: skip
    kinds = {mark.kind for mark in scene.marks}
    if kinds - {"note", "dead letter"}:
        yield Line2D([], [], ls="", marker="X", mfc=RED, mec="white", ms=8,
                     label="conflict or failure")  # fmt: skip
    if "dead letter" in kinds:
        yield Line2D([], [], ls="", marker=COFFIN, mfc=RED, mec="white", ms=11,
                     label="dead letter")  # fmt: skip
    if "note" in kinds:
        yield Line2D([], [], ls="", marker="|", color=INK, ms=9, mew=1.4, label="note")
    if cut:
        yield Line2D([], [], ls=(0, (1, 2)), color=GREY, label="time cut out")


def tint(colour: str, white: float) -> str:
    """The colour with so much white in it."""
    red, green, blue = (part + (1 - part) * white for part in to_rgb(colour))
    return to_hex((red, green, blue))
