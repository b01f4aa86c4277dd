"""A step is a saga's own as long as no other saga is seen to touch what it touches."""

from dataclasses import replace
from typing import Any

import pytest

from sagakit.contract import operations as ops
from sagakit.explore.independence import Contended, Resource, Sharing
from sagakit.explore.states import Running
from sagakit.payments.money import ZERO
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet

NUMBERS = {"Wallet DB": 0, "Breaker DB": 1, PROVIDER: 2}
READS = ops.Get("Wallet DB", "ana")
WRITES = ops.Commit("Wallet DB", Wallet("ana", ZERO), (), None)
ASKS = ops.Ask(PROVIDER, False, "execute()", "tx-1", (), 5_000)


def sharing(*contended: Resource) -> Sharing:
    whole = payment_system()
    tables = tuple(one for one in whole.tables if one.name in NUMBERS)
    return Sharing(replace(whole, tables=tables, lanes=()), NUMBERS, frozenset(contended))


def step(operation: Any, service: str = "Wallet Service") -> Running:
    return Running(service, 0, 0, 0, (), operation, True)


def test_steps_that_only_read_are_independent() -> None:
    shared = sharing()
    assert shared.is_own(step(READS), "A")
    assert shared.is_own(step(READS), "B")


@pytest.mark.parametrize(("first", "second"), [(READS, WRITES), (WRITES, READS), (WRITES, WRITES)])
def test_what_one_saga_writes_and_another_touches_is_contended(first: Any, second: Any) -> None:
    shared = sharing()
    assert shared.is_own(step(first), "A")
    assert shared.is_own(step(second), "A")
    with pytest.raises(Contended) as found:
        shared.is_own(step(second), "B")
    assert found.value.args == ((0, "ana"),)
    again = sharing((0, "ana"))
    assert not again.is_own(step(second), "B")
    assert again.is_own(step(WRITES._replace(item=Wallet("ben", ZERO))), "B")


def test_calls_are_not_independent_once_the_breaker_is_shared() -> None:
    assert sharing().is_own(step(ASKS, "Provider Gateway"), "A")
    assert not sharing((1, "breaker")).is_own(step(ASKS, "Provider Gateway"), "A")
    assert sharing((0, "ana")).is_own(step(ASKS, "Provider Gateway"), "A")


def test_commits_of_an_inbox_alone_are_independent() -> None:
    shared = sharing((0, "ana"))
    assert shared.is_own(step(ops.Commit("Wallet DB", None, (), "m1")), "A")
