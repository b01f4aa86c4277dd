"""Services with one flaw each, named for it. Everything else is the sound service's."""

from typing import Any

from sagakit.contract.events import Event, identity
from sagakit.contract.operations import BusPort
from sagakit.contract.ports import on
from sagakit.payments.breaker import CircuitBreaker
from sagakit.payments.events import (
    BalanceDebited,
    BalanceRefunded,
    PaymentCompleted,
    PaymentFailed,
    PaymentInit,
    ProviderPaymentFailed,
    ProviderPaymentInit,
    ProviderPaymentSuccess,
    ReembolsarUsuario,
)
from sagakit.payments.money import ZERO
from sagakit.payments.payment import PaymentService
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.payments.recovery import (
    OUTCOMES,
    REQUESTS,
    RecoverableWalletService,
    StartRecovery,
    in_sequence,
)
from sagakit.payments.wallet import Wallet, WalletService


def debit_of(event: PaymentInit, wallet: Wallet) -> BalanceDebited:
    return BalanceDebited.after(
        event,
        amount_debited=event.amount,
        amount_left=max(wallet.balance, ZERO),
        wallet_version=wallet.version + 1,
    )


def with_header(event: Event, **changes: Any) -> Event:
    return event.model_copy(update={"header": event.header._replace(**changes)})


# Wallets.


class Debiting(WalletService):
    """Debits without a look at anything but the wallet; the flawed ones say how it is committed."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        await self.write(event, wallet.debited(event.amount))

    async def write(self, event: PaymentInit, wallet: Wallet) -> None:
        await self.wallets.commit(wallet, publish=[debit_of(event, wallet)], handled=event)


class GoesBelowZero(Debiting):
    """Does not ask whether the balance covers the amount."""


class OnlySaysItDebits(WalletService):
    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        await self.wallets.commit(wallet, publish=[debit_of(event, wallet)], handled=event)


class HasNoInbox(Debiting):
    async def write(self, event: PaymentInit, wallet: Wallet) -> None:
        await self.wallets.commit(wallet, publish=[debit_of(event, wallet)])


class PublishesPastTheOutbox(Debiting):
    """Writes, then publishes: a crash between the two loses the event."""

    async def write(self, event: PaymentInit, wallet: Wallet) -> None:
        await self.wallets.commit(wallet, handled=event)
        await BusPort().publish(debit_of(event, wallet))


class DrawsFreshIds(Debiting):
    """Has no inbox and gives the same event a new id each time."""

    drawn = 0

    async def write(self, event: PaymentInit, wallet: Wallet) -> None:
        DrawsFreshIds.drawn += 1
        fresh = identity("fresh", DrawsFreshIds.drawn)
        await self.wallets.commit(
            wallet, publish=[with_header(debit_of(event, wallet), event_id=fresh)]
        )


class NamesNoCause(Debiting):
    async def write(self, event: PaymentInit, wallet: Wallet) -> None:
        debited = with_header(debit_of(event, wallet), causation_id="nobody")
        await self.wallets.commit(wallet, publish=[debited], handled=event)


class WritesBlindly(WalletService):
    """Fetches the version just before it writes what it worked out from an older one."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        after = wallet.debited(event.amount)
        latest = await self.wallets.get(event.user_id)
        assert latest is not None
        after = after._replace(version=latest.version)
        await self.wallets.commit(after, publish=[debit_of(event, after)], handled=event)


class RefundsAgain(WalletService):
    @on(ReembolsarUsuario)
    async def refund(self, event: ReembolsarUsuario) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        wallet = wallet.credited(event.amount)
        refunded = BalanceRefunded.after(
            event,
            amount_refunded=event.amount,
            amount_left=wallet.balance,
            wallet_version=wallet.version + 1,
        )
        await self.wallets.commit(wallet, publish=[refunded])


