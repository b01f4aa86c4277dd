"""A table's stream, read as Lambda reads it: what a filter lets through, in order, until it is
done."""

from typing import Any

from moto.dynamodb.models import dynamodb_backends

from sagakit.worlds.emulator.clock import CLOCK
from sagakit.worlds.emulator.deploy import Source
from sagakit.worlds.emulator.roles import ACCOUNT

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
        """The next batch, in the form of a Lambda event; the same again until it is `done`."""
        shard = self._tables[self._table].stream_shard
        told = shard.items if shard else []
        for record in (one.to_json() for one in told[self._read :]):
            filters = self.source.filters
            if not filters or any(matches(record, one) for one in filters):
                self.waiting.append({**record, "eventSourceARN": self.source.arn})
        self._read = len(told)
        return self.waiting[: self.source.batch]

    def done(self, records: list[dict[str, Any]], failed: set[str]) -> None:
        """A batch was handled. From the first record that failed on, told by its sequence number,
        it comes again, each time after twice as long."""
        for record in records:
            if record["dynamodb"]["SequenceNumber"] in failed:
                self.due = CLOCK.now() + self._delay
                self._delay *= 2
                return
            self.waiting.pop(0)
        self._delay = FIRST_DELAY


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
