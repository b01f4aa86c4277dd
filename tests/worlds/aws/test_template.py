"""The deployment as a CloudFormation template: all of it, nothing else, and no more allowed than
what a function uses."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import ManualArgs, lint

from sagakit import scenarios
from sagakit.cli import main
from sagakit.contract.deployment import Deployment, Queue
from sagakit.payments.api import PATH
from sagakit.payments.topology import PROVIDER, Settings, payment_system
from sagakit.worlds.aws import template as template_module
from sagakit.worlds.aws.cloudformation import BadName, called, identity
from sagakit.worlds.aws.template import FORMATS, BadNumber, template
from tests.examples.test_travel import DEPLOYMENT as TRAVEL

PAYMENTS = payment_system()
DEPLOYMENTS = [pytest.param(PAYMENTS, id="payments"), pytest.param(TRAVEL, id="travel")]
every_deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS)


def of_kind(content: dict[str, Any], kind: str) -> dict[str, Any]:
    """Logical id to properties."""
    found = content["Resources"].items()
    return {name: one["Properties"] for name, one in found if one["Type"] == f"AWS::{kind}"}


def names(content: dict[str, Any], kind: str, attribute: str) -> set[str]:
    return {one[attribute] for one in of_kind(content, kind).values()}


def statements(content: dict[str, Any], function: str) -> dict[str, list[str]]:
    """What a function may do: the action to the parts that it may do it to."""
    (policy,) = of_kind(content, "IAM::Role")[identity(f"{function} Role")]["Policies"]
    return {
        action: [pointed(one) for one in statement["Resource"]]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }


def pointed(value: Any) -> str:
    """The logical id that a `Ref` or `Fn::GetAtt` points to."""
    target: str = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
    return target


def stars(value: Any) -> bool:
    """Whether a wildcard stands in a Resource anywhere within."""
    if isinstance(value, dict):
        return "*" in json.dumps(value.get("Resource", "")) or any(map(stars, value.values()))
    return isinstance(value, list) and any(map(stars, value))


def findings(content: dict[str, Any], shape: str = "json") -> list[str]:
    """What cfn-lint has to say."""
    found = lint(FORMATS[shape](content), config=ManualArgs(regions=["eu-west-1"]))
    return [f"{one.rule.id} {one.message}" for one in found]


@every_deployment
def test_cfn_lint_finds_nothing(deployment: Deployment) -> None:
    assert findings(template(deployment, "prod")) == []


def test_nor_does_it_in_the_yaml() -> None:
    """Which is another text: an alias in it, say, is refused."""
    assert findings(template(PAYMENTS, "prod"), "yaml") == []


def test_cfn_lint_would_find_a_part_that_is_missing() -> None:
    content = template(PAYMENTS, "prod")
    del content["Resources"]["WalletSQS"]
    assert "E1010" in {one.split()[0] for one in findings(content)}


@every_deployment
def test_a_subscription_is_the_queue_that_every_world_has(deployment: Deployment) -> None:
    functions = {one.name: one for one in deployment.functions}
    for topic in deployment.topics:
        for subscriber in topic.subscribers:
            queue = topic.subscription(subscriber)
            made = template(deployment, "prod")["Resources"][identity(queue.name)]["Properties"]
            needed = 6 * functions[subscriber].timeout  # AWS's advice
            assert made["VisibilityTimeout"] * 1000 == max(queue.visibility, needed)
            assert made["RedrivePolicy"]["maxReceiveCount"] == queue.receives == 5


@every_deployment
def test_all_of_the_deployment_is_in_it_and_nothing_else(deployment: Deployment) -> None:
    content = template(deployment, "prod")
    queues = {one.name for one in deployment.queues}
    queues |= {one.dead_letters for one in deployment.queues}
    for topic in deployment.topics:
        queues.add(topic.dead_letters)
        for name in (topic.subscription(one).name for one in topic.subscribers):
            queues |= {name, f"{name} DLQ"}
    expected = {
        ("Lambda::Function", "FunctionName"): {one.name for one in deployment.functions},
        ("SQS::Queue", "QueueName"): queues,
        ("DynamoDB::Table", "TableName"): {one.name for one in deployment.tables},
        ("Events::Rule", "Name"): {
            f"{one.event.__name__} to {one.target}" for one in deployment.rules
        },
        ("Events::EventBus", "Name"): {deployment.bus},
        ("SNS::Topic", "TopicName"): {"Alarms", *(one.name for one in deployment.topics)},
    }
    for (kind, attribute), wanted in expected.items():
        assert names(content, kind, attribute) == {called("prod", one) for one in wanted}


@every_deployment
def test_no_policy_has_a_wildcard(deployment: Deployment) -> None:
    assert not stars(template(deployment))
    assert stars({"Statement": [{"Resource": ["arn:aws:sqs:::*"]}]})


@every_deployment
def test_a_function_reaches_its_own_tables_and_queues_and_no_others(
    deployment: Deployment,
) -> None:
    content = template(deployment)
    for function in deployment.functions:
        may = statements(content, function.name)
        tables = [identity(one.name) for one in deployment.tables if one.owner == function.name]
        assert sorted(may.get("dynamodb:PutItem", [])) == sorted(tables)
        sources = [
            *function.queues,
            *(one.subscription(function.name).name
              for one in deployment.topics if function.name in one.subscribers),
        ]  # fmt: skip
        assert may.get("sqs:ReceiveMessage", []) == [identity(one) for one in sources]


def test_only_the_gateway_reads_the_secret_and_only_the_api_invokes() -> None:
    content = template(PAYMENTS)
    may = {one.name: statements(content, one.name) for one in PAYMENTS.functions}
    readers = [name for name, actions in may.items() if "secretsmanager:GetSecretValue" in actions]
    callers = {name: actions.get("lambda:InvokeFunction") for name, actions in may.items()}
    assert readers == ["Provider Gateway"]
    assert {name: one for name, one in callers.items() if one} == {
        "API Gateway": ["PaymentService"]
    }
    assert may["Provider Gateway"]["sqs:SendMessage"] == [identity("Provider Retry SQS")]
    assert list(may["Email Lambda"]) == [
        "logs:CreateLogStream", "logs:PutLogEvents",
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
    ]  # fmt: skip


@every_deployment
def test_visibility_is_at_least_six_times_the_timeout_of_the_function(
    deployment: Deployment,
) -> None:
    content = template(deployment)
    functions, queues = of_kind(content, "Lambda::Function"), of_kind(content, "SQS::Queue")
    seen = 0
    for mapping in of_kind(content, "Lambda::EventSourceMapping").values():
        queue = queues.get(pointed(mapping["EventSourceArn"]))
        if queue is not None:
            timeout = functions[pointed(mapping["FunctionName"])]["Timeout"]
            assert queue["VisibilityTimeout"] >= 6 * timeout
            assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
            seen += 1
    assert seen == len(deployment.queues) + sum(len(one.subscribers) for one in deployment.topics)


@every_deployment
def test_each_dead_letter_queue_has_an_alarm(deployment: Deployment) -> None:
    content = template(deployment)
    dead = {one for one in of_kind(content, "SQS::Queue") if one.endswith("DLQ")}
    assert alarmed(content, "AWS/SQS") == dead


@every_deployment
def test_each_function_with_an_outbox_has_an_alarm_on_a_relay_that_lags(
    deployment: Deployment,
) -> None:
    owners = {identity(one.owner) for one in deployment.tables}
    assert owners
    assert alarmed(template(deployment), "AWS/Lambda") == owners


def alarmed(content: dict[str, Any], namespace: str) -> set[str]:
    """What the alarms on a service's metrics watch over."""
    alarms = of_kind(content, "CloudWatch::Alarm").values()
    assert all(one["AlarmActions"] == [{"Ref": "Alarms"}] for one in alarms)
    return {
        pointed(one["Dimensions"][0]["Value"]) for one in alarms if one["Namespace"] == namespace
    }


