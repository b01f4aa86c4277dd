"""The exercises in which a service is proved: they take what is right, and tell what is not."""

from typing import Any

import pytest

from exercises import services
from exercises.services import (
    idempotent_debit,
    safe_against_races,
    settle_the_unknown,
    with_an_outbox,
)
from sagakit.contract.ports import (
    AlreadyHandled,
    Bus,
    Store,
    TimedOut,
    Unavailable,
    VersionConflict,
    on,
)
from sagakit.payments.events import (
    BalanceDebited,
    InsufficientBalance,
    PaymentInit,
    ProviderPaymentFailed,
    ProviderPaymentInit,
)
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.payments.wallet import Wallet, WalletService
from sagakit.zoo.ack_before_work import AckBeforeWork
from sagakit.zoo.blind_write import BlindWrite
from sagakit.zoo.flaw import decided
from sagakit.zoo.no_inbox import NoInbox
from sagakit.zoo.publish_after_commit import PublishAfterCommit
from sagakit.zoo.refund_unknown import RefundUnknown
from sagakit.zoo.void_without_deciding import VoidWithoutDeciding

ALL = [idempotent_debit, safe_against_races, with_an_outbox, settle_the_unknown]


# Right answers.


class WithItsMessage(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, publish=[outcome], handled=event)


class WithItsPayment(NoInbox):
    """Remembers the payment, not the message; and writes down each outcome by itself."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        remember = f"debit of {event.payment_id}"
        if wallet is None or not wallet.covers(event.amount):
            refused = InsufficientBalance.after(event, available=wallet.balance if wallet else 0)
            await self.wallets.commit(None, publish=[refused], handled=remember)
            return
        left = wallet.balance - event.amount
        debited = BalanceDebited.after(
            event,
            amount_debited=event.amount,
            amount_left=left,
            wallet_version=wallet.version + 1,
        )
        try:
            after = wallet._replace(balance=left)
            await self.wallets.commit(after, publish=[debited], handled=remember)
        except AlreadyHandled:
            return


class BeginsAgain(BlindWrite):
    """Reads and decides again after a conflict, by itself."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        for _ in range(3):
            wallet, outcome = decided(await self.wallets.get(event.user_id), event)
            try:
                await self.wallets.commit(wallet, publish=[outcome], handled=event)
            except VersionConflict:
                continue
            return
        raise VersionConflict("three times in a row")


class NeedsNoBus(PublishAfterCommit):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, publish=[outcome], handled=event)


class Decides(RefundUnknown):
    """Decides to void, and leaves the rest to the next message."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        if event.attempt < self.attempts:
            await self._again(charge, event, "TRYING", self.retry_delay)
        else:
            await self._again(charge, event, "VOIDING", 0)


class DecidesAndActs(RefundUnknown):
    """Decides to void, and voids in the same invocation."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        if event.attempt < self.attempts:
            await self._again(charge, event, "TRYING", self.retry_delay)
            return
        voiding = await self.charges.commit(charge._replace(state="VOIDING"))
        assert voiding is not None
        era = await self.breaker.admit()
        if era is None:
            await self._again(voiding, event, "VOIDING", self.retry_delay)
        else:
            await self._void(voiding, event, era)


class PassesTheBreakerBy(RefundUnknown):
    """Decides, and voids although the breaker may be open."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        voiding = await self.charges.commit(charge._replace(state="VOIDING"))
        assert voiding is not None
        try:
            await self.provider.void(event.transaction_id, timeout=self.timeout)
        except (TimedOut, Unavailable):
            await self._again(voiding, event, "VOIDING", self.retry_delay)
            return
        failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
        await self._settle(voiding, event, "FAILED", failed)


class GivesUpAtOnce(RefundUnknown):
    """Decides to void at the first silence."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        await self._again(charge, event, "VOIDING", 0)


