"""Notebook 06: its checks take what is right, whatever it looks like, and nothing else."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from exercises.disaster_recovery import (
    folded,
    moved,
    movements,
    rebuilt,
    recovers,
    twice,
    wallets_at,
)
from sagakit import run, scenarios
from sagakit.payments.events import BalanceDebited, BalanceRefunded
from sagakit.payments.recovery import RecoverableWalletService
from sagakit.payments.wallet import Wallet
from sagakit.trace.facts import ALREADY_HANDLED, StoreRefused

State = tuple[Decimal, int]


@pytest.mark.parametrize("check", [folded, rebuilt, recovers])
def test_three_dots_are_no_answer_yet(check: Any) -> None:
    assert "three dots" in repr(check(...))


def test_a_function_that_returns_three_dots_is_no_answer_yet() -> None:
    assert "three dots" in repr(folded(lambda balance, event: ...))
    assert "three dots" in repr(rebuilt(lambda wallet, events: ...))


# What the notebook takes for granted.


def test_the_wallets_at_a_moment() -> None:
    lost = run(scenarios.disaster_recovery)
    assert list(wallets_at(lost, 0).balance) == [200, 150, 60]
    assert list(wallets_at(lost, 2_999).version) == [5, 3, 2]
    assert wallets_at(lost, 3_000).empty
    assert wallets_at(lost, 100_000).balance.tolist() == lost.wallets.balance.tolist()


def test_the_movements_of_each_wallet_are_numbered_without_a_gap() -> None:
    history = movements(run(scenarios.disaster_recovery))
    for _, own in history.groupby("user_id"):
        assert all(after == before + 1 for before, after in pairwise(own.wallet_version))


def test_a_request_comes_twice_and_the_sound_service_handles_it_once() -> None:
    given = scenarios.disaster_recovery
    again = run(given.but(faults=[*given.faults, twice("ana:7", at=6_000)]))
    times = [
        record.t
        for record in again.records
        if isinstance(record.fact, StoreRefused) and record.saga == "ana:7"
        if record.fact.error == ALREADY_HANDLED
    ]
    assert len(times) == 1
    assert 6_000 < times[0] < 6_100
    assert all(verdict.held for verdict in again.verdicts())


# The fold.


def by_type(balance: Decimal, event: Any) -> Decimal:
    if event.event == "BalanceDebited":
        return balance - event.amount
    return balance + event.amount


def by_sign(balance: Decimal, event: Any) -> Decimal:
    sign = {"BalanceDebited": -1, "BalanceRefunded": 1}[event.event]
    return balance + sign * event.amount


@pytest.mark.parametrize("answer", [by_type, by_sign])
def test_a_fold(answer: Any) -> None:
    assert folded(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda balance, event: balance - event.amount, "then comes BalanceRefunded"),
        (lambda balance, event: balance + event.amount, "takes money out"),
        (lambda balance, event: event.amount, "then comes BalanceDebited with amount 30.00"),
        (lambda balance, event: None, "For BalanceDebited it returns None"),
        (lambda balance, event: (by_type(balance, event), 2), "a number"),
        (lambda balance: balance, "TypeError"),
        (lambda balance, event: balance - event.sum, "AttributeError"),
        (170, "A function is asked for"),
    ],
)
def test_no_fold(answer: Any, says: str) -> None:
    assert not folded(answer)
    assert says in repr(folded(answer))


# Rebuilding a wallet.


def in_sequence(wallet: State, events: list[Any]) -> State:
    balance, version = wallet
    for event in sorted(events, key=lambda event: event.wallet_version):
        if event.wallet_version > version + 1:
            raise LookupError(version + 1)
        if event.wallet_version == version + 1:
            balance, version = by_type(balance, event), version + 1
    return balance, version


def by_look_up(wallet: State, events: list[Any]) -> list[Any]:
    balance, version = wallet
    known = {event.wallet_version: event for event in events}
    last = max(known, default=version)
    for version in range(wallet[1] + 1, last + 1):
        balance = by_sign(balance, known[version])
    return [balance, max(last, wallet[1])]


@pytest.mark.parametrize("answer", [in_sequence, by_look_up])
def test_a_rebuilt_wallet(answer: Any) -> None:
    assert rebuilt(answer)


def applies_all(wallet: State, events: list[Any]) -> State:
    balance, version = wallet
    for event in events:
        balance, version = by_type(balance, event), event.wallet_version
    return balance, version


def from_the_beginning(wallet: State, events: list[Any]) -> State:
    return applies_all(wallet, sorted(set(events), key=lambda event: event.wallet_version))


def as_they_come(wallet: State, events: list[Any]) -> State:
    balance, version = wallet
    for event in events:
        if event.wallet_version == version + 1:
            balance, version = by_type(balance, event), version + 1
    return balance, version


def counts_twice(wallet: State, events: list[Any]) -> State:
    since = [event for event in events if event.wallet_version > wallet[1]]
    balance = wallet[0]
    for event in since:
        balance = by_type(balance, event)
    return balance, max([wallet[1], *(event.wallet_version for event in since)])


def sees_no_gap(wallet: State, events: list[Any]) -> State:
    balance, version = wallet
    for event in sorted(set(events), key=lambda event: event.wallet_version):
        if event.wallet_version > version:
            balance, version = by_type(balance, event), event.wallet_version
    return balance, version


def by_time(wallet: State, events: list[Any]) -> State:
    """Two events may share a time."""
    balance, version = wallet
    for event in sorted(events, key=lambda event: event.t):
        if event.wallet_version == version + 1:
            balance, version = by_type(balance, event), version + 1
        elif event.wallet_version > version:
            raise LookupError(version + 1)
    return balance, version


def takes_old_for_a_gap(wallet: State, events: list[Any]) -> State:
    balance, version = wallet
    for event in sorted(events, key=lambda event: event.wallet_version):
        if event.wallet_version != version + 1:
            raise LookupError("a gap")
        balance, version = by_type(balance, event), version + 1
    return balance, version


def folds_nothing(wallet: State, events: list[Any]) -> Any:
    return ..., wallet[1]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (applies_all, "in another order"),
        (from_the_beginning, "of which the snapshot has a part"),
        (as_they_come, "in another order"),
        (counts_twice, "comes twice"),
        (sees_no_gap, "raise an error"),
        (by_time, "with one time for all"),
        (takes_old_for_a_gap, "One that the wallet has already is no error"),
        (folds_nothing, "exercise 1"),
        (lambda wallet, events: wallet[0], "(balance, version) is asked for"),
        (lambda wallet, events: None, "(balance, version) is asked for"),
        ((170, 2), "A function is asked for"),
    ],
)
def test_no_rebuilt_wallet(answer: Any, says: str) -> None:
    assert not rebuilt(answer)
    assert says in repr(rebuilt(answer))


# Recoveries.


class Complete(RecoverableWalletService):
    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        wallet = await self._wallet(event)
        if event.wallet_version == wallet.version + 1:
            await self.wallets.commit(moved(wallet, event), handled=event.header.causation_id)

    async def _wallet(self, event: BalanceDebited | BalanceRefunded) -> Wallet:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        return wallet


class Inherits(RecoverableWalletService):
    """Passes over what the wallet has, and leaves the rest to the sound service."""

    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is not None and wallet.version >= event.wallet_version:
            return
        await super()._apply(event)


class ReplaysAll(Complete):
    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        await self.wallets.commit(moved(await self._wallet(event), event))


class NoInbox(Complete):
    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        wallet = await self._wallet(event)
        if event.wallet_version == wallet.version + 1:
            await self.wallets.commit(moved(wallet, event))


class RemembersTheEvent(Complete):
    """Puts the event's own id in the inbox, where the request's belongs."""

    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        wallet = await self._wallet(event)
        if event.wallet_version == wallet.version + 1:
            await self.wallets.commit(moved(wallet, event), handled=event)


class PublishesAgain(Complete):
    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        wallet = await self._wallet(event)
        if event.wallet_version == wallet.version + 1:
            handled = event.header.causation_id
            await self.wallets.commit(moved(wallet, event), publish=[event], handled=handled)


class TrustsTheInbox(Complete):
    """The inbox refuses what the snapshot has; that ends the recovery half-way."""

    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        wallet = moved(await self._wallet(event), event)
        await self.wallets.commit(wallet, handled=event.header.causation_id)


class Misspelt(RecoverableWalletService):
    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        await self.walets.get(event.user_id)  # type: ignore[attr-defined]


@pytest.mark.parametrize("answer", [Complete, Inherits])
def test_a_recovery(answer: type) -> None:
    assert recovers(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (ReplaysAll, "When is an event already part of the snapshot?"),
        (NoInbox, "the write names no request"),
        (RemembersTheEvent, "or another id than a request's"),
        (PublishesAgain, "What does a replay publish?"),
        (TrustsTheInbox, "'recovery' is broken"),
        (Misspelt, "'Misspelt' object has no attribute 'walets'"),
        (RecoverableWalletService, "the sound service's own"),
        ("Complete", "A class is asked for"),
    ],
)
def test_no_recovery(answer: Any, says: str) -> None:
    assert not recovers(answer)
    assert says in repr(recovers(answer))
