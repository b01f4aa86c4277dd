"""The timeline: what it reads from a trace, and that it can be read."""

import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit import Run, run, scenarios
from sagakit.contract.deployment import Participant
from sagakit.contract.faults import Crash, Drop, Duplicate, Fault, Outage
from sagakit.draw.labels import Labels, spread
from sagakit.draw.palette import RED, domain_hues
from sagakit.draw.svg import Picture, Sheet
from sagakit.draw.timeline import timeline
from sagakit.draw.timeline_layout import CUT, Cut, TimeScale, cuts
from sagakit.trace import facts
from sagakit.trace.activity import Activity
from sagakit.trace.facts import Fact, Record
from sagakit.trace.trace import Trace
from tests.draw.looking import complaints, words

# A shop takes orders, keeps them in its store and asks a bank; a mailer hears of them.
PARTICIPANTS = (
    Participant("Ann", "actor"),
    Participant("Shop", "service"),
    Participant("Shop DB", "store"),
    Participant("Bus", "bus"),
    Participant("Mail SQS", "queue"),
    Participant("Mail DLQ", "queue"),
    Participant("Mailer", "service"),
    Participant("Bank", "external"),
)
ORDER = (
    Record(0, "a", None, 1, facts.Invoked("Ann", "Shop", "order")),
    Record(1, "a", None, 1, facts.Asked("Shop", "Bank", "k", (), False, "pay()")),
    Record(8, "a", None, 1, facts.PartyAnswered("Shop", "Bank", "k", (), 200, "OK")),
    Record(9, "a", None, 1, facts.CommitRequested("Shop", "Shop DB", None, False, ("Ordered",))),
    Record(11, "a", None, 1, facts.Committed("Shop", "Shop DB", "o", None, None, ("e1",), None)),
    Record(12, "a", None, 0, facts.Answered("Shop", "Ann", "202")),
    Record(14, "a", "e1", 0, facts.Published("Shop", "Bus", "Ordered", "a", 1, {})),
    Record(20, "a", "e1", 0, facts.Queued("Bus", "Mail SQS", "Ordered", 1)),
)
TAKEN = facts.Received("Mail SQS", "Mailer", "Ordered", 1, 1, "", "Invoke")
MAILED = (
    Record(25, "a", "e1", 2, TAKEN),
    Record(30, "a", "e1", 2, facts.Acknowledged("Mailer", "Mail SQS", 1, 1)),
)


def made_of(*records: Record) -> Trace:
    return Trace(PARTICIPANTS, records)


SVG = "{http://www.w3.org/2000/svg}"


def paths(picture: Picture) -> list[ET.Element]:
    return list(ET.fromstring(picture.svg()).iter(f"{SVG}path"))


