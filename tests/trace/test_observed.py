"""What the picture of a breaker tells of a run."""

from sagakit import run, scenarios
from sagakit.scenarios import ProviderRule, Scenario
from sagakit.trace.observed import BreakerStory

GIVEN = scenarios.circuit_breaker


def silences(scenario: Scenario) -> list[tuple[int, int]]:
    return BreakerStory.of(run(scenario).records).silences()


def test_an_outage_is_one_silence() -> None:
    story = BreakerStory.of(run(GIVEN).records)
    (silence,) = story.silences()
    assert silence == (story.silent[0].begin, story.silent[-1].end)


def test_a_silence_ends_where_a_call_begins_that_is_answered() -> None:
    every_other = [one.payment_id for one in GIVEN.payments[::2]]
    flaky = GIVEN.but(
        provider=[
            ProviderRule(behaviour="timeout_before", payment_id=one, calls=(1,))
            for one in every_other
        ]
    )
    found = silences(flaky)
    assert len(found) == len(every_other)
    answered = {call.begin for call in BreakerStory.of(run(flaky).records).answered}
    assert all(end in answered for _, end in found[:-1])
    assert all(not begin < t < end for begin, end in found for t in answered)


def test_a_run_without_silence_has_none() -> None:
    assert silences(scenarios.happy_path) == []
