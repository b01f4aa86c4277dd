"""The matcher: what conforms passes, a doctored trace is rejected with the arrow that it lacks."""

import pytest

from sagakit.trace.arrows import Arrow, Kind
from sagakit.trace.facts import Told
from tests.conformance.diagram import Diagram, Mismatch, Step, hold

DIAGRAM = Diagram.of(
    {
        "diagram": "tea",
        "participants": [
            {"name": "Guest", "kind": "actor", "domain": None},
            {"name": "Waiter", "kind": "service", "domain": "Room"},
        ],
        "steps": [
            {"from": "Guest", "to": "Waiter", "label": "order", "kind": "call"},
            {"from": "Waiter", "to": "Cook", "kind": "async", "via": "Hatch", "event": "Ordered"},
            {"from": "Cook", "to": "Kettle", "kind": "call", "says": "boil", "loop": "until hot"},
            {"from": "Cook", "to": "Tray", "kind": "call", "parallel": "serve"},
            {"from": "Cook", "to": "Cup", "kind": "call", "parallel": "serve"},
            {"from": "Waiter", "to": "Guest", "kind": "return", "event": "Served"},
        ],
    }
)


def arrow(
    t: int, kind: Kind, source: str, target: str, label: str, event: str | None = None,
    saga: str | None = None,
) -> Arrow:  # fmt: skip
    """One of a trace; a diagram is not held against its fact."""
    return Arrow(
        t, kind, source, target, label, "", event, saga, None, 0, Told(source, target, label)
    )


ORDER = arrow(1, "call", "Guest", "Waiter", "order")
HANDED_IN = arrow(2, "async", "Waiter", "Hatch", "one tea", "Ordered")
TAKEN = arrow(3, "async", "Hatch", "Cook", "one tea", "Ordered")
BOIL = arrow(4, "call", "Cook", "Kettle", "boil water")
TRAY = arrow(5, "call", "Cook", "Tray", "take")
CUP = arrow(6, "call", "Cook", "Cup", "fill")
SERVED = arrow(7, "return", "Waiter", "Guest", "your tea", "Served")
TEA = [ORDER, HANDED_IN, TAKEN, BOIL, TRAY, CUP, SERVED]


def replaced(right: Arrow, **changes: object) -> list[Arrow]:
    return [each._replace(**changes) if each is right else each for each in TEA]


def complaint(arrows: list[Arrow]) -> str:
    with pytest.raises(Mismatch) as caught:
        hold(arrows, DIAGRAM)
    return str(caught.value)


def test_a_trace_with_all_arrows_in_order_conforms() -> None:
    hold(TEA, DIAGRAM)


def test_a_step_with_via_is_two_arrows() -> None:
    assert [(each.source, each.target, each.kind, each.event) for each in DIAGRAM.steps[1:3]] == [
        ("Waiter", "Hatch", "async", "Ordered"),
        ("Hatch", "Cook", "async", "Ordered"),
    ]


def test_a_trace_may_tell_more_than_the_diagram() -> None:
    more = arrow(3, "call", "Cook", "Phone", "a call")
    note = arrow(3, "note", "Cook", "Cook", "yawns")
    hold([more, ORDER, note, more, *TEA[1:], more], DIAGRAM)


def test_parallel_arrows_come_in_any_order() -> None:
    hold([ORDER, HANDED_IN, TAKEN, BOIL, CUP, TRAY, SERVED], DIAGRAM)


def test_a_loop_may_repeat() -> None:
    hold([ORDER, HANDED_IN, TAKEN, BOIL, BOIL, BOIL, TRAY, CUP, SERVED], DIAGRAM)


@pytest.mark.parametrize("removed", TEA, ids=lambda each: f"{each.source}-{each.target}")
def test_a_missing_arrow_is_named_with_what_came_instead(removed: Arrow) -> None:
    left = [each for each in TEA if each is not removed]
    said = complaint(left)
    assert f"    {removed.source} -> {removed.target}, {removed.kind}" in said.splitlines()[1]
    assert "came instead" in said


