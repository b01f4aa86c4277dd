"""What an operator watches, folded from plain tuples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.payments.metrics import measured, nearest_rank

DONE, FAILED = "PaymentCompleted", "PaymentFailed"
Events = list[tuple[int, str, str | None]]


def values(
    events: Events | None = None,
    states: list[tuple[int, str]] | None = None,
    depths: list[tuple[int, str, int]] | None = None,
    end: int = 0,
) -> dict[tuple[str, str], int]:
    measures = measured(events or [], states or [], depths or [], end)
    return {(measure.metric, measure.of): measure.value for measure in measures}


def test_events_are_counted_by_type() -> None:
    found = values([(0, "PaymentInit", "a"), (1, "PaymentInit", "b"), (5, DONE, "a")])
    assert found["events", "PaymentInit"] == 2
    assert found["events", DONE] == 1
    assert (found["sagas", DONE], found["sagas", FAILED], found["sagas", "not ended"]) == (1, 0, 1)


def test_latency_runs_from_the_first_event_of_a_saga_to_its_final_one_by_outcome() -> None:
    events: Events = []
    for saga, begin, outcome, end in [
        ("a", 0, DONE, 30),
        ("b", 10, FAILED, 15),
        ("c", 20, DONE, 30),
    ]:
        events += [(begin, "PaymentInit", saga), (end, outcome, saga)]
        events.append((end + 1_000, outcome, saga))  # told again: it had ended
    found = values(events)
    assert found["latency p50", DONE] == 10
    assert found["latency p95", DONE] == found["latency p99", DONE] == 30
    assert found["latency p50", FAILED] == 5
    assert found["sagas", DONE] == 2


def test_breaker_changes_and_the_time_in_each_state() -> None:
    states = [(0, "CLOSED"), (5, "CLOSED"), (100, "OPEN"), (400, "HALF_OPEN"), (450, "OPEN")]
    found = values(states=states, end=1_000)
    assert {of: value for (metric, of), value in found.items() if metric == "breaker changes"} == {
        "CLOSED to OPEN": 1, "OPEN to HALF_OPEN": 1, "HALF_OPEN to OPEN": 1,
    }  # fmt: skip
    assert {of: value for (metric, of), value in found.items() if metric == "breaker time"} == {
        "CLOSED": 100, "OPEN": 850, "HALF_OPEN": 50,
    }  # fmt: skip


def test_the_greatest_depth_of_each_queue() -> None:
    found = values(depths=[(0, "A", 1), (1, "A", 4), (2, "B", 0), (3, "A", 2)])
    assert (found["greatest queue depth", "A"], found["greatest queue depth", "B"]) == (4, 0)


def test_an_event_without_a_saga_is_only_counted() -> None:
    found = values([(0, DONE, None)])
    assert (found["events", DONE], found["sagas", DONE], found["sagas", "not ended"]) == (1, 0, 0)


def test_each_measure_has_its_unit() -> None:
    measures = measured(
        [(0, "PaymentInit", "a"), (7, DONE, "a")], [(0, "CLOSED"), (3, "OPEN")], [(1, "A", 1)], 10
    )
    assert {measure.metric: measure.unit for measure in measures} == {
        "events": "events",
        "sagas": "sagas",
        "latency p50": "ms",
        "latency p95": "ms",
        "latency p99": "ms",
        "breaker changes": "changes",
        "breaker time": "ms",
        "greatest queue depth": "messages",
    }


@pytest.mark.parametrize(
    ("percent", "value"), [(5, 15), (30, 20), (40, 20), (50, 35), (99, 50), (100, 50)]
)
def test_nearest_rank(percent: int, value: int) -> None:
    assert nearest_rank([50, 15, 40, 20, 35], percent) == value


@given(st.lists(st.integers(0, 99), min_size=1), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_the_smallest_that_does(
    latencies: list[int], percent: int
) -> None:
    found = nearest_rank(latencies, percent)

    def share(limit: int) -> float:
        return 100 * sum(value <= limit for value in latencies)

    assert found in latencies
    assert share(found) >= percent * len(latencies)
    assert all(share(other) < percent * len(latencies) for other in latencies if other < found)
