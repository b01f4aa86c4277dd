"""A law of one's own is held against every end, like the laws of the system."""

import pytest

from sagakit.contract.ports import on
from sagakit.explore import explore
from sagakit.payments.events import PaymentInit
from sagakit.payments.money import ZERO
from sagakit.payments.wallet import WalletService
from sagakit.run import Run
from sagakit.scenarios import Scenario

TWO = Scenario(
    name="two",
    title="Two payments of which the wallet covers one",
    wallets=[{"user_id": "ana", "balance": 100}],
    payments=[{"user_id": "ana", "amount": 70}, {"user_id": "ana", "amount": 80}],
)


def first_come_first_served(run: Run) -> str | None:
    first = run.records.stores()["Payments DB"]["ana:1"]
    return None if first.status == "COMPLETED" else f"{first.key} is {first.status}"


def one_is_completed(run: Run) -> str | None:
    payments = run.records.stores()["Payments DB"].values()
    completed = [one.key for one in payments if one.status == "COMPLETED"]
    return None if len(completed) == 1 else f"completed: {completed}"


def test_explore_finds_a_run_that_breaks_an_invariant() -> None:
    answer = explore(TWO, invariants=[first_come_first_served])
    (broken,) = answer.broken
    assert broken.verdict == ("first_come_first_served", False, "ana:1 is FAILED", None)
    assert first_come_first_served(broken.run) == "ana:1 is FAILED"


def test_runs_in_which_an_invariant_holds_are_counted() -> None:
    answer = explore(TWO, invariants=[one_is_completed])
    assert answer.complete
    assert answer.broken == []
    assert answer.held["one_is_completed"] == answer.ends == 2


class OnlyTheFirst(WalletService):
    """Debits whoever comes first, by the same amount, and does not say whom."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is not None and wallet.version == 1:
            await self.wallets.commit(wallet.debited(ZERO + 10))


def the_second_is_not_debited(run: Run) -> str | None:
    debits = [
        one for one in run.records.arrows() if one.source == "Wallet DB" and one.label == "OK"
    ]
    return "it is" if "ana:2" in {one.correlation_id for one in debits} else None


@pytest.mark.parametrize("reduced", [True, False])
def test_an_invariant_may_look_at_the_trace(reduced: bool) -> None:
    """The wallet is the same in the end, whoever was debited."""
    answer = explore(
        TWO,
        services={"Wallet Service": OnlyTheFirst},
        invariants=[the_second_is_not_debited],
        stop="all",
        reduced=reduced,
    )
    assert "the_second_is_not_debited" in {one.verdict.law for one in answer.broken}
