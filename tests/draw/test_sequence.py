"""The sequence diagram: what it shows of a trace, and that it can be read."""

import subprocess
import sys
from typing import Any

import pytest

from sagakit import Run, run, scenarios
from sagakit.contract.deployment import Participant
from sagakit.contract.faults import Crash, Drop, Duplicate, Outage
from sagakit.draw.layout import STUB, Layout, lay_lanes, lay_out
from sagakit.draw.sequence import sequence
from sagakit.draw.story import Sign, Story, View, sign_of, tell
from sagakit.draw.text_metrics import width, wrapped
from sagakit.trace import facts
from sagakit.trace.arrows import Arrow
from sagakit.trace.arrows import arrow as arrow_of
from sagakit.trace.trace import Trace
from tests.draw.given import Given, arrow
from tests.draw.looking import complaints, words

# A small system: a person, a shop with its store, a bus, and a topic with two subscribers.
PARTICIPANTS = (
    Participant("Ann", "actor"),
    Participant("Shop", "service", "Sales"),
    Participant("Bus", "bus"),
    Participant("Shop DB", "store", "Sales"),
    Participant("Topic", "topic", "News"),
    Participant("Mail", "service", "News"),
    Participant("Push", "service", "News"),
)


def made_of(*arrows: Arrow) -> Trace:
    return Given(PARTICIPANTS, arrows)


def call(t: int, source: str, target: str, label: str, invocation: int = 0, **more: Any) -> Arrow:
    return arrow(t, "call", source, target, label, invocation, **more)


def answer(t: int, source: str, target: str, label: str, invocation: int = 0, **more: Any) -> Arrow:
    return arrow(t, "return", source, target, label, invocation, **more)


def note(t: int, name: str, label: str) -> Arrow:
    return arrow(t, "note", name, name, label)


WRITTEN = facts.Committed("Shop", "Shop DB", "1", None, None, (), None)
ORDER = (
    call(0, "Ann", "Shop", "order", 1, saga="a"),
    call(2, "Shop", "Shop DB", "put order", 1, saga="a"),
    answer(5, "Shop DB", "Shop", "OK", 1, saga="a", fact=WRITTEN),
    answer(5, "Shop", "Ann", "202", 0, saga="a"),
)


def shown(story: Story) -> list[tuple[int, str]]:
    return [(step.number, step.text) for step in story.steps]


def laid_out(trace: Trace) -> Layout:
    story = tell(trace)
    return lay_out(story, lay_lanes(story, 60, 700, 2), 100)


@pytest.fixture(scope="module", params=scenarios.NAMES)
def run_of(request: pytest.FixtureRequest) -> Run:
    return run(request.param)


class TestEveryScenarioCanBeRead:
    def test_texts_are_inside_large_enough_and_not_on_each_other(self, run_of: Run) -> None:
        assert complaints(run_of.sequence()) == []

    def test_it_is_small(self, run_of: Run) -> None:
        assert len(run_of.sequence().svg().encode()) <= 100_000

    def test_the_same_run_gives_the_same_bytes(self, run_of: Run) -> None:
        assert run_of.sequence().svg() == run_of.sequence().svg()

    def test_the_text_alternative_names_each_arrow(self, run_of: Run) -> None:
        story = tell(run_of.records)
        alt = run_of.sequence().alt
        for step in story.steps:
            if step.number:
                assert f"\n{step.number}. " in alt
                assert f"{step.arrow.source} " in alt
        assert f"\n{story.arrows + 1}. " not in alt

    def test_no_label_goes_over_another_arrow_or_out_of_its_row(self, run_of: Run) -> None:
        story = tell(run_of.records)
        layout = lay_out(story, lay_lanes(story, 60, 700, 2), 100)
        for above, below in zip(layout.rows, layout.rows[1:], strict=False):
            assert above.top < above.bottom <= above.y < below.top


