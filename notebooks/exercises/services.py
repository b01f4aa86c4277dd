"""Exercises in which a service is written and proved: each answer is explored, and held against
all laws.

    from . import services
    services.idempotent_debit           # the task
    services.idempotent_debit(Mine)     # the answer to an answer

Each names the flawed service of the zoo (`sagakit.zoo`) that it starts from.
"""

from inspect import signature
from typing import Any

from sagakit.contract.ports import Ports, Service
from sagakit.payments.events import PaymentInit, ProviderPaymentInit, ReembolsarUsuario
from sagakit.payments.provider import ProviderGateway
from sagakit.payments.topology import Settings
from sagakit.payments.wallet import WalletService
from sagakit.scenarios import OpeningWallet, PaymentRequest, Scenario

from .grader import Feedback, exercise
from .service_checks import Role, Trial, grade


def given(*amounts: int, balance: int = 100, **more: Any) -> Scenario:
    """Ana has a balance of 100.00, and makes these payments at once."""
    return Scenario(
        name="trial",
        title="Payments of Ana, all at once",
        wallets=(OpeningWallet(user_id="ana", balance=balance),),
        payments=tuple(
            PaymentRequest(user_id="ana", amount=amount, idempotency_key=str(number))
            for number, amount in enumerate(amounts, start=1)
        ),
        **more,
    )


def wallet_service(answer: type) -> Service:
    """The answer as it is deployed. One whose `__init__` asks for a `bus` gets that too."""
    if "bus" not in signature(answer).parameters:
        return answer

    def build(ports: Ports) -> object:
        return answer(ports.store("Wallet DB"), bus=ports.bus)

    return build


DEBIT = Role(
    service="Wallet Service",
    sound=WalletService,
    method="debit",
    handles=(PaymentInit, ReembolsarUsuario),
    lanes=("Wallet SQS", "Wallet Service", "Wallet DB"),
    wire=wallet_service,
)

LOST = "conservation"  # what a lost update breaks, told in money
DECLINED = {"provider": {"decline": 1}}
ONE = Trial(
    what="one payment, and nothing that goes wrong",
    scenario=given(40),
    hints=("What does the sound service do with a payment that the wallet covers?",),
)
NOT_COVERED = Trial(
    what="a payment that the wallet does not cover, and whose message comes twice",
    scenario=given(150),
    budget={"duplicates": 1},
    hints=(
        "That the balance is too small is a result like any other.",
        "It is published once, and its message is remembered as well.",
    ),
)
LOST_ANSWER = Trial(
    what="a commit whose answer is lost",
    scenario=given(40),
    budget={"lost_answers": 1},
    hints=(
        "The commit took effect, and the store's client tried it again. What does it meet?",
        "A version tells that somebody wrote. The inbox tells that it was this message.",
        "Let the store refuse the second try, and let that error go.",
    ),
)
TWO_COME_TWICE = Trial(
    what="two payments, and a message of one of them that comes twice",
    scenario=given(40, 30),
    budget={"duplicates": 1},
    hints=("What do the two deliveries have in common that the other payment does not have?",),
)


@exercise
def idempotent_debit(answer: Any) -> Feedback:
    """Make the debit idempotent.

    A queue delivers at least once, so one day the same PaymentInit comes twice, at once or after a
    crash. Write a class Mine(WalletService) whose `debit` takes the money once all the same.
    It starts from zoo.no_inbox, which debits whatever comes.
    """
    twice = (
        "The message came twice, and both deliveries committed a debit. Who could have known?",
        "Only the store sees both. What could each delivery tell it, and in which commit?",
        "`commit` can put the message that it answers into the inbox: see its argument `handled`.",
    )
    crash = (
        "After a crash the message comes again. What had been committed by then, and what had not?",
        "If the debit and the note of its message are two commits, one of them may be missing.",
        "One commit can do both: write the wallet, and remember the message.",
    )
    return grade(
        answer,
        DEBIT,
        (
            ONE,
            Trial("a message that comes twice", given(40), {"duplicates": 1}, twice),
            Trial("a service that crashes", given(40), {"crashes": 1}, crash),
            LOST_ANSWER,
            NOT_COVERED,
            TWO_COME_TWICE,
        ),
    )


@exercise
def safe_against_races(answer: Any) -> Feedback:
    """Make the debit safe against races.

    Two payments of one wallet are handled at the same time: both read 100.00, and both write. Write
    a class Mine(WalletService) whose `debit` loses no update, in whatever order the steps come.
    It starts from zoo.blind_write, which asks for the latest version just before it writes.
    """
    race = (
        "Follow the balance. Which read was the balance that is written worked out from?",
        "Between that read and this write, another handler wrote. Which version says so?",
        "Write with the version of the read that you decided on; a conflict voids the decision.",
    )
    conflict = (
        "A conflict does not say that the wallet is too small, nor that the work has been done.",
        "After a conflict: read, decide and write again. Or let it go: the handler is run again.",
    )
    refund = (
        "A refund of one payment and the debit of the other meet at one wallet, too.",
        *race[1:],
    )
    return grade(
        answer,
        DEBIT,
        (
            ONE,
            Trial("two payments at once, both covered", given(40, 30), hints=race, law=LOST),
            Trial("two payments at once, of which one is covered", given(70, 80), hints=conflict),
            Trial("three payments at once", given(50, 60, 30), hints=race, law=LOST),
            Trial("a refund and a debit at once", given(60, 50), DECLINED, refund),
            TWO_COME_TWICE,
            LOST_ANSWER,
        ),
    )


