"""The zoo: each flaw is found within its budget and not within a smaller one, and the sound
services survive them all."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagakit import zoo
from sagakit.contract.operations import Commit, StorePort
from sagakit.explore import explore
from sagakit.payments.breaker import CircuitBreaker
from sagakit.payments.events import PaymentInit
from sagakit.payments.money import ZERO
from sagakit.payments.topology import SOUND
from sagakit.payments.wallet import Wallet, WalletService
from sagakit.run import run
from sagakit.zoo import ALL, NAMES, Flaw
from sagakit.zoo.flaw import decided
from sagakit.zoo.matrix import Challenge, Kill, challenges, combined, kills

EVERY_FLAW = pytest.mark.parametrize("flaw", ALL, ids=NAMES)
GHOST = "no ghost, nothing lost"


@cache
def killed() -> dict[str, Kill]:
    return {kill.flaw.name: kill for kill in kills()}


def smaller(budget: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The budgets with one fault less."""
    for name, many in budget.items():
        if isinstance(many, Mapping):
            for less in smaller(many):
                yield {**budget, name: less}
        else:
            yield {**budget, name: many - 1}


@EVERY_FLAW
def test_a_flaw_is_found_within_its_budget(flaw: Flaw) -> None:
    kill = killed()[flaw.name]
    assert kill.answer.complete
    assert kill.found is not None
    assert kill.found.verdict in kill.found.run.verdicts()


@EVERY_FLAW
def test_a_flaw_is_not_found_within_a_smaller_budget(flaw: Flaw) -> None:
    for budget in smaller(flaw.budget):
        answer = explore(flaw.scenario, services=flaw.services, **budget, stop="all")
        assert answer.complete
        broken = {each.verdict.law for each in answer.broken}
        if flaw.name == "publish_after_commit":  # what is published past an outbox is always told
            broken.remove(GHOST)
        assert broken == set()


@EVERY_FLAW
def test_the_counterexample_is_a_run_that_can_be_drawn_and_repeated(flaw: Flaw) -> None:
    kill = killed()[flaw.name]
    assert kill.found is not None
    picture = kill.found.run.sequence()
    assert picture.alt.startswith("Sequence diagram")
    assert "<svg" in picture.svg()
    if not kill.answer.runs:
        again = run(flaw.scenario, services=flaw.services, schedule=kill.found.schedule)
        assert list(again.records.jsonl()) == list(kill.found.run.records.jsonl())


@EVERY_FLAW
def test_explore_finds_the_same_broken_laws_with_and_without_reduction(flaw: Flaw) -> None:
    if killed()[flaw.name].answer.runs:
        pytest.skip("its runs are not made of steps")
    whole = flaw.explore(stop="all", reduced=False)
    assert {(each.verdict.law, len(each.faults)) for each in whole.broken} == {
        (each.verdict.law, len(each.faults)) for each in killed()[flaw.name].answer.broken
    }


@pytest.mark.parametrize("challenge", challenges(), ids=lambda challenge: challenge.scenario.name)
def test_the_sound_services_survive_the_budgets_of_all_flaws(challenge: Challenge) -> None:
    answer = challenge.explore()
    assert answer.complete
    assert [each.verdict for each in answer.broken] == []
    assert len(answer.held) == 15


@EVERY_FLAW
def test_the_sound_services_are_tried_with_what_shows_a_flaw(flaw: Flaw) -> None:
    assert any(
        challenge.scenario == flaw.scenario
        and combined([challenge.budget, flaw.budget]) == challenge.budget
        for challenge in challenges()
    )


def test_budgets_together_have_the_most_of_each() -> None:
    one = {"crashes": 1, "provider": {"decline": 1, "down": 2}}
    other = {"crashes": 2, "duplicates": 1, "provider": {"decline": 3}}
    expected = {"crashes": 2, "duplicates": 1, "provider": {"decline": 3, "down": 2}}
    assert combined([one, other]) == combined([other, one]) == expected
    assert combined([]) == {}


@EVERY_FLAW
def test_a_flaw_has_its_name_from_its_module_and_an_origin_and_a_repair(flaw: Flaw) -> None:
    module = importlib.import_module(f"sagakit.zoo.{flaw.name}")
    assert module.FLAW is flaw is zoo.flaw(flaw.name)
    assert module.__doc__
    assert flaw.origin
    assert flaw.repair


def test_an_unknown_flaw_is_refused_with_a_suggestion() -> None:
    with pytest.raises(LookupError, match=r"there is no flaw 'no_outbox': did you mean no_inbox\?"):
        zoo.flaw("no_outbox")


@EVERY_FLAW
def test_a_flaw_is_one_method_of_one_service(flaw: Flaw) -> None:
    module = importlib.import_module(f"sagakit.zoo.{flaw.name}")
    sound = {CircuitBreaker, *(cls for cls in SOUND.values() if isinstance(cls, type))}
    own = [
        cls
        for cls in vars(module).values()
        if isinstance(cls, type) and cls.__module__ == module.__name__
    ]
    differing = [
        name
        for cls in own
        if sound & set(cls.__mro__) or issubclass(cls, WalletService)
        for name in vars(cls)
        if not name.startswith("__")
    ]
    assert len(differing) == 1
    assert len(flaw.services) == 1


@settings(max_examples=25)
@given(st.none() | st.integers(0, 200), st.integers(1, 150), st.integers(1, 9))
def test_the_flawed_wallets_decide_as_the_sound_one_does(
    balance: int | None, amount: int, version: int
) -> None:
    wallet = None if balance is None else Wallet("ana", ZERO + balance, version)
    event = PaymentInit.first(
        "ana:1", payment_id="ana:1", transaction_id="tx-ana:1", user_id="ana", amount=amount
    )
    handler: Any = WalletService(StorePort("Wallet DB")).debit(event)
    handler.send(None)
    commit = handler.send(wallet)
    handler.close()
    assert isinstance(commit, Commit)
    after, outcome = decided(wallet, event)
    assert (commit.item, commit.publish) == (after, (outcome,))