class TestWhatIsShown:
    def test_only_lanes_that_take_part(self) -> None:
        assert [lane.name for lane in tell(made_of(*ORDER)).lanes] == ["Ann", "Shop", "Shop DB"]

    def test_the_lanes_of_a_domain_stand_together_where_its_first_one_stands(self) -> None:
        trace = made_of(*ORDER, call(6, "Shop", "Bus", "publish"))
        assert [lane.name for lane in tell(trace).lanes] == ["Ann", "Shop", "Shop DB", "Bus"]

    def test_each_domain_has_its_name_over_its_lanes(self) -> None:
        lanes = lay_lanes(tell(made_of(*ORDER)), 0, 700, 2)
        (sales,) = lanes.domains
        assert sales.name == "Sales"
        inside = [lane.participant.name for lane in lanes.all if sales.left < lane.x < sales.right]
        assert inside == ["Shop", "Shop DB"]

    def test_a_name_that_only_a_record_has_gets_a_lane(self) -> None:
        lanes = tell(made_of(call(0, "Ann", "Stranger", "hello"))).lanes
        assert Participant("Stranger", "service") in lanes

    def test_an_answer_that_says_nothing_is_hidden(self) -> None:
        assert shown(tell(made_of(*ORDER))) == [(1, "order"), (2, "put order"), (3, "202")]

    def test_unless_asked_for(self) -> None:
        story = tell(made_of(*ORDER), View(acknowledgements=True))
        assert [text for _, text in shown(story)] == ["order", "put order", "OK", "202"]

    def test_a_delivery_says_which_event_it_carries(self) -> None:
        trace = made_of(call(0, "Bus", "Shop", "Invoke", event="Paid"))
        assert shown(tell(trace)) == [(1, "Invoke [Paid]")]

    def test_notes_are_not_numbered_and_can_be_left_out(self) -> None:
        trace = made_of(note(0, "Shop", "opens"), *ORDER)
        assert shown(tell(trace))[0] == (0, "opens")
        assert shown(tell(trace, View(notes=False)))[0] == (1, "order")

    def test_what_went_wrong_is_shown_even_without_notes(self) -> None:
        fault = arrow(1, "fault", "Shop", "Shop", "crash after step 1")
        assert (0, "crash after step 1") in shown(tell(made_of(*ORDER, fault), View(notes=False)))

    def test_time_is_said_where_it_is_another_one(self) -> None:
        said = words(sequence(made_of(*ORDER, call(5, "Ann", "Shop", "another order"))))
        assert [said.count(time) for time in ("0 ms", "2 ms", "5 ms")] == [1, 1, 1]

    def test_a_jump_of_time_is_marked(self) -> None:
        trace = made_of(*ORDER, call(60_005, "Ann", "Shop", "again"))
        assert "60 s later" in words(sequence(trace))
        assert "60 s later" not in words(sequence(trace, View(gap=100_000)))

    def test_a_text_is_shown_as_it_is(self) -> None:
        label = "costs $5 or $6, 100%, a_b^c \\alpha"
        picture = sequence(made_of(call(0, "Ann", "Shop", label)))
        assert label in words(picture)

    @pytest.mark.parametrize("edge", ["Ann", "Push"])
    def test_a_long_text_at_the_edge_stays_within_the_picture(self, edge: str) -> None:
        everyone = [call(0, one.name, "Bus", "here") for one in PARTICIPANTS if one.name != "Bus"]
        picture = sequence(made_of(*everyone, note(1, edge, "a long story " * 9)))
        assert complaints(picture) == []

    def test_the_legend_explains_what_is_there_and_nothing_else(self) -> None:
        said = words(sequence(made_of(*ORDER)))
        assert {"call", "answer", "running", "person", "service", "store"} <= set(said)
        assert not {"note", "failure", "time passes", "queue", "topic"} & set(said)

    def test_a_trace_without_records_is_a_picture_that_says_so(self) -> None:
        picture = sequence(Trace(PARTICIPANTS))
        assert "nothing happened" in picture.alt
        assert "nothing happened" in picture.svg()

    def test_a_title_can_be_given(self) -> None:
        picture = sequence(made_of(*ORDER), View(title="Ann orders"))
        assert words(picture)[0] == "Ann orders"
        assert picture.alt.startswith("Ann orders.")

    def test_the_legend_can_be_left_out(self) -> None:
        assert not {"call", "person"} & set(words(sequence(made_of(*ORDER), View(legend=False))))

    def test_who_is_outside_stands_in_no_domain(self) -> None:
        lanes = lay_lanes(tell(run("happy_path").records), 0, 700, 2)
        provider = next(lane for lane in lanes.all if lane.participant.kind == "external")
        (domain,) = (box for box in lanes.domains if box.name == "Provider")
        assert provider.participant.domain == "Provider"
        assert provider.x > domain.right

    def test_a_tall_picture_says_the_names_of_its_lanes_again(self) -> None:
        few = made_of(*ORDER)
        many = made_of(*(call(t, "Ann", "Shop", f"order {t}") for t in range(70)))
        assert words(sequence(few)).count("Ann") == 1
        assert words(sequence(many)).count("Ann") > 1


