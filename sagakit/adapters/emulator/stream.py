"""A table's stream, read as Lambda reads it: what a filter lets through, in order, until it is
done."""

from typing import Any

from sagakit.adapters.aws.resources import Resources
from sagakit.adapters.emulator.deploy import Source


class Stream:
    """The stream behind an event source mapping, from its beginning."""

    def __init__(self, source: Source, resources: Resources) -> None:
        self.source = source
        self._client = resources.client("dynamodbstreams")
        told = self._client.describe_stream(StreamArn=source.arn)["StreamDescription"]
        self._shard = told["Shards"][0]["ShardId"]
        self._from: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        self.waiting: list[dict[str, Any]] = []

    def records(self) -> list[dict[str, Any]]:
        """The next batch, in the form of a Lambda event; the same again until it is `done`."""
        for record in self._new():
            filters = self.source.filters
            if not filters or any(matches(record, one) for one in filters):
                self.waiting.append({**record, "eventSourceARN": self.source.arn})
        return self.waiting[: self.source.batch]

    def _new(self) -> list[dict[str, Any]]:
        """What came since it was last asked; by a new iterator, as one of moto's goes on from what
        a transaction that was cancelled had written."""
        iterator = self._client.get_shard_iterator(
            StreamArn=self.source.arn, ShardId=self._shard, **self._from
        )["ShardIterator"]
        found: list[dict[str, Any]] = self._client.get_records(ShardIterator=iterator)["Records"]
        if found:
            last = found[-1]["dynamodb"]["SequenceNumber"]
            self._from = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": last,
            }
        return found

    def done(self, records: list[dict[str, Any]], failed: set[str]) -> None:
        """A batch was handled. From the first record that failed on, told by its sequence number,
        it comes again."""
        for record in records:
            if record["dynamodb"]["SequenceNumber"] in failed:
                return
            self.waiting.pop(0)


def matches(content: Any, pattern: Any) -> bool:
    """Whether a record has what a filter's pattern says ("Lambda event filtering"): in a list, one
    of the values, or a value that begins with the `prefix`."""
    if isinstance(pattern, dict):
        return isinstance(content, dict) and all(
            name in content and matches(content[name], inside) for name, inside in pattern.items()
        )
    return any(
        str(content).startswith(one["prefix"]) if isinstance(one, dict) else content == one
        for one in pattern
    )
