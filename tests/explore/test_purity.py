"""A service that cannot be explored is told why, and in which line; no traceback has to be read."""

import asyncio
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sagakit.contract.ports import Ports, Store, on
from sagakit.explore import BadService, explore
from sagakit.payments.events import BalanceDebited, PaymentInit
from sagakit.payments.wallet import Wallet, WalletService
from sagakit.scenarios import Scenario

ONE = Scenario(
    name="one",
    title="One payment",
    wallets=[{"user_id": "ana", "balance": 100}],
    payments=[{"user_id": "ana", "amount": 40}],
)
TWO = ONE.but(payments=[{"user_id": "ana", "amount": 40}, {"user_id": "ana", "amount": 30}])


def line_with(text: str) -> str:
    """The number of the line of this file that ends with a comment."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if line.endswith(f"# {text}")]
    return f"line {number} of"


def complaint(service: Any, scenario: Scenario = ONE, **choice: Any) -> str:
    with pytest.raises(BadService) as caught:
        explore(scenario, services={"Wallet Service": service}, **choice)
    return str(caught.value)


def debit_of(event: PaymentInit, wallet: Wallet) -> BalanceDebited:
    return BalanceDebited.after(
        event,
        amount_debited=event.amount,
        amount_left=wallet.balance,
        wallet_version=wallet.version + 1,
    )


# A forgotten `await`.


class ForgetsTheRead(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet: Any = self.wallets.get(event.user_id)  # a read
        await self.wallets.commit(wallet.debited(event.amount), handled=event)


class ForgetsTheWrite(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.debited(event.amount)
        self.wallets.commit(wallet, publish=[debit_of(event, wallet)], handled=event)  # a write


class ForgetsItsOwnMethod(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        self.write(event, wallet.debited(event.amount))  # type: ignore[unused-coroutine]

    async def write(self, event: PaymentInit, wallet: Wallet) -> None:
        await self.wallets.commit(wallet, handled=event)


def test_a_read_that_is_not_awaited() -> None:
    text = complaint(ForgetsTheRead)
    assert "reads ana in Wallet DB in " + line_with("a read") + " debit" in text
    assert "write `await` before it" in text


def test_a_write_that_is_not_awaited() -> None:
    text = complaint(ForgetsTheWrite)
    assert text.startswith("Wallet Service writes ana in Wallet DB with BalanceDebited in line")
    assert line_with("a write") in text


def test_a_method_that_is_not_awaited() -> None:
    text = complaint(ForgetsItsOwnMethod)
    assert text.startswith("ForgetsItsOwnMethod.write() is called and not awaited")


# What never ends.


class GoesRound(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.get(event.user_id)
        while True:
            pass  # round and round


class CatchesAll(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        while True:
            with suppress(Exception):
                int(event.amount)


class ReadsForEver(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        while True:
            await self.wallets.get(event.user_id)  # again and again


@pytest.mark.parametrize("service", [GoesRound, CatchesAll])
def test_a_handler_that_takes_no_next_step(service: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagakit.explore.timeouts.SECONDS", 0.3)
    text = complaint(service)
    assert text.startswith("Wallet Service does not come to an end: see line ")
    assert text.endswith(" of debit")


def test_a_handler_that_takes_step_after_step() -> None:
    text = complaint(ReadsForEver)
    assert "does not come to an end: after 300 steps for one message" in text
    assert f"it reads ana in Wallet DB, in {line_with('again and again')} debit" in text


# What awaits something else than its ports.


class Sleeps(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await asyncio.sleep(0)  # a nap
        await super().debit(event)


def test_a_handler_that_awaits_what_no_world_performs() -> None:
    text = complaint(Sleeps)
    assert text.startswith("Wallet Service awaits ")
    assert f"in {line_with('a nap')} debit: a handler awaits its ports only" in text


def test_an_impure_handler_is_told_the_same_where_a_loop_runs() -> None:
    async def cell() -> str:
        class SleepsLong(WalletService):
            @on(PaymentInit)
            async def debit(self, event: PaymentInit) -> None:
                await asyncio.sleep(1)

        return complaint(SleepsLong)

    assert "a handler awaits its ports only" in asyncio.run(cell())


# What does not answer twice in the same way.


class Remembers(WalletService):
    """An inbox in memory."""

    def __init__(self, wallets: Store[Wallet]) -> None:
        super().__init__(wallets)
        self.seen: set[str] = set()

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        if event.header.event_id in self.seen:
            return
        self.seen.add(event.header.event_id)
        await super().debit(event)


class Caches(WalletService):
    """Reads a wallet once and for all."""

    def __init__(self, wallets: Store[Wallet]) -> None:
        super().__init__(wallets)
        self.known: dict[str, Any] = {}

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        if event.user_id not in self.known:
            self.known[event.user_id] = await self.wallets.get(event.user_id)
        wallet = self.known[event.user_id].debited(event.amount)
        await self.wallets.commit(wallet, publish=[debit_of(event, wallet)], handled=event)


class Draws(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.commit(None, handled=f"{uuid4()}")


class TossesACoin(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.get(f"{random.random()}")
        await super().debit(event)


class LooksAtTheMachinesClock(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.get(str(time.perf_counter_ns()))
        await super().debit(event)


@pytest.mark.parametrize(
    "service", [Remembers, Caches, Draws, TossesACoin, LooksAtTheMachinesClock]
)
@pytest.mark.parametrize("scenario", [ONE, TWO], ids=["one", "two"])
def test_a_handler_that_is_no_function_of_its_message_and_results(
    service: type, scenario: Scenario
) -> None:
    text = complaint(service, scenario, duplicates=1)
    assert text.startswith("Wallet Service does not answer twice in the same way")
    assert "Given PaymentInit" in text
    assert "belongs in a store" in text


# What cannot be built, and what fails.


class WantsMore(WalletService):
    def __init__(self, wallets: Store[Wallet], more: Any) -> None:
        super().__init__(wallets)


class HasNoHandlers:
    def __init__(self, wallets: Store[Wallet]) -> None:
        self.wallets = wallets


def test_a_service_that_cannot_be_made() -> None:
    assert complaint(WantsMore).startswith("Wallet Service cannot be made: TypeError: ")


def test_a_service_without_handlers() -> None:
    text = "Wallet Service has no handler: mark a method of HasNoHandlers with @on"
    assert complaint(HasNoHandlers) == text


class Raises(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.get(event.user_id)
        raise RuntimeError("not like this")  # raised


def test_a_handler_that_raises_is_a_counterexample_with_its_line() -> None:
    """Its message is a dead letter in the end, as in the world."""
    answer = explore(ONE, services={"Wallet Service": Raises})
    (found,) = answer.broken
    assert found.verdict.law == "every saga ends"
    assert f"RuntimeError: not like this ({line_with('raised')} debit)" in found.verdict.detail


class AwaitsAtTheEnd(WalletService):
    """What stands in its `finally` needs an await, too."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        try:
            await super().debit(event)
        finally:
            await self.wallets.get(event.user_id)


def test_a_handler_that_awaits_in_a_finally_can_be_explored() -> None:
    assert explore(ONE, services={"Wallet Service": AwaitsAtTheEnd}, duplicates=1).proved


def build(ports: Ports) -> WalletService:
    return WalletService(ports.store("Wallet DB"))


def test_a_sound_service_is_not_complained_about() -> None:
    assert explore(TWO, services={"Wallet Service": build}, duplicates=1, crashes=1).proved