class TestSigns:
    @pytest.mark.parametrize(
        ("fact", "sign"),
        [
            (facts.Invoked("Ann", "Shop", "order"), "call"),
            (facts.Published("Shop", "Bus", "Sold", "", 1, {}), "async"),
            (facts.Answered("Shop", "Ann", "202", 202), "return"),
            (facts.StoreRefused("Shop", "Shop DB", "Conflict", "moved on"), "refused"),
            (facts.PartyUnreachable("Shop", "Ann", "k", ()), "refused"),
            (facts.Failed("Shop", "Bus", 1, "why"), "refused"),
            (facts.DeadLettered("Bus", "Shop", "Sold", 1, "why"), "dead"),
            (facts.EventLost("Bus", "Shop", "Sold"), "lost"),
            (facts.PublishRefused("Shop", "Bus", "Sold"), "lost"),
            (WRITTEN._replace(heard=False), "lost"),
            (facts.EventDelayed("Bus", "Shop", "Sold", 5), "late"),
            (facts.EventHeldBack("Bus", "Shop", "Sold"), "late"),
            (facts.EventDoubled("Bus", "Shop", "Sold"), "doubled"),
            (facts.Crashed("Shop", "after", 1), "alarm"),
            (facts.PartySilent("Shop", "Ann", "k", (), 5), "alarm"),
            (facts.Paused("Shop"), "note"),
        ],
        ids=lambda value: value if isinstance(value, str) else type(value).__name__,
    )
    def test_each_kind_of_fact_has_its_own(self, fact: Any, sign: Sign) -> None:
        assert sign_of(arrow_of(facts.Record(0, None, None, 0, fact))) == sign

    @pytest.mark.parametrize(
        ("fault", "legend"),
        [
            (Drop(queue="Wallet SQS"), "does not arrive"),
            (Duplicate(queue="Wallet SQS"), "comes twice"),
            (Crash(service="Wallet Service"), "failure"),
            (Outage(participant="Wallet DB", start=0, end=300_000), "to the dead letters"),
        ],
    )
    def test_what_goes_wrong_in_a_run_is_in_the_legend(self, fault: object, legend: str) -> None:
        picture = run(scenarios.happy_path.but(faults=(fault,))).sequence()
        assert legend in words(picture)


