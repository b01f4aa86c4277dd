"""The settings of one service bound those of another; what is broken is told, and can be seen."""

from dataclasses import replace

import pytest

from sagakit import Run, run, scenarios
from sagakit.check.configuration import DAY, HOUR, Horizons, Inequality, configuration
from sagakit.payments.topology import Settings, payment_system


def broken(found: list[Inequality]) -> list[Inequality]:
    return [one for one in found if not one.held]


def test_the_system_as_it_is_keeps_them_all() -> None:
    found = configuration()
    assert broken(found) == []
    assert len({one.rule for one in found}) == 5
    assert all(one.source and one.consequence for one in found)


@pytest.mark.parametrize(
    ("settings", "horizons", "words"),
    [
        (Settings(provider_visibility=59_000), Horizons(), "Provider SQS hides a message for 59 s"),
        (Settings(provider_timeout=10_000), Horizons(), "the client waits 10 s"),
        (Settings(), Horizons(inbox=4 * DAY), "the inbox keeps an id"),
        (Settings(), Horizons(redrive=24 * HOUR), "the provider knows a key for"),
        (Settings(retry_delay=900_000, provider_attempts=50), Horizons(), "may be asked for"),
    ],
)
def test_a_broken_one_names_the_two_settings(
    settings: Settings, horizons: Horizons, words: str
) -> None:
    assert any(words in one.detail for one in broken(configuration(settings, horizons)))


def test_too_few_receives_are_found_in_what_is_deployed() -> None:
    deployed = payment_system()
    few = tuple(replace(queue, receives=2) for queue in deployed.queues)
    found = broken(configuration(deployment=replace(deployed, queues=few)))
    assert len(found) == len(few)
    assert {one.detail for one in found} == {f"{queue.name} gives up after 2" for queue in few}


class TestABrokenOneCanBeSeen:
    """The same scenario with the setting as it should be, and as it should not."""

    def test_a_message_comes_again_while_it_is_being_handled(self) -> None:
        slow = scenarios.happy_path.but(provider=[{"behaviour": "slow", "delay": 3_000}])
        assert requests(run(slow)) == 1
        hasty = run(slow.but(settings={"provider_visibility": 1_000}))
        assert requests(hasty) > 1
        assert "visible again" in {record.label for record in hasty.records}

    def test_a_function_that_is_cut_off_first_never_ends_the_saga(self) -> None:
        silent = scenarios.happy_path.but(
            provider=[{"behaviour": "timeout_before", "calls": [1, 2, 3, 4, 5]}]
        )
        assert run(silent).payments.status.tolist() == ["FAILED"]
        cut_off = run(silent.but(settings={"provider_timeout": 10_000}))
        assert cut_off.payments.status.tolist() == ["PENDING"]
        laws = [verdict.law for verdict in cut_off.verdicts() if not verdict.held]
        assert "every saga ends" in laws


def requests(done: Run) -> int:
    records = done.records
    return sum(one.kind == "call" and one.target == "External Provider API" for one in records)
