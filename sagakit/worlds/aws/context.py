"""The trace context of an event on AWS: `traceparent` in its header, beside the other fields.

The services' events know nothing of it. It is put in when an event is written to the outbox, goes
with it through EventBridge, SNS, SQS and dead letters, and is taken out before the event is read.
"""

from collections.abc import Iterable
from typing import Any

from sagakit.contract.events import Event, decode, encode
from sagakit.trace.context import context_of, trace_id, traceparent

FIELD = "traceparent"


def wire(event: Event, span: int | None) -> str:
    """The wire form of an event that this span publishes; without a span it carries no context."""
    if span is None:
        return event.wire()
    carried = traceparent(trace_id(event.header.correlation_id), span)
    header = {**event.header._asdict(), FIELD: carried}
    return encode({"header": header, "payload": event.payload()})


def read(message: Any, types: Iterable[type[Event]]) -> tuple[Event, str | None]:
    """The event of a message and the `traceparent` that came with it, None if that is not valid.
    Raises `NotUnderstood` like `decode`."""
    header = message.get("header") if isinstance(message, dict) else None
    carried = None
    if isinstance(header, dict) and FIELD in header:
        header = dict(header)
        carried = header.pop(FIELD)
        message = {**message, "header": header}
    return decode(encode(message), types), carried if context_of(carried) else None
