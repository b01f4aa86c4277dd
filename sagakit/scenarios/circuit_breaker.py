"""Many payments meet an outage of the provider."""

from sagakit.scenarios.scenario import OpeningWallet, PaymentRequest, ProviderRule, Scenario

USERS = 36
EVERY = 2_000  # ms from one payment to the next
OUTAGE = (10_000, 42_000)  # ms

circuit_breaker = Scenario(
    name="circuit_breaker",
    title="The provider is out, and the breaker opens",
    about=(
        "A payment every two seconds. From 10 s to 42 s the provider does not answer at all. Five "
        "failures in a row open the breaker: payments then fail at once and are refunded. After "
        "30 s one probe is let through; when it is answered, the breaker closes."
    ),
    wallets=tuple(
        OpeningWallet(user_id=f"user-{number:02}", balance=100) for number in range(1, USERS + 1)
    ),
    payments=tuple(
        PaymentRequest(
            user_id=f"user-{number:02}", amount=40, idempotency_key="1", at=(number - 1) * EVERY
        )
        for number in range(1, USERS + 1)
    ),
    provider=(ProviderRule(behaviour="timeout_before", start=OUTAGE[0], end=OUTAGE[1]),),
)
