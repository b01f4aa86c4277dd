"""Latency: from the first to the last event of a saga, by how it ended."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit import Scenario, run, scenarios
from sagakit.contract.deployment import Participant
from sagakit.draw.latency import Lasted, lasted, latency, percentile
from sagakit.payments.metrics import nearest_rank
from sagakit.trace.facts import Published, Record
from sagakit.trace.trace import Trace
from tests.draw.looking import complaints, words


def published(*events: tuple[int, str, str]) -> Trace:
    """Events as (ms, saga, type)."""
    return Trace(
        [Participant("Shop", "service"), Participant("Bus", "bus")],
        [
            Record(t, saga, f"e{index}", 0, Published("Shop", "Bus", event, "", 1, {}))
            for index, (t, saga, event) in enumerate(events)
        ],
    )


def test_a_saga_lasts_from_its_first_event_to_its_last_which_is_its_outcome() -> None:
    trace = published((0, "a", "Ordered"), (3, "b", "Ordered"), (7, "a", "Paid"), (20, "a", "Sent"))
    assert lasted(trace) == [Lasted("a", "Sent", 20), Lasted("b", "Ordered", 0)]


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_every_scenario_can_be_read(name: str) -> None:
    assert complaints(run(name).latency()) == []


def test_the_picture_agrees_with_the_metrics() -> None:
    done = run(scenarios.circuit_breaker)
    metrics = done.metrics[done.metrics["metric"].str.startswith("latency")]
    alt = done.latency().alt
    assert len(metrics) == 6
    by_outcome: dict[str, list[int]] = {}
    for one in lasted(done.records):
        by_outcome.setdefault(one.outcome, []).append(one.ms)
    for metric, of, value in zip(metrics["metric"], metrics["of"], metrics["value"], strict=True):
        assert percentile(sorted(by_outcome[of]), int(str(metric).split(" p")[1])) == value
    assert "PaymentCompleted: 21 sagas, 222 ms to 65.4 s; p50 340 ms, p95 = p99 65.4 s." in alt


def test_what_ranges_widely_is_on_a_logarithmic_axis_and_the_axis_says_so() -> None:
    wide = words(run(scenarios.circuit_breaker).latency())
    assert "virtual time from first to last event (logarithmic)" in wide
    assert {"500 ms", "10 s"} <= set(wide)
    narrow = words(run(scenarios.disaster_recovery).latency())
    assert "virtual time from first to last event (ms)" in narrow


def test_a_single_saga_has_one_percentile() -> None:
    assert "p50 = p95 = p99 334 ms" in words(run(scenarios.happy_path).latency())


def test_a_dot_stands_for_several_of_very_many_sagas() -> None:
    many = Scenario(
        name="many",
        title="Many payments",
        wallets=[{"user_id": "ana", "balance": 10_000}],
        payments=[{"user_id": "ana", "amount": 1, "at": 400 * at} for at in range(320)],
    )
    picture = run(many).latency()
    assert complaints(picture) == []
    assert "about 3 sagas: PaymentCompleted" in words(picture)
    assert "PaymentCompleted: 320 sagas" in picture.alt


def test_a_run_without_events_says_so() -> None:
    assert "No saga published an event in this run." in latency(published()).alt


def test_sagas_that_took_no_time_can_be_drawn() -> None:
    assert complaints(latency(published((5, "a", "Ordered"), (6, "b", "Ordered")))) == []


def test_the_same_run_gives_the_same_bytes() -> None:
    first, second = (run(scenarios.circuit_breaker).latency().svg() for _ in range(2))
    assert first == second


@given(st.lists(st.integers(0, 1_000), min_size=1), st.integers(1, 100))
def test_figure_and_metrics_rank_alike(values: list[int], percent: int) -> None:
    found = percentile(sorted(values), percent)
    assert found == nearest_rank(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