def points(path: ET.Element) -> list[tuple[float, float]]:
    numbers = [float(one) for one in path.get("d", "").strip("MZ").split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def happy_with(*faults: Fault) -> Run:
    return run(scenarios.happy_path.but(faults=faults))


# What is read from a trace.


def test_events_work_and_calls_are_found_with_their_times() -> None:
    seen = Activity(made_of(*ORDER, *MAILED))
    assert [(one.t, one.event, one.publisher) for one in seen.emissions] == [
        (14, "Ordered", "Shop")
    ]
    assert [(one.service, one.begin, one.end, one.ended) for one in seen.works] == [
        ("Shop", 0, 11, ""),  # a command ends with the last thing that is said of it
        ("Mailer", 25, 30, "done"),
    ]
    (call,) = seen.calls
    assert (call.caller, call.party, call.begin, call.end) == ("Shop", "Bank", 1, 8)
    assert (call.answered, call.outcome) == (True, "OK")
    assert seen.by == {"e1": 0}  # the first work published it
    assert (seen.waits, seen.marks, seen.spans) == ([], [], [])


def test_a_call_without_an_answer_lasts_until_the_caller_gives_up() -> None:
    silent = Record(501, "a", None, 1, facts.PartySilent("Shop", "Bank", "k", (), 500))
    (call,) = Activity(made_of(*ORDER[:2], silent)).calls
    assert (call.begin, call.end, call.answered, call.outcome) == (1, 501, False, "timeout")


def test_a_message_that_failed_waits_until_it_is_received_again_or_dead() -> None:
    why = "out of paper"
    steps: list[tuple[int, int, Fact]] = [
        (30, 2, facts.Failed("Mailer", "Mail SQS", 1, why)),
        (500, 0, facts.VisibleAgain("Mail SQS", "Ordered", 1, 2)),
        (505, 3, TAKEN._replace(receives=2)),
        (510, 3, facts.Crashed("Mailer")),
        (1_000, 0, facts.DeadLettered("Mail SQS", "Mail DLQ", "Ordered", 1, why)),
    ]
    after = [Record(t, "a", "e1", number, fact) for t, number, fact in steps]
    seen = Activity(made_of(*ORDER, MAILED[0], *after))
    assert [(one.service, one.begin, one.end) for one in seen.waits] == [
        ("Mailer", 30, 505),
        ("Mailer", 510, 1_000),
    ]
    assert [one.ended for one in seen.works] == ["", "failed", "crashed"]
    assert [(one.t, one.place, one.kind, one.text) for one in seen.marks] == [
        (30, "Mailer", "failed", "out of paper"),
        (510, "Mailer", "crash", "crash"),
        (1_000, "Mailer", "dead letter", "dead letter"),
    ]


def test_a_retry_waits_in_the_queue_of_its_service() -> None:
    seen = Activity(run(scenarios.provider_error).records)
    minute, void = seen.waits
    assert (minute.service, minute.why) == ("Provider Gateway", "delayed")
    assert 60_000 <= minute.end - minute.begin < 60_020
    assert void.end - void.begin < 20
    assert [call.answered for call in seen.calls] == [False, False, True]


def test_a_message_that_waits_in_its_queue_for_longer_than_usual_is_told() -> None:
    outage = Outage(participant="Wallet Service", start=0, end=10_000)
    (wait,) = Activity(happy_with(outage).records).waits
    assert (wait.service, wait.why, wait.end) == ("Wallet Service", "queued", 10_000)
    assert Activity(run(scenarios.happy_path).records).waits == []
    recovery = Activity(run(scenarios.disaster_recovery).records).waits
    assert [(one.saga, one.why) for one in recovery] == [("eva:8", "hidden"), ("ben:9", "queued")]


def test_a_service_that_could_not_be_reached_has_a_lane() -> None:
    outage = Outage(participant="Payment Service", start=0, end=1_000)
    picture = happy_with(outage).timeline()
    assert complaints(picture) == []
    assert {"Payment Service", "Invoke Lambda: out of reach"} <= set(words(picture))


def test_a_conflict_is_marked_where_it_was_met() -> None:
    (mark,) = Activity(run(scenarios.concurrent_payments).records).marks
    assert (mark.place, mark.kind, mark.saga) == ("Wallet Service", "conflict", "ana:B")


def test_a_lost_store_is_a_span_for_the_services_that_use_it() -> None:
    (span,) = Activity(run(scenarios.disaster_recovery).records).spans
    assert (span.text, span.begin, span.services) == ("Wallet DB lost", 3_000, ("Wallet Service",))
    assert 3_500 < span.end < 3_600


# The picture.


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_every_scenario_can_be_read(name: str) -> None:
    done = run(name)
    assert complaints(done.timeline()) == []
    for saga in sorted({record.saga for record in done.records if record.saga})[:3]:
        assert complaints(done.timeline(saga=saga)) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Crash(service="Wallet Service", step=2), "crash after step 2"),
        (Duplicate(queue="Wallet SQS", after=20), "message doubled"),
        (Drop(queue="Payment SQS"), "message lost"),
        (Outage(participant="Wallet DB", start=0, end=40_000), "Unavailable"),
        (Outage(participant="EventBridge", start=0, end=4_000), "cannot publish: the bus is out"),
    ],
    ids=lambda value: getattr(value, "fault", ""),
)
def test_a_fault_is_named_and_can_be_read(fault: Fault, said: str) -> None:
    picture = happy_with(fault).timeline()
    assert complaints(picture) == []
    assert said in words(picture)
    assert said in picture.alt


def test_a_message_that_dies_can_be_read() -> None:
    crashes = [Crash(service="Wallet Service", step=1, nth=nth) for nth in range(1, 6)]
    picture = happy_with(*crashes).timeline()
    assert complaints(picture) == []
    assert {"dead letter", "waits 30 s"} <= set(words(picture))


