"""A message that cannot be understood ends in the dead-letter queue, with its reason."""

import pytest

from sagakit import run, scenarios
from sagakit.payments import events as e
from sagakit.scenarios.scenario import QueuedText, Redrive, Scenario
from sagakit.trace.facts import Acknowledged, Failed, Redriven
from sagakit.trace.messages import Message
from sagakit.trace.trace import Trace
from tests.payments.saga import event

QUEUES = ("Payment SQS", "Wallet SQS", "Provider SQS", "Provider Retry SQS")


def with_texts(*texts: tuple[str, str]) -> Scenario:
    """The happy path, in which somebody puts texts in queues."""
    return scenarios.happy_path.but(
        texts=[QueuedText(at=5, queue=queue, text=text) for queue, text in texts]
    )


def dead(records: Trace) -> list[Message]:
    return [fate for fate in records.messages().values() if fate.state == "dead"]


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "NotUnderstood: not JSON: Expecting value at line 1, column 1"),
        ("", "NotUnderstood: not JSON"),
        ("{}", "NotUnderstood: no header"),
        (event(e.PaymentInit).wire().replace('"version": 1', '"version": 2'), "NotUnderstood: un"),
        (event(e.PaymentInit).wire().replace("PaymentInit", "Gossip"), "unknown event type 'Goss"),
        (event(e.PaymentCompleted).wire(), "unknown event type 'PaymentCompleted': expected"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5_000, "too large"),
    ],
)
def test_a_message_that_cannot_be_read_is_dead_with_its_reason_and_the_rest_goes_on(
    queue: str, text: str, reason: str
) -> None:
    records = run(with_texts((queue, text))).records
    (fate,) = dead(records)
    assert fate.queue == queue
    assert reason in fate.reason
    assert len(fate.reason) < 500
    assert records.stores()["Payments DB"]["ana:A"].status == "COMPLETED"


def test_an_amount_that_is_none_is_named() -> None:
    text = event(e.PaymentInit).wire().replace("70.00", "-70.00")
    (fate,) = dead(run(with_texts(("Wallet SQS", text))).records)
    assert fate.reason == (
        "NotUnderstood: PaymentInit: amount: an amount must be more than zero, not -70.00"
    )


def test_a_message_that_cannot_be_read_is_received_as_often_as_the_queue_says() -> None:
    records = run(with_texts(("Wallet SQS", "hello"))).records
    about = [record.fact for record in records]
    about = [fact for fact in about if getattr(fact, "message_id", 0) == 1]
    assert len([fact for fact in about if isinstance(fact, Failed)]) == 5
    assert not [fact for fact in about if isinstance(fact, Acknowledged)]


def test_a_text_that_is_an_event_is_handled_like_any_other() -> None:
    scenario = with_texts(("Wallet SQS", event(e.PaymentInit).wire()))
    records = run(scenario).records
    assert {fate.state for fate in records.messages().values()} == {"done"}
    assert records.stores()["Wallet DB"]["ana"].version == 2  # the same event twice: one debit


def test_an_event_about_an_unknown_payment_or_wallet_is_not_acknowledged() -> None:
    strangers = {
        ("Payment SQS", event(e.BalanceRefunded, payment_id="eva:A").wire()): "no payment eva:A",
        ("Wallet SQS", event(e.ReembolsarUsuario, user_id="eva").wire()): "no wallet of eva",
    }
    fates = dead(run(with_texts(*strangers)).records)
    for (queue, _), reason in strangers.items():
        (fate,) = [fate for fate in fates if fate.queue == queue]
        assert f"LookupError: {reason}" in fate.reason


def test_a_dead_letter_that_is_sent_back_and_still_not_understood_dies_again() -> None:
    scenario = with_texts(("Wallet SQS", "hello")).but(
        redrives=[Redrive(at=1_000_000, queue="Wallet SQS")]
    )
    records = run(scenario).records
    (fate,) = dead(records)
    assert "NotUnderstood" in fate.reason
    assert len([each for each in records if isinstance(each.fact, Redriven)]) == 1
