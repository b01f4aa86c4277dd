"""The module that AWS Lambda loads makes the function that its environment names."""

import pytest

from sagakit.adapters.aws import lambdas


def test_it_handles_by_the_function_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SAGAKIT_FUNCTION", "Wallet Service")
    monkeypatch.setenv("SAGAKIT_PREFIX", "prod")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    lambdas._function.cache_clear()
    text = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "body": "hello",
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:1:prod-wallet-sqs",
    }
    answer = lambdas.handler({"Records": [text]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": text["messageId"]}]}
    assert lambdas._function().name == "Wallet Service"
    lambdas._function.cache_clear()
