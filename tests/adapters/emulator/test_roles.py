"""Which permissions a call needs, and whether a role has them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagakit.adapters.emulator.roles import Role, RoleResources, asked

OPTIONS = {
    "region_name": "eu-west-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
    "endpoint_url": "http://127.0.0.1:1",  # nobody is there: what is denied is not even sent
}
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:stack-wallet-sqs"


def role(*actions: str, on: str = QUEUE) -> Role:
    return Role("wallet", [{"Effect": "Allow", "Action": [*actions], "Resource": [on]}])


def test_a_role_may_do_what_a_statement_names_and_nothing_else() -> None:
    reader = role("sqs:ReceiveMessage")
    assert reader.may("sqs:ReceiveMessage", QUEUE)
    assert not reader.may("sqs:SendMessage", QUEUE)
    assert not reader.may("sqs:ReceiveMessage", f"{QUEUE}-dlq")
    assert role("sqs:SendMessage", on="arn:aws:sqs:*").may("sqs:SendMessage", QUEUE)
    assert not Role("nobody", []).may("sqs:SendMessage", QUEUE)


@pytest.mark.parametrize(
    ("service", "action", "arguments", "needed"),
    [
        ("sqs", "SendMessage", {"QueueUrl": "http://sqs/1/q"}, [("SendMessage", "q")]),
        ("sqs", "GetQueueUrl", {"QueueName": "q"}, [("GetQueueUrl", "q")]),
        ("dynamodb", "GetItem", {"TableName": "t"}, [("GetItem", "table/t")]),
        (
            "dynamodb",
            "TransactWriteItems",
            {"TransactItems": [
                {"Put": {"TableName": "t"}}, {"ConditionCheck": {"TableName": "u"}},
            ]},
            [("PutItem", "table/t"), ("ConditionCheckItem", "table/u")],
        ),
        (
            "events",
            "PutEvents",
            {"Entries": [{"EventBusName": "b"}]},
            [("PutEvents", "event-bus/b")],
        ),
        ("secretsmanager", "GetSecretValue", {"SecretId": "s"}, [("GetSecretValue", "secret:s")]),
    ],
)  # fmt: skip
def test_a_call_needs_these_actions_on_these_resources(
    service: str, action: str, arguments: dict[str, Any], needed: list[tuple[str, str]]
) -> None:
    assert list(asked(service, action, arguments)) == needed


def test_a_call_that_nobody_thought_of_is_not_let_through() -> None:
    with pytest.raises(NotImplementedError, match="which permission does kms:Decrypt need"):
        list(asked("kms", "Decrypt", {}))


def test_what_a_role_may_not_do_is_not_even_sent() -> None:
    client = RoleResources("stack", OPTIONS, role=role("sqs:GetQueueUrl")).client("sqs")
    with pytest.raises(ClientError, match="wallet is not authorized to perform: sqs:SendMessage"):
        client.send_message(QueueUrl="http://127.0.0.1:1/1/stack-wallet-sqs", MessageBody="hello")