class TestRows:
    def test_a_request_and_its_answer_share_one(self) -> None:
        read = call(0, "Shop", "Shop DB", "read", 1), answer(1, "Shop DB", "Shop", "nothing", 1)
        (row,) = laid_out(made_of(*read)).rows
        assert row.lines == ("read → nothing",)
        request, reply = row.legs
        assert (request.x1, request.x2) == (reply.x2, reply.x1)
        assert request.y < reply.y

    def test_but_not_with_something_else_in_between(self) -> None:
        read = call(0, "Shop", "Shop DB", "read", 1), answer(1, "Shop DB", "Shop", "nothing", 1)
        assert len(laid_out(made_of(read[0], note(0, "Bus", "tired"), read[1])).rows) == 3

    def test_an_event_on_its_way_to_a_service_shares_one(self) -> None:
        event: dict[str, Any] = {"event": "Sold", "event_id": "e1"}
        way = (
            arrow(0, "async", "Shop", "Bus", "Publish event [Sold]", **event),
            arrow(1, "async", "Bus", "Topic", "Queue [Sold]", **event),
            arrow(2, "call", "Topic", "Mail", "Invoke", 1, **event),
        )
        (row,) = laid_out(made_of(*way)).rows
        assert row.lines == ("Publish event [Sold] → Queue → Invoke",)
        assert [leg.step.number for leg in row.legs] == [1, 2, 3]
        xs = [x for leg in row.legs for x in (leg.x1, leg.x2)]
        assert xs == sorted(xs)

    def test_another_event_or_the_way_back_has_its_own(self) -> None:
        sold = arrow(0, "async", "Shop", "Bus", "Publish", event="Sold", event_id="e1")
        other = arrow(1, "async", "Bus", "Topic", "Queue", event="Sold", event_id="e2")
        back = arrow(1, "async", "Bus", "Ann", "Queue", event="Sold", event_id="e1")
        assert len(laid_out(made_of(sold, other)).rows) == 2
        assert len(laid_out(made_of(sold, back)).rows) == 2

    def test_each_step_has_its_own_in_a_view_that_is_not_compact(self, run_of: Run) -> None:
        story = tell(run_of.records, View(compact=False))
        rows = lay_out(story, lay_lanes(story, 60, 700, 2), 100).rows
        assert [row.step for row in rows] == list(story.steps)

    def test_each_arrow_is_told_with_its_payload_and_time(self) -> None:
        svg = run("happy_path").sequence().svg()
        told = "8. 23 ms: Payment Service sends to EventBridge: Publish event [PaymentInit]\n"
        assert f"<title>{told}PaymentInit {{payment_id: ana:A; " in svg


class TestActivations:
    def test_one_lasts_from_the_call_to_the_answer(self) -> None:
        layout = laid_out(made_of(*ORDER))
        (bar,) = layout.bars
        assert (bar.top, bar.bottom) == (layout.rows[0].y, layout.rows[-1].y)

    def test_it_ends_though_the_acknowledgement_is_hidden(self) -> None:
        done = answer(9, "Shop", "Bus", "done", 1, fact=facts.Acknowledged("Shop", "Bus", 1, 1))
        trace = made_of(call(0, "Bus", "Shop", "Invoke", 1), done, call(20, "Ann", "Bus", "hello"))
        layout = laid_out(trace)
        (bar,) = layout.bars
        assert layout.rows[0].y < bar.bottom < layout.rows[1].y

    def test_concurrent_ones_stand_side_by_side(self) -> None:
        layout = laid_out(
            made_of(
                call(0, "Ann", "Shop", "one", 1),
                call(1, "Ann", "Shop", "two", 2),
                call(2, "Shop", "Shop DB", "read", 1),
                call(3, "Shop", "Shop DB", "read", 2),
            )
        )
        one, two = layout.bars
        assert one.x < two.x
        assert layout.rows[3].legs[0].x1 > layout.rows[2].legs[0].x1  # from its own bar

    def test_one_after_the_other_stands_on_the_lane(self) -> None:
        later = [
            record._replace(t=record.t + 9, invocation=record.invocation and 2) for record in ORDER
        ]
        one, two = laid_out(made_of(*ORDER, *later)).bars
        assert one.x == two.x

    def test_one_that_crashes_ends_there(self) -> None:
        crash = arrow(3, "fault", "Shop", "Shop", "crash after step 1", invocation=1)
        (bar,) = laid_out(made_of(*ORDER[:2], crash)).bars
        assert bar.crashed

    def test_one_that_goes_on_beyond_the_stretch_of_time_runs_through(self) -> None:
        story = tell(made_of(*ORDER), View(start=2, end=2))
        (activation,) = story.activations
        assert activation.from_above
        assert activation.to_below


