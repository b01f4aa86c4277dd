"""What a world does otherwise than AWS. When one of it changes, so must docs/worlds.md."""

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagakit.payments.recovery import StartRecovery
from sagakit.payments.topology import payment_system
from sagakit.worlds.aws.functions import Function
from sagakit.worlds.emulator import Emulator
from sagakit.worlds.emulator.deploy import BY_HAND, LEFT_OUT, POLICIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "worlds.md").read_text(encoding="utf-8")
NAMES = count(1)


class TestThePage:
    NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))

    @pytest.mark.parametrize(("path", "test"), NAMED)
    def test_a_test_that_it_names_is_there(self, path: str, test: str) -> None:
        assert f"def {test}" in (ROOT / path).read_text(encoding="utf-8")

    def test_each_divergence_names_a_test(self) -> None:
        rows = PAGE.partition("## What differs")[2].partition("\n## ")[0].splitlines()
        rows = [row for row in rows if row.startswith("| ")][2:]
        assert len(rows) > 8
        assert [row for row in rows if "`tests/" not in row] == []


class TestTheEmulator:
    @pytest.fixture
    def client(self, emulator: Emulator) -> Any:
        return emulator.resources().client

    @pytest.fixture
    def bus(self, client: Any) -> Iterator[str]:
        name = f"bus-{next(NAMES)}"
        client("events").create_event_bus(Name=name)
        pattern = json.dumps({"detail-type": ["PaymentInit"]})
        client("events").put_rule(Name="all", EventBusName=name, EventPattern=pattern)
        yield name
        client("events").remove_targets(Rule="all", EventBusName=name, Ids=["1"])
        client("events").delete_rule(Name="all", EventBusName=name)

    def test_a_queue_is_a_target_that_gets_the_event(self, client: Any, bus: str) -> None:
        url, arn = queue(client)
        aim(client, bus, {"Arn": arn})
        assert [one["detail"] for one in waiting(client, url)] == [{"amount": 70}]

    def test_a_topic_as_target_breaks_the_publication(self, client: Any, bus: str) -> None:
        topic = client("sns").create_topic(Name=f"topic-{next(NAMES)}")["TopicArn"]
        with pytest.raises(ClientError, match="Internal Server Error"):
            aim(client, bus, {"Arn": topic})

    def test_what_a_rule_cannot_deliver_breaks_the_publication(self, client: Any, bus: str) -> None:
        letters, arn = queue(client)
        gone = arn.replace("queue-", "no-queue-")
        with pytest.raises(ClientError, match="QueueDoesNotExist"):
            aim(client, bus, {"Arn": gone, "DeadLetterConfig": {"Arn": arn}})
        assert waiting(client, letters) == []

    def test_a_transaction_sent_again_with_its_token_is_another_one(self, client: Any) -> None:
        dynamodb, table = client("dynamodb"), f"table-{next(NAMES)}"
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        put = {
            "TableName": table,
            "Item": {"pk": {"S": "ana"}},
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        sent = {"TransactItems": [{"Put": put}], "ClientRequestToken": "the-same"}
        dynamodb.transact_write_items(**sent)
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(**sent)

    def test_a_stream_goes_on_from_what_a_cancelled_transaction_had_written(
        self, client: Any
    ) -> None:
        dynamodb, streams, table = client("dynamodb"), client("dynamodbstreams"), f"t-{next(NAMES)}"
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        (stream,) = streams.list_streams(TableName=table)["Streams"]
        described = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
        iterator = streams.get_shard_iterator(
            StreamArn=stream["StreamArn"],
            ShardId=described["Shards"][0]["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        ghost = {"Put": {"TableName": table, "Item": {"pk": {"S": "ghost"}}}}
        fails = {"ConditionCheck": {
            "TableName": table, "Key": {"pk": {"S": "none"}},
            "ConditionExpression": "attribute_exists(pk)",
        }}  # fmt: skip
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(TransactItems=[ghost, fails])
        seen = streams.get_records(ShardIterator=iterator)["Records"]
        assert [one["dynamodb"]["Keys"] for one in seen] == [{"pk": {"S": "ghost"}}]

    @pytest.mark.filterwarnings("ignore:Tried to parse")
    def test_a_template_of_these_kinds_makes_nothing(self, client: Any) -> None:
        kinds = sorted(LEFT_OUT | POLICIES.keys() | BY_HAND)
        parts = {f"Part{n}": {"Type": kind, "Properties": {}} for n, kind in enumerate(kinds)}
        parts["Known"] = {"Type": "AWS::SQS::Queue", "Properties": {}}
        client("cloudformation").create_stack(
            StackName="kinds", TemplateBody=json.dumps({"Resources": parts})
        )
        found = client("cloudformation").describe_stack_resources(StackName="kinds")
        made = [one["ResourceType"] for one in found["StackResources"] if "ResourceType" in one]
        assert made == ["AWS::SQS::Queue"]

    def test_a_parameter_is_not_held_to_its_pattern(self, client: Any) -> None:
        url = {"Type": "String", "AllowedPattern": "https://.+"}
        named = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "held-to-no-pattern"}}
        client("cloudformation").create_stack(
            StackName="pattern",
            TemplateBody=json.dumps({"Parameters": {"Url": url}, "Resources": {"Queue": named}}),
            Parameters=[{"ParameterKey": "Url", "ParameterValue": "http://127.0.0.1:1"}],
        )
        assert client("sqs").get_queue_url(QueueName="held-to-no-pattern")["QueueUrl"]

    def test_a_caller_may_do_everything(self, client: Any) -> None:
        """Nobody gave these credentials a policy."""
        assert client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_aws_world_restores_no_table(emulator: Emulator) -> None:
    function = Function(
        "Wallet Service", payment_system(), emulator.resources(), write=lambda _: None
    )
    with pytest.raises(TypeError, match=r"the AWS world cannot do .*DynamoDB's own backups"):
        function.command(StartRecovery(), "Operator")


def queue(client: Any) -> tuple[str, str]:
    """A new queue: its address and its ARN."""
    url = client("sqs").create_queue(QueueName=f"queue-{next(NAMES)}")["QueueUrl"]
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


def aim(client: Any, bus: str, target: dict[str, Any]) -> None:
    """Have the bus send all to a target, and put one event on it."""
    targets = [{"Id": "1", **target}]
    client("events").put_targets(Rule="all", EventBusName=bus, Targets=targets)
    entry = {"Source": "of a test", "DetailType": "PaymentInit", "Detail": '{"amount": 70}'}
    answer = client("events").put_events(Entries=[{**entry, "EventBusName": bus}])
    assert answer["FailedEntryCount"] == 0


def waiting(client: Any, url: str) -> list[dict[str, Any]]:
    found = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(one["Body"]) for one in found.get("Messages", [])]
