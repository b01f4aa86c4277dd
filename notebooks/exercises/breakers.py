"""The exercise in which a circuit breaker is written, and proved.

A breaker moves along a small diagram, but in a store that many invocations share. So an answer is
first run by the clock, where its states must be those of the sound breaker; then explored.
"""

from collections import Counter
from inspect import iscoroutinefunction
from typing import Any, NamedTuple

from sagakit.contract.ports import Clock, External, Service, Store
from sagakit.payments.breaker import KEY, Breaker, CircuitBreaker
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.payments.topology import Settings
from sagakit.run import Run, run
from sagakit.scenarios import PaymentRequest, ProviderRule, Scenario
from sagakit.trace.facts import Asked, Committed, ItemRead, Record

from .evidence import SILENT, commits, outcome, requests
from .grader import Feedback, exercise
from .service_checks import Role, Trial, forgotten, no_class, try_out
from .services import given

METHODS = ("admit", "answered", "failed")
STORE = "Breaker DB"
AT_REST = 1_000  # ms: time moves by that much only when no handler has a step to make


# What a breaker must keep to, whatever breaker it is and how many share it.


def keeps_to_its_diagram(finished: Run) -> str | None:
    """CLOSED becomes OPEN by silences, OPEN becomes HALF_OPEN, and HALF_OPEN becomes CLOSED or OPEN
    as the probe went. A call that began in an earlier state says nothing about this one."""
    return _Diagram(finished).wrong


def counts_every_silence(finished: Run) -> str | None:
    """Open after `threshold` calls in a row without an answer, once all have reported."""
    return _Diagram(finished).missed


class _Diagram:
    """Follows the stored breaker through a run. A period is the time that it stays in one state.

    wrong   the first move that must not be, in words
    missed  the first moment at which all was at rest, and it should have been OPEN
    """

    def __init__(self, finished: Run) -> None:
        self.threshold = finished.scenario.settings.breaker_threshold
        self.state, self.period = "CLOSED", 0
        self.silences = self.in_a_row = 0  # in this period
        self.prober: int | None = None
        self.looked: dict[int, int] = {}  # invocation to the period in which it last looked
        self.began: dict[int, int] = {}  # to the period of its call
        self.silent: dict[int, bool] = {}
        self.wrong: str | None = None
        self.missed: str | None = None
        now = 0
        for record in finished.records:
            if record.t - now > AT_REST and not self.missed:
                self.missed = self._should_be_open(now)
            now = record.t
            self._follow(record)

    def _should_be_open(self, now: int) -> str | None:
        if self.state != "CLOSED" or self.in_a_row < self.threshold:
            return None
        return f"by {now} ms {self.in_a_row} calls in a row got no answer, and it is still CLOSED"

    def _follow(self, record: Record) -> None:
        fact, invocation = record.fact, record.invocation
        match fact:
            case ItemRead() if fact.store == STORE:
                self.looked[invocation] = self.period
            case Committed() if fact.store == STORE:
                state = fact.item.state
                wrong = self._moved(invocation, state)
                if wrong and not self.wrong:
                    self.wrong = f"{record.saga} made it {state} at {record.t} ms: {wrong}"
            case Asked():
                self.began[invocation] = self.looked.get(invocation, self.period)
        if (came := outcome(fact)) and invocation:
            silent = self.silent[invocation] = came in SILENT
            if self.began.get(invocation) == self.period:
                self.silences += silent
                self.in_a_row = self.in_a_row + 1 if silent else 0

    def _moved(self, who: int, after: str) -> str:
        """Return what is wrong with a move of the breaker, in words."""
        before, silent = self.state, self.silent.get(who)
        if before == after != "HALF_OPEN":
            return ""
        moves = {
            ("CLOSED", "OPEN"): self._may_open(who),
            ("OPEN", "HALF_OPEN"): "",
            ("HALF_OPEN", "HALF_OPEN"): "",
            ("HALF_OPEN", "CLOSED"): self._reports(who, silent is False),
            ("HALF_OPEN", "OPEN"): self._reports(who, silent is True),
        }
        wrong = moves.get((before, after), f"it was {before}, and the diagram has no such move")
        self.state, self.period, self.silences, self.in_a_row = after, self.period + 1, 0, 0
        self.looked[who] = self.period
        if after == "HALF_OPEN":
            self.prober = who
        return wrong

    def _may_open(self, who: int) -> str:
        if self.began.get(who) != self.period:
            return "its call began in an earlier state"
        if self.silences < self.threshold:
            return f"{self.silences} calls got no answer, and it takes {self.threshold}"
        return ""

    def _reports(self, who: int, fits: bool) -> str:
        if who != self.prober:
            return "it was HALF_OPEN, and the probe was another's"
        return "" if fits else "that is not how the probe went"