def test_a_dead_letter_stands_where_its_own_message_waited_in_vain() -> None:
    out = Outage(participant="Wallet DB", start=0, end=170_000)
    text = {"at": 0, "queue": "Wallet SQS", "text": "no payment"}
    picture = run(scenarios.happy_path.but(faults=[out], texts=[text])).timeline()
    waits = [path for path in paths(picture) if path.get("stroke-dasharray") == "1.6 2.6"]
    ends = {tuple(points(path)[-1]) for path in waits}
    coffins = [points(path) for path in paths(picture) if path.get("fill") == RED]
    middles = {
        (round(sum(x for x, _ in corners) / 4), round(sum(y for _, y in corners) / 4))
        for corners in coffins
        if len(corners) == 4
    }
    in_lanes = {place for place in middles if place[1] > 80}  # and not in the legend
    assert len(in_lanes) == 2
    assert in_lanes <= {(round(x), round(y)) for x, y in ends}
    assert {"dead letter", "conflict or failure"} <= set(words(picture))


def test_the_same_trace_gives_the_same_bytes() -> None:
    done = run(scenarios.disaster_recovery)
    assert done.timeline().svg() == done.timeline().svg()


def test_no_drawing_loads_matplotlib_or_pandas() -> None:
    code = """
import sys
from sagakit import run
from sagakit.draw.deployment import deployment_diagram
from sagakit.draw.states import Move, states
from sagakit.payments.topology import payment_system
run("happy_path").timeline().svg()
deployment_diagram(payment_system()).svg()
states([Move("OPEN", "CLOSED")], title="A breaker").svg()
print({"matplotlib", "pandas", "numpy"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_legend_can_be_left_out() -> None:
    done = run(scenarios.happy_path)
    assert "a service works" in words(done.timeline())
    assert "a service works" not in words(done.timeline(legend=False))


def test_each_piece_says_under_the_mouse_what_it_is() -> None:
    said = {
        title.text
        for title in ET.fromstring(timeline(made_of(*ORDER, *MAILED)).svg()).iter(f"{SVG}title")
    }
    assert "Mailer at work on Ordered, 25 ms to 30 ms (a)" in said
    assert "pay(): OK, 1 ms to 8 ms (a)" in said
    assert "14 ms, Shop: Ordered (a)" in said


def test_a_domain_has_its_colour_and_who_is_outside_has_the_lanes_at_the_bottom() -> None:
    done = run(scenarios.happy_path)
    hues = domain_hues(done.records.participants)
    drawn = {text.text: text for text in ET.fromstring(done.timeline().svg()).iter(f"{SVG}text")}
    assert drawn["Wallet Service"].get("fill") == hues["Wallet"].strong
    lanes = done.timeline().alt.splitlines()[1]
    assert lanes.endswith("External Provider API.")


def test_it_names_lanes_events_and_the_unit_of_time() -> None:
    shown = words(timeline(made_of(*ORDER, *MAILED)))
    assert {"Shop", "Mailer", "Bank", "Ordered", "pay(): OK", "virtual time (ms)"} <= set(shown)
    assert "Ann" not in shown
    long = words(run(scenarios.provider_error).timeline())
    assert {"virtual time (s)", "waits 60 s", "executePayment(): no answer"} <= set(long)


def test_the_alternative_tells_the_run() -> None:
    alt = run(scenarios.provider_error).timeline().alt
    assert alt.startswith("Timeline of saga ana:A, 0 ms to 70.495 s.")
    assert "23 ms: Payment Service publishes PaymentInit." in alt
    assert "2 of 3 calls to External Provider API got no answer, from 99 ms to 70.138 s." in alt
    assert "The time axis leaves out 60 s in which nothing begins or ends." in alt
    assert "Wallet DB lost from 3 s to" in run(scenarios.disaster_recovery).timeline().alt


def test_one_saga_and_a_stretch_of_time_can_be_chosen() -> None:
    done = run(scenarios.disaster_recovery)
    one = done.timeline(saga="ana:7")
    assert one.alt.startswith("Timeline of saga ana:7, 2.93 s to")
    assert "ben" not in one.alt
    stretch = done.timeline(start=3_000, end=4_000)
    assert "Timeline of 3 sagas, 3 s to 4 s" in stretch.alt
    assert {"saga ana:7", "saga eva:8", "saga ben:9"} <= set(words(stretch))


def test_of_very_many_sagas_the_first_are_shown_and_the_title_says_so() -> None:
    picture = run(scenarios.circuit_breaker).timeline(most=10)
    assert "Timeline of the first 10 of 36 sagas, 0 ms to" in picture.alt
    assert {"user-01:1", "user-10:1"} <= set(words(picture))
    assert "user-11:1" not in words(picture)


def test_a_choice_that_makes_no_sense_is_refused() -> None:
    done = run(scenarios.happy_path)
    with pytest.raises(ValueError, match="no saga 'ana:B' in this trace: there are ana:A"):
        done.timeline(saga="ana:B")
    with pytest.raises(ValueError, match="start \\(9 ms\\) must be earlier than end \\(5 ms\\)"):
        done.timeline(start=9, end=5)
    for view in (done.timeline, done.sequence):
        with pytest.raises(ValueError, match="start: a number of ms, not '9'"):
            view(start="9")


def test_a_trace_without_records_gives_an_empty_picture() -> None:
    assert "Timeline of 0 sagas" in timeline(made_of()).alt


# Time, and room for labels.


@pytest.mark.parametrize(
    ("moments", "idle"),
    [
        ([0, 10, 20, 30], []),
        ([0, 10, 20, 1_000], [980]),
        ([0, 10, 5_000, 5_010, 65_000], [4_990, 59_990]),
        ([0, 100, 300], []),  # a stretch must be very long to be cut
        ([], []),
    ],
)
def test_long_idle_stretches_are_cut(moments: list[int], idle: list[int]) -> None:
    assert [cut.idle for cut in cuts(moments)] == idle


def test_time_between_cuts_has_one_scale_and_each_stretch_a_tick() -> None:
    x = TimeScale(0, 60_200, [Cut(100, 60_100, 60_000)], 600 + CUT)
    assert x(0) == 0
    assert x(100) == pytest.approx(300)
    assert x(60_100) == pytest.approx(300 + CUT)
    assert x(60_200) == pytest.approx(600 + CUT)
    unit, ticks = x.ticks()
    assert unit == "s"
    assert [text for place, text in ticks if place <= 300] == [
        "0",
        "0.02",
        "0.04",
        "0.06",
        "0.08",
        "0.1",
    ]
    assert next(text for place, text in ticks if place > 300) == "60.1"


@given(st.lists(st.integers(0, 100_000), min_size=2, max_size=30, unique=True))
def test_later_is_never_further_left(times: list[int]) -> None:
    times.sort()
    x = TimeScale(times[0], times[-1], cuts(times), 600.0)
    places = [x(t) for t in times]
    assert places[0] == 0
    assert places[-1] == pytest.approx(600)
    assert all(a < b for a, b in pairwise(places))


@given(st.lists(st.floats(0, 10), max_size=20))
def test_spread_keeps_apart_and_in_order(wished: Sequence[float]) -> None:
    places = spread(list(wished), 0.5, 0.0, 10.0)
    ordered = [place for _, place in sorted(zip(wished, places, strict=True))]
    assert all(b - a > 0.5 - 1e-9 for a, b in pairwise(ordered))
    assert all(-1e-9 <= place <= 10 + 1e-9 for place in places)


def test_what_has_room_stays_where_it_wants_to_be() -> None:
    assert spread([3.0, 1.0], 0.5, 0.0, 10.0) == [3.0, 1.0]


def test_a_label_gives_way_to_another() -> None:
    labels = Labels(600.0)
    labels.beside("first", 300.0, 100.0)
    labels.beside("second", 300.0, 100.0)
    first, second = labels.placed
    assert (first.x, first.y) != (second.x, second.y)


def test_a_reader_complains_of_what_cannot_be_read() -> None:
    sheet = Sheet(200, 60, "")
    sheet.words(50, 30, "one", 10)
    sheet.words(52, 30, "two", 5)
    sheet.words(190, 50, "cut", 10)
    found = "; ".join(complaints(sheet))
    assert "'two' is too small" in found
    assert "'one' lies on 'two'" in found
    assert "'cut' is cut off" in found
