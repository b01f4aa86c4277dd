"""The workload of every contender: happy-path payments, each with a wallet of its own."""

from sagakit.scenarios import OpeningWallet, PaymentRequest, Scenario

BETWEEN = 2  # ms from one payment to the next

# What one happy-path payment takes, counted in sagakit's own trace (see `test_bench.py`).
MESSAGES = 6  # through a queue or a topic
STORE_OPERATIONS = 11
PUBLICATIONS = 4
REQUESTS = 3  # the POST, the API Gateway's call and the provider's


def happy_payments(count: int) -> Scenario:
    """That many payments of 70.00 by users who have 100.00."""
    return Scenario(
        name="happy_payments",
        title=f"{count:,} payments that go well",
        wallets=tuple(OpeningWallet(user_id=f"user-{n}", balance=100) for n in range(count)),
        payments=tuple(
            PaymentRequest(user_id=f"user-{n}", amount=70, idempotency_key="1", at=BETWEEN * n)
            for n in range(count)
        ),
    )
