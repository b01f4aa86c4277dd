"""Notebook 05: its checks take what is right, whatever it looks like, and nothing else."""

from contextlib import suppress
from typing import Any

import pandas as pd
import pytest

from exercises.concurrent_payments import (
    balance_debited,
    conflicts_found,
    repaired,
    three_at_once,
)
from sagakit.contract.ports import VersionConflict, on
from sagakit.payments.events import PaymentInit
from sagakit.payments.wallet import WalletService

CONFLICT = "ConditionalCheckFailedException:"


@pytest.mark.parametrize("check", [three_at_once, conflicts_found, repaired])
def test_three_dots_are_no_answer_yet(check: Any) -> None:
    assert "three dots" in repr(check(...))
    assert "three dots" in repr(conflicts_found(lambda trace: ...))


# Three at once.


@pytest.mark.parametrize("answer", [(20, 3, 2), [20.0, 3, 2]])
def test_the_three_numbers(answer: Any) -> None:
    assert three_at_once(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((-40, 4, 3), "Look at the balance again"),
        ((20, 4, 2), "Does a report that the balance is too small change the wallet?"),
        ((20, 3, 3), "Right so far: the balance and the version"),
        (20, "Three numbers"),
        ("20, 3, 2", "Three numbers"),
        ((20, 3), "not 2"),
        ((20, ..., 2), "three dots"),
        (("20", "3", "2"), "'20' is no number"),
    ],
)
def test_other_numbers(answer: Any, says: str) -> None:
    assert not three_at_once(answer)
    assert says in repr(three_at_once(answer))


# Conflicts.


def by_label(trace: pd.DataFrame) -> pd.Series:
    return trace.query("label == @CONFLICT").correlation_id


def by_loop(trace: pd.DataFrame) -> list[str]:
    return [str(row.correlation_id) for row in trace.itertuples() if row.label == CONFLICT]


@pytest.mark.parametrize("answer", [by_label, by_loop])
def test_conflicts_are_found(answer: Any) -> None:
    assert conflicts_found(answer)


def each_saga_once(trace: pd.DataFrame) -> list[str]:
    return list(by_label(trace).unique())


def every_refusal(trace: pd.DataFrame) -> list[str]:
    answers = trace[(trace.kind == "return") & (trace.source == "Wallet DB")]
    return list(answers.correlation_id[answers.label.str.endswith(":")])


def backwards(trace: pd.DataFrame) -> list[str]:
    return by_loop(trace)[::-1]


def by_note(trace: pd.DataFrame) -> list[str]:
    """Misses the conflict after which there is no retry."""
    return list(trace[trace.label.str.startswith("conflict:")].correlation_id)


def always_b(trace: pd.DataFrame) -> list[str]:
    return ["ana:B"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (each_saga_once, "counts twice"),
        (every_refusal, "for other reasons"),
        (by_note, "there are 10, of ana:2, ana:3, ana:4, ana:5. Hint: Look at the label"),
        (lambda trace: trace[trace.label == CONFLICT].label, "Take the correlation_id"),
        (lambda trace: None, "Is there a return?"),
        (backwards, "order"),
        (always_b, "'ana:B', which is no saga of that run"),
        (lambda trace: [], "there is one, of ana:B"),
        (lambda trace: trace, "correlation_id"),
        (lambda trace: 3, "a list of sagas"),
        (lambda trace: trace.nonsense, "AttributeError"),
        (["ana:B"], "A function is asked for"),
    ],
)
def test_other_functions(answer: Any, says: str) -> None:
    assert not conflicts_found(answer)
    assert says in repr(conflicts_found(answer))


# Repaired services.


class Lets(WalletService):
    """Lets the conflict through."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is None or not wallet.covers(event.amount):
            return await super().debit(event)
        after = wallet.debited(event.amount)
        await self.wallets.commit(after, publish=[balance_debited(event, after)], handled=event)
        return None


class BeginsAgain(WalletService):
    """Decides again, on a new read."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        try:
            await super().debit(event)
        except VersionConflict:
            await self.debit(event)


class Forces(WalletService):
    """Writes what it worked out from an older read."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        if not wallet.covers(event.amount):
            return await super().debit(event)
        wallet = wallet.debited(event.amount)
        published = [balance_debited(event, wallet)]
        try:
            await self.wallets.commit(wallet, publish=published, handled=event)
        except VersionConflict:
            latest = await self.wallets.get(event.user_id)
            assert latest is not None
            wallet = wallet._replace(version=latest.version)
            await self.wallets.commit(wallet, publish=published, handled=event)
        return None


class Covers(WalletService):
    """Works out the balance from the new read, and tells of the old one."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is None or not wallet.covers(event.amount):
            return await super().debit(event)
        after = wallet.debited(event.amount)
        published = [balance_debited(event, after)]
        try:
            await self.wallets.commit(after, publish=published, handled=event)
        except VersionConflict:
            latest = await self.wallets.get(event.user_id)
            if latest is None or not latest.covers(event.amount):
                return await super().debit(event)
            after = latest.debited(event.amount)
            await self.wallets.commit(after, publish=published, handled=event)
        return None


class Silent(WalletService):
    """Debits, and tells nobody."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        await self.wallets.commit(wallet.debited(event.amount), handled=event)


class ReadsNothing(WalletService):
    """Does not await its read."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet: Any = self.wallets.get(event.user_id)
        await self.wallets.commit(wallet.debited(event.amount), handled=event)


class Fails(WalletService):
    """Takes a conflict for an insufficient balance: a payment that is covered fails."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        try:
            await super().debit(event)
        except VersionConflict:
            await super().debit(event.model_copy(update={"amount": event.amount + 1_000}))


class NoInbox(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is None or not wallet.covers(event.amount):
            return await super().debit(event)
        after = wallet.debited(event.amount)
        await self.wallets.commit(after, publish=[balance_debited(event, after)])
        return None


class Swallows(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        with suppress(VersionConflict):
            await super().debit(event)


class Misspelt(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.walets.get(event.user_id)  # type: ignore[attr-defined]


class Unmarked(WalletService):
    async def debit(self, event: PaymentInit) -> None:
        await super().debit(event)


@pytest.mark.parametrize("answer", [Lets, BeginsAgain])
def test_repaired(answer: type) -> None:
    assert repaired(answer)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Forces, "'conservation' is broken: wallets 20.00 + provider 150.00"),
        (Covers, "says that 70.00 is left, in version 2, but 20.00 was written, as version 3"),
        (Silent, "Compare your `debit` with the one at the top"),
        (ReadsNothing, "An `await` is missing before the read."),
        (Fails, "it should end COMPLETED"),
        (NoInbox, "the inbox"),
        (Swallows, "ends with a commit that tells of an outcome"),
        (Misspelt, "'Misspelt' object has no attribute 'walets'"),
        (Unmarked, "@on(PaymentInit)"),
        (WalletService, "the sound service's own"),
        (3, "A class is asked for"),
    ],
)
def test_not_repaired(answer: Any, says: str) -> None:
    assert not repaired(answer)
    assert says in repr(repaired(answer))