class TestFrames:
    def test_equal_rounds_of_one_invocation_are_one_loop(self) -> None:
        rounds = []
        for number in range(5):
            rounds += [
                call(number, "Shop", "Shop DB", "read", 1),
                answer(number, "Shop DB", "Shop", f"item {number}", 1),
            ]
            if number % 2:
                rounds.append(call(number, "Shop", "Shop DB", "update", 1))
        story = tell(
            made_of(call(0, "Ann", "Shop", "go", 1), *rounds, call(9, "Shop", "Ann", "end", 1))
        )
        assert [text for _, text in shown(story)] == [
            "go", "read", "item 0 … item 4", "2 of 5: update", "end",
        ]  # fmt: skip
        (loop,) = story.frames
        assert (loop.kind, loop.first, loop.last) == ("loop", 1, 3)
        assert loop.title == "5 rounds, 0 ms to 4 ms"

    def test_two_rounds_are_shown_as_they_are(self) -> None:
        rounds = [call(t, "Shop", "Shop DB", "read", 1) for t in range(2)]
        assert not tell(made_of(*rounds)).frames

    def test_what_differs_is_no_loop_though_all_is_answered_alike(self) -> None:
        steps = []
        labels = ["record", "read", "update", "the same again"]
        for t, label in enumerate(labels):
            steps += [call(t, "Shop", "Shop DB", label, 1), answer(t, "Shop DB", "Shop", "OK", 1)]
        story = tell(made_of(*steps))
        assert not story.frames
        assert [text for _, text in shown(story) if text != "OK"] == labels

    def test_a_round_that_goes_wrong_is_not_folded(self) -> None:
        refused = answer(
            1, "Shop DB", "Shop", "moved on", 1, fact=facts.StoreRefused("Shop", "Shop DB", "", "")
        )
        reads = [call(0, "Shop", "Shop DB", "read", 1), refused] * 3
        assert len(tell(made_of(*reads)).steps) == 6

    def test_equal_notes_are_one_note(self) -> None:
        trace = made_of(*[note(0, "Shop DB", "opening")] * 36)
        assert shown(tell(trace)) == [(0, "36 × opening")]

    def test_a_fan_out_is_parallel(self) -> None:
        records = []
        sold: dict[str, Any] = {"event": "Sold", "saga": "a", "event_id": "e1"}
        for invocation, target in enumerate(("Mail", "Push"), start=1):
            delivery = arrow(9, "async", "Topic", target, "Invoke", invocation, **sold)
            records += [delivery, call(9, target, "Ann", "tell", invocation, saga="a")]
        (par,) = tell(made_of(*ORDER, *records)).frames
        assert (par.kind, par.first, par.last, par.splits) == ("par", 3, 6, (5,))

    def test_but_not_with_somebody_elses_steps_in_between(self) -> None:
        mail = arrow(9, "async", "Topic", "Mail", "Invoke", 1, event="Sold", event_id="e1")
        push = mail._replace(target="Push", invocation=2)
        assert not tell(made_of(mail, call(9, "Ann", "Shop", "order"), push)).frames

    def test_the_recovery_replays_in_a_loop(self) -> None:
        recovery = run("disaster_recovery")
        lanes = ["Operator", "Wallet Service", "Wallet DB", "Snapshot Store", "Event Store"]
        story = tell(recovery.records, View(participants=lanes, start=3_500, end=3_600))
        assert "loop" in [frame.kind for frame in story.frames]


