"""The provider does not answer, twice, a minute apart; the payment is compensated."""

from sagakit.scenarios.scenario import OpeningWallet, PaymentRequest, ProviderRule, Scenario

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
