"""The Metrics service: a pure observer that folds plain facts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.payments.metrics import Metrics, measured, nearest_rank

DONE, FAILED = "PaymentCompleted", "PaymentFailed"


def values(metrics: Metrics, end: int = 0) -> dict[tuple[str, str], int]:
    return {(one.metric, one.of): one.value for one in metrics.measures(end)}


def test_events_are_counted_by_type() -> None:
    metrics = Metrics()
    for t, event, saga in [(0, "PaymentInit", "a"), (1, "PaymentInit", "b"), (5, DONE, "a")]:
        metrics.event(t, event, saga)
    found = values(metrics)
    assert found["events", "PaymentInit"] == 2
    assert found["events", DONE] == 1
    assert (found["sagas", DONE], found["sagas", FAILED], found["sagas", "not ended"]) == (1, 0, 1)


def test_latency_runs_from_the_first_event_of_a_saga_to_its_final_one_by_outcome() -> None:
    metrics = Metrics()
    for saga, begin, outcome, end in [
        ("a", 0, DONE, 30),
        ("b", 10, FAILED, 15),
        ("c", 20, DONE, 30),
    ]:
        metrics.event(begin, "PaymentInit", saga)
        metrics.event(end, outcome, saga)
        metrics.event(end + 1_000, outcome, saga)  # told again: it had ended
    found = values(metrics)
    assert found["latency p50", DONE] == 10
    assert found["latency p95", DONE] == found["latency p99", DONE] == 30
    assert found["latency p50", FAILED] == 5
    assert found["sagas", DONE] == 2


def test_the_breakers_changes_and_its_time_in_each_state() -> None:
    metrics = Metrics()
    for t, state in [
        (0, "CLOSED"),
        (5, "CLOSED"),
        (100, "OPEN"),
        (400, "HALF_OPEN"),
        (450, "OPEN"),
    ]:
        metrics.breaker(t, state)
    found = values(metrics, end=1_000)
    assert {of: value for (metric, of), value in found.items() if metric == "breaker changes"} == {
        "CLOSED to OPEN": 1, "OPEN to HALF_OPEN": 1, "HALF_OPEN to OPEN": 1,
    }  # fmt: skip
    assert {of: value for (metric, of), value in found.items() if metric == "breaker time"} == {
        "CLOSED": 100, "OPEN": 850, "HALF_OPEN": 50,
    }  # fmt: skip


def test_the_greatest_depth_of_each_queue() -> None:
    metrics = Metrics()
    for queue, depth in [("A", 1), ("A", 4), ("B", 0), ("A", 2)]:
        metrics.depth(queue, depth)
    found = values(metrics)
    assert (found["greatest queue depth", "A"], found["greatest queue depth", "B"]) == (4, 0)


def test_asking_does_not_change_what_is_observed() -> None:
    metrics = Metrics()
    metrics.event(0, "PaymentInit", "a")
    metrics.breaker(0, "CLOSED")
    assert metrics.measures(5) == metrics.measures(5)
    metrics.event(9, DONE, "a")
    assert values(metrics, 10)["breaker time", "CLOSED"] == 10


def test_facts_that_were_noted_before_are_folded_alike() -> None:
    metrics = Metrics()
    metrics.event(1, "PaymentInit", "a")
    metrics.breaker(2, "CLOSED")
    metrics.depth("A", 3)
    assert measured([(1, "PaymentInit", "a")], [(2, "CLOSED")], [(3, "A", 3)], 9) == (
        metrics.measures(9)
    )


def test_an_event_without_a_saga_is_counted_and_no_more() -> None:
    metrics = Metrics()
    metrics.event(0, DONE, None)
    found = values(metrics)
    assert (found["events", DONE], found["sagas", DONE], found["sagas", "not ended"]) == (1, 0, 0)


def test_each_measure_has_its_unit() -> None:
    metrics = Metrics()
    metrics.event(0, "PaymentInit", "a")
    metrics.event(7, DONE, "a")
    metrics.breaker(0, "CLOSED")
    metrics.breaker(3, "OPEN")
    metrics.depth("A", 1)
    assert {one.metric: one.unit for one in metrics.measures(10)} == {
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
