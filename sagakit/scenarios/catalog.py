"""The scenarios that the notebooks walk through."""

from sagakit.contract.faults import Loss
from sagakit.contract.timing import Timing
from sagakit.scenarios.scenario import (
    OpeningWallet,
    PaymentRequest,
    ProviderRule,
    Recovery,
    Scenario,
)

happy_path = Scenario(
    name="happy_path",
    title="A payment that goes well",
    about="Ana has 100.00 and pays 70.00. The provider approves; she is told in three ways.",
    wallets=(OpeningWallet(user_id="ana", balance=100),),
    payments=(PaymentRequest(user_id="ana", amount=70, idempotency_key="A"),),
)

provider_error = Scenario(
    name="provider_error",
    title="The provider does not answer",
    about=(
        "Ana has 100.00 and pays 70.00. The provider stays silent at both attempts, one minute "
        "apart, with the same Idempotency-Key. The gateway voids the charge, whose fate it cannot "
        "know, and the saga refunds the wallet."
    ),
    wallets=(OpeningWallet(user_id="ana", balance=100),),
    payments=(PaymentRequest(user_id="ana", amount=70, idempotency_key="A"),),
    provider=(ProviderRule(behaviour="timeout_before", calls=(1, 2)),),
)

insufficient_funds = Scenario(
    name="insufficient_funds",
    title="The balance does not cover the payment",
    about="Ana has 50.00 and wants to pay 70.00. Nothing is debited and the payment fails.",
    wallets=(OpeningWallet(user_id="ana", balance=50),),
    payments=(PaymentRequest(user_id="ana", amount=70, idempotency_key="A"),),
)

USERS = [f"user-{number:02}" for number in range(1, 37)]
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
    wallets=tuple(OpeningWallet(user_id=user, balance=100) for user in USERS),
    payments=tuple(
        PaymentRequest(user_id=user, amount=40, idempotency_key="1", at=index * EVERY)
        for index, user in enumerate(USERS)
    ),
    provider=(ProviderRule(behaviour="timeout_before", start=OUTAGE[0], end=OUTAGE[1]),),
)

concurrent_payments = Scenario(
    name="concurrent_payments",
    title="Two payments at once on one wallet",
    about=(
        "Ana has 100.00, version 1, and pays 70.00 (A) and 80.00 (B) one millisecond apart. Both "
        "handlers read version 1. A writes version 2; B's write is refused, so B reads again and "
        "finds 30.00. All latencies are fixed, so that the two meet with every seed."
    ),
    wallets=(OpeningWallet(user_id="ana", balance=100),),
    payments=(
        PaymentRequest(user_id="ana", amount=70, idempotency_key="A"),
        PaymentRequest(user_id="ana", amount=80, idempotency_key="B", at=1),
    ),
    timing=Timing(
        bus=(20, 20), poll=(5, 5), store=(5, 5), relay=(3, 3), invoke=(3, 3), external=(150, 150)
    ),
)

disaster_recovery = Scenario(
    name="disaster_recovery",
    title="The wallet store is lost and rebuilt",
    about=(
        "Three users pay ten times within five seconds; the provider declines one payment, whose "
        "debit is refunded. A snapshot of the wallets is taken at 1.2 s; at 3 s the store is lost. "
        "The operator starts the recovery at 3.5 s: snapshot, then the events since, by sequence. "
        "Live events wait in the queue meanwhile."
    ),
    wallets=(
        OpeningWallet(user_id="ana", balance=200),
        OpeningWallet(user_id="ben", balance=150),
        OpeningWallet(user_id="eva", balance=60),
    ),
    payments=tuple(
        PaymentRequest(user_id=user, amount=amount, at=at, idempotency_key=str(number))
        for number, (at, user, amount) in enumerate(
            [
                (0, "ana", 30), (500, "ben", 45), (900, "eva", 20), (1_400, "ana", 25),
                (1_900, "eva", 50), (2_300, "ben", 15), (2_930, "ana", 40), (3_100, "eva", 10),
                (3_490, "ben", 20), (5_000, "ana", 35),
            ],
            start=1,
        )
    ),
    provider=(ProviderRule(behaviour="decline", payment_id="ana:4"),),
    faults=(Loss(store="Wallet DB", at=3_000),),
    recovery=Recovery(snapshot_at=1_200, start_at=3_500),
)  # fmt: skip

ALL = (
    happy_path,
    provider_error,
    insufficient_funds,
    circuit_breaker,
    concurrent_payments,
    disaster_recovery,
)
