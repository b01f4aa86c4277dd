"""The exploration reaches what there is to reach, and nothing else.

It is held against a plain enumeration of all interleavings, the reduced one against the unreduced
one, and what it predicts of the stores against what happens when its schedules are run.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings

from sagakit import Scenario, run
from sagakit.contract.events import Event, identity
from sagakit.contract.ports import Clock, Ports, Store, on
from sagakit.explore import Exploration, explore
from sagakit.explore.schedule import schedule_to
from sagakit.explore.search import following
from sagakit.explore.states import Dead, State
from sagakit.payments.events import PaymentInit
from sagakit.payments.payment import CreatePayment, PaymentService
from sagakit.payments.topology import PROVIDER, Settings
from sagakit.payments.wallet import Wallet, WalletService
from sagakit.scenarios.build import build_world
from sagakit.sim.schedule import Choice
from sagakit.zoo.flaw import decided
from tests.explore.plain import Found, TooMany, as_set, end_of, faults_of, interleavings
from tests.explore.small import GATEWAY, PAYMENT, WALLET, Small, early, larger, whole
from tests.laws import faulty

pytestmark = pytest.mark.slow

MOST_RUNS = 1_000
MOST_STATES = 1_500


def drawn(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,  # the same systems on every machine
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def ways_to_rest(answer: Exploration) -> dict[State, list[State]]:
    """Each state at rest of an exploration, and one way there."""
    assert answer.graph is not None
    assert answer.start is not None
    ways = {answer.start: [answer.start]}
    waiting, at_rest = [answer.start], {}
    while waiting:
        state = waiting.pop(0)
        steps = list(following(answer.graph, state, reduced=answer.reduced))
        if not steps:
            at_rest[state] = ways[state]
        for _, after in steps:
            if after not in ways:
                ways[after] = [*ways[state], after]
                waiting.append(after)
    return at_rest


def predicted(answer: Exploration, state: State) -> Any:
    """What there is at a state, in the form in which `end_of` tells it of a world."""
    graph = answer.graph
    assert graph is not None
    numbers = graph.stores.things[state[0]]
    stores = dict(
        zip(graph.names, map(graph.store_contents.things.__getitem__, numbers), strict=True)
    )
    tables = {name: store for name, store in stores.items() if name.endswith(" DB")}
    places = {name: (as_set(dict(one.items)), one.inbox) for name, one in tables.items()}
    books = {PROVIDER: as_set(dict(stores[PROVIDER].items))}
    letters = [one for one in map(graph.tokens.things.__getitem__, state[2]) if type(one) is Dead]
    dead = []
    for letter in letters:
        content = graph.contents[letter.message]
        event_id = content.header.event_id if isinstance(content, Event) else None
        dead.append((letter.service, event_id))
    return as_set(places), as_set(books), tuple(sorted(dead))


def ends(answer: Exploration) -> set[Any]:
    return {predicted(answer, state) for state in ways_to_rest(answer)}


def broken(answer: Exploration) -> set[str]:
    return {one.verdict.law for one in answer.broken}


def assert_agrees(small: Small, plain: Found) -> None:
    for reduced in (True, False):
        answer = explore(small.scenario, stop="all", reduced=reduced, **small.arguments())
        assert ends(answer) == plain.ends
        assert broken(answer) == set(plain.broken)


def assert_minimal(small: Small, plain: Found) -> None:
    """The first counterexample has the fewest faults, and then the fewest steps."""
    first = explore(small.scenario, **small.arguments())
    assert bool(first.broken) == bool(plain.broken)
    if first.broken:
        fewest = min(plain.broken.values())
        spent = sum(len(faults) for faults in map(faults_of, first.broken[0].schedule or ()))
        assert spent == fewest[0]
        if "crash" not in small.budget:  # where one strikes makes more steps or fewer
            assert first.broken[0].steps == fewest[1]


@given(whole)
@drawn(50)
def test_explore_agrees_with_all_interleavings_of_one_payment(small: Small) -> None:
    try:
        plain = interleavings(small.scenario, small.services, small.budget, most=MOST_RUNS)
    except TooMany:
        reject()
    assert_agrees(small, plain)
    assert_minimal(small, plain)


@given(early)
@drawn(30)
def test_explore_agrees_with_all_interleavings_of_payments_that_meet(small: Small) -> None:
    try:
        plain = interleavings(small.scenario, small.services, small.budget, most=MOST_RUNS)
    except TooMany:
        reject()
    assert_agrees(small, plain)
    assert_minimal(small, plain)


@given(larger)
@drawn(50)
def test_the_reduction_leaves_no_broken_law_out(small: Small) -> None:
    options = {**small.arguments(), "stop": "all", "limit": MOST_STATES}
    full = explore(small.scenario, reduced=False, **options)
    if not full.complete:
        reject()
    reduced = explore(small.scenario, **options)
    assert reduced.states <= full.states
    assert ends(reduced) == ends(full)
    assert broken(reduced) == broken(full)


@given(larger)
@drawn(50)
def test_a_schedule_leads_to_its_state(small: Small) -> None:
    options = {**small.arguments(), "stop": "all", "limit": MOST_STATES}
    answer = explore(small.scenario, **options)
    if not answer.complete:
        reject()
    assert_replays(answer)


# What the search once missed, or took for something that the world does not do.


def payments(balance: int, *amounts: int, **more: Any) -> Scenario:
    return Scenario(
        name="some",
        title="Payments of one user",
        wallets=[{"user_id": "ana", "balance": balance}],
        payments=[{"user_id": "ana", "amount": amount} for amount in amounts],
        **more,
    )


def assert_replays(answer: Exploration) -> None:
    """Every schedule leads where the exploration says."""
    assert answer.graph is not None
    for state, way in ways_to_rest(answer).items():
        schedule = schedule_to(answer.graph, way, reduced=answer.reduced)
        world = build_world(answer.scenario, services=answer.services, schedule=schedule)
        world.run()
        assert end_of(world) == predicted(answer, state)


@pytest.mark.parametrize("reduced", [True, False])
def test_two_probes_at_once_are_a_matter_of_order_and_not_of_the_end(reduced: bool) -> None:
    """All is as it should be in the end, and each handler did what it may: the law of the breaker
    is broken only by who called while whose call was under way."""
    impatient = faulty.gateway_with(faulty.BeginsProbeAfterProbe)
    answer = explore(
        payments(100, 30, 40, settings=Settings(breaker_threshold=1)),
        services={GATEWAY: impatient},
        provider={"timeout_after": 2},
        stop="all",
        reduced=reduced,
    )
    assert broken(answer) == {"breaker"}
    assert "two probes at once" in answer.broken[0].verdict.detail


@pytest.mark.parametrize("reduced", [True, False])
def test_a_balance_below_zero_is_found_although_a_refund_makes_up_for_it(reduced: bool) -> None:
    answer = explore(
        payments(60, 40, 40),
        services={WALLET: faulty.GoesBelowZero},
        provider={"decline": 2},
        stop="all",
        reduced=reduced,
    )
    assert "no overdraft" in broken(answer)


class RaisesWhenAsked(PaymentService):
    @on(CreatePayment)
    async def create(self, command: CreatePayment) -> Any:
        await self.payments.get(command.payment_id)
        raise RuntimeError("not today")


class LooksAtTheClockFirst(WalletService):
    def __init__(self, wallets: Store[Wallet], clock: Clock) -> None:
        super().__init__(wallets)
        self.clock = clock

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.clock.now()
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        await self.wallets.commit(wallet.debited(event.amount))


class Poisoned(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.get(event.user_id)
        raise RuntimeError("cannot cope")


class TellsTwice(WalletService):
    """Its commit has one event twice, and so is refused."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, publish=[outcome, outcome], handled=event)


