"""Notebook 07: its checks take what is right, whatever it looks like, and nothing else."""

from typing import Any

import pandas as pd
import pytest

from exercises.at_least_once import (
    CRASHED,
    GIVEN,
    TWICE,
    WALLET,
    balance_refunded,
    came_twice,
    charged,
    dead_letters,
    debits,
    deliveries,
    handled_and_dead,
    refunded_once,
)
from sagakit import run
from sagakit.contract.faults import Crash, Outage
from sagakit.contract.ports import on
from sagakit.payments.events import ReembolsarUsuario
from sagakit.payments.wallet import WalletService

CRASHES = [Crash(service=WALLET, event="PaymentInit", step=2, nth=nth) for nth in range(1, 6)]


@pytest.mark.parametrize("check", [came_twice, refunded_once, handled_and_dead])
def test_three_dots_are_no_answer_yet(check: Any) -> None:
    assert "three dots" in repr(check(...))
    assert "three dots" in repr(came_twice(lambda table: ...))


def test_what_the_notebook_shows() -> None:
    assert debits(run(TWICE)) == debits(run(CRASHED)) == 1
    assert charged(run(GIVEN)) == 40
    assert list(deliveries(run(CRASHED)).query("event == 'PaymentInit'").receive) == [1, 2]
    assert dead_letters(run(GIVEN)).empty


# What came twice.


def by_groups(table: pd.DataFrame) -> list[str]:
    times = table.groupby(["service", "event_id"]).size()
    return list(times[times > 1].reset_index().event_id)


def by_marking(table: pd.DataFrame) -> set[str]:
    return {*table.event_id[table.duplicated(["service", "event_id"])]}


@pytest.mark.parametrize("answer", [by_groups, by_marking])
def test_what_came_twice_is_found(answer: Any) -> None:
    assert came_twice(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda table: list(table.event_id[table.duplicated("event_id")]), "How many services"),
        (lambda table: list(table.event_id[table.receive > 1]), "What stayed the same?"),
        (lambda table: [], "does not name the PaymentInit, which came 2 times"),
        (lambda table: list(table.event_id), "names the BalanceRefunded too"),
        (lambda table: list(by_marking(table)) if len(table) > 9 else ["x"], "no event id"),
        (lambda table: table, "DataFrame"),
        (lambda table: None, "Is there a return?"),
        (lambda table: table.nonsense, "AttributeError"),
        (lambda table: table.event_id[table.duplicated(["service", "event"])], "two payments"),
        (["ff77ffc820931598"], "no function"),
    ],
)
def test_other_functions(answer: Any, says: str) -> None:
    assert not came_twice(answer)
    if "names" not in says:
        assert says in repr(came_twice(answer))


def by_message(table: pd.DataFrame) -> list[str]:
    """Flaw: asks for the message, which is a new one if the bus delivers twice."""
    times = table.groupby("message_id").size()
    return list(table.event_id[table.message_id.isin(times.index[times > 1])].unique())


def test_by_the_message_id_is_not_enough() -> None:
    assert "What stayed the same?" in repr(came_twice(by_message))


# A refund that happens once.


class Once(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.credited(event.amount)
        refunded = balance_refunded(event, wallet)
        await self.wallets.commit(wallet, publish=[refunded], handled=event)


class OnceById(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is None:
            return
        wallet = wallet._replace(balance=wallet.balance + event.amount)
        said = [balance_refunded(event, wallet)]
        await self.wallets.commit(wallet, publish=said, handled=event.header.event_id)


class Whatever(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.credited(event.amount)
        await self.wallets.commit(wallet, publish=[balance_refunded(event, wallet)])


class MarksFirst(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        await self.wallets.commit(None, handled=event)
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.credited(event.amount)
        await self.wallets.commit(wallet, publish=[balance_refunded(event, wallet)])


class WorksFirst(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.credited(event.amount)
        await self.wallets.commit(wallet, publish=[balance_refunded(event, wallet)])
        await self.wallets.commit(None, handled=event)


class MarksAllAlike(WalletService):
    """Puts one and the same mark into the inbox, whatever the message."""

    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.credited(event.amount)
        said, mark = [balance_refunded(event, wallet)], "refunded"
        await self.wallets.commit(wallet, publish=said, handled=mark)


class TellsWithoutAList(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.credited(event.amount)
        said: Any = balance_refunded(event, wallet)
        await self.wallets.commit(wallet, publish=said, handled=event)


class TellsNobody(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        await self.wallets.commit(wallet.credited(event.amount), handled=event)


class Misspelt(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        await self.walets.get(event.user_id)  # type: ignore[attr-defined]


@pytest.mark.parametrize("answer", [Once, OnceById])
def test_refunded_once(answer: type) -> None:
    assert refunded_once(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Whatever, "refund 2"),
        (MarksFirst, "dies at any step"),
        (WorksFirst, "refund 2"),
        (MarksAllAlike, "With two payments that the provider declines"),
        (TellsWithoutAList, "publish= takes a list of events"),
        (TellsNobody, "and the event"),
        (Misspelt, "'walets'"),
        (WalletService, "the sound service's own"),
        (3, "a class is asked for"),
    ],
)
def test_not_refunded_once(answer: Any, says: str) -> None:
    assert not refunded_once(answer)
    assert says in repr(refunded_once(answer))


# Handled, and dead.


@pytest.mark.parametrize(
    "answer",
    [
        GIVEN.but(faults=CRASHES),
        GIVEN.but(faults=[CRASHES[0], Outage(participant="Wallet DB", start=1_000, end=200_000)]),
    ],
)
def test_handled_and_dead(answer: Any) -> None:
    assert handled_and_dead(answer)
    assert "1 debit, as before" in repr(handled_and_dead(answer))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (GIVEN, "received once"),
        (GIVEN.but(faults=CRASHES[:4]), "received 5 times, and is no dead letter"),
        (
            GIVEN.but(faults=[one.model_copy(update={"step": 1}) for one in CRASHES]),
            "Nothing was debited",
        ),
        (
            GIVEN.but(faults=[Outage(participant="Wallet DB", start=0, end=200_000)]),
            "Nothing was debited",
        ),
        (CRASHES, "not yet a scenario"),
        (run(GIVEN), "This is a run"),
        ("dead", "no scenario"),
    ],
)
def test_not_handled_or_not_dead(answer: Any, says: str) -> None:
    assert not handled_and_dead(answer)
    assert says in repr(handled_and_dead(answer))