class AsksUntilItKnows(RefundUnknown):
    """Never gives up: it asks for the charge by its key until there is an answer."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        await self._again(charge, event, "TRYING", self.retry_delay)


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (idempotent_debit, WithItsMessage),
        (idempotent_debit, WithItsPayment),
        (safe_against_races, WithItsMessage),
        (safe_against_races, BeginsAgain),
        (with_an_outbox, NeedsNoBus),
        (with_an_outbox, WithItsPayment),
        (settle_the_unknown, Decides),
        (settle_the_unknown, DecidesAndActs),
        (settle_the_unknown, AsksUntilItKnows),
    ],
)
def test_right(check: Any, answer: type) -> None:
    feedback = check(answer)
    assert feedback, feedback
    assert "each of them complete" in feedback.says


# Flawed answers.


class NotesAfterwards(WalletService):
    """Debits, and notes the message in a second commit."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, publish=[outcome])
        await self.wallets.commit(None, handled=event)


class Refuses(WalletService):
    """Keeps every law: it debits nobody."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        refused = InsufficientBalance.after(event, available=wallet.balance)
        await self.wallets.commit(None, publish=[refused], handled=event)


class Forces(WalletService):
    """Answers a conflict with the same write again."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        try:
            await self.wallets.commit(wallet, publish=[outcome], handled=event)
        except VersionConflict:
            latest = await self.wallets.get(event.user_id)
            assert wallet is not None
            assert latest is not None
            wallet = wallet._replace(version=latest.version)
            await self.wallets.commit(wallet, publish=[outcome], handled=event)


class TakesAConflictForARefusal(WalletService):
    """Reports an insufficient balance when another payment came first: a covered one fails."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        try:
            await self.wallets.commit(wallet, publish=[outcome], handled=event)
        except VersionConflict:
            refused = InsufficientBalance.after(event, available=0)
            await self.wallets.commit(None, publish=[refused], handled=event)


class TellsOfTheFirstRead(WalletService):
    """Debits what the new read has, and publishes the event that it had made before."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        try:
            await self.wallets.commit(wallet, publish=[outcome], handled=event)
        except VersionConflict:
            wallet, latest = decided(await self.wallets.get(event.user_id), event)
            said = outcome if type(latest) is type(outcome) else latest
            await self.wallets.commit(wallet, publish=[said], handled=event)


class PublishesFirst(WalletService):
    """Tells the bus before it commits."""

    def __init__(self, wallets: Store[Wallet], bus: Bus) -> None:
        super().__init__(wallets)
        self.bus = bus

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.bus.publish(outcome)
        await self.wallets.commit(wallet, handled=event)


class OutboxByItself(WalletService):
    """Has an outbox, and fills it in a commit of its own."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet)
        await self.wallets.commit(None, publish=[outcome], handled=event)


@pytest.mark.parametrize(
    ("check", "answer", "says"),
    [
        (idempotent_debit, NoInbox, "PaymentInit of ana:1 came twice."),
        (idempotent_debit, AckBeforeWork, "ana:1 is PENDING since 2 ms, and nothing follows."),
        (idempotent_debit, NotesAfterwards, "breaks the law 'at most once'"),
        (idempotent_debit, Refuses, "They can end so: ana:1 COMPLETED."),
        (safe_against_races, BlindWrite, "ana:2 read ana in Wallet DB before ana:1 wrote it"),
        (safe_against_races, Forces, "breaks the law 'conservation'"),
        (safe_against_races, TakesAConflictForARefusal, "can end as they should not"),
        (safe_against_races, TellsOfTheFirstRead, "in version 2, but 30.00 was written"),
        (with_an_outbox, PublishAfterCommit, "a ghost: BalanceDebited of ana:1"),
        (with_an_outbox, PublishesFirst, "a ghost: BalanceDebited of ana:1"),
        (with_an_outbox, OutboxByItself, "but its ledger says +0.00"),
        (settle_the_unknown, GivesUpAtOnce, "They can end so: ana:1 COMPLETED."),
        (settle_the_unknown, RefundUnknown, "nobody knew whether tx-ana:1 was charged"),
        (settle_the_unknown, VoidWithoutDeciding, "ProviderPaymentInit of ana:1 came twice"),
        (settle_the_unknown, PassesTheBreakerBy, "although the breaker was OPEN"),
    ],
)
def test_flawed(check: Any, answer: type, says: str) -> None:
    feedback = check(answer)
    assert not feedback
    assert says in repr(feedback)
    assert "Expected: " in repr(feedback)
    assert feedback.hints
    assert "data:image/svg+xml" in feedback._repr_html_()


# What is no answer yet.


class Misspelt(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.walets.get(event.user_id), event)  # type: ignore[attr-defined]
        await self.wallets.commit(wallet, publish=[outcome], handled=event)


class WrongArgument(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, publish=[outcome], handels=event)  # type: ignore[call-arg]


class WrongField(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        debited = BalanceDebited.after(event, amount_debited=event.amount)
        await self.wallets.commit(wallet, publish=[debited], handled=event)


class Unmarked(WalletService):
    async def debit(self, event: PaymentInit) -> None:
        await super().debit(event)


class OnItsOwn:
    def __init__(self, wallets: Store[Wallet]) -> None:
        self.wallets = wallets

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.commit(None, handled=event)


class NeedsAClock(WalletService):
    def __init__(self, wallets: Store[Wallet], clock: Any) -> None:
        super().__init__(wallets)

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        await self.wallets.commit(None, handled=event)


class NeverEnds(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        while True:
            pass


class AsksForEver(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        while True:
            await self.wallets.get(event.user_id)


class FailsOnSilence(ProviderGateway):
    """A message whose handler fails comes again, and by then the provider may answer."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        await self.again(charge, event)  # type: ignore[attr-defined]


