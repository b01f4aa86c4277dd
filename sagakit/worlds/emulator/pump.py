"""Do what AWS does between the functions, in turns and in virtual time: moto runs no function."""

from collections.abc import Iterator, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.sqs import models
from moto.sqs.models import sqs_backends

from sagakit.contract.events import encode, loads
from sagakit.contract.timing import duration
from sagakit.scenarios.build import GIVE_UP_AFTER
from sagakit.worlds.aws.functions import Function
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.emulator.deploy import Deployed, Source

ACCOUNT = "123456789012"  # moto's
BEGIN = 1_767_225_600_000  # ms: the first of January 2026. Moto takes 0 for no time at all.


class Clock:
    """A time in ms that does not go by itself."""

    def __init__(self) -> None:
        self._now = BEGIN

    def now(self) -> int:
        """Return the time. Each look takes 2 ms, so that a log has an order: AWS acts between
        two."""
        self._now += 2
        return self._now

    def pass_until(self, moment: int) -> None:
        """Make it that time, unless it is later already."""
        self._now = max(self._now, moment)

    def set_queues(self) -> None:
        """Have moto's queues, which hide and delay messages for a time, go by this clock."""
        vars(models).update(
            unix_time_millis=lambda: float(self._now + 1),
            unix_time=lambda: (self._now + 1) / 1000,
        )


CLOCK = Clock()  # of all stacks of this process, which share what moto holds


FIRST_DELAY = 1_000  # ms


class Stream:
    """The stream behind an event source mapping, from its beginning, as moto holds it."""

    def __init__(self, source: Source, region: str) -> None:
        self.source = source
        self.waiting: list[dict[str, Any]] = []
        self.due = 0  # ms: when a batch that failed comes again
        self._delay = FIRST_DELAY
        self._tables = dynamodb_backends[ACCOUNT][region].tables
        self._table = source.arn.split("/")[1]
        self._read = 0

    def records(self) -> list[dict[str, Any]]:
        """Return the next batch, in the form of a Lambda event; the same again until it is
        `done`."""
        shard = self._tables[self._table].stream_shard
        told = shard.items if shard else []
        for record in (item.to_json() for item in told[self._read :]):
            filters = self.source.filters
            if not filters or any(matches(record, pattern) for pattern in filters):
                self.waiting.append({**record, "eventSourceARN": self.source.arn})
        self._read = len(told)
        return self.waiting[: self.source.batch]

    def done(self, records: list[dict[str, Any]], failed: set[str]) -> None:
        """Go on after a batch that was handled. From the first record that failed on, told by its
        sequence number, it comes again, each time after twice as long."""
        for record in records:
            if record["dynamodb"]["SequenceNumber"] in failed:
                self.due = CLOCK.now() + self._delay
                self._delay *= 2
                return
            self.waiting.pop(0)
        self._delay = FIRST_DELAY


def matches(content: Any, pattern: Any) -> bool:
    """Return whether a record has what a filter's pattern says ("Lambda event filtering"): in a
    list, one of the values, or a value that begins with the `prefix`."""
    if isinstance(pattern, dict):
        return isinstance(content, dict) and all(
            name in content and matches(content[name], inside) for name, inside in pattern.items()
        )
    return any(
        str(content).startswith(value["prefix"]) if isinstance(value, dict) else content == value
        for value in pattern
    )


class Pump:
    """Wakes the functions by what was deployed to wake them."""

    def __init__(
        self, deployed: Deployed, functions: Mapping[str, Function], resources: Resources
    ) -> None:
        self._functions = functions
        self._sqs, self._sns = resources.client("sqs"), resources.client("sns")
        self._queues = [(source, self._url(source.arn)) for source in deployed.queues]
        self._topics = [(topic, self._url(queue)) for queue, topic in deployed.topics]
        region = resources.options["region_name"]
        self._streams = [Stream(source, region) for source in deployed.streams]
        self._held = sqs_backends[ACCOUNT][region].queues

    def _url(self, queue: str) -> str:
        url: str = self._sqs.get_queue_url(QueueName=queue.rpartition(":")[2])["QueueUrl"]
        return url

    def run(self, until: int | None = None) -> None:
        """Run until nothing is left to happen before that time (ms), or else at all. Raises
        `TimeoutError` for what is not at rest after a day."""
        end = CLOCK.now() + GIVE_UP_AFTER if until is None else until
        while CLOCK.now() < end:
            busy = [self._relay(stream) for stream in self._streams]
            busy += [self._fan_out(topic, url) for topic, url in self._topics]
            busy += [self._wake(source, url) for source, url in self._queues]
            if not any(busy):
                following = min(self._due(), default=None)
                if following is None:
                    return
                CLOCK.pass_until(min(following, end))
        if until is None:
            waits = ", ".join(self._waits())
            raise TimeoutError(
                f"not at rest after {duration(GIVE_UP_AFTER)}: something waits in {waits}"
            )

    def _due(self) -> Iterator[int]:
        """Yield when (ms) something is to be done again of what waits."""
        yield from (stream.due for stream in self._streams if stream.waiting)
        for name in self._names():
            for message in self._held[name]._messages:
                yield int(max(message.visible_at, message.delayed_until)) + 1

    def _relay(self, stream: Stream) -> bool:
        records = stream.records()
        if not records or CLOCK.now() < stream.due:
            return False
        failed = self._run(stream.source, records)
        stream.done(records, failed)
        return not failed

    def _fan_out(self, topic: str, url: str) -> bool:
        """Empty the queue before a topic into it: see `deploy.py`."""
        found = self._receive(url, 10)
        for message in found:
            self._sns.publish(TopicArn=topic, Message=encode(loads(message["Body"])["detail"]))
            self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bool(found)

    def _wake(self, source: Source, url: str) -> bool:
        found = self._receive(url, source.batch)
        if not found:
            return False
        records = [
            {
                "messageId": message["MessageId"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "eventSource": "aws:sqs",
                "eventSourceARN": source.arn,
            }
            for message in found
        ]
        failed = self._run(source, records)
        for message in found:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def _receive(self, url: str, most: int) -> list[dict[str, Any]]:
        """Return the next messages of a queue. It is asked only if it has some, as that takes
        time."""
        if not self._held[_name(url)].messages:
            return []
        answer = self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=most, AttributeNames=["All"]
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def _run(self, source: Source, records: list[dict[str, Any]]) -> set[str]:
        """Run a function with a batch. Returns the ids of what failed: all, if it raises; what it
        says itself is heard only if the mapping reports it."""
        try:
            answer = self._functions[source.function]({"Records": records})
        except Exception:  # as Lambda does
            return {_id(record) for record in records}
        if not source.reports:
            return set()
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        known = {_id(record) for record in records}
        return known if failed - known else failed  # Lambda: an id that it does not know is all

    def _waits(self) -> list[str]:
        """Return the queues and streams in which something waits."""
        found = [stream.source.arn for stream in self._streams if stream.waiting]
        return found + [name for name in self._names() if self._held[name]._messages]

    def _names(self) -> list[str]:
        return [_name(url) for _, url in (*self._queues, *self._topics)]


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _id(record: dict[str, Any]) -> str:
    found: str = record.get("messageId") or record["dynamodb"]["SequenceNumber"]
    return found
