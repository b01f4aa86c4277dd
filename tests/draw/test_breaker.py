"""The picture of a breaker: its state, failures, calls, probes and rejections."""

from typing import NamedTuple

import pytest

from sagakit import run, scenarios
from sagakit.contract.deployment import Participant
from sagakit.draw.breaker import breaker
from sagakit.trace import facts
from sagakit.trace.facts import Fact, Record
from sagakit.trace.observed import BreakerStory, Stretch
from sagakit.trace.trace import Trace
from tests.draw.looking import complaints, words

PARTICIPANTS = (
    Participant("Shop", "service"),
    Participant("Fuses", "store"),
    Participant("Bus", "bus"),
    Participant("Bank", "external"),
)


class Fuse(NamedTuple):
    state: str
    failures: int
    key: str = "bank"
    version: int = 1


def wrote(t: int, before: Fuse | None, item: Fuse, invocation: int) -> Record:
    fact = facts.Committed("Shop", "Fuses", "bank", before, item, (), None)
    return Record(t, "s", None, invocation, fact)


def called(t: int, until: int, invocation: int, answer: Fact) -> list[Record]:
    asked: list[tuple[int, Fact]] = [
        (t - 1, facts.Invoked("Bus", "Shop", "Invoke")),
        (t, facts.Asked("Shop", "Bank", "k", (), False, "pay()")),
        (t, facts.ReadRequested("Shop", "Fuses")),
        (until, answer),
    ]
    return [Record(at, "s", None, invocation, fact) for at, fact in asked]


def rejected(t: int, event: str, publisher: str) -> Record:
    published = facts.Published(publisher, "Bus", event, "", 1, {"reason": "CIRCUIT_OPEN"})
    return Record(t, "s", event, 0, published)


OK = facts.PartyAnswered("Shop", "Bank", "k", (), 200, "OK")
SILENCE = facts.PartySilent("Shop", "Bank", "k", (), 50)
CLOSED, ONE = Fuse("CLOSED", 0), Fuse("CLOSED", 1)
OPEN, HALF = Fuse("OPEN", 0), Fuse("HALF_OPEN", 0)
STORY = BreakerStory.of(
    Trace(
        PARTICIPANTS,
        [
            *called(10, 60, 1, SILENCE),
            wrote(62, CLOSED, ONE, 1),
            *called(100, 150, 2, SILENCE),
            wrote(152, ONE, OPEN, 2),
            rejected(160, "NotPaid", "Shop"),
            rejected(165, "Refunded", "Elsewhere"),  # what follows from it has the same reason
            Record(300, "s", None, 3, facts.Invoked("Bus", "Shop", "Invoke")),
            wrote(301, OPEN, HALF, 3),
            *called(303, 320, 3, OK)[1:],
            wrote(322, HALF, CLOSED, 3),
        ],
    )
)


def test_a_state_lasts_until_the_next() -> None:
    assert STORY.stretches == [
        Stretch("CLOSED", 0, 152),
        Stretch("OPEN", 152, 301),
        Stretch("HALF_OPEN", 301, 322),
        Stretch("CLOSED", 322, 322),
    ]


def test_the_failure_that_opens_it_counts_too() -> None:
    assert STORY.failures == [(0, 0), (62, 1), (152, 2), (152, 0), (301, 0), (322, 0)]


def test_a_probe_is_a_call_after_a_change_of_state_by_the_same_invocation() -> None:
    assert [call.number for call in STORY.silent] == [1, 2]
    assert [call.number for call in STORY.answered] == [3]
    assert STORY.probes == {3}


def test_a_payment_is_rejected_once_by_whoever_asks_the_breaker() -> None:
    assert STORY.rejections == [160]


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_every_scenario_can_be_read(name: str) -> None:
    assert complaints(run(name).breaker()) == []


def test_an_outage_is_told_as_it_went() -> None:
    done = run(scenarios.circuit_breaker)
    picture = done.breaker()
    shown = set(words(picture))
    assert {"OPEN, 31 s", "HALF_OPEN, 225 ms", "calls (28)", "rejected (15)", "probe"} <= shown
    assert {"1", "2", "3", "4", "5"} <= shown  # failures in a row
    assert "21 calls were answered, 7 were not; of all, 1 were probes." in picture.alt
    failed = done.events.query("event == 'ProviderPaymentFailed' and reason == 'CIRCUIT_OPEN'")
    assert f"Rejected at once: {len(failed)}." in picture.alt
    assert "Most failures in a row: 5." in picture.alt


@pytest.mark.parametrize("threshold", [15, 20, 30])
def test_many_failures_in_a_row_keep_their_numbers_apart(threshold: int) -> None:
    settings = scenarios.circuit_breaker.settings.model_copy(
        update={"breaker_threshold": threshold}
    )
    done = run(scenarios.circuit_breaker.but(settings=settings))
    most = max(failures for _, failures in BreakerStory.of(done.records).failures)
    picture = done.breaker()
    assert complaints(picture) == []
    assert str(most) in words(picture)


def test_the_states_agree_with_the_metrics() -> None:
    done = run(scenarios.circuit_breaker)
    spent = done.metrics.query("metric == 'breaker time'").set_index("of")["value"].to_dict()
    found: dict[str, int] = {}
    for one in BreakerStory.of(done.records).stretches:
        found[one.state] = found.get(one.state, 0) + one.end - one.begin
    assert found == spent


@pytest.mark.parametrize(
    ("trace", "why"),
    [
        (run(scenarios.happy_path).records, "The one call was answered"),
        (run(scenarios.disaster_recovery).records, "All 9 calls were answered"),
        (run(scenarios.insufficient_funds).records, "no call to an external party"),
        (Trace(PARTICIPANTS, called(10, 60, 1, SILENCE)), "but no breaker"),
        (Trace(PARTICIPANTS), "no call to an external party"),
    ],
    ids=["one call", "many calls", "no call", "no breaker", "nothing"],
)
def test_a_run_without_a_breaker_says_why_there_is_nothing_to_see(trace: Trace, why: str) -> None:
    picture = breaker(trace)
    assert why in picture.alt
    assert any(why in text for text in words(picture))


def test_the_same_run_gives_the_same_bytes() -> None:
    first, second = (run(scenarios.circuit_breaker).breaker().svg() for _ in range(2))
    assert first == second