class IsNotAwaitable(ProviderGateway):
    def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize("answer", [FailsOnSilence, IsNotAwaitable])
def test_code_that_fails_at_each_silence_is_no_way_to_settle_it(answer: Any) -> None:
    feedback = settle_the_unknown(answer)
    assert not feedback
    assert "With a provider that is silent six times, your code failed: " in repr(feedback)
    assert "Error" in repr(feedback)


async def debit(event: PaymentInit) -> None: ...


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (3, "This is of type int, and a class is asked for."),
        ("class Mine: ...", "This is of type str, and a class is asked for."),
        (WithItsMessage(wallets=None), "Give the class itself, without ()."),  # type: ignore[arg-type]
        (debit, "Indent it below the line of its class"),
        (WalletService, "the sound service's own `debit`"),
        (Unmarked, "Write @on(PaymentInit) above `async def debit`."),
        (OnItsOwn, "Nothing in OnItsOwn handles ReembolsarUsuario."),
        (NeedsAClock, "clock"),
        (Misspelt, "'Misspelt' object has no attribute 'walets' (line "),
        (WrongArgument, "unexpected keyword argument 'handels' (line "),
        (WrongField, "amount_left: field required"),
        (NeverEnds, "end"),
        (AsksForEver, "end"),
    ],
)
@pytest.mark.parametrize("check", [idempotent_debit, with_an_outbox])
@pytest.mark.filterwarnings("ignore:coroutine")  # an interrupt may come before its first step
def test_not_yet_an_answer(
    check: Any, answer: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagakit.explore.timeouts.SECONDS", 0.3)
    feedback = check(answer)
    assert not feedback
    assert says in repr(feedback)
    assert "Traceback" not in repr(feedback)


@pytest.mark.parametrize("check", ALL)
def test_three_dots_and_the_task(check: Any) -> None:
    assert "three dots" in repr(check(...))
    assert "It starts from zoo." in check.task


def test_the_gateway_of_the_library_is_nobodys_answer() -> None:
    assert "the sound service's own `_no_answer`" in repr(settle_the_unknown(ProviderGateway))


def test_what_is_given_is_the_same_every_time() -> None:
    assert repr(idempotent_debit(NoInbox)) == repr(idempotent_debit(NoInbox))
    assert idempotent_debit(NoInbox)._repr_html_() == idempotent_debit(NoInbox)._repr_html_()
    assert services.given(40).payments[0].payment_id == "ana:1"
