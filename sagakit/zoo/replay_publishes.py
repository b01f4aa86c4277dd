"""A replay publishes the old events again.

From the original's design: recovery replays through the same code that handled the events when
they were new, and that code publishes. So consumers get the old events once more, long after. Those
with an inbox pass them over; those without send another e-mail, or charge again. Fowler warns of
just that: a replay must be kept from external systems ("Event Sourcing", 2005, "External Updates").

Applying an event is not handling it. The replay folds the events into the state and publishes
nothing; only what had never left the outbox is still to be published.
"""

from sagakit.payments.events import BalanceDebited, BalanceRefunded
from sagakit.payments.recovery import RecoverableWalletService
from sagakit.zoo.flaw import Flaw
from sagakit.zoo.snapshot_by_timestamp import RECOVERY


class ReplayPublishes(RecoverableWalletService):
    """Applies an event and tells of it, as if it happened now."""

    async def _apply(self, event: BalanceDebited | BalanceRefunded) -> None:
        await super()._apply(event)
        await self.wallets.commit(None, publish=[event])


FLAW = Flaw(
    name="replay_publishes",
    origin="the original's recovery, which replays with the logic of commands",
    law="recovery",
    scenario=RECOVERY,
    budget={},
    services={"Wallet Service": ReplayPublishes},
    repair="fold the events into the state, and publish nothing that went out before",
)
