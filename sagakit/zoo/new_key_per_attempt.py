"""A fresh Idempotency-Key for every attempt.

The key is drawn where the request is made, so each attempt gets its own, and to the provider each
is another payment. If the first was carried out without an answer, the second charges again. A key
with the attempt's number in it, as here, or `uuid4()` next to the call: all the same. Stripe's
guide asks for one key for one operation, kept across retries ("Idempotent requests").

The key must name the movement of money: `transaction_id`, which is made with the payment and is
the same in all that follows from it.
"""

from sagakit.contract.ports import on
from sagakit.payments.events import ProviderPaymentInit
from sagakit.payments.provider import ProviderGateway
from sagakit.zoo.flaw import ONE_PAYMENT, Flaw


class NewKeyPerAttempt(ProviderGateway):
    """Puts the number of the attempt into the key."""

    @on(ProviderPaymentInit)
    async def handle(self, event: ProviderPaymentInit) -> None:
        key = f"tx-{event.payment_id}-{event.attempt}"
        await super().handle(event.model_copy(update={"transaction_id": key}))


FLAW = Flaw(
    name="new_key_per_attempt",
    origin="a key that is drawn where the request is made",
    law="at most once",
    scenario=ONE_PAYMENT,
    budget={"provider": {"timeout_after": 1}},
    services={"Provider Gateway": NewKeyPerAttempt},
    repair="one key a movement of money: the transaction's id, the same for all attempts",
)
