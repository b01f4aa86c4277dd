"""What an operator does with the dead letters of a stack: looks at them, and sends them back."""

from collections.abc import Iterable, Iterator
from typing import Any

from sagakit.contract.deployment import Queue
from sagakit.sim.queue import NO_REASON
from sagakit.trace.trace import Failed, Record, Redriven
from sagakit.worlds.aws.publishing import number_of
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.emulator.clock import CLOCK
from sagakit.worlds.packing import header_of


def told(queues: Iterable[Queue], resources: Resources, before: Iterable[Record]) -> list[Record]:
    """A record of each dead letter with the reason of its last failure, which stands in what was
    told `before`: its queue moved it without a word."""
    reasons = {one.detail.message_id: one.detail.reason for one in before if _failed(one)}
    found = []
    for queue in queues:
        for message in _letters(queue, resources):
            number = number_of(message["MessageId"])
            detail = Failed(number, reasons.get(number, NO_REASON))
            source, target = queue.name, queue.dead_letters
            event, saga, event_id = header_of(message["Body"])
            found.append(
                Record(CLOCK.now(), "async", source, target, "Dead letter:", event, saga, event_id,
                       0, detail)
            )  # fmt: skip
    return found


def _failed(record: Record) -> bool:
    return isinstance(record.detail, Failed)


def redrive(queue: Queue, resources: Resources, records: list[Record]) -> None:
    """Send the dead letters of a queue back into it, and add that to what was told. SQS gives them
    new message ids."""
    records += told([queue], resources, records)
    sqs = resources.client("sqs")
    for message in list(_letters(queue, resources)):
        sent = sqs.send_message(
            QueueUrl=resources.queue_url(queue.name), MessageBody=message["Body"]
        )
        sqs.delete_message(
            QueueUrl=resources.queue_url(queue.dead_letters),
            ReceiptHandle=message["ReceiptHandle"],
        )
        detail = Redriven(number_of(sent["MessageId"]), number_of(message["MessageId"]))
        records.append(
            Record(CLOCK.now(), "async", queue.dead_letters, queue.name, "Redrive", None, None,
                   None, 0, detail)
        )  # fmt: skip


def _letters(queue: Queue, resources: Resources) -> Iterator[dict[str, Any]]:
    """The dead letters, each once; they can be received again at once."""
    sqs, url = resources.client("sqs"), resources.queue_url(queue.dead_letters)
    seen: set[str] = set()
    while True:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        fresh = [one for one in found.get("Messages", []) if one["MessageId"] not in seen]
        if not fresh:
            return
        seen.update(one["MessageId"] for one in fresh)
        yield from fresh
