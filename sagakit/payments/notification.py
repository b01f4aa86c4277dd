"""The Notification services: tell the user how a payment ended, each by its own channel.

They keep no store. A message that is delivered twice tells the user twice: better than never.
"""

from sagakit.contract.ports import Person, on
from sagakit.payments.events import PaymentCompleted, PaymentFailed


class NotificationService:
    """Sends by one channel: `sends` says how, for instance "Send email (SES)"."""

    def __init__(self, user: Person, sends: str) -> None:
        self.user = user
        self.sends = sends

    @on(PaymentCompleted, PaymentFailed)
    async def tell(self, _event: PaymentCompleted | PaymentFailed) -> None:
        await self.user.tell(self.sends)
