"""The wallet store is lost in the middle of traffic, and rebuilt."""

from sagakit.scenarios.scenario import (
    OpeningWallet,
    PaymentRequest,
    ProviderRule,
    Recovery,
    Scenario,
)
from sagakit.sim.faults import Loss

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
