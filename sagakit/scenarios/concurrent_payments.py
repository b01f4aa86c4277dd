"""Two payments on one wallet, both read before either writes."""

from sagakit.contract.timing import Timing
from sagakit.scenarios.scenario import OpeningWallet, PaymentRequest, Scenario

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