@pytest.mark.parametrize("at", [0, 1, 2, 5], ids=lambda at: TEA[at].label)
def test_two_arrows_in_the_wrong_order_are_rejected(at: int) -> None:
    swapped = [*TEA[:at], TEA[at + 1], TEA[at], *TEA[at + 2 :]]
    assert "came too early" in complaint(swapped)


def test_the_message_tells_where_the_trace_left_the_diagram() -> None:
    assert complaint(replaced(TAKEN, event="Cancelled")) == (
        "tea: arrow 3 of the diagram is not in the trace\n"
        "    Hatch -> Cook, async, Ordered\n"
        "after\n"
        '    2 ms: Waiter -> Hatch, async, Ordered, "one tea"\n'
        "came instead\n"
        '    3 ms: Hatch -> Cook, async, Cancelled, "one tea"\n'
        '    4 ms: Cook -> Kettle, call, "boil water"\n'
        '    5 ms: Cook -> Tray, call, "take"'
    )


def test_the_message_tells_that_the_trace_ended() -> None:
    assert complaint(TEA[:-1]).endswith(
        '6 ms: Cook -> Cup, call, "fill"\ncame instead\n    nothing'
    )
    assert complaint([]).endswith("after\n    the start\ncame instead\n    nothing")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (ORDER, {"kind": "async"}),
        (TAKEN, {"kind": "call"}),  # the second arrow of a step with via has the step's kind too
        (HANDED_IN, {"event": "Cancelled"}),
        (TAKEN, {"event": None}),
        (BOIL, {"label": "look at it"}),
        (CUP, {"source": "Waiter"}),
        (TRAY, {"kind": "fault"}),
        (SERVED, {"target": "Cook"}),
    ],
)
def test_an_arrow_of_another_kind_event_text_or_end_is_another_arrow(
    right: Arrow, wrong: dict[str, object]
) -> None:
    (step,) = [step for step in DIAGRAM.steps if step.is_like(right)]
    assert f"\n    {step}\n" in complaint(replaced(right, **wrong))


def test_one_arrow_of_the_trace_stands_for_one_of_a_parallel_group_only() -> None:
    both = Step("Cook", "Cup", "call", parallel="serve")
    two = Diagram("cups", (), (both, both))
    hold([CUP, CUP], two)
    with pytest.raises(Mismatch, match="arrow 2") as caught:
        hold([CUP], two)
    assert str(caught.value).endswith('after\n    6 ms: Cook -> Cup, call, "fill"\n'
                                      "came instead\n    nothing")  # fmt: skip


# Two guests at once: the order holds for each, not across.

A_ASKS = arrow(1, "call", "Guest", "Waiter", "tea", None, "table 1")
B_ASKS = arrow(1, "call", "Guest", "Waiter", "tea", None, "table 2")
A_GETS = arrow(2, "return", "Waiter", "Guest", "here", None, "table 1")
B_GETS = arrow(2, "return", "Waiter", "Guest", "here", None, "table 2")
TABLES = {"A": "table 1", "B": "table 2"}
BOTH = Diagram(
    "two guests",
    (),
    tuple(
        Step(*ends, transaction=guest)
        for guest in ("A", "B")
        for ends in (("Guest", "Waiter", "call"), ("Waiter", "Guest", "return"))
    ),
)


def test_transactions_may_interleave() -> None:
    hold([B_ASKS, A_ASKS, B_GETS, A_GETS], BOTH, TABLES)


def test_a_transaction_s_arrow_is_not_found_in_another_saga() -> None:
    with pytest.raises(Mismatch, match="transaction B: arrow 2"):
        hold([A_ASKS, B_ASKS, A_GETS, A_GETS], BOTH, TABLES)
    with pytest.raises(Mismatch, match="transaction B: arrow 2"):
        hold([A_ASKS, A_GETS, B_GETS, B_ASKS], BOTH, TABLES)
