"""Recovery goes by timestamp: it applies what was published after the snapshot was taken.

From the original's design: "replay the events since the snapshot's timestamp". But an event is
committed at one moment and published at a later one. A snapshot that is taken between the two has
the debit already, and the event's timestamp says that it came after: it is applied twice. A cut by
the time of the commit errs the other way as soon as two clocks differ. EventBridge's archive keeps
no order within a minute besides (Amazon EventBridge User Guide, "Archiving and replaying events").
And since it is the clock that is trusted, nobody asks the inbox, which would know.

A wallet counts its own changes, and its events say which change they are. So go by the sequence:
an event is applied if it is the wallet's next version, and passed over if the snapshot has it.
"""

from sagakit.payments.events import BalanceDebited, BalanceRefunded
from sagakit.payments.recovery import RecoverableWalletService
from sagakit.scenarios import Recovery
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw

RECOVERY = ONE_PAYMENT.but(
    name="recovery",
    title="One payment; the wallets are lost and rebuilt",
    recovery=Recovery(snapshot_at=0, start_at=1),  # explore has the store lost at every moment
)


class SnapshotByTimestamp(RecoverableWalletService):
    """Compares the time of an event with that of the snapshot."""

    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        snapshot = await self.archive.latest_snapshot()
        if event.header.timestamp <= snapshot.taken_at:
            return
        wallet = await self.wallets.get(event.user_id)
        if wallet is None:
            raise LookupError(f"the snapshot has no wallet of {event.user_id}")
        if isinstance(event, BalanceDebited):
            wallet = wallet.debited(event.amount)
        else:
            wallet = wallet.credited(event.amount)
        await self.wallets.commit(wallet)


FLAW = Flaw(
    name="snapshot_by_timestamp",
    origin="the original's sequence diagram of a disaster recovery",
    law="recovery",
    scenario=RECOVERY,
    budget={},
    services={"Wallet Service": SnapshotByTimestamp},
    repair="go by the wallet's version, which each event carries",
)