@exercise
def with_an_outbox(answer: Any) -> Feedback:
    """Add the outbox.

    A debit that nobody hears of is money that is gone; an event about a debit that never happened
    is worse. Write a class Mine(WalletService) whose `debit` publishes its outcome exactly when the
    debit is committed, crash or no crash.
    It starts from zoo.publish_after_commit, which commits, and tells the bus in a second step.
    """
    plain = (
        "When is the debit committed, and when the event? What if the handler dies in between?",
        "Which two things must happen both or not at all? Which port does both in one step?",
        "`commit` takes the events to publish as `publish`: a list. That is the outbox.",
    )
    crash = (
        "At which moment did the service die? What had happened by then, and what had not?",
        "The message comes again after the crash. Does the second delivery do what is missing?",
        "Wallet, events and the message that was handled belong into one commit.",
    )
    return grade(
        answer,
        DEBIT,
        (
            Trial("one payment, and nothing that goes wrong", given(40), hints=plain),
            Trial("a service that crashes", given(40), {"crashes": 1}, crash),
            Trial("a payment that is not covered, and a crash", given(150), {"crashes": 1}, crash),
            Trial("two payments at once", given(70, 80), hints=plain),
            Trial(
                "two payments, a message that comes twice, and a crash",
                given(40, 30),
                {"crashes": 1, "duplicates": 1},
                crash,
            ),
            LOST_ANSWER,
        ),
    )


GATEWAY = Role(
    service="Provider Gateway",
    sound=ProviderGateway,
    method="_no_answer",
    handles=(ProviderPaymentInit,),
    lanes=(
        "Provider SQS", "Provider Retry SQS", "Provider Gateway", "Provider DB",
        "External Provider API",
    ),
    outside=False,
)  # fmt: skip


@exercise
def settle_the_unknown(answer: Any) -> Feedback:
    """Settle the unknown outcome.

    The provider did not answer, and nobody knows whether it charged. Write a class
    Mine(ProviderGateway) with a `_no_answer(self, charge, event)` of its own, which is called after
    each request to charge that got no answer. The provider is asked twice before the gateway gives
    up. When the saga ends, the user has paid and the provider has the money, or neither.
    It starts from zoo.refund_unknown, which reports a failure after the last attempt. The gateway
    has what you need: `_again` puts a decision and the next attempt into one commit, `_settle` ends
    the charge, `_void` is where a charge in the state VOIDING goes on.
    """
    once = (
        "The provider would have answered a second request. Was there one?",
        "`event.attempt` tells which attempt got no answer, `self.attempts` how many there may be.",
    )
    silent = (
        "The user has the money back. What do the provider's books say, and who had asked it?",
        "Silence is no answer. What could the provider be told, whether or not it charged?",
        "A void has the charge undone or forbidden. Only its answer allows to report a failure.",
    )
    decide = (
        "Two deliveries of one message run side by side. What has each of them found out?",
        "One of them voids a charge. What must it have made sure of before, and where?",
        "Decide, then act: once VOIDING is committed, no other delivery can complete the payment.",
    )
    again = (
        "The void got no answer, either, or the service died. Who asks again?",
        "The decision must be in the store, and the message that goes on with it in the queue.",
    )
    tripped = (
        "After a silence the breaker may be open. Nobody calls then. Who asks it before a call?",
        "`admit` gives an era, or None: then leave the call to the next message.",
    )
    return grade(
        answer,
        GATEWAY,
        (
            Trial("one payment, which is charged at once", given(40)),
            Trial(
                "two requests without an answer, of which one may be carried out",
                given(40),
                {"provider": {"timeout_before": 1, "timeout_after": 1}},
                silent,
                as_sound=False,
            ),
            Trial(
                "a provider that charges and twice does not answer",
                given(40),
                {"provider": {"timeout_after": 2}},
                silent,
                as_sound=False,
            ),
            Trial(
                "a provider that is silent four times",
                given(40),
                {"provider": {"timeout_before": 2, "timeout_after": 2}},
                again,
                as_sound=False,
            ),
            # Code that fails is run again: it takes five silences in a row to see that it fails.
            Trial(
                "a provider that is silent six times",
                given(40),
                {"provider": {"timeout_before": 6}},
                again,
                as_sound=False,
            ),
            Trial(
                "two silences, and a message that comes twice",
                given(40),
                {"provider": {"timeout_before": 2}, "duplicates": 1},
                decide,
                as_sound=False,
            ),
            Trial(
                "two silences after a charge, and a message that comes twice",
                given(40),
                {"provider": {"timeout_after": 2}, "duplicates": 1},
                decide,
                as_sound=False,
            ),
            Trial(
                "two silences after a charge, and a crash",
                given(40),
                {"provider": {"timeout_after": 2}, "crashes": 1},
                again,
                as_sound=False,
            ),
            Trial(
                "two payments, a silence for each, and a breaker that opens at once",
                given(40, 30, settings=Settings(breaker_threshold=1)),
                {"provider": {"timeout_after": 2}},
                tripped,
                as_sound=False,
            ),
            Trial(
                "one silence, and a provider that answers from then on",
                given(40),
                {"provider": {"timeout_before": 1}},
                once,
            ),
        ),
    )
