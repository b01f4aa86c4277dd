"""Recovery: rebuild the wallet store from a snapshot and the archived events.

The sequence of a wallet is its version, which its events carry: an event is applied when it is the
next version, and passed over when the snapshot has it already. Timestamps are not asked: two
events may share one, and clocks disagree. Nothing is published again by the replay.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sagakit.contract.events import Event
from sagakit.contract.ports import Archive, Backup, Delayed, Intake, Person, Store, event_of, on
from sagakit.payments.events import (
    BalanceDebited,
    BalanceRefunded,
    InsufficientBalance,
    PaymentEvent,
    PaymentInit,
    ReembolsarUsuario,
)
from sagakit.payments.wallet import Wallet, WalletService

REQUESTS = (PaymentInit, ReembolsarUsuario)
OUTCOMES = (BalanceDebited, BalanceRefunded, InsufficientBalance)


class StartRecovery(NamedTuple):
    """The wallet store was lost: rebuild it. That takes longer than a message may."""

    label: str = "start recovery"
    timeout: int = 15 * 60 * 1_000  # ms, the longest that AWS Lambda allows


class RecoverableWalletService(WalletService):
    """A wallet service that can rebuild its store."""

    def __init__(
        self, wallets: Store[Wallet], archive: Archive, intake: Intake, operator: Person
    ) -> None:
        super().__init__(wallets)
        self.archive = archive
        self.intake = intake
        self.operator = operator

    @on(StartRecovery)
    async def recover(self, _command: StartRecovery) -> str:
        """Stop taking messages, restore, replay, take up what went unanswered, and go on.

        The snapshot's outbox is held back until the history tells what of it was published.
        """
        await self.intake.pause()
        snapshot = await self.archive.latest_snapshot()
        await self.archive.restore(snapshot._replace(outbox=()))
        history = await self.archive.events(*REQUESTS, *OUTCOMES)
        held_back = unpublished(snapshot, history)
        if held_back:
            await self.wallets.commit(None, publish=held_back)
        for event in in_sequence(history):
            await self._apply(event)
        for archived in history:
            # A refused request moved no money, but must not be decided a second time.
            request_id = archived.header.causation_id
            if isinstance(archived, InsufficientBalance) and request_id not in snapshot.inbox:
                await self.wallets.commit(None, handled=request_id)
        for request in unanswered(history, snapshot):
            await self.archive.deliver_again(request)
        await self.operator.tell("recovery complete")
        await self.intake.resume()
        return "recovered"

    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        """Move the wallet on by one version, and remember the request that this event answered."""
        wallet = await self.wallets.get(event.user_id)
        if wallet is None:
            raise LookupError(
                f"the snapshot has no wallet of {event.user_id}, who has moved money: "
                f"restore from a snapshot that has it"
            )
        if event.wallet_version <= wallet.version:
            return
        if event.wallet_version > wallet.version + 1:
            raise LookupError(
                f"the history of {wallet.user_id} has a gap: version {wallet.version} is followed "
                f"by {event.wallet_version}; take a later snapshot or restore the missing events"
            )
        if isinstance(event, BalanceDebited):
            wallet = wallet.debited(event.amount)
        else:
            wallet = wallet.credited(event.amount)
        await self.wallets.commit(wallet, handled=event.header.causation_id)


def in_sequence(history: Iterable[PaymentEvent]) -> list[BalanceDebited | BalanceRefunded]:
    """Return the movements of money, wallet by wallet in the order of their versions."""
    movements = [event for event in history if isinstance(event, BalanceDebited | BalanceRefunded)]
    return sorted(movements, key=lambda event: (event.user_id, event.wallet_version))


def unanswered(history: Iterable[PaymentEvent], snapshot: Backup) -> list[PaymentEvent]:
    """Return the requests of which no outcome is known: they wait in the queue, or were lost with
    the store between its commit and the publication. When they come again, the inbox tells which.
    """
    answered = {event.header.causation_id for event in history if isinstance(event, OUTCOMES)}
    answered |= snapshot.inbox
    return [
        event
        for event in history
        if isinstance(event, REQUESTS) and event.header.event_id not in answered
    ]


def unpublished(snapshot: Backup, history: Iterable[PaymentEvent]) -> list[Event | Delayed]:
    """Return the entries of the snapshot's outbox that were lost before their turn came."""
    published = {event.header.event_id for event in history}
    return [entry for entry in snapshot.outbox if event_of(entry).header.event_id not in published]
