"""What AWS does between the functions, in turns: the pump, for moto runs no function."""

import time
from collections.abc import Mapping
from typing import Any

from sagakit.adapters.aws.functions import Function
from sagakit.adapters.aws.resources import Resources
from sagakit.adapters.emulator.deploy import Deployed, Source
from sagakit.adapters.emulator.stream import Stream
from sagakit.events import encode, loads

LONGEST = 60.0  # s that a scenario may take
COUNTS = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]


class Pump:
    """Wakes the functions by what was deployed to wake them."""

    def __init__(
        self, deployed: Deployed, functions: Mapping[str, Function], resources: Resources
    ) -> None:
        self._functions = functions
        self._sqs, self._sns = resources.client("sqs"), resources.client("sns")
        self._queues = [(source, self._url(source.arn)) for source in deployed.queues]
        self._topics = [(topic, self._url(queue)) for queue, topic in deployed.topics]
        self._streams = [Stream(source, resources) for source in deployed.streams]

    def _url(self, queue: str) -> str:
        url: str = self._sqs.get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
        return url

    def run(self) -> None:
        """Until nothing is left to happen. Raises `TimeoutError`."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            busy = [self._relay(stream) for stream in self._streams]
            busy += [self._fan_out(topic, url) for topic, url in self._topics]
            busy += [self._wake(source, url) for source, url in self._queues]
            if not any(busy):
                if not self._waits():
                    return
                time.sleep(0.05)
        waits = ", ".join(self._waits())
        raise TimeoutError(f"not at rest after {LONGEST:g} s: something waits in {waits}")

    def _relay(self, stream: Stream) -> bool:
        records = stream.records()
        if not records:
            return False
        failed = self._run(stream.source, records)
        stream.done(records, failed)
        return not failed

    def _fan_out(self, topic: str, url: str) -> bool:
        """From the queue before a topic into it: see `changes.py`."""
        found = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self._sns.publish(TopicArn=topic, Message=encode(loads(message["Body"])["detail"]))
            self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bool(found)

    def _wake(self, source: Source, url: str) -> bool:
        found = self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=source.batch, AttributeNames=["All"]
        ).get("Messages", [])
        if not found:
            return False
        records = [
            {
                "messageId": one["MessageId"],
                "body": one["Body"],
                "attributes": one["Attributes"],
                "eventSource": "aws:sqs",
                "eventSourceARN": source.arn,
            }
            for one in found
        ]
        failed = self._run(source, records)
        for one in found:
            if one["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return True

    def _run(self, source: Source, records: list[dict[str, Any]]) -> set[str]:
        """Run a function with a batch. Returns the ids of what failed: all, if it raises; what it
        says itself is heard only if the mapping reports it."""
        try:
            answer = self._functions[source.function]({"Records": records})
        except Exception:  # as Lambda does
            return {_id(record) for record in records}
        if not source.reports:
            return set()
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        known = {_id(record) for record in records}
        return known if failed - known else failed  # Lambda: an id that it does not know is all

    def _waits(self) -> list[str]:
        """The queues and streams in which something waits."""
        found = [one.source.arn for one in self._streams if one.waiting]
        for url in (url for _, url in (*self._queues, *self._topics)):
            counts = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)
            if any(int(number) for number in counts["Attributes"].values()):
                found.append(url.rpartition("/")[2])
        return found


def _id(record: dict[str, Any]) -> str:
    found: str = record.get("messageId") or record["dynamodb"]["SequenceNumber"]
    return found