class SwallowsSmallPayments(WalletService):
    """Acknowledges what it does not want to handle."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        if event.amount > 1_000:
            await super().debit(event)


class ReplaysNothing(RecoverableWalletService):
    """Takes the snapshot for the whole truth."""

    @on(StartRecovery)
    async def recover(self, _command: StartRecovery) -> str:
        await self.intake.pause()
        snapshot = await self.archive.latest_snapshot()
        await self.archive.restore(snapshot)
        await self.intake.resume()
        return "recovered"


class ForgetsTheOutbox(RecoverableWalletService):
    """Rebuilds the wallets, and not what the snapshot had yet to publish."""

    @on(StartRecovery)
    async def recover(self, _command: StartRecovery) -> str:
        await self.intake.pause()
        snapshot = await self.archive.latest_snapshot()
        await self.archive.restore(snapshot._replace(outbox=()))
        for event in in_sequence(await self.archive.events(*REQUESTS, *OUTCOMES)):
            await self._apply(event)
        await self.intake.resume()
        return "recovered"


class PublishesInReplay(RecoverableWalletService):
    """Applies the events as if they happened now."""

    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        await super()._apply(event)
        await BusPort().publish(event)


# Payments.


class MovesFinalPayments(PaymentService):
    """Believes whatever comes last."""

    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        payment = await self.payments.get(event.payment_id)
        assert payment is not None
        completed = payment._replace(status="COMPLETED")
        await self.payments.commit(
            completed, publish=[PaymentCompleted.after(event)], handled=event
        )


class FailsWithoutRefund(PaymentService):
    @on(ProviderPaymentFailed)
    async def compensate(self, event: ProviderPaymentFailed) -> None:
        await self._become("FAILED", event, PaymentFailed, event.reason)


class NeverCompletes(PaymentService):
    @on(ProviderPaymentSuccess)
    async def complete(self, event: ProviderPaymentSuccess) -> None:
        await self.payments.commit(None, handled=event)


# The provider and its breaker.


class TakesSilenceForNo(ProviderGateway):
    """Two timeouts, and the payment has failed: the original design."""

    async def _no_answer(self, charge: Charge, event: ProviderPaymentInit) -> None:
        if event.attempt < self.attempts:
            await self._again(charge, event, "TRYING", self.retry_delay)
        else:
            failed = ProviderPaymentFailed.after(event, reason="PROVIDER_TIMEOUT")
            await self._settle(charge, event, "FAILED", failed)


class ChargesAfterFailing(ProviderGateway):
    """Gives up before it asks, and then asks all the same."""

    @on(ProviderPaymentInit)
    async def handle(self, event: ProviderPaymentInit) -> None:
        charge = await self.charges.get(event.payment_id) or Charge(event.payment_id)
        if charge.settled:
            await self.provider.execute(
                event.transaction_id, (event.user_id, event.amount), timeout=self.timeout
            )
            return
        failed = ProviderPaymentFailed.after(event, reason="NO_MOOD")
        await self._settle(charge, event, "FAILED", failed)


class DrawsAKeyPerAttempt(ProviderGateway):
    async def _charge(self, charge: Charge, event: ProviderPaymentInit, era: int) -> None:
        key = f"{event.transaction_id}-{event.attempt}"
        await super()._charge(charge, event.model_copy(update={"transaction_id": key}), era)


class RaisesThePrice(ProviderGateway):
    """Asks for more at each attempt."""

    async def _charge(self, charge: Charge, event: ProviderPaymentInit, era: int) -> None:
        dearer = event.amount + event.attempt - 1
        await super()._charge(charge, event.model_copy(update={"amount": dearer}), era)


class NeverAsksTheBreaker(ProviderGateway):
    """Tells the breaker how calls went, and calls whatever it says."""

    @on(ProviderPaymentInit)
    async def handle(self, event: ProviderPaymentInit) -> None:
        charge = await self.charges.get(event.payment_id) or Charge(event.payment_id)
        if not charge.settled and event.attempt > charge.attempt:
            await self._charge(charge, event, era=0)


class AdmitsAllWhenHalfOpen(CircuitBreaker):
    async def admit(self) -> int | None:
        breaker = await self._read()
        if breaker.state == "HALF_OPEN":
            return breaker.era
        return await super().admit()


class AdmitsWhenOpen(CircuitBreaker):
    async def admit(self) -> int | None:
        return (await self._read()).era


class BeginsProbeAfterProbe(CircuitBreaker):
    """Takes every call for a probe once the breaker has been open for long enough."""

    async def admit(self) -> int | None:
        breaker = await self._read()
        if breaker.state != "HALF_OPEN":
            return await super().admit()
        probing = breaker.becoming("HALF_OPEN", await self.clock.now())
        await self.store.commit(probing)
        return probing.era


def gateway_with(flawed: type[CircuitBreaker]) -> type[ProviderGateway]:
    """A sound gateway with a breaker that is not."""

    class Gateway(ProviderGateway):
        def __init__(self, charges: Any, breaker: Any, provider: Any, **settings: int) -> None:
            flaw = flawed(
                breaker.store, breaker.clock,
                threshold=breaker.threshold, open_for=breaker.open_for,
                lease=breaker.lease,
            )  # fmt: skip
            super().__init__(charges, flaw, provider, **settings)

    return Gateway
