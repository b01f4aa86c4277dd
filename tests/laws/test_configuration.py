"""The settings of one service bound those of another; what is broken is told, and can be seen."""

from dataclasses import replace

import pytest

from sagakit import Run, run, scenarios
from sagakit.contract.deployment import Deployment, Function
from sagakit.contract.validation import BadScenario
from sagakit.laws.configuration import (
    DAY,
    HOUR,
    Horizons,
    Inequality,
    check_deployment,
    configuration,
)
from sagakit.payments.topology import Settings, payment_system
from sagakit.trace.facts import Asked, VisibleAgain
from tests.examples.test_travel import DEPLOYMENT as TRAVEL


def broken(found: list[Inequality]) -> list[Inequality]:
    return [one for one in found if not one.held]


def test_the_payment_system_keeps_every_inequality() -> None:
    found = configuration(payment_system())
    assert broken(found) == []
    assert len({one.rule for one in found}) == 5
    assert all(one.source and one.consequence for one in found)


@pytest.mark.parametrize(
    ("settings", "horizons", "words"),
    [
        (Settings(provider_visibility=59_000), Horizons(), "Provider SQS hides a message for 59 s"),
        (Settings(provider_timeout=10_000), Horizons(), "the client waits 10 s"),
        (Settings(), Horizons(inbox=8 * DAY + 12 * HOUR), "the inbox keeps an id"),
        (Settings(), Horizons(redrive=24 * HOUR), "the provider knows a key for"),
        (Settings(retry_delay=900_000, provider_attempts=40), Horizons(), "may be asked for"),
    ],
)
def test_a_broken_inequality_names_the_two_settings(
    settings: Settings, horizons: Horizons, words: str
) -> None:
    assert any(
        words in one.detail for one in broken(configuration(payment_system(settings), horizons))
    )


def test_the_key_has_to_outlive_each_receive_of_each_attempt() -> None:
    """Two attempts, a minute apart, and each may be received five times, a minute apart."""
    longest = 2 * 5 * 60_000 + 60_000

    def held(key: int) -> bool:
        horizons = Horizons(redrive=0, provider_key=key)
        return not broken(configuration(payment_system(), horizons))

    assert held(longest + 1)
    assert not held(longest)


def test_horizons_must_be_lengths_of_time() -> None:
    with pytest.raises(BadScenario, match="Horizons: inbox: must be a whole number, not"):
        Horizons(inbox="forever")  # type: ignore[arg-type]


def test_the_inbox_has_to_remember_a_message_that_waits_again_after_a_redrive() -> None:
    horizons = Horizons(inbox=8 * DAY + 12 * HOUR + 1)
    assert broken(configuration(payment_system(), horizons)) == []


def test_too_few_receives_are_found_in_what_is_deployed() -> None:
    deployed = payment_system()
    few = tuple(replace(queue, receives=2) for queue in deployed.queues)
    found = broken(configuration(replace(deployed, queues=few)))
    assert len(found) == len(few)
    assert {one.detail for one in found} == {f"{queue.name} gives up after 2" for queue in few}


def test_a_deployment_that_asks_nobody_outside_has_its_queues_to_be_held_against() -> None:
    found = configuration(TRAVEL)
    assert len(found) == 2 * len(TRAVEL.queues) + 1
    slow = replace(TRAVEL, functions=tuple(replace(one, timeout=6_000) for one in TRAVEL.functions))
    assert len(broken(configuration(slow))) == len(TRAVEL.queues)


def test_a_deployment_checks_itself_as_a_table() -> None:
    hasty = payment_system(Settings(provider_visibility=59_000))
    table = check_deployment(hasty)
    assert list(table) == list(Inequality._fields)
    assert list(map(tuple, table.values.tolist())) == list(map(tuple, configuration(hasty)))
    assert table.held.dtype == bool
    assert table.held.value_counts().to_dict() == {True: 9, False: 2}
    strict = check_deployment(payment_system(), Horizons(inbox=DAY))
    assert strict.rule[~strict.held].tolist() == [
        "the inbox remembers longer than a message can come again"
    ]
    only = Deployment(functions=(Function(name="Shop", build=lambda ports: ports),))
    nothing = check_deployment(only)
    assert nothing.empty
    assert list(nothing) == list(Inequality._fields)


class TestABrokenOneCanBeSeen:
    """The same scenario with the setting as it should be, and as it should not."""

    def test_a_message_comes_again_while_it_is_being_handled(self) -> None:
        slow = scenarios.happy_path.but(provider=[{"behaviour": "slow", "delay": 3_000}])
        assert requests(run(slow)) == 1
        hasty = run(slow.but(settings={"provider_visibility": 1_000}))
        assert requests(hasty) > 1
        assert VisibleAgain in {type(record.fact) for record in hasty.records.entries}

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
    return sum(isinstance(record.fact, Asked) for record in done.records.entries)