# An answer is run by the clock, and explored.


class BlankBreaker:
    """A breaker with what it is made of, and none of what it does. Times are in ms."""

    def __init__(
        self, store: Store[Breaker], clock: Clock, *, threshold: int, open_for: int, lease: int
    ) -> None:
        self.store = store
        self.clock = clock
        self.threshold = threshold
        self.open_for = open_for
        self.lease = lease

    async def read(self) -> Breaker:
        """The breaker as it is stored; one that is CLOSED if nobody has written it so far."""
        return await self.store.get(KEY) or Breaker()


def behind(answer: type) -> Service:
    """The sound gateway behind that breaker."""

    class Gateway(ProviderGateway):
        def __init__(
            self,
            charges: Store[Charge],
            breaker: CircuitBreaker,
            provider: External,
            **settings: Any,
        ) -> None:
            own = answer(
                breaker.store,
                breaker.clock,
                threshold=breaker.threshold,
                open_for=breaker.open_for,
                lease=breaker.lease,
            )
            super().__init__(charges, own, provider, **settings)

    return Gateway


ROLE = Role(
    service="Provider Gateway",
    sound=CircuitBreaker,
    method="admit",
    handles=(),
    lanes=(
        "Provider SQS", "Provider Retry SQS", "Provider Gateway", STORE, "External Provider API",
    ),
    outside=False,
    wire=behind,
)  # fmt: skip


class Course(NamedTuple):
    """A scenario by the clock, in which the breaker's states must be those of the sound one."""

    what: str
    scenario: Scenario
    hints: tuple[str, ...]


def _by_the_clock(at: tuple[int, ...], *out: tuple[int, int]) -> Scenario:
    """Payments at these times (s), and a provider that cannot be reached from then to then (s)."""
    payments = tuple(
        PaymentRequest(user_id="ana", amount=10, at=second * 1_000, idempotency_key=str(number))
        for number, second in enumerate(at, start=1)
    )
    down = tuple(
        ProviderRule(behaviour="down", start=start * 1_000, end=end * 1_000) for start, end in out
    )
    settings = Settings(breaker_threshold=3)
    return given(10, balance=1_000, settings=settings).but(payments=payments, provider=down)


COURSES = (
    Course(
        "three calls in a row without an answer, and a provider that is back 30 s later",
        _by_the_clock((0, 10, 20, 30, 55), (0, 40)),
        (
            "It opens at the third silence in a row, and then nobody calls for `open_for` ms.",
            "`since` says when a state began. Who asks when it has been open long enough?",
            "That one makes it HALF_OPEN and calls. What its answer means, `answered` is told.",
        ),
    ),
    Course(
        "a provider that is still out at the first probe",
        _by_the_clock((0, 10, 20, 55, 70, 90), (0, 80)),
        (
            "A probe without an answer opens it again, at the first silence.",
            "How long is it open then? Since when?",
        ),
    ),
    Course(
        "four silences, with an answer after the first two",
        _by_the_clock((0, 10, 20, 30, 40), (0, 15), (25, 45)),
        ("The threshold is about silences in a row. What does an answer do to their number?",),
    ),
)


RACE = Trial(
    "two payments at once, and a breaker that opens at the first silence",
    given(40, 30, settings=Settings(breaker_threshold=1)),
    {"provider": {"timeout_before": 2}},
    (
        "Two ask at the same moment whether they may call. What does each of them find?",
        "There is one probe. How can two agree on who has it, if neither sees the other?",
        "Whoever commits HALF_OPEN has it. What does the store say to the one who comes second?",
    ),
    as_sound=False,
    also=(keeps_to_its_diagram,),
)
COUNTED = Trial(
    "two silences at once, and a breaker that opens at the second",
    given(40, 30, settings=Settings(breaker_threshold=2)),
    {"provider": {"timeout_before": 2}},
    (
        "Both report a silence at the same time. What does each of them write?",
        "If a write is refused, what it wanted to say has not been said.",
    ),
    as_sound=False,
    also=(counts_every_silence, keeps_to_its_diagram),
)
LATE = Trial(
    "an answer that comes when the breaker has moved on",
    given(40, 30, settings=Settings(breaker_threshold=1)),
    {"provider": {"timeout_before": 1}},
    (
        "The call began while the breaker was in another state than now. What is its answer worth?",
        "`admit` returns the era of the call, and `answered` and `failed` are given it again.",
    ),
    as_sound=False,
    also=(keeps_to_its_diagram,),
)
CRASH = Trial(
    "a gateway that crashes during its probe",
    given(40, settings=Settings(breaker_threshold=1)),
    {"provider": {"timeout_before": 1}, "crashes": 1},
    (
        "The probe never reports. Who may try next, and when?",
        "A call takes `lease` ms at most. After that, the probe is lost, and another may be sent.",
    ),
    as_sound=False,
    also=(keeps_to_its_diagram,),
    limit=5_000,
)


