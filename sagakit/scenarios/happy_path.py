"""A payment that goes well, from the POST to three notifications."""

from sagakit.scenarios.scenario import OpeningWallet, PaymentRequest, Scenario

happy_path = Scenario(
    name="happy_path",
    title="A payment that goes well",
    about="Ana has 100.00 and pays 70.00. The provider approves; she is told in three ways.",
    wallets=(OpeningWallet(user_id="ana", balance=100),),
    payments=(PaymentRequest(user_id="ana", amount=70, idempotency_key="A"),),
)