@every_deployment
def test_tables_are_encrypted_and_their_streams_wake_their_owners(deployment: Deployment) -> None:
    content = template(deployment)
    relays = {
        pointed(one["EventSourceArn"]): pointed(one["FunctionName"])
        for one in of_kind(content, "Lambda::EventSourceMapping").values()
        if "StartingPosition" in one
    }
    assert relays == {identity(one.name): identity(one.owner) for one in deployment.tables}
    for table in of_kind(content, "DynamoDB::Table").values():
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


def test_tables_and_users_outlive_the_stack_unless_it_never_came_to_be() -> None:
    parts = template(PAYMENTS)["Resources"]
    outlive = {name for name, one in parts.items() if one.get("UpdateReplacePolicy") == "Retain"}
    assert outlive == {*map(identity, (one.name for one in PAYMENTS.tables)), "Users"}
    assert {parts[one]["DeletionPolicy"] for one in outlive} == {"RetainExceptOnCreate"}


def test_the_stack_says_where_to_pay_and_who_may() -> None:
    content = template(PAYMENTS)
    outputs = content["Outputs"]
    assert list(outputs) == ["AlarmsTopic", "PaymentsUrl", "UsersPool", "UsersPoolClient"]
    assert outputs["PaymentsUrl"]["Value"]["Fn::Sub"].endswith(f"/live{PATH}")
    assert {pointed(outputs[one]["Value"]) for one in outputs if one != "PaymentsUrl"} == {
        "Alarms", "Users", "UsersClient",
    }  # fmt: skip
    assert list(template(TRAVEL)["Outputs"]) == ["AlarmsTopic"]