class TestChoices:
    TWO = made_of(
        *ORDER,
        *(record._replace(t=record.t + 10, correlation_id="b", invocation=0) for record in ORDER),
    )

    def test_one_saga(self) -> None:
        story = tell(self.TWO, View(saga="b"))
        assert {step.arrow.correlation_id for step in story.steps} == {"b"}

    def test_several_sagas_have_a_tag_at_each_step(self) -> None:
        said = words(sequence(self.TWO))
        assert (said.count("a"), said.count("b")) == (3, 3)
        assert "a" not in words(sequence(self.TWO, View(saga="a")))

    def test_an_unknown_saga_is_told_which_there_are(self) -> None:
        with pytest.raises(ValueError, match="no saga 'c': there are a, b"):
            sequence(self.TWO, View(saga="c"))
        with pytest.raises(ValueError, match="no saga 5: there are a, b"):
            sequence(self.TWO, View(saga=5))  # type: ignore[arg-type]

    def test_participants_keep_their_order(self) -> None:
        story = tell(self.TWO, View(participants=["Shop", "Ann"]))
        assert [lane.name for lane in story.lanes] == ["Ann", "Shop"]

    def test_an_arrow_to_a_hidden_participant_says_where_it_goes(self) -> None:
        said = words(sequence(made_of(*ORDER), View(participants=["Ann", "Shop"])))
        assert "put order (to Shop DB)" in said

    def test_what_such_an_arrow_says_keeps_within_the_lanes_where_it_can(self) -> None:
        trace = run(scenarios.happy_path).records
        story = tell(
            trace, View(participants=["Payment Service", "Payments DB"], acknowledgements=True)
        )
        lanes = lay_lanes(story, 100, 550, STUB)
        rows = lay_out(story, lanes, 60).rows
        left, right = lanes.domains[0].left, lanes.domains[0].right
        assert sum("(from " in " ".join(row.lines) for row in rows) == 2
        assert [row.lines for row in rows if row.left < left or row.right > right] == []

    def test_one_from_or_to_outside_is_gone_if_you_say_so(self) -> None:
        story = tell(made_of(*ORDER), View(participants=["Shop", "Shop DB"], outside=False))
        assert [text for _, text in shown(story)] == ["put order"]
        assert not story.open_ends

    def test_one_between_hidden_participants_is_gone(self) -> None:
        story = tell(made_of(*ORDER), View(participants=["Ann"]))
        assert [text for _, text in shown(story)] == ["order", "202"]

    def test_an_unknown_participant_is_told_which_there_are(self) -> None:
        with pytest.raises(ValueError, match="no participant 'Anne': there are Ann, Shop, Bus"):
            sequence(self.TWO, View(participants=["Anne"]))

    def test_a_stretch_of_time_includes_its_ends(self) -> None:
        story = tell(self.TWO, View(start=2, end=5))
        assert [text for _, text in shown(story)] == ["put order", "202"]

    def test_a_stretch_of_time_must_go_forward(self) -> None:
        with pytest.raises(ValueError, match=r"end \(1 ms\) must not be before start \(5 ms\)"):
            sequence(self.TWO, View(start=5, end=1))

    def test_a_choice_that_leaves_nothing_says_what_there_is(self) -> None:
        with pytest.raises(ValueError, match="8 records from 0 ms to 15 ms"):
            sequence(self.TWO, View(start=900))

    def test_what_a_limit_leaves_out_is_said_in_the_picture_and_in_words(self) -> None:
        picture = sequence(self.TWO, View(limit=2))
        left = (
            "4 more arrows are not shown: choose with saga=, participants=, start= and end= (ms), "
            "or raise limit=2"
        )
        assert words(picture).count(left) == 2  # at the top and where it ends
        assert left in picture.alt
        assert "3." not in picture.alt

    def test_a_limit_that_is_enough_leaves_nothing_out(self) -> None:
        assert tell(self.TWO, View(limit=6)).left_out == 0

    def test_a_limit_must_leave_something(self) -> None:
        with pytest.raises(ValueError, match="limit: a whole number from 1 on, not 0"):
            sequence(self.TWO, View(limit=0))

    def test_a_saga_has_the_same_colour_whatever_else_is_shown(self) -> None:
        circuit = run("circuit_breaker")
        story = tell(circuit.records, View(saga=["user-03:1", "user-05:1"]))
        assert story.sagas[:3] == ("user-01:1", "user-02:1", "user-03:1")


class TestLettering:
    def test_lines_keep_within_their_width(self) -> None:
        text = "update balance: 30.00, version: 2, condition version == 1 & outbox [BalanceDebited]"
        lines = wrapped(text, 9, 150, 4)
        assert " ".join(lines) == text
        assert all(width(line, 9) <= 150 for line in lines)

    def test_a_name_stays_with_its_value(self) -> None:
        lines = wrapped("put charge: TRYING, version: 1, condition version == 1", 9, 100, 9)
        assert not any(line.endswith((":", "==")) for line in lines)

    def test_what_does_not_fit_ends_with_an_ellipsis(self) -> None:
        lines = wrapped("word " * 50, 9, 100, 2)
        assert len(lines) == 2
        assert lines[-1].endswith("…")

    def test_a_word_that_is_too_wide_is_divided(self) -> None:
        assert wrapped("EventBridge", 9, 40, 3) == ("Event", "Bridge")
        assert "".join(wrapped("f" * 40, 9, 40, 9)) == "f" * 40


def test_neither_matplotlib_nor_pandas_is_needed() -> None:
    code = (
        "import sys; from sagakit import run; run('happy_path').sequence().svg(); "
        "sys.exit(bool({'matplotlib', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
