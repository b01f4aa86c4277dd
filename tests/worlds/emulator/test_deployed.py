"""What the stack does is what the template says: a mistake in it is seen in the run."""

from collections.abc import Callable
from typing import Any

import pytest

from sagakit import Run, scenarios
from sagakit.trace.facts import Answered, DeadLettered, Failed, Received
from sagakit.worlds.aws.cloudformation import Part
from sagakit.worlds.aws.resources import Misconfigured
from sagakit.worlds.emulator import Emulator

Parts = dict[str, Part]
Change = Callable[[Parts], object]


def played(emulator: Emulator, change: Change, **scenario: Any) -> Run:
    """The happy path on a stack whose template was changed."""
    happy = scenarios.happy_path.but(**scenario)
    return emulator.play(happy, change=lambda content: change(content["Resources"]))


def without(part: str) -> Change:
    return lambda parts: parts.pop(part)


def put(part: str, *path: str | int, value: Any) -> Change:
    """Write another value at a place in the properties of a part."""

    def change(parts: Parts) -> None:
        inside: Any = parts[part]["Properties"]
        for name in path[:-1]:
            inside = inside[name]
        assert inside[path[-1]] != value
        inside[path[-1]] = value

    return change


def may_not(function: str, action: str) -> Change:
    """Take an action out of the policy of a function's role."""

    def change(parts: Parts) -> None:
        (policy,) = parts[f"{function}Role"]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            if action in statement["Action"]:
                statement["Action"].remove(action)
                return
        raise AssertionError(f"{function} may not do {action} anyway")

    return change


def status(done: Run) -> str:
    (found,) = done.payments.status
    return str(found)


def test_unchanged_it_completes_and_everyone_is_told(emulator: Emulator) -> None:
    done = played(emulator, lambda _: None)
    assert status(done) == "COMPLETED"
    assert all(verdict.held for verdict in done.verdicts())
    assert told(done) == {"Email Lambda", "WebSocket Service", "Push Lambda"}
    assert strangers(done) == set()


def told(done: Run) -> set[str]:
    """Who handled the news at the end."""
    facts = [record.fact for record in done.records.entries]
    return {one.service for one in facts if isinstance(one, Received) and one.queue == "SNS Topic"}


