"""Which permissions a call needs, and whether a role has them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagakit.worlds.emulator.stack import Role, RoleResources, asked

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


class TestInvoking:
    INVOKER = Role("api", [{
        "Effect": "Allow", "Action": ["lambda:InvokeFunction"],
        "Resource": ["arn:aws:lambda:eu-west-1:123456789012:function:stack-payment"],
    }])  # fmt: skip

    def invoked(self, name: str, **functions: Any) -> dict[str, Any]:
        own = RoleResources(
            "stack", OPTIONS, role=self.INVOKER,
            functions={key.replace("_", "-"): value for key, value in functions.items()},
        )  # fmt: skip
        answer: dict[str, Any] = own.client("lambda").invoke(FunctionName=name, Payload='{"a": 1}')
        return answer

    def test_the_answer_comes_back_as_json(self) -> None:
        answer = self.invoked("stack-payment", stack_payment=lambda event: {"got": event["a"]})
        assert json.loads(answer["Payload"].read()) == {"got": 1}
        assert "FunctionError" not in answer

    def test_a_function_that_raises_is_told_to_have_failed(self) -> None:
        answer = self.invoked("stack-payment", stack_payment=lambda event: event["b"])
        assert answer["FunctionError"] == "Unhandled"

    @pytest.mark.parametrize(
        ("name", "told"),
        [("stack-payment", "ResourceNotFoundException"), ("stack-wallet", "not authorized")],
    )
    def test_one_that_is_not_there_or_not_allowed_is_refused(self, name: str, told: str) -> None:
        with pytest.raises(ClientError, match=told):
            self.invoked(name)