def test_a_rule_that_renames_has_a_transformer() -> None:
    rules = of_kind(template(PAYMENTS), "Events::Rule")
    renaming = {
        name: one["Targets"][0]["InputTransformer"]["InputTemplate"]
        for name, one in rules.items()
        if "InputTransformer" in one["Targets"][0]
    }
    assert renaming == {
        "BalanceDebitedToProviderSQS": '{"detail-type": "ProviderPaymentInit", "detail": <detail>}'
    }


def test_the_api_asks_cognito_and_stands_behind_a_firewall() -> None:
    content = template(PAYMENTS)
    (method,) = of_kind(content, "ApiGateway::Method").values()
    assert method["AuthorizationType"] == "COGNITO_USER_POOLS"
    assert len(of_kind(content, "WAFv2::WebACLAssociation")) == 1


def test_an_api_that_changes_is_deployed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage does not look at the methods again: it needs another deployment."""

    def deployed() -> str:
        content = template(PAYMENTS, "prod")
        (deployment,) = of_kind(content, "ApiGateway::Deployment")
        (stage,) = of_kind(content, "ApiGateway::Stage").values()
        assert pointed(stage["DeploymentId"]) == deployment
        return deployment

    before = deployed()
    assert deployed() == before
    monkeypatch.setattr(template_module, "PATH", "/api/v2/payments/process")
    assert deployed() != before


def test_a_deployment_without_requests_has_no_api() -> None:
    assert of_kind(template(TRAVEL), "ApiGateway::RestApi") == {}


def test_the_token_is_made_up_once_whatever_the_parameters_are() -> None:
    """None stands in the template. And CloudFormation makes another one up for each change of
    `GenerateSecretString`, whoever has put the real one in."""
    (secret,) = of_kind(template(PAYMENTS, "prod"), "SecretsManager::Secret").values()
    assert secret == {
        "Name": called("prod", PROVIDER),
        "GenerateSecretString": {"ExcludePunctuation": True},
    }


def test_only_the_gateway_is_told_where_the_provider_is() -> None:
    functions = of_kind(template(PAYMENTS, "prod"), "Lambda::Function")
    told = {name: one["Environment"]["Variables"] for name, one in functions.items()}
    assert {name: one["SAGAKIT_URLS"] for name, one in told.items() if "SAGAKIT_URLS" in one} == {
        "ProviderGateway": {"Fn::Sub": '{"External Provider API": "${ExternalProviderAPIUrl}"}'}
    }


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://provider.example/v1", True),
        ("http://provider.example", False),  # others would read the token on the way
        ("provider.example", False),
        ('https://provider.example"', False),  # within JSON that is the end
    ],
)
def test_the_providers_url_is_one_that_keeps_the_token_secret(url: str, taken: bool) -> None:
    parameter = template(PAYMENTS)["Parameters"]["ExternalProviderAPIUrl"]
    assert bool(re.fullmatch(parameter["AllowedPattern"], url)) is taken


def test_a_name_that_is_too_long_is_refused() -> None:
    name = "Payment " + "x" * 80
    service = replace(PAYMENTS.functions[1], queues=(name,))
    long = Deployment(functions=(service,), queues=(Queue(name=name),), tables=PAYMENTS.tables[:1])
    with pytest.raises(BadName, match="longer than 64"):
        template(long)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"provider_visibility": 9_999}, "Provider SQS hides a message for 9.999 s, and Provider"),
        ({"wallet_batch": 11}, "Wallet Service takes batches of 11: at most 10"),
        ({"gateway_concurrency": 2_001}, "Provider Gateway runs 2001 at once: .* 1000 for each"),
    ],
)
def test_a_number_that_aws_refuses_is_told(settings: dict[str, int], told: str) -> None:
    """The largest that it takes are taken, and the shortest."""
    with pytest.raises(BadNumber, match=told):
        template(payment_system(Settings(**settings)))
    template(
        payment_system(
            Settings(provider_visibility=10_000, wallet_batch=10, gateway_concurrency=2_000)
        )
    )


def test_a_function_may_work_for_a_quarter_of_an_hour_and_no_longer() -> None:
    def patient(timeout: int) -> Deployment:
        functions = (replace(PAYMENTS.functions[0], timeout=timeout), *PAYMENTS.functions[1:])
        return replace(PAYMENTS, functions=functions)

    template(patient(900_000))
    with pytest.raises(BadNumber, match=r"API Gateway may work for 900\.001 s: Lambda cuts"):
        template(patient(900_001))


def test_the_command_prints_it_as_json_and_as_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", "--prefix", "prod"]) == 0
    from_json = json.loads(capsys.readouterr().out)
    assert main(["template", "--prefix", "prod", "--format", "yaml"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == from_json == template(PAYMENTS, "prod")


def test_the_command_takes_the_settings_of_a_scenario(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = scenarios.happy_path.but(settings={"retry_delay": 120_000, "wallet_batch": 10})
    file = tmp_path / "patient.json"
    file.write_text(patient.to_json(), encoding="utf-8")
    assert main(["template", "--scenario", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == template(payment_system(patient.settings))
    assert told != template(PAYMENTS)
    assert main(["template", "happy_path"]) == 0
    assert json.loads(capsys.readouterr().out) == template(PAYMENTS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--prefix", "Prod!"], "small letters"), (["--format", "toml"], "no format 'toml'")],
)
def test_the_command_says_what_is_wrong(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["template", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_the_command_says_which_setting_aws_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hasty.json"
    hasty = scenarios.happy_path.but(settings={"provider_visibility": 1_000})
    file.write_text(hasty.to_json(), encoding="utf-8")
    assert main(["template", "--scenario", str(file)]) == 2
    assert "sagakit: Provider SQS hides a message for 1 s" in capsys.readouterr().err


def test_printing_it_needs_no_boto3() -> None:
    code = (
        "import sys; from sagakit.cli import main; main(['template']);"
        "sys.exit('boto3' in sys.modules or 'aws_lambda_powertools' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
