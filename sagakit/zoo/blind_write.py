"""A blind write: a balance that was worked out from an old read is written over a newer one.

The lost update (Berenson et al., "A Critique of ANSI SQL Isolation Levels", 1995, P4). It comes in
disguise: this service does have a version condition. But it fetches the version right before it
writes, to "avoid conflicts", and keeps the balance that it had worked out before. A client library
that retries a refused write with a fresh version and the old item does just the same.

The other debit is undone without a trace: both payments are charged, and one of them is free.

The version belongs to the read that the balance was worked out from. If it has moved on, the
decision is void: read, decide and write again.
"""

from sagakit.contract.ports import on
from sagakit.payments.events import PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.zoo.flaw import TWO_PAYMENTS, Flaw, decided


class BlindWrite(WalletService):
    """Asks for the latest version just before it writes."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        latest = await self.wallets.get(event.user_id)
        if wallet is not None and latest is not None:
            wallet = wallet._replace(version=latest.version)
        await self.wallets.commit(wallet, publish=[outcome], handled=event)


FLAW = Flaw(
    name="blind_write",
    origin="the lost update of the literature, hidden behind a version",
    law="conservation",
    scenario=TWO_PAYMENTS,
    budget={},
    services={"Wallet Service": BlindWrite},
    repair="write with the version of the read that the balance was worked out from",
)
