"""The Mermaid text: it tells the same story as the picture, in words that Mermaid can read."""

import re

import pytest

from sagakit import Run, run, scenarios
from sagakit.contract.deployment import Participant
from sagakit.draw.mermaid import mermaid
from sagakit.draw.story import View, tell
from sagakit.trace import facts
from sagakit.trace.arrows import Arrow
from tests.draw.given import Given, arrow

ARROW = re.compile(r"    \w+(->>|-->>|-\)|--\)|-x|--x)\w+: ")


@pytest.fixture(scope="module", params=scenarios.NAMES)
def run_of(request: pytest.FixtureRequest) -> Run:
    return run(request.param)


class TestEveryScenario:
    def test_it_is_a_sequence_diagram(self, run_of: Run) -> None:
        assert run_of.mermaid().startswith("sequenceDiagram\n")

    def test_each_arrow_that_is_shown_is_there_in_order(self, run_of: Run) -> None:
        steps = [step for step in tell(run_of.records).steps if step.number]
        lines = [line for line in run_of.mermaid().splitlines() if ARROW.match(line)]
        assert len(lines) == len(steps)
        for step, line in zip(steps, lines, strict=True):
            assert line.endswith(step.text.replace(";", "#59;"))

    def test_every_lane_is_declared_once(self, run_of: Run) -> None:
        declared = re.findall(r"    (?:actor|participant) \w+ as (.+)", run_of.mermaid())
        assert declared == [lane.name for lane in tell(run_of.records).lanes]

    def test_what_begins_ends(self, run_of: Run) -> None:
        text = run_of.mermaid(acknowledgements=True)
        assert len(re.findall(r"^    (box|loop|par) ", text, re.MULTILINE)) == len(
            re.findall(r"^    end$", text, re.MULTILINE)
        )
        running: dict[str, int] = {}
        for change, lane in re.findall(r"^    (activate|deactivate) (\w+)$", text, re.MULTILINE):
            running[lane] = running.get(lane, 0) + (1 if change == "activate" else -1)
            assert running[lane] >= 0, f"{lane} is deactivated before it is activated"
        assert not any(running.values())


def drawn(*arrows: Arrow, participants: tuple[Participant, ...] = ()) -> list[str]:
    """The lines after the title, without indent."""
    return [line.strip() for line in mermaid(Given(participants, arrows)).splitlines()[2:]]


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (arrow(0, "call", "A", "B", "go"), "A->>B: go"),
        (arrow(0, "async", "A", "B", "go"), "A-)B: go"),
        (arrow(0, "return", "A", "B", "200"), "A-->>B: 200"),
        (
            arrow(0, "return", "A", "B", "no:", fact=facts.StoreRefused("B", "A", "", "")),
            "A--xB: refused: no:",
        ),
        (
            arrow(0, "async", "A", "B", "gone", fact=facts.DeadLettered("A", "B", None, 1, "")),
            "A-xB: dead: gone",
        ),
        (arrow(0, "fault", "A", "B", "message lost"), "A-xB: lost: message lost"),
        (
            arrow(
                0,
                "fault",
                "A",
                "B",
                "message delayed by 5 ms",
                fact=facts.EventDelayed("A", "B", "", 5),
            ),
            "A--)B: late: message delayed by 5 ms",
        ),
        (
            arrow(0, "fault", "A", "B", "message doubled", fact=facts.EventDoubled("A", "B", "")),
            "A-)B: twice: message doubled",
        ),
        (arrow(0, "note", "A", "A", "opens"), "Note over A: opens"),
        (arrow(0, "fault", "A", "A", "crash"), "Note over A: ⚡ crash"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_sign_has_an_arrow(record: Arrow, line: str) -> None:
    assert line in drawn(record)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a; b", "a#59; b"),
        ("#1", "#35;1"),
        ("<b>", "#lt;b#gt;"),
        ("100 %% done", "100 #37;#37; done"),
        ("wrap: me", "wrap#58; me"),
        ("two\nlines", "two lines"),
        ("key: value", "key: value"),
    ],
)
def test_text_cannot_be_taken_for_syntax(text: str, safe: str) -> None:
    assert f"A->>B: {safe}" in drawn(arrow(0, "call", "A", "B", text))


def test_names_are_words_that_are_not_taken() -> None:
    names = ("End", "Pay-Out", "PayOut", "!")
    participants = tuple(Participant(name, "service") for name in names)
    records = [arrow(0, "call", name, "PayOut", "go") for name in names]
    lines = drawn(*records, participants=participants)
    declared = [line.split()[1] for line in lines if line.startswith("participant")]
    assert declared == ["EndX", "PayOut", "PayOutX", "lane"]


def test_lanes_of_a_domain_are_boxed() -> None:
    participants = (Participant("A", "actor"), Participant("B", "service", "Red"))
    lines = drawn(arrow(0, "call", "A", "B", "go"), participants=participants)
    assert lines[:5] == [
        "autonumber",
        "actor A as A",
        "box rgba(0, 114, 178, 0.1) Red",  # a name that is a colour stays a name
        "participant B as B",
        "end",
    ]


def test_several_sagas_are_told_apart() -> None:
    one = arrow(0, "call", "A", "B", "go", saga="s1")
    lines = drawn(one, one._replace(correlation_id="s2"))
    assert "A->>B: s1: go" in lines
    assert "A->>B: s2: go" in lines


def test_a_jump_of_time_is_a_note() -> None:
    one = arrow(0, "call", "A", "B", "go")
    assert "Note over A,B: 60 s later" in drawn(one, one._replace(t=60_000))


def test_an_arrow_to_a_hidden_participant_is_a_note() -> None:
    trace = Given([], [arrow(0, "call", "A", "B", "go"), arrow(1, "return", "B", "A", "200")])
    text = mermaid(trace, View(participants=["A"]))
    assert "Note over A: go (to B)" in text
    assert "Note over A: 200 (from B)" in text
    assert "autonumber" not in text  # its numbers would not be those of the picture


def test_an_invocation_of_one_step_is_no_bar() -> None:
    assert "activate B" not in drawn(arrow(0, "call", "A", "B", "go", invocation=1))


def test_what_a_limit_leaves_out_is_said() -> None:
    trace = Given([], [arrow(t, "call", "A", "B", f"go {t}") for t in range(5)])
    assert "3 more arrows are not shown" in mermaid(trace, View(limit=2))


def test_a_choice_is_checked_as_for_the_picture() -> None:
    with pytest.raises(ValueError, match="no saga 'x': there are none"):
        mermaid(Given([], [arrow(0, "call", "A", "B", "go")]), View(saga="x"))


def test_jupyterlab_draws_it_at_the_end_of_a_cell() -> None:
    text = run("happy_path").mermaid()
    assert text._repr_mimebundle_() == {"text/vnd.mermaid": text, "text/plain": text}
