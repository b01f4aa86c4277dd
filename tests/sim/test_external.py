"""The external party: it keeps its own books by key, whatever the caller hears of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagakit.contract.external import Behaviour, Entry, Reaction
from sagakit.contract.faults import Outage
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer, External, Ports, TimedOut, Unavailable, on
from sagakit.sim.external import SimulatedExternal
from sagakit.sim.kernel import Kernel
from sagakit.trace.facts import Booked, Record
from sagakit.trace.trace import Trace
from tests.sim.shop import ARRIVES, COURIER, Ordered, orders, said, shop, told

LATENCY = 100
OK, DECLINED, VOIDED = Answer(200, "OK"), Answer(402, "declined"), Answer(409, "voided")


class Bench:
    """A party that reacts in turn as it is told; `heard` tells (time, request, answer)."""

    def __init__(self, *reactions: Reaction | Behaviour) -> None:
        self.kernel = Kernel(seed=0)
        self.trace = Trace(())
        self.reactions = [one if isinstance(one, Reaction) else Reaction(one) for one in reactions]
        self.seen: list[tuple[str, int, int]] = []
        self.heard: list[tuple[int, int, Answer | str]] = []
        self.party = SimulatedExternal(
            self.kernel, self.trace.write, name="Courier", decide=self.decide,
            latency=(LATENCY, LATENCY),
        )  # fmt: skip

    def decide(self, request: Ask, number: int, now: int) -> Reaction:
        self.seen.append((request.key, number, now))
        return self.reactions[number - 1] if number <= len(self.reactions) else Reaction("approve")

    def ask(
        self, at: int, key: str = "k", *, what: Any = "tea", void: bool = False, down: bool = False
    ) -> None:
        request = Ask("Courier", void, "send()", key, () if void else (what,), 5_000)
        call = Heard(self, request, len(self.seen) + 1)
        self.kernel.plan(at, self.party.ask, call, down)

    def run(self) -> list[Answer | str]:
        """What was heard, in order."""
        self.kernel.run()
        return [answer for _, _, answer in self.heard]

    def state(self, key: str = "k") -> str | None:
        entry = self.party.books.get(key)
        return entry and entry.state


class Heard:
    """A request that tells the bench what comes of it."""

    saga = "saga"

    def __init__(self, bench: Bench, operation: Ask, number: int) -> None:
        self.bench, self.operation, self.number = bench, operation, number
        self.by = self  # the invocation whose step it is, which has the saga

    def answered(self, answer: Answer | str) -> None:
        self.bench.heard.append((self.bench.kernel.now, self.number, answer))

    def refused(self) -> None:
        self.answered("refused")


@pytest.mark.parametrize(
    ("behaviour", "heard", "state"),
    [
        ("approve", [OK], "executed"),
        ("decline", [DECLINED], "declined"),
        ("slow", [OK], "executed"),
        ("timeout_before", [], None),
        ("timeout_after", [], "executed"),
        ("down", ["refused"], None),
    ],
)
def test_what_the_caller_hears_and_what_the_books_say(
    behaviour: Behaviour, heard: list[Any], state: str | None
) -> None:
    bench = Bench(behaviour)
    bench.ask(0)
    assert bench.run() == heard
    assert bench.state() == state


def test_a_party_that_is_out_refuses_and_does_nothing() -> None:
    bench = Bench("approve")
    bench.ask(0, down=True)
    assert bench.run() == ["refused"]
    assert bench.party.books == {}


def test_a_slow_party_acts_and_answers_later() -> None:
    bench = Bench(Reaction("slow", delay=7_000))
    bench.ask(0)
    bench.run()
    assert [time for time, _, _ in bench.heard] == [LATENCY + 7_000]
    assert [record.t for record in bench.trace] == [LATENCY + 7_000]


def test_how_it_reacts_may_depend_on_the_request_its_number_and_the_time() -> None:
    bench = Bench("decline", "approve")
    bench.ask(3, "a")
    bench.ask(9, "b")
    assert bench.run() == [DECLINED, OK]
    assert bench.seen == [("a", 1, 3), ("b", 2, 9)]


# Keys.


@pytest.mark.parametrize(
    ("first", "answer"), [("approve", OK), ("timeout_after", OK), ("decline", DECLINED)]
)
def test_a_key_that_was_seen_gets_the_same_outcome_and_has_no_second_effect(
    first: Behaviour, answer: Answer
) -> None:
    bench = Bench(first, "approve", "decline")
    for at in (0, 500, 900):
        bench.ask(at)
    assert bench.run()[-2:] == [answer, answer]
    assert len(bench.trace) == 1  # one entry in the books


def test_a_key_whose_request_never_arrived_is_new() -> None:
    bench = Bench("timeout_before", "down", "decline")
    for at in (0, 500, 900):
        bench.ask(at)
    assert bench.run() == ["refused", DECLINED]


def test_a_key_with_other_parameters_is_refused_and_changes_nothing() -> None:
    bench = Bench()
    bench.ask(0, what="tea")
    bench.ask(500, what="coffee")
    first, second = bench.run()
    assert (first, second.status) == (OK, 422)
    assert bench.party.books == {"k": Entry("executed", ("tea",))}


def test_keys_know_nothing_of_each_other() -> None:
    bench = Bench("approve", "decline")
    bench.ask(0, "a", what="tea")
    bench.ask(0, "b", what="coffee")
    assert bench.run() == [OK, DECLINED]
    assert (bench.state("a"), bench.state("b")) == ("executed", "declined")


# Voiding.


@pytest.mark.parametrize(
    ("first", "word", "state"),
    [
        ("approve", "voided", "voided"),
        ("timeout_before", "voided", "voided"),
        ("timeout_after", "voided", "voided"),
        ("decline", "declined", "declined"),
    ],
)
def test_a_void_undoes_or_forbids_the_effect(first: Behaviour, word: str, state: str) -> None:
    bench = Bench(first)
    bench.ask(0)
    bench.ask(500, void=True)
    assert bench.run()[-1] == Answer(200, word)
    assert bench.state() == state


def test_a_void_may_be_asked_for_again() -> None:
    bench = Bench("approve", "timeout_after")
    bench.ask(0)
    bench.ask(500, void=True)
    bench.ask(900, void=True)
    assert bench.run() == [OK, Answer(200, "voided")]


def test_a_request_that_arrives_after_its_key_was_voided_is_refused() -> None:
    bench = Bench(Reaction("slow", delay=1_000))
    bench.ask(0)
    bench.ask(500, void=True)
    assert bench.run() == [Answer(200, "voided"), VOIDED]
    assert bench.state() == "voided"


def test_the_books_are_in_the_trace() -> None:
    bench = Bench()
    bench.ask(0)
    bench.ask(500, void=True)
    bench.run()
    entries = [Booked("Courier", "k", ("tea",), state) for state in ("executed", "voided")]
    assert bench.trace.entries == [
        Record(t, "saga", None, 0, entry) for t, entry in zip((100, 600), entries, strict=True)
    ]


BEHAVIOURS = ("approve", "decline", "timeout_before", "timeout_after", "slow", "down")
REACTIONS = st.builds(Reaction, st.sampled_from(BEHAVIOURS), st.integers(0, 1_000))
REQUESTS = st.tuples(st.integers(0, 2_000), st.sampled_from("ab"), st.booleans(), REACTIONS)


@given(st.lists(REQUESTS, max_size=12))
def test_a_key_has_at_most_one_effect_and_stays_void(
    requests: list[tuple[int, str, bool, Reaction]],
) -> None:
    requests.sort(key=lambda one: one[0])
    bench = Bench(*(reaction for *_, reaction in requests))
    for at, key, void, _ in requests:
        bench.ask(at, key, void=void)
    bench.run()
    for key in "ab":
        states = [entry.state for _, entry in told(bench.trace, Booked) if entry.key == key]
        assert states in ([], ["executed"], ["declined"], ["voided"], ["executed", "voided"])
        assert bench.state(key) == (states[-1] if states else None)


# What a service hears within its own timeout.


class Caller:
    """Sends each order by courier, and remembers what came of it."""

    def __init__(self, courier: External, heard: list[object], timeout: int) -> None:
        self.courier = courier
        self.heard = heard
        self.timeout = timeout

    @on(Ordered)
    async def send(self, event: Ordered) -> None:
        try:
            answer = await self.courier.execute("k", [event.number], timeout=self.timeout)
        except (TimedOut, Unavailable) as error:
            self.heard.append(str(error))
        else:
            self.heard.append(answer)


def hears(reaction: Reaction, timeout: int = 500, **more: Any) -> tuple[list[object], Trace]:
    heard: list[object] = []

    def build(ports: Ports) -> Caller:
        return Caller(ports.external("Courier"), heard, timeout)

    trace = orders(shop(build, courier=lambda *_: reaction, **more), 0)
    return heard, trace


def test_an_answer_within_the_timeout_is_heard() -> None:
    heard, trace = hears(Reaction("slow", delay=400 - 1))
    assert heard == [OK]
    assert said(trace, "return", source="Courier") == [(ARRIVES + COURIER + 399, "200 OK")]


def test_an_answered_call_is_not_told_later_that_its_time_is_up() -> None:
    class Twice(Caller):
        @on(Ordered)
        async def send(self, event: Ordered) -> None:
            self.heard.append(await self.courier.execute("one", [], timeout=COURIER + 50))
            self.heard.append(await self.courier.execute("two", [], timeout=COURIER + 50))

    heard: list[object] = []
    orders(shop(lambda ports: Twice(ports.external("Courier"), heard, 0)), 0)
    assert heard == [OK, OK]


def test_silence_ends_with_the_client_s_timeout() -> None:
    heard, trace = hears(Reaction("timeout_before"))
    assert heard == ["no answer from Courier within 500 ms"]
    assert said(trace, "note", source="Shop") == [
        (ARRIVES + 500, "no response within 500 ms: timeout")
    ]


def test_an_answer_after_the_timeout_goes_unheard_though_the_effect_has_happened() -> None:
    heard, trace = hears(Reaction("slow", delay=401))
    assert heard == ["no answer from Courier within 500 ms"]
    assert said(trace, "note", source="Courier") == [(ARRIVES + COURIER + 401, "books: executed")]
    assert said(trace, "return", source="Courier") == []


@pytest.mark.parametrize(
    ("reaction", "faults"),
    [
        (Reaction("down"), ()),
        (Reaction("approve"), (Outage(participant="Courier", start=0, end=1_000),)),
    ],
)
def test_a_party_that_cannot_be_reached_says_so_at_once(
    reaction: Reaction, faults: tuple[Outage, ...]
) -> None:
    heard, trace = hears(reaction, faults=faults)
    assert heard == ["Courier cannot be reached"]
    assert said(trace, "return", source="Courier") == [(ARRIVES + COURIER, "503 unavailable")]
