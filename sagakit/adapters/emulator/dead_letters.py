"""What an operator does with the dead letters of a stack: looks at them, and sends them back."""

from collections.abc import Iterator
from typing import Any

from sagakit.adapters.aws.handling import now
from sagakit.adapters.aws.publishing import number_of
from sagakit.adapters.emulator.stack import Stack
from sagakit.adapters.sqlite.messages import NO_REASON, header_of
from sagakit.deployment import Queue
from sagakit.sim.trace import Failed, Record, Redriven


def tell(stack: Stack) -> None:
    """Write each dead letter to the trace, with the reason of its last failure, as its queue moved
    it without a word."""
    reasons = {
        one.detail.message_id: one.detail.reason
        for one in stack.records
        if isinstance(one.detail, Failed)
    }
    for queue in stack.deployment.queues:
        for message in _letters(stack, queue):
            number = number_of(message["MessageId"])
            detail = Failed(number, reasons.get(number, NO_REASON))
            source, target = queue.name, queue.dead_letters
            event, saga, event_id = header_of(message["Body"])
            stack.records.append(
                Record(now(), "async", source, target, "Dead letter:", event, saga, event_id, 0,
                       detail)
            )  # fmt: skip


def redrive(stack: Stack, name: str) -> None:
    """Send the dead letters of a queue back into it. SQS gives them new message ids."""
    queue = next(one for one in stack.deployment.queues if one.name == name)
    resources = stack.resources
    for message in list(_letters(stack, queue)):
        sent = stack.sqs.send_message(
            QueueUrl=resources.queue_url(queue.name), MessageBody=message["Body"]
        )
        stack.sqs.delete_message(
            QueueUrl=resources.queue_url(queue.dead_letters),
            ReceiptHandle=message["ReceiptHandle"],
        )
        formerly, number = number_of(message["MessageId"]), number_of(sent["MessageId"])
        detail = Redriven(number, formerly)
        stack.records.append(
            Record(now(), "async", queue.dead_letters, queue.name, "Redrive", None, None, None, 0,
                   detail)
        )  # fmt: skip


def _letters(stack: Stack, queue: Queue) -> Iterator[dict[str, Any]]:
    """The dead letters, each once; they can be received again at once."""
    url = stack.resources.queue_url(queue.dead_letters)
    seen: set[str] = set()
    while True:
        found = stack.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        fresh = [one for one in found.get("Messages", []) if one["MessageId"] not in seen]
        if not fresh:
            return
        seen.update(one["MessageId"] for one in fresh)
        yield from fresh
