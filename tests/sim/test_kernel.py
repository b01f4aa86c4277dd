"""The kernel: what happens when, and that chance is the same every time."""

import gc
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.sim.kernel import Deadlines, Kernel

TIMES = st.lists(st.integers(0, 20), max_size=30)


def happenings(*plans: tuple[str, list[int]]) -> list[tuple[int, int]]:
    """When what was asked for happens: (time, its place in the order of asking)."""
    kernel = Kernel(seed=0)
    seen: list[tuple[int, int]] = []
    place = count()
    for method, times in plans:
        for time in times:
            asked = next(place)
            getattr(kernel, method)(time, lambda asked=asked: seen.append((kernel.now, asked)))
    kernel.run()
    return seen


@given(TIMES)
def test_actions_happen_by_time_and_at_one_time_in_the_order_of_asking(delays: list[int]) -> None:
    assert happenings(("after", delays)) == sorted(
        (delay, place) for place, delay in enumerate(delays)
    )


@given(TIMES)
def test_what_is_planned_happens_just_so(times: list[int]) -> None:
    assert happenings(("plan", times)) == sorted((time, place) for place, time in enumerate(times))


@given(TIMES, st.integers(0, 5))
def test_what_is_planned_comes_before_what_is_asked_for_later(times: list[int], delay: int) -> None:
    kernel = Kernel(seed=0)
    seen: list[tuple[int, str]] = []
    for time in times:
        kernel.plan(time, lambda: seen.append((kernel.now, "planned")))
        kernel.plan(time, lambda: kernel.after(delay, lambda: seen.append((kernel.now, "then"))))
    kernel.run()
    order = {"planned": 0, "then": 1}
    assert seen == sorted(seen, key=lambda one: (one[0], order[one[1]]))
    assert len(seen) == 2 * len(times)


def test_delays_count_from_now() -> None:
    kernel = Kernel(seed=0)
    seen: list[int] = []

    def again(times: int) -> None:
        seen.append(kernel.now)
        if times:
            kernel.after(7, again, times - 1)

    kernel.after(3, again, 2)
    kernel.run()
    assert seen == [3, 10, 17]


def test_nothing_happens_after_a_stop() -> None:
    kernel = Kernel(seed=0)
    seen: list[str] = []
    stopped: list[bool] = []
    kernel.plan(5, lambda: seen.append("before"))
    kernel.plan(6, lambda: stopped.append(kernel.stop()))
    kernel.plan(6, lambda: seen.append("planned for later"))
    kernel.plan(5, lambda: kernel.after(9, lambda: seen.append("later")))
    kernel.run()
    assert seen == ["before"]
    assert stopped == [True]


def test_a_stop_tells_that_nothing_was_left() -> None:
    kernel = Kernel(seed=0)
    stopped: list[bool] = []
    kernel.plan(6, lambda: stopped.append(kernel.stop()))
    kernel.run()
    assert stopped == [False]


@pytest.mark.parametrize("collecting", [True, False])
def test_the_collector_rests_during_a_run_and_is_then_as_it_was(collecting: bool) -> None:
    kernel = Kernel(seed=0)
    kernel.after(0, lambda: seen.append(gc.isenabled()))
    kernel.after(0, lambda: 1 / 0)
    seen: list[bool] = []
    (gc.enable if collecting else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError):
            kernel.run()
        assert gc.isenabled() is collecting
    finally:
        gc.enable()
    assert seen == [False]


# Chance.


def drawn(seed: int, name: str, bounds: tuple[int, int] = (0, 10**6)) -> list[int]:
    draw = Kernel(seed).duration(name, bounds)
    return [draw() for _ in range(20)]


def test_a_component_draws_the_same_whoever_else_there_is() -> None:
    kernel = Kernel(seed=3)
    others = [kernel.duration(name, (0, 10**6)) for name in ("bus", "queue")]
    mine = kernel.duration("store", (0, 10**6))
    together = []
    for _ in range(20):
        for other in others:
            other()
        together.append(mine())
    assert together == drawn(3, "store")


def test_components_and_seeds_draw_differently() -> None:
    assert len({tuple(drawn(seed, name)) for seed in (0, 1) for name in ("bus", "store")}) == 4


def test_draws_are_the_same_on_every_machine() -> None:
    assert drawn(0, "bus")[:4] == [477_186, 526_284, 133_599, 927_050]


@given(low=st.integers(0, 50), span=st.integers(0, 3), seed=st.integers())
def test_a_duration_lies_between_its_bounds(low: int, span: int, seed: int) -> None:
    assert set(drawn(seed, "bus", (low, low + span))) <= set(range(low, low + span + 1))


def test_both_bounds_are_drawn() -> None:
    assert set(drawn(0, "bus", (5, 7))) == {5, 6, 7}


# Deadlines: many timers of one length, which must be as a timer each would be.


class Subject:
    def __init__(self, name: int) -> None:
        self.name = name
        self.receipt = 0
        self.finished = False


class TimerEach:
    """The plain way: a heap of timers, each of which looks whether it is still wanted."""

    def __init__(self, kernel: Kernel, length: int, expire: Callable[[Any, int], None]) -> None:
        self.kernel = kernel
        self.length = length
        self.expire = expire
        self.heap: list[tuple[int, int, Any, int]] = []
        self.number = count()

    def begin(self, subject: Any) -> None:
        due = self.kernel.now + self.length
        heappush(self.heap, (due, next(self.number), subject, subject.receipt))
        self.kernel.after(self.length, self.fall_due)

    def fall_due(self) -> None:
        _, _, subject, receipt = heappop(self.heap)
        if not subject.finished and subject.receipt == receipt:
            self.expire(subject, receipt)


LENGTH = 5
STEPS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 3), st.sampled_from(["begin", "finish"])),
    max_size=25,
)


def expiries(timers: type, steps: list[tuple[int, int, str]], again: int) -> list[tuple[int, ...]]:
    """(time, subject, receipt) of each expiry; what expires begins anew up to `again` times."""
    kernel = Kernel(seed=0)
    subjects = [Subject(name) for name in range(4)]
    seen: list[tuple[int, ...]] = []

    def expire(subject: Subject, receipt: int) -> None:
        seen.append((kernel.now, subject.name, receipt))
        if receipt < again:
            begin(subject)

    def begin(subject: Subject) -> None:
        subject.receipt += 1
        deadlines.begin(subject)

    def finish(subject: Subject) -> None:
        subject.finished = True

    deadlines = timers(kernel, LENGTH, expire)
    actions = {"begin": begin, "finish": finish}
    for time, name, what in steps:
        kernel.plan(time, actions[what], subjects[name])
    kernel.run()
    return seen


@given(STEPS, st.integers(0, 3))
def test_deadlines_expire_as_a_timer_each_would(
    steps: list[tuple[int, int, str]], again: int
) -> None:
    assert expiries(Deadlines, steps, again) == expiries(TimerEach, steps, again)
