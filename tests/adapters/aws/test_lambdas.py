"""The module that AWS Lambda loads makes the function that its environment names."""

import pytest

from sagakit.adapters.aws import lambdas
from sagakit.adapters.aws.resources import Resources
from sagakit.adapters.aws.template import template
from sagakit.payments.topology import Settings, payment_system


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


def test_the_functions_of_a_template_are_set_as_its_deployment_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    settings = Settings(provider_timeout=300, retry_delay=1_000, wallet_batch=10)
    deployment = payment_system(settings)
    parts = template(deployment, "prod")["Resources"].values()
    functions = [part["Properties"] for part in parts if part["Type"] == "AWS::Lambda::Function"]
    for told in functions:
        made = lambdas.made(told["Environment"]["Variables"], Resources("prod"))
        assert made.name in {one.name for one in deployment.functions}
        assert made._deployment.settings == settings
    assert len(functions) == len(deployment.functions)


def test_without_settings_they_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    made = lambdas.made({"SAGAKIT_FUNCTION": "Wallet Service"}, Resources("prod"))
    assert made._deployment.settings == Settings()
