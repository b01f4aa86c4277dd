"""From an outbox to EventBridge, or to a service's own retry queue with a delay."""

from typing import Any

from sagakit.contract.deployment import Deployment
from sagakit.contract.events import Event, loads
from sagakit.contract.ports import Unavailable
from sagakit.sim.bus import published_label
from sagakit.trace.trace import Published, Record, duration
from sagakit.worlds.aws.context import read, wire
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.aws.tables import Table


class Publisher:
    """Publishes for the services of a deployment. `write` takes the records of the trace."""

    def __init__(self, resources: Resources, deployment: Deployment, write: Any) -> None:
        self._resources = resources
        self._deployment = deployment
        self._write = write
        self._retry_queues = {one.name: one.retry_queue for one in deployment.functions}
        self._events = {rule.event for rule in deployment.rules}
        self._events |= {rule.rename for rule in deployment.rules if rule.rename}

    def relay(self, table: Table, owner: str, row: dict[str, Any], now: int) -> None:
        """Publish a row of an outbox and take it out. If it is published and the row stays, since
        the process ends between, it is published again: receivers know its id."""
        text = row["event"]["S"]
        event, _ = read(loads(text), self._events)
        delay = int(row["delay"]["N"])
        if delay < 0:
            self._put(event, text, owner, now)
        else:
            self._later(event, text, owner, delay, now)
        table.published(row["pk"]["S"])

    def publish(self, event: Event, service: str, now: int, span: int | None = None) -> None:
        """Put an event on the bus, past any outbox. Raises `Unavailable` if EventBridge refuses it,
        and `Misconfigured` if there is none."""
        self._put(event, wire(event, span), service, now)

    def _put(self, event: Event, text: str, service: str, now: int) -> None:
        name, bus = event.header.event_type, self._deployment.bus
        entry = {
            "Source": self._resources.called(service),
            "DetailType": name,
            "Detail": text,
            "EventBusName": self._resources.called(bus),
        }
        answer = self._resources.call("events", "put_events", bus, Entries=[entry])
        if answer["FailedEntryCount"]:  # PutEvents fails entry by entry, and raises nothing
            raise Unavailable(f"{bus}: {answer['Entries'][0].get('ErrorCode')}")
        self._tell(event, now, "async", service, bus, published_label(name))

    def _later(self, event: Event, text: str, service: str, delay: int, now: int) -> None:
        queue = self._retry_queues[service]
        if queue is None:
            raise ValueError(
                f"{service} published a Delayed event but has no retry_queue: declare one"
            )
        sent = self._resources.call(
            "sqs",
            "send_message",
            queue,
            QueueUrl=self._resources.queue_url(queue),
            MessageBody=text,
            DelaySeconds=-(-delay // 1000),
        )
        label = f"Enqueue ({event.remark})" if event.remark else "Enqueue"
        if delay:
            label += f", delay {duration(delay)}"
        message_id = number_of(sent["MessageId"])
        self._tell(event, now, "call", service, queue, label, message_id)

    def _tell(
        self, event: Event, now: int, kind: Any, source: str, target: str, label: str,
        message_id: int = 0,
    ) -> None:  # fmt: skip
        event_id, correlation_id, causation_id, name, _, version = event.header
        detail = Published(causation_id, version, event.payload(), message_id)
        self._write(
            Record(now, kind, source, target, label, name, correlation_id, event_id, 0, detail)
        )


def number_of(message_id: str) -> int:
    """The number by which the trace tells a message of SQS, whose id is a UUID."""
    return int(message_id.replace("-", "")[:12], 16)
