"""Without reordering, handlers take turns as in a plain run, and only the faults are chosen."""

from sagakit import explore, run, scenarios
from sagakit.zoo import blind_write, no_inbox


def test_without_faults_there_is_one_schedule_and_it_ends_as_the_plain_order_does() -> None:
    answer = explore(scenarios.concurrent_payments, reorder=False)
    assert answer.proved
    assert answer.schedules == 1
    assert "in one order only, first come, first served, with no faults" in repr(
        answer._repr_mimebundle_()["text/plain"]
    )


def test_without_reordering_faults_still_strike() -> None:
    in_turn = no_inbox.FLAW.explore(reorder=False)
    assert in_turn.broken
    assert in_turn.arguments["reorder"] is False
    again = run(
        no_inbox.FLAW.scenario, services=no_inbox.FLAW.services, schedule=in_turn.broken[0].schedule
    )
    assert not all(verdict.held for verdict in again.verdicts())


def test_without_reordering_fewer_states_are_seen() -> None:
    """A lost update needs one handler to read between another's read and write: taking turns, two
    handlers that came at once do just that, but who comes after the other does not."""
    every = blind_write.FLAW.explore(stop="all")
    in_turn = blind_write.FLAW.explore(stop="all", reorder=False)
    assert every.broken
    assert in_turn.states < every.states


def test_the_test_of_a_counterexample_explores_in_turn_too() -> None:
    text = no_inbox.FLAW.explore(reorder=False).broken[0].as_test()
    assert "reorder=False" in text
