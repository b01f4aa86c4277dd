"""Commit, then publish as a second step: a dual write.

From the original proof of concept: `debit_balance.go` updates the wallet and then puts the event
on the bus. Its span is called "UpdateWithOutbox", and there is no outbox. The same is in every
system that writes to a database and then to a broker.

A crash between the two steps loses the event for ever: the message comes again, but the inbox has
it. The money has left the wallet, the provider is never asked, and the saga does not end.

The outbox repairs it: the event is part of the commit, and a relay publishes what was committed,
as often as it takes.
"""

from sagakit.contract.ports import Bus, Ports, Store, on
from sagakit.payments.events import PaymentInit
from sagakit.payments.wallet import Wallet, WalletService
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw, decided


class PublishAfterCommit(WalletService):
    """Tells the bus itself, once the wallet is written."""

    def __init__(self, wallets: Store[Wallet], bus: Bus) -> None:
        super().__init__(wallets)
        self.bus = bus

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet, outcome = decided(await self.wallets.get(event.user_id), event)
        await self.wallets.commit(wallet, handled=event)
        await self.bus.publish(outcome)


def build(ports: Ports) -> PublishAfterCommit:
    return PublishAfterCommit(ports.store("Wallet DB"), ports.bus)


FLAW = Flaw(
    name="publish_after_commit",
    origin="the original's debit_balance.go",
    law="every saga ends",
    scenario=ONE_PAYMENT,
    budget={"crashes": 1},
    services={"Wallet Service": build},
    repair="put the event in the outbox: commit(wallet, publish=[outcome], handled=event)",
)
