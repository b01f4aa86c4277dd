"""Notebook 13: its checks take what is right, whatever it looks like, and nothing else; and a kill
is one."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exercises.real_parts import (
    PAID,
    SLOW,
    Killed,
    Mortal,
    found_in,
    killed_while_asking,
    same,
    survives,
    to_the_minute,
)
from sagakit import Run
from sagakit.contract.ports import Store, on
from sagakit.payments.events import BalanceDebited, PaymentInit
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet, WalletService
from sagakit.trace.facts import Opening
from sagakit.worlds.sqlite.database import Database
from sagakit.worlds.sqlite.serve import serve, serve_on
from sagakit.zoo.no_inbox import NoInbox


def test_three_dots_are_no_answer_yet() -> None:
    for check in (same, survives):
        assert "three dots" in repr(check(...))
    assert "three dots" in repr(same(lambda run: ...))


# What is the same in every world.


def events_and_ends(run: Run) -> Any:
    return run.events.event.tolist(), run.payments.status.tolist()


def causes(run: Run) -> Any:
    return run.events[["event_id", "causation_id", "event"]].values.tolist()


@pytest.mark.parametrize("story", [events_and_ends, causes])
def test_a_story_of_what_services_decide(story: Callable[[Run], Any]) -> None:
    assert same(story)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        (lambda run: run.events.t.tolist(), "in the simulator, and"),
        (lambda run: run.payments.status.tolist(), "does not tell them apart"),
        (lambda run: len(run.wallets), "does not tell them apart"),
        (lambda run: (run.payments.status[0], run.wallets.balance[0]), "does not tell them apart"),
        (lambda run: run.event, "raised AttributeError"),
        ("PaymentInit", "no function"),
    ],
)
def test_a_story_that_is_another_one_elsewhere_or_says_too_little(story: Any, told: str) -> None:
    answer = same(story)
    assert not answer
    assert told in repr(answer)


# A service that survives.


class Commits(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.debited(event.amount)
        await self.wallets.commit(wallet, publish=[debit_of(event, wallet)], handled=event)


class Remembers(WalletService):
    def __init__(self, wallets: Store[Wallet]) -> None:
        super().__init__(wallets)
        self.seen: set[str] = set()

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        if event.header.event_id in self.seen:
            return
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.debited(event.amount)
        await self.wallets.commit(wallet, publish=[debit_of(event, wallet)])
        self.seen.add(event.header.event_id)


class DebitsNobody(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = Wallet(event.user_id, Decimal(0))
        await self.wallets.commit(None, publish=[debit_of(event, wallet)], handled=event)


class Misspelt(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.walets.get(event.user_id)  # type: ignore[attr-defined]


class WritesNothing(WalletService):
    """Somebody has taken the note, and not the money."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.commit(None, handled=event)


class HandlesNothing:
    def __init__(self, wallets: Store[Wallet]) -> None: ...


def debit_of(event: PaymentInit, wallet: Wallet) -> BalanceDebited:
    return BalanceDebited.after(
        event,
        amount_debited=event.amount,
        amount_left=wallet.balance,
        wallet_version=wallet.version + 1,
    )


@pytest.mark.parametrize(
    ("service", "told"),
    [
        (Remembers, "Killed at one moment of paid"),
        (NoInbox, "Killed at one moment of paid"),
        (DebitsNobody, "Even if nothing is killed"),
        (WritesNothing, "Follow the diagram"),
        (Misspelt, "your code fails: AttributeError: 'Misspelt' object has no attribute 'walets'"),
        (WalletService, "the sound service's own `debit`"),
        (HandlesNothing, "no handler for PaymentInit, ReembolsarUsuario"),
        (Commits(Store), "A class is asked for"),  # type: ignore[arg-type]
    ],
)
def test_what_does_not_survive_is_told(service: Any, told: str) -> None:
    answer = survives(service)
    assert not answer
    assert told in repr(answer)


def test_the_run_that_shows_it_is_drawn() -> None:
    answer = survives(Remembers)
    assert answer.trace is not None
    assert answer.trace.stores()["Wallet DB"]["ana"].balance == 60


# A kill.


def test_a_file_is_killed_before_the_transaction_that_is_asked_for(tmp_path: Path) -> None:
    """The first one starts the clock, the second brings what the scenario gives."""
    file = tmp_path / "trial.db"
    with pytest.raises(Killed), Mortal(file, 2) as database:
        serve_on(database, PAID, hurry=True)
    with Database(file) as database:
        kept = database.trace(payment_system().participants())
        assert [type(record.fact) for record in kept] == [Opening]
    assert serve(PAID, file, hurry=True).payments.status.tolist() == ["COMPLETED"]


def test_a_process_is_killed_once_the_provider_has_executed(tmp_path: Path) -> None:
    file = tmp_path / "trial.db"
    killed_while_asking(SLOW, file)
    left = found_in(file, SLOW)
    assert left.payments.status.tolist() == ["PENDING"]
    assert left.items("Provider DB").state.tolist() == ["TRYING"]
    assert left.items(PROVIDER).state.tolist() == ["executed"]
    assert len(found_in(file, SLOW).records) == len(left.records)
    cut = to_the_minute(serve(SLOW, file, hurry=True))
    assert set(cut.trace.t) == {0, 60_000}
    assert cut.payments.status.tolist() == ["COMPLETED"]


def test_a_process_that_ends_before_is_told(tmp_path: Path) -> None:
    nobody = SLOW.but(payments=[{"user_id": "nobody", "amount": 70}])
    with pytest.raises(RuntimeError, match="did not come to ask the provider"):
        killed_while_asking(nobody, tmp_path / "trial.db")
