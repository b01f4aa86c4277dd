"""AWS on loopback: moto's server, a pump in the place of Lambda's event sources, a provider.

Moto delivers EventBridge to SQS and SNS to SQS, but not EventBridge to SNS: there a queue lies
between, which the pump empties into the topic.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from moto.server import ThreadedMotoServer

from sagakit import Scenario
from sagakit.adapters.aws.functions import Function
from sagakit.adapters.aws.handling import now
from sagakit.adapters.aws.resources import Resources
from sagakit.adapters.driving import Subject
from sagakit.deployment import Deployment
from sagakit.events import encode, loads
from sagakit.payments.topology import PROVIDER
from sagakit.scenarios.stage import reaction_to
from sagakit.sim.external import Entry, booked
from sagakit.sim.operations import Ask
from sagakit.sim.trace import Asked, Record

LONGEST = 60.0  # s that a scenario may take
VISIBILITY = 1_000  # ms


@contextmanager
def aws() -> Iterator[dict[str, Any]]:
    """The emulator; gives the options that a boto3 client needs to reach it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield {
            "endpoint_url": f"http://{host}:{port}",
            "region_name": "eu-west-1",
            "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",
        }
    finally:
        server.stop()


class Provider:
    """The provider over HTTP: it keeps its own books, and does to each call what the scenario
    says."""

    def __init__(self, scenario: Scenario, write: Any) -> None:
        self.books: dict[str, Entry] = {}
        calls: dict[str, int] = {}
        lock = threading.Lock()
        begun = now()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = self.headers["Idempotency-Key"]
                request = Ask(PROVIDER, self.path.endswith("void"), "", key, (*body["request"],), 0)
                with lock:
                    calls[key] = calls.get(key, 0) + 1
                    reaction = reaction_to(scenario.provider, request, calls[key], now() - begun)
                    behaviour, answer = reaction.behaviour, None
                    if behaviour not in ("down", "timeout_before"):
                        answer = provider.book(request, behaviour == "decline", write)
                if behaviour in ("timeout_before", "timeout_after"):
                    time.sleep(scenario.settings.provider_timeout / 1000 * 1.5)
                    return
                text = encode({"outcome": answer.outcome if answer else "down"}).encode()
                self.send_response(answer.status if answer else 503)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def book(self, request: Ask, decline: bool, write: Any) -> Any:
        before = self.books.get(request.key)
        entry, answer = booked(before, request, decline=decline)
        if entry != before:
            self.books[request.key] = entry
            detail = Asked(request.key, entry.request, entry.state)
            saga = request.key.removeprefix("tx-")
            write(Record(now(), "note", PROVIDER, PROVIDER, "books:", None, saga, None, 0, detail))
        return answer

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


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
        raise TimeoutError(f"not at rest after {LONGEST:g} s")

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
                assert function({"Records": records}) == {"batchItemFailures": []}
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
