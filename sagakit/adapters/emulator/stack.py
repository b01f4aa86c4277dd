"""A deployment on the emulator, and a pump in the place of Lambda's event sources.

Moto delivers EventBridge to SQS and SNS to SQS, but not EventBridge to SNS: there a queue lies
between, which the pump empties into the topic.
"""

import json
import time
from typing import Any

from sagakit.adapters.aws.functions import Function
from sagakit.adapters.aws.resources import Resources
from sagakit.adapters.driving import Subject
from sagakit.deployment import Deployment
from sagakit.events import encode, loads
from sagakit.sim.trace import Record

LONGEST = 60.0  # s that a scenario may take
VISIBILITY = 1_000  # ms


class Stack:
    """A deployment on the emulator, with its functions."""

    def __init__(self, deployment: Deployment, resources: Resources) -> None:
        self.deployment = deployment
        self.resources = resources
        self.records: list[Record] = []
        self.functions: dict[str, Function] = {}
        for one in deployment.functions:
            self.functions[one.name] = Function(
                one.name, deployment, resources, write=self.records.append, invoke=self._invoke
            )
        self.sources: dict[str, str] = {}  # queue to the function that it wakes
        for one in deployment.functions:
            self.sources |= dict.fromkeys(one.queues, one.name)
        for topic in deployment.topics:
            self.sources |= {f"{topic.name} to {one}": one for one in topic.subscribers}
        self.sqs = resources.client("sqs")

    def _invoke(self, service: str, command: Any, by: Subject) -> Any:
        return self.functions[service].command(command, by)

    def create(self) -> None:
        """Make all resources, as the template says them."""
        called, client = self.resources.called, self.resources.client
        for table in self.deployment.tables:
            client("dynamodb").create_table(
                TableName=called(table.name),
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        client("events").create_event_bus(Name=called(self.deployment.bus))
        for queue in self.deployment.queues:
            self._queue(queue.name, queue.dead_letters, queue.visibility, queue.receives)
        for topic in self.deployment.topics:
            arn = client("sns").create_topic(Name=called(topic.name))["TopicArn"]
            self._queue(topic.name, topic.dead_letters, VISIBILITY, 5)
            for subscriber in topic.subscribers:
                name = f"{topic.name} to {subscriber}"
                endpoint = self._queue(name, f"{name} DLQ", VISIBILITY, 5)
                client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint)
        for place, rule in enumerate(self.deployment.rules):
            name = f"{called(self.deployment.bus)}-{place}"
            bus = called(self.deployment.bus)
            client("events").put_rule(
                Name=name,
                EventBusName=bus,
                EventPattern=json.dumps({"detail-type": [rule.event.__name__]}),
            )
            arn = self._arn(rule.target)
            client("events").put_targets(
                Rule=name, EventBusName=bus, Targets=[{"Id": "1", "Arn": arn}]
            )

    def _queue(self, name: str, dead_letters: str, visibility: int, receives: int) -> str:
        called = self.resources.called
        dead = self.sqs.create_queue(QueueName=called(dead_letters))["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
        redrive = {
            "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
            "maxReceiveCount": receives,
        }
        self.sqs.create_queue(
            QueueName=called(name),
            Attributes={
                "VisibilityTimeout": str(visibility // 1000),
                "RedrivePolicy": json.dumps(redrive),
            },
        )
        return self._arn(name)

    def _arn(self, queue: str) -> str:
        found = self.sqs.get_queue_attributes(
            QueueUrl=self.resources.queue_url(queue), AttributeNames=["QueueArn"]
        )
        arn: str = found["Attributes"]["QueueArn"]
        return arn

    # The pump: what AWS does between the functions.

    def run(self) -> None:
        """Until nothing is left to happen."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            busy = self._relay()
            for topic in self.deployment.topics:
                busy |= self._fan_out(topic.name)
            for queue, function in self.sources.items():
                busy |= self._wake(queue, function)
            if not busy:
                if self._at_rest():
                    return
                time.sleep(0.05)
        raise TimeoutError(f"the stack is not at rest after {LONGEST:g} s: something comes again")

    def _relay(self) -> bool:
        busy = False
        for table in self.deployment.tables:
            function = self.functions[table.owner]
            rows = function.tables[table.name].outbox()
            stream = f"arn:aws:dynamodb:::table/{self.resources.called(table.name)}/stream"
            records = [
                {
                    "eventID": row["pk"]["S"],
                    "eventName": "INSERT",
                    "eventSourceARN": stream,
                    "dynamodb": {"NewImage": row},
                }
                for row in rows
            ]
            if records:
                function({"Records": records})
                busy = True
        return busy

    def _fan_out(self, topic: str) -> bool:
        url = self.resources.queue_url(topic)
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        sns = self.resources.client("sns")
        arn = next(
            one["TopicArn"] for one in sns.list_topics()["Topics"]
            if one["TopicArn"].endswith(f":{self.resources.called(topic)}")
        )  # fmt: skip
        for message in found:
            sns.publish(TopicArn=arn, Message=encode(loads(message["Body"])["detail"]))
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bool(found)

    def _wake(self, queue: str, function: str) -> bool:
        url = self.resources.queue_url(queue)
        most = self.functions[function]._function.batch
        found = self.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=most, AttributeNames=["All"]
        ).get("Messages", [])
        if not found:
            return False
        records = [
            {
                "messageId": one["MessageId"],
                "body": one["Body"],
                "attributes": one["Attributes"],
                "eventSource": "aws:sqs",
                "eventSourceARN": self._arn(queue),
            }
            for one in found
        ]
        answer = self.functions[function]({"Records": records})
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        for one in found:
            if one["MessageId"] not in failed:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return True

    def _at_rest(self) -> bool:
        names = ("", "NotVisible", "Delayed")
        wanted = [f"ApproximateNumberOfMessages{name}" for name in names]
        for queue in (*self.sources, *(topic.name for topic in self.deployment.topics)):
            found = self.sqs.get_queue_attributes(
                QueueUrl=self.resources.queue_url(queue), AttributeNames=wanted
            )["Attributes"]
            if any(int(number) for number in found.values()):
                return False
        return not any(
            self.functions[table.owner].tables[table.name].outbox()
            for table in self.deployment.tables
        )