def clocked(ports: Ports) -> LooksAtTheClockFirst:
    return LooksAtTheClockFirst(ports.store("Wallet DB"), ports.clock)


@pytest.mark.parametrize(
    ("scenario", "choice"),
    [
        pytest.param(
            payments(100, 70),
            {"services": {GATEWAY: faulty.RaisesThePrice}, "provider": {"timeout_after": 1}},
            id="a key that was used with other parameters gets a 422",
        ),
        pytest.param(
            payments(100, 70),
            {"services": {PAYMENT: RaisesWhenAsked}},
            id="a command that fails does not come again",
        ),
        pytest.param(
            payments(100, 70),
            {"services": {WALLET: Poisoned}, "duplicates": 1},
            id="a copy has its own receives, and dies by itself",
        ),
        pytest.param(
            payments(100, 70),
            {"services": {WALLET: TellsTwice}},
            id="two events of one commit with one id are refused",
        ),
        pytest.param(
            payments(100, 30, 40, settings=Settings(gateway_concurrency=1)),
            {"provider": {"timeout_after": 1}},
            id="a service with room for one",
        ),
        pytest.param(
            payments(100, 70, 80, settings=Settings(breaker_threshold=1)),
            {"provider": {"timeout_after": 1}, "crashes": 1},
            id="clocks do not count steps",
        ),
        pytest.param(
            payments(100, 70),
            {"crashes": 2, "provider": {"timeout_after": 1, "decline": 1}},
            id="a crash after a silence, or after another answer, is both",
        ),
        pytest.param(
            payments(
                0,
                1,
                texts=[
                    {"at": at, "queue": queue, "text": "no event"}
                    for at in (1_000, 2_500)
                    for queue in ("Wallet SQS", "Payment SQS")
                ],
            ),
            {"crashes": 1},
            id="messages that come again at moments of their own",
        ),
    ],
)
def test_a_world_ends_as_the_state_graph_predicts(
    scenario: Scenario, choice: dict[str, Any]
) -> None:
    answer = explore(scenario, stop="all", **choice)
    assert answer.complete
    assert_replays(answer)


def test_a_message_may_come_twice_to_a_handler_that_looks_at_the_clock_first() -> None:
    answer = explore(payments(100, 40), services={WALLET: clocked}, duplicates=1)
    assert answer.broken


def test_a_command_that_fails_is_not_tried_again() -> None:
    answer = explore(payments(100, 70), services={PAYMENT: RaisesWhenAsked})
    assert answer.complete
    assert answer.ends == 1
    assert answer.states == 3


def test_a_schedule_has_room_for_everybody() -> None:
    """Functions run 10 at once, by the clock; the twelfth may be first here."""
    created = [Choice(PAYMENT, f"ana:{n}") for n in range(1, 13) for _ in range(2)]
    twelfth = Choice(WALLET, identity("ana:12", "PaymentInit", 0))
    finished = run(payments(0, *[1] * 12), schedule=[*created, twelfth])
    assert all(verdict.held for verdict in finished.verdicts())