@exercise
def breaker(answer: Any) -> Feedback:
    """Write a circuit breaker.

    It is asked before each call to the provider, and told afterwards how the call went. Write a
    class Mine(BlankBreaker) with three methods, all `async`:

    admit(self)          the era in which a call may be made now, or None if none may
    answered(self, era)  the call of that era was answered
    failed(self, era)    the call of that era got no answer

    CLOSED lets all calls through; after `threshold` silences in a row it is OPEN. OPEN lets none
    through for `open_for` ms; who asks after that makes it HALF_OPEN and may call: the probe.
    HALF_OPEN lets nobody else through; the probe's answer makes it CLOSED, its silence OPEN. If it
    does not report within `lease` ms, another may be sent. A call that began in an earlier state
    says nothing about this one.

    The breaker is a `Breaker` in `self.store`: state, failures, since (ms), era, version. `read()`
    reads it, `becoming(state, now)` moves it to another state and begins a new era. Many gateways
    share it. It starts from zoo.half_open_stampede, which lets all through once it is half-open.
    """
    misfit = _misfit(answer)
    if misfit is not None:
        return misfit
    for course in COURSES:
        wrong = _off_course(answer, course)
        if wrong is not None:
            return wrong
    return try_out(answer, ROLE, (LATE, RACE, COUNTED, CRASH))


def _misfit(answer: Any) -> Feedback | None:
    begin = "class Mine(BlankBreaker): ..."
    if (other := no_class(answer, begin)) is not None:
        return other
    for name in METHODS:
        method = getattr(answer, name, None)
        if method is None:
            return Feedback(False, f"{answer.__name__} has no `{name}`.", "It takes all three.")
        if not iscoroutinefunction(method):
            says = f"`{name}` must be `async def`: it awaits the store."
            return Feedback(False, says)
    if all(getattr(answer, name) is getattr(CircuitBreaker, name) for name in METHODS):
        says = "This is the sound breaker itself, which is right and not yours."
        return Feedback(False, says, f"Begin with {begin}")
    return forgotten(answer)


def _off_course(answer: type, course: Course) -> Feedback | None:
    """Where its states, or the calls that it lets through, are not those of the sound breaker."""
    finished = run(course.scenario, services={ROLE.service: behind(answer)})
    sound = run(course.scenario)
    error = ROLE.error_in(finished)
    if error:
        says = f"With {course.what}, your code failed: {error}."
        return Feedback(False, says, "The line is counted within the cell, from its top.")
    expected, seen = _states(sound), _states(finished)
    calls, made = _calls(sound), _calls(finished)
    if [state for state, _ in expected] == [state for state, _ in seen] and calls == made:
        return None
    points = [("Expected", _told(expected)), ("Seen", _told(seen))]
    if calls != made:
        points += [("Calls expected", _calls_told(calls)), ("Calls seen", _calls_told(made))]
    return Feedback(
        False,
        f"With {course.what}, it goes another way.",
        course.hints,
        points=tuple(points),
        trace=finished.records,
        view=ROLE.view("What it did"),
    )


def _states(finished: Run) -> list[tuple[str, int]]:
    """The states that the stored breaker went through, and when (ms) they began."""
    states = [("CLOSED", 0)]
    for record, commit in commits(finished, STORE):
        if commit.item.state != states[-1][0]:
            states.append((commit.item.state, record.t))
    return states


def _calls(finished: Run) -> dict[str, int]:
    """Return how often the provider was asked about each payment."""
    return dict(sorted(Counter(str(record.saga) for record, _ in requests(finished)).items()))


def _told(states: list[tuple[str, int]]) -> str:
    (first, _), *more = states
    told = [f"{state} at {t / 1000:.0f} s" for state, t in more]
    return ", ".join([first, *told]) + ("." if more else ", all the time.")


def _calls_told(calls: dict[str, int]) -> str:
    return (", ".join(f"{many} for {saga}" for saga, many in calls.items()) or "none") + "."
