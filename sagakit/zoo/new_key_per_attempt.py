"""A fresh Idempotency-Key for every attempt.

The key is drawn where the request is made, so each attempt gets its own, and to the provider each
is another payment. If the first was carried out without an answer, the second charges again. A key
made from the attempt's own event id, as here, or `uuid4()` next to the call: all the same. Stripe's
guide asks for one key for one operation, kept across retries ("Idempotent requests").

The key must name the movement of money: `transaction_id`, which is made with the payment and is
the same in all that follows from it.
"""

from sagakit.payments.events import ProviderPaymentInit
from sagakit.payments.provider import Charge, ProviderGateway
from sagakit.zoo.flaw import Flaw
from sagakit.zoo.given import ONE_PAYMENT


class NewKeyPerAttempt(ProviderGateway):
    """Makes the key from the message that asks for this attempt."""

    async def _charge(self, charge: Charge, event: ProviderPaymentInit, era: int) -> None:
        keyed = event.model_copy(update={"transaction_id": event.header.event_id})
        await super()._charge(charge, keyed, era)


FLAW = Flaw(
    name="new_key_per_attempt",
    origin="a key that is drawn where the request is made",
    law="at most once",
    scenario=ONE_PAYMENT,
    budget={"provider": {"timeout_after": 1}},
    services={"Provider Gateway": NewKeyPerAttempt},
    repair="one key a movement of money: the transaction's id, the same for all attempts",
)
