"""Small systems that hypothesis draws: few payments, few faults, services sound and not."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

from sagakit import Scenario
from sagakit.contract.ports import on
from sagakit.payments.events import PaymentInit
from sagakit.payments.topology import Settings
from sagakit.payments.wallet import WalletService
from tests.laws import faulty

WALLET, PAYMENT, GATEWAY = "Wallet Service", "Payment Service", "Provider Gateway"


class Small(NamedTuple):
    scenario: Scenario
    budget: dict[str, int]
    services: dict[str, type]

    def arguments(self) -> dict[str, Any]:
        """As `explore` takes them."""
        names = {"crash": "crashes", "duplicate": "duplicates", "drop": "drops"}
        names |= {"lost_answer": "lost_answers"}
        counted = {names[one]: many for one, many in self.budget.items() if one in names}
        provider = {one: many for one, many in self.budget.items() if one not in names}
        return {**counted, "provider": provider, "services": self.services}


# Wallets whose sagas end with the debit, so that all interleavings of two can be looked at.


class Mute(WalletService):
    """Debits and tells nobody."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is not None and wallet.covers(event.amount):
            await self.wallets.commit(wallet.debited(event.amount), handled=event)


class MuteWithoutInbox(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is not None:
            await self.wallets.commit(wallet.debited(event.amount))


class MuteAndBlind(WalletService):
    """Writes over whatever has come in between."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        latest = await self.wallets.get(event.user_id)
        if wallet is not None and latest is not None:
            after = wallet.debited(event.amount)._replace(version=latest.version)
            await self.wallets.commit(after, handled=event)


class MuteAndForgetful(WalletService):
    """Takes the message off the list before it does the work."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.commit(None, handled=event)
        wallet = await self.wallets.get(event.user_id)
        if wallet is not None:
            await self.wallets.commit(wallet.debited(event.amount))


class Failing(WalletService):
    """Cannot cope with what the wallet does not cover."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        if wallet is None or not wallet.covers(event.amount):
            raise LookupError("no money")
        await self.wallets.commit(wallet.debited(event.amount), handled=event)


MUTE = (Mute, MuteWithoutInbox, MuteAndBlind, MuteAndForgetful, Failing)

# What may stand in the place of a sound service in a system that is explored whole.
FLAWED: tuple[Mapping[str, type], ...] = (
    {},
    {WALLET: faulty.HasNoInbox},
    {WALLET: faulty.GoesBelowZero},
    {WALLET: faulty.WritesBlindly},
    {WALLET: faulty.RefundsAgain},
    {WALLET: faulty.PublishesPastTheOutbox},
    {PAYMENT: faulty.MovesFinalPayments},
    {PAYMENT: faulty.FailsWithoutRefund},
    {GATEWAY: faulty.TakesSilenceForNo},
    {GATEWAY: faulty.DrawsAKeyPerAttempt},
    {GATEWAY: faulty.RaisesThePrice},
    {GATEWAY: faulty.ChargesAfterFailing},
    {GATEWAY: faulty.NeverAsksTheBreaker},
    {GATEWAY: faulty.gateway_with(faulty.AdmitsAllWhenHalfOpen)},
    {GATEWAY: faulty.gateway_with(faulty.BeginsProbeAfterProbe)},
)

FAULTS = ("crash", "duplicate", "drop", "lost_answer")
ANSWERS = ("decline", "timeout_before", "timeout_after", "down")


def budgets(*faults: str, most: int) -> st.SearchStrategy[dict[str, int]]:
    """Up to so many faults in all."""
    return st.lists(st.sampled_from(faults), max_size=most).map(
        lambda spent: {one: spent.count(one) for one in faults if one in spent}
    )


def scenarios(most: int) -> st.SearchStrategy[Scenario]:
    return st.builds(
        lambda balance, payments, threshold: Scenario(
            name="small",
            title="Drawn by hypothesis",
            wallets=[{"user_id": user, "balance": balance} for user in ("ana", "ben")],
            payments=[{"user_id": user, "amount": amount} for user, amount in payments],
            settings=Settings(breaker_threshold=threshold),
        ),
        st.sampled_from((0, 50, 100)),
        st.lists(
            st.tuples(st.sampled_from(("ana", "ana", "ben")), st.sampled_from((30, 60))),
            min_size=1,
            max_size=most,
        ),
        st.sampled_from((1, 5)),
    )


# All interleavings of these can be run: a payment and what may go wrong with it, or two or three
# whose sagas end early.
whole = st.builds(
    Small,
    scenarios(1),
    budgets("crash", "lost_answer", *ANSWERS, most=3),
    st.sampled_from(FLAWED).map(dict),
)
early = st.builds(
    Small,
    scenarios(2),
    budgets(*FAULTS, most=1),
    st.sampled_from(MUTE).map(lambda service: {WALLET: service}),
)
# These are too large for that, and are explored with the reduction and without.
larger = st.builds(
    Small, scenarios(3), budgets(*FAULTS, *ANSWERS, most=2), st.sampled_from(FLAWED).map(dict)
)
