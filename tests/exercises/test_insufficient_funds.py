"""The exercises of notebook 03."""

from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest

from exercises.insufficient_funds import (
    CASES,
    middle_refused,
    parts,
    with_reserve,
)
from sagakit import run, scenarios
from sagakit.contract.ports import on
from sagakit.payments.events import BalanceDebited, InsufficientBalance, PaymentInit
from sagakit.payments.wallet import Wallet, WalletService

RESERVE = Decimal("10.00")
ZERO = Decimal("0.00")


@pytest.mark.parametrize("check", [middle_refused, with_reserve, parts])
def test_three_dots_are_no_answer(check: Any) -> None:
    assert "Not answered yet" in repr(check(...))


def paying(*amounts: object, has: object = 100, **changes: Any) -> Any:
    return scenarios.insufficient_funds.but(
        wallets=[{"user_id": "ana", "balance": has}],
        payments=[
            {"user_id": "ana", "amount": amount, "at": place * 1_000}
            for place, amount in enumerate(amounts)
        ],
        **changes,
    )


@pytest.mark.parametrize("answer", [paying(60, 50, 40), paying(0.01, 0.3, 0.29, has=0.3)])
def test_the_middle_payment_is_refused(answer: object) -> None:
    assert middle_refused(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (paying(60, 50, 30), "with 10.00 left"),
        (paying(60, 40, 40), "COMPLETED, COMPLETED, FAILED"),
        (paying(60, 150, 40), "Payment 2 of 150.00 is more"),
        (paying(60, 50), "three payments"),
        (
            paying(60, 20, 40, provider=[{"behaviour": "decline", "payment_id": "ana:2"}]),
            "another reason: PROVIDER_DECLINED",
        ),
        (
            scenarios.insufficient_funds.but(
                payments=[{"user_id": "ana", "amount": 5, "idempotency_key": "A"}] * 3
            ),
            "the same key",
        ),
        (run(scenarios.insufficient_funds), "This is a run"),
        (3, "no scenario"),
    ],
)
def test_another_scenario_is_told_what_it_does(answer: object, word: str) -> None:
    feedback = middle_refused(answer)
    assert not feedback
    assert word in repr(feedback)


class Sound(WalletService):
    """The parts that the flawed ones below change."""

    def spendable(self, wallet: Wallet) -> Decimal:
        return max(wallet.balance - RESERVE, ZERO)

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        if event.amount <= self.spendable(wallet):
            await self.pay(event, wallet)
        else:
            await self.refuse(event, wallet)

    async def pay(self, event: PaymentInit, wallet: Wallet) -> None:
        wallet = wallet.debited(event.amount)
        paid = BalanceDebited.after(
            event,
            amount_debited=event.amount,
            amount_left=wallet.balance,
            wallet_version=wallet.version + 1,
        )
        await self.wallets.commit(wallet, publish=[paid], handled=event)

    async def refuse(self, event: PaymentInit, wallet: Wallet) -> None:
        refusal = InsufficientBalance.after(event, available=self.spendable(wallet))
        await self.wallets.commit(wallet, publish=[refusal], handled=event)


