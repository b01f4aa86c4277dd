"""The module that AWS Lambda loads makes the function that its environment names."""

import os
import subprocess
import sys

import pytest

from sagakit.payments.topology import Settings, payment_system
from sagakit.worlds.aws import lambdas
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.aws.template import template


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


def test_it_is_made_while_the_module_loads_and_without_what_draws_and_counts() -> None:
    """Lambda gives a start a whole CPU and 10 s, and a handler of 256 MB a seventh of one."""
    code = (
        "import sys; from sagakit.worlds.aws import lambdas;"
        "assert lambdas._function.cache_info().currsize == 1;"
        "sys.exit(str({'pandas', 'numpy', 'matplotlib', 'moto'} & sys.modules.keys() or ''))"
    )
    told = {
        "SAGAKIT_FUNCTION": "Wallet Service",
        "SAGAKIT_PREFIX": "prod",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **told}, capture_output=True, text=True
    )
    assert done.stderr.strip() == ""


def test_the_functions_of_a_template_are_set_as_its_deployment_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    settings = Settings(provider_timeout=300, retry_delay=1_000, wallet_batch=10)
    deployment = payment_system(settings)
    parts = template(deployment, "prod")["Resources"].values()
    functions = [part["Properties"] for part in parts if part["Type"] == "AWS::Lambda::Function"]
    for told in functions:
        environment = told["Environment"]["Variables"]
        if "SAGAKIT_URLS" in environment:  # CloudFormation writes the parameters in
            environment["SAGAKIT_URLS"] = environment["SAGAKIT_URLS"]["Fn::Sub"]
        made = lambdas.made(environment, Resources("prod"))
        assert made.name in {one.name for one in deployment.functions}
        assert made._deployment.settings == settings
    assert len(functions) == len(deployment.functions)


def test_without_settings_they_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    made = lambdas.made({"SAGAKIT_FUNCTION": "Wallet Service"}, Resources("prod"))
    assert made._deployment.settings == Settings()
