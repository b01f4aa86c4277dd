"""A sequence diagram in words: its title, what it leaves out, and its text alternative."""

from sagakit.draw.clock import moment
from sagakit.draw.folding import Sign, Step
from sagakit.draw.story import Story

SAYS: dict[Sign, str] = {
    "call": "calls",
    "async": "sends to",
    "return": "answers",
    "refused": "refuses",
    "dead": "gives up into",
    "lost": "does not reach",
    "late": "is late for",
    "doubled": "sends twice to",
}
LONG = 30  # arrows: beyond that each is told in few words
FEW_WORDS = 60  # letters


def heading(story: Story) -> str:
    """A title made from the story: which sagas, and when."""
    if not story.steps:
        return "Sequence diagram: nothing happened"
    sagas = len(story.shown)
    of = f" of saga {story.shown[0]}" if sagas == 1 else f" of {sagas} sagas" if sagas else ""
    last = max(step.until for step in story.steps)
    return f"Sequence diagram{of}, {moment(story.steps[0].record.t)} to {moment(last)}"


def what_is_left(story: Story) -> str:
    """What a limit left out and how to choose; nothing if the story is whole."""
    if not story.left_out:
        return ""
    return (
        f"{story.left_out} more arrows are not shown: choose with saga=, participants=, "
        f"start= and end= (ms), or raise limit={story.arrows}"
    )


def alternative(story: Story, title: str) -> str:
    """The text alternative: title, participants, and each step in words."""
    lanes = ", ".join(lane.name for lane in story.lanes)
    several = len(story.shown) > 1
    short = story.arrows > LONG
    lines = [f"{title}.", f"Participants: {lanes}." if lanes else ""]
    frames = {frame.first: frame for frame in story.frames}
    for place, step in enumerate(story.steps):
        if place in frames:
            lines.append(f"{frames[place].kind} [{frames[place].title}]:")
        lines.append(_sentence(step, several, short))
    rest = what_is_left(story)
    return "\n".join(filter(None, [*lines, f"{rest}." if rest else ""]))


def _sentence(step: Step, several: bool, short: bool) -> str:
    record, text = step.record, step.text
    if short and len(text) > FEW_WORDS:
        text = text[:FEW_WORDS].rstrip() + "…"
    saga = f" ({record.correlation_id})" if several and record.correlation_id else ""
    if not step.number:
        what = "Failure" if step.sign == "alarm" else "Note"
        return f"{what} at {record.source}, {moment(record.t)}{saga}: {text}"
    return (
        f"{step.number}. {moment(record.t)}{saga}: {record.source} {SAYS[step.sign]} "
        f"{record.target}: {text}"
    )
