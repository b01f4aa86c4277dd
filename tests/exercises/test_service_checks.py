"""A commit that is not awaited is told, with its line; one that is awaited is not."""

from pathlib import Path
from typing import Any

import pytest

from exercises.concurrent_payments import repaired
from exercises.disaster_recovery import recovers
from exercises.service_checks import forgotten
from exercises.services import idempotent_debit
from sagakit.contract.ports import on
from sagakit.payments.events import BalanceDebited, BalanceRefunded, PaymentInit
from sagakit.payments.recovery import RecoverableWalletService
from sagakit.payments.wallet import WalletService
from sagakit.zoo.flaw import decided


class Forgets(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        self.wallets.commit(wallet, publish=[outcome], handled=event)  # here


class ForgetsToRemember(RecoverableWalletService):
    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        self.wallets.commit(None, handled=event.header.causation_id)


class Awaits(WalletService):
    seen: Any = None

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        self.seen.add(event)
        await self.wallets.commit(None, handled=event)


def test_the_line_is_named() -> None:
    lines = Path(__file__).read_text().splitlines()
    line = next(place for place, text in enumerate(lines, 1) if text.endswith("  # here"))
    found = forgotten(Forgets)
    assert found is not None
    assert found.says.startswith(f"In line {line}, `debit` does not await its `commit`")


def test_what_is_awaited_or_is_no_port_is_passed_over() -> None:
    assert forgotten(Awaits) is None
    assert forgotten(type("Made", (WalletService,), {"commit": eval("lambda self: 1")})) is None


@pytest.mark.parametrize(
    ("check", "answer"),
    [(repaired, Forgets), (idempotent_debit, Forgets), (recovers, ForgetsToRemember)],
)
def test_the_checks_ask_for_it(check: Any, answer: type) -> None:
    assert "does not await" in repr(check(answer))