class ReadsTwice(Sound):
    """Sound all the same: it decides on the second read and commits that."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.get(event.user_id)
        await super().debit(event)


@pytest.mark.parametrize("answer", [Sound, ReadsTwice])
def test_a_wallet_with_a_reserve(answer: type) -> None:
    assert with_reserve(answer)


class NoReserve(WalletService):
    pass


class AllButTheLast(Sound):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        if event.amount < self.spendable(wallet):
            await self.pay(event, wallet)
        else:
            await self.refuse(event, wallet)


class Raises(Sound):
    async def refuse(self, event: PaymentInit, wallet: Wallet) -> None:
        raise LookupError("4001")


class Silent(Sound):
    async def refuse(self, event: PaymentInit, wallet: Wallet) -> None:
        await self.wallets.commit(wallet, handled=event)


class BelowZero(Sound):
    def spendable(self, wallet: Wallet) -> Decimal:
        return wallet.balance - RESERVE


class SaysTheBalance(Sound):
    async def refuse(self, event: PaymentInit, wallet: Wallet) -> None:
        refusal = InsufficientBalance.after(event, available=wallet.balance)
        await self.wallets.commit(wallet, publish=[refusal], handled=event)


class DecidesOnAnotherRead(Sound):
    async def pay(self, event: PaymentInit, wallet: Wallet) -> None:
        await WalletService.debit(self, event)


class RefusesUnchecked(Sound):
    async def refuse(self, event: PaymentInit, wallet: Wallet) -> None:
        refusal = InsufficientBalance.after(event, available=self.spendable(wallet))
        await self.wallets.commit(None, publish=[refusal], handled=event)


class InFloats(Sound):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        if float(event.amount) <= float(wallet.balance) - 10:
            await self.pay(event, wallet)
        else:
            await self.refuse(event, wallet)


class NoInbox(Sound):
    async def pay(self, event: PaymentInit, wallet: Wallet) -> None:
        wallet = wallet.debited(event.amount)
        paid = BalanceDebited.after(
            event,
            amount_debited=event.amount,
            amount_left=wallet.balance,
            wallet_version=wallet.version + 1,
        )
        await self.wallets.commit(wallet, publish=[paid])


class NoHandler(Sound):
    async def debit(self, event: PaymentInit) -> None:  # without @on
        raise AssertionError


class NoAwait(Sound):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet: Any = self.wallets.get(event.user_id)
        await self.refuse(event, wallet)


class NoAwaitedCommit(Sound):
    async def refuse(self, event: PaymentInit, wallet: Wallet) -> None:
        refusal = InsufficientBalance.after(event, available=self.spendable(wallet))
        self.wallets.commit(wallet, publish=[refusal], handled=event)  # type: ignore[unused-coroutine]


class Misspells(Sound):
    async def pay(self, event: PaymentInit, wallet: Wallet) -> None:
        wallet.debitted(event.amount)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (NoReserve, "it ends COMPLETED with 5.00 left"),
        (AllButTheLast, "it ends FAILED with 100.00 left, and should end COMPLETED with 10.00"),
        (Raises, "the handler failed with LookupError: 4001"),
        (Raises, "publish InsufficientBalance, and raise nothing"),
        (InFloats, "0.10 from a wallet of 10.10: it ends FAILED"),
        (NoInbox, "When a message comes twice"),
        (NoHandler, "Write @on(PaymentInit)"),
        (NoAwait, "A read is awaited"),
        (NoAwaitedCommit, "`refuse` does not await its `commit`"),
        (Misspells, "The line is counted within the cell"),
        (Silent, "stays PENDING"),
        (BelowZero, "never below zero"),
        (SaysTheBalance, "says that 100.00 is available, and 90.00 can be spent"),
        (DecidesOnAnotherRead, "on one and the same read"),
        (RefusesUnchecked, "70.00 is refused, but 100.00 is in the wallet by then"),
        (Wallet, "no wallet service"),
        (Sound(None), "no class"),  # type: ignore[arg-type]
    ],
)
def test_a_flawed_wallet_is_told_its_flaw(answer: Any, word: str) -> None:
    feedback = with_reserve(answer)
    assert not feedback
    assert word in repr(feedback)


def test_the_cases_include_the_boundary_and_a_wallet_below_the_reserve() -> None:
    wallets = [(Decimal(case.balance), Decimal(case.amount)) for case in CASES]
    assert any(balance - amount == RESERVE for balance, amount in wallets)
    assert any(balance < RESERVE for balance, _ in wallets)


def by_cents(amount: Decimal, ways: int) -> list[Decimal]:
    each, left_over = divmod(int(amount * 100), ways)
    return [Decimal(each + (place < left_over)) / 100 for place in range(ways)]


def by_rest(amount: Decimal, ways: int) -> list[Decimal]:
    """Take a fair part of what is left, again and again."""
    found = []
    for left in range(ways, 0, -1):
        part = (amount / left).quantize(Decimal("0.01"))
        found.append(part)
        amount -= part
    return found


@pytest.mark.parametrize("answer", [by_cents, by_rest])
def test_fair_parts(answer: Any) -> None:
    assert parts(answer)


def last_takes_the_rest(amount: Decimal, ways: int) -> list[Decimal]:
    each = (amount / ways).quantize(Decimal("0.01"), ROUND_DOWN)
    return [each] * (ways - 1) + [amount - each * (ways - 1)]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda amount, ways: [round(amount / ways, 2)] * ways, "make 99.99"),
        (lambda amount, ways: [amount / ways] * ways, "two decimals"),
        (lambda amount, ways: [float(amount) / ways] * ways, "not all of"),
        (last_takes_the_rest, "not fair"),
        (lambda amount, ways: [int(amount * 100) // ways] * ways, "are whole numbers"),
        (lambda amount, ways: [amount], "There must be 3 parts"),
        (lambda amount, ways: None, "it returns None"),
        (lambda amount, ways: ..., "Not answered yet"),
        (lambda amount, ways: amount / 0, "Your answer raised"),
        (Decimal("33.33"), "no function"),
    ],
)
def test_unfair_parts_are_told_why(answer: Any, word: str) -> None:
    feedback = parts(answer)
    assert not feedback
    assert word in repr(feedback)