ON_THE_WAY = {
    "a rule": without("PaymentInitToWalletSQS"),
    "its pattern": put("PaymentInitToWalletSQS", "EventPattern", value={"detail-type": ["Init"]}),
    "its target": put(
        "PaymentInitToWalletSQS", "Targets", 0, "Arn",
        value={"Fn::GetAtt": ["ProviderRetryDLQ", "Arn"]},
    ),
    "a queue's policy": without("WalletSQSPolicy"),
    "a mapping": without("WalletSQSWakesWalletService"),
    "the relay of an outbox": without("WalletDBOutbox"),
    "its filter": put(
        "WalletDBOutbox", "FilterCriteria", "Filters", 0, "Pattern",
        value='{"eventName": ["REMOVE"]}',
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", ON_THE_WAY.values(), ids=ON_THE_WAY)
def test_a_saga_without_one_part_of_its_way_does_not_end(
    emulator: Emulator, change: Change
) -> None:
    done = played(emulator, change)
    assert status(done) == "PENDING"
    assert "every saga ends" in [one.law for one in done.verdicts() if not one.held]


TO_EMAIL = {
    "a subscription": without("SNSTopicToEmailLambdaSubscription"),
    "the policy of its queue": without("SNSTopicToEmailLambdaPolicy"),
    "its mapping": without("SNSTopicToEmailLambdaWakesEmailLambda"),
}


@pytest.mark.parametrize("change", TO_EMAIL.values(), ids=TO_EMAIL)
def test_who_is_not_subscribed_is_not_told(emulator: Emulator, change: Change) -> None:
    assert told(played(emulator, change)) == {"WebSocket Service", "Push Lambda"}


def test_a_topic_to_which_the_bus_may_not_publish_tells_nobody(emulator: Emulator) -> None:
    assert told(played(emulator, without("SNSTopicPolicy"))) == set()


def test_an_action_that_a_role_lacks_is_denied_and_the_message_is_a_dead_letter(
    emulator: Emulator,
) -> None:
    done = played(emulator, may_not("WalletService", "dynamodb:PutItem"))
    assert status(done) == "PENDING"
    (letter,) = [one.fact for one in done.records.entries if isinstance(one.fact, DeadLettered)]
    assert letter.reason.startswith("Unavailable: Wallet DB: AccessDeniedException: ")
    assert "is not authorized to perform: dynamodb:PutItem on resource: arn:" in letter.reason


REFUSED = {
    "to read the queue": (may_not("WalletService", "sqs:ReceiveMessage"), "its role lacks sqs:Rec"),
    "to read the stream": (may_not("WalletService", "dynamodb:GetRecords"), "its role lacks dyn"),
    "for the API to invoke": (without("ApiWakesIt"), "the API invokes no function"),
    "a path": (put("ApiApiV1PaymentsProcess", "PathPart", value="pay"), "the API invokes no"),
    "another's queue": (
        put("WalletSQSWakesWalletService", "FunctionName", value={"Ref": "EmailLambda"}),
        "wallet-sqs cannot wake .*email-lambda: its role lacks sqs:ReceiveMessage",
    ),
    "a name": (put("WalletDLQ", "QueueName", value="letters"), "Wallet DLQ: .*NonExistent"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_says_what_lacks(emulator: Emulator, change: Change, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        played(emulator, change)


def test_a_queue_of_another_name_is_a_stranger_in_the_trace(emulator: Emulator) -> None:
    """It works, as a mapping names its ARN; but the function no longer knows which it is."""
    assert strangers(played(emulator, put("WalletSQS", "QueueName", value="wallet"))) == {"wallet"}


def strangers(done: Run) -> set[str]:
    """Who is in the trace and no part of the deployment."""
    lanes = {one.name for one in done.records.participants}
    return {
        name for arrow in done.records.arrows() for name in (arrow.source, arrow.target)
    } - lanes


@pytest.mark.parametrize(
    "change",
    [may_not("APIGateway", "lambda:InvokeFunction"), may_not("PaymentService", "dynamodb:GetItem")],
    ids=["it may not be invoked", "it fails"],
)
def test_the_api_without_the_function_behind_it_says_503(
    emulator: Emulator, change: Change
) -> None:
    done = played(emulator, change)
    assert [one.fact.status for one in done.records.entries if isinstance(one.fact, Answered)] == [
        503
    ]


def test_a_mapping_that_does_not_ask_what_failed_loses_it(emulator: Emulator) -> None:
    """The function reports its failure and returns: without `ReportBatchItemFailures` that is a
    success, and the message is deleted (AWS Lambda, "Handling errors for an SQS event source")."""
    hello = {"at": 5_000, "queue": "Wallet SQS", "text": "hello"}
    deaf = put("WalletSQSWakesWalletService", "FunctionResponseTypes", value=[])
    done = played(emulator, deaf, texts=[hello])
    failed = [one.fact for one in done.records.entries if isinstance(one.fact, Failed)]
    assert [(one.service, one.queue) for one in failed] == [("Wallet Service", "Wallet SQS")]


def test_a_function_is_set_as_its_environment_says(emulator: Emulator) -> None:
    """The provider is asked once, and the refund is published at once."""
    down = {"provider": [{"behaviour": "down", "calls": [1]}]}
    once = put(
        "ProviderGateway", "Environment", "Variables", "SAGAKIT_SETTINGS",
        value='{"provider_attempts": 1}',
    )  # fmt: skip
    assert status(played(emulator, once, **down)) == "FAILED"


def test_a_handler_that_does_not_exist_is_found(emulator: Emulator) -> None:
    with pytest.raises(AttributeError, match="handel"):
        played(emulator, put("EmailLambda", "Handler", value="sagakit.worlds.aws.lambdas.handel"))


def test_a_stack_that_never_rests_says_where_something_waits(
    emulator: Emulator,
) -> None:
    """An outbox that cannot be published comes again and again."""
    waits = r"not at rest after 1 day: .*/stack-\d+-wallet-db/stream"
    with pytest.raises(TimeoutError, match=waits):
        played(emulator, may_not("WalletService", "events:PutEvents"))
