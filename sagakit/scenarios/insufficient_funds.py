"""The wallet does not cover the payment."""

from sagakit.scenarios.scenario import OpeningWallet, PaymentRequest, Scenario

insufficient_funds = Scenario(
    name="insufficient_funds",
    title="The balance does not cover the payment",
    about="Ana has 50.00 and wants to pay 70.00. Nothing is debited and the payment fails.",
    wallets=(OpeningWallet(user_id="ana", balance=50),),
    payments=(PaymentRequest(user_id="ana", amount=70, idempotency_key="A"),),
)
