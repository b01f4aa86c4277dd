"""A run as spans: one trace a saga, a span a handler with its steps, links to what caused it.

The spans are read from the trace like every other view. `export` hands them to an exporter of the
OpenTelemetry SDK (the extra `spans`). Attributes are named as in the original system (`user.id`,
`debit.amount`), messaging ones as in OpenTelemetry's semantic conventions.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sagakit.contract.imports import extra
from sagakit.trace.context import derived, span_id, trace_id
from sagakit.trace.trace import Asked, Failed, Published, Queued, Record, Trace, Written

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

NANOSECONDS = 1_000_000  # of a ms
NAMES = {
    "payment_id": "payment.id",
    "transaction_id": "transaction.id",
    "user_id": "user.id",
    "amount": "payment.amount",
    "amount_debited": "debit.amount",
    "amount_refunded": "refund.amount",
    "amount_left": "wallet.balance",
    "wallet_version": "wallet.version",
    "available": "wallet.balance",
    "reason": "payment.reason",
}


class Span(NamedTuple):
    """One stretch of work.

    trace_id    16 bytes, derived from the saga's id
    span_id     8 bytes, derived from what the span is about
    parent_id   the span it is part of, or None
    links       the spans of the handlers that brought it about
    begin, end  ms of the run's time
    error       what went wrong, or empty
    """

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    begin: int
    end: int
    attributes: dict[str, Any]
    links: tuple[int, ...] = ()
    error: str = ""


class _Handler:
    """One invocation's work for one saga."""

    def __init__(self, first: Record) -> None:
        self.service = first.target if first.kind in ("call", "async") else first.source
        self.saga = str(first.correlation_id)
        self.event = first.event
        self.records = [first]

    @property
    def key(self) -> tuple[int, str, str]:
        first = self.records[0]
        return first.invocation, self.saga, str(first.event_id)


def spans(trace: Trace) -> list[Span]:
    """All spans of a run, in the order in which their handlers began; a handler's steps follow it.

    What belongs to no saga (a text that is no event, an opening balance) is in none of them.
    """
    handlers = _handlers(trace)
    by_outbox = {
        event_id: span_id(*handler.key)
        for handler in handlers
        for record in handler.records
        if isinstance(record.detail, Written)
        for event_id in record.detail.outbox
    }
    facts = {
        record.event_id: record.detail for record in trace if isinstance(record.detail, Published)
    }
    found = []
    for handler in handlers:
        found.append(_of_handler(handler, by_outbox, facts))
        found += _steps(handler, found[-1])
    return found


def _handlers(trace: Trace) -> list[_Handler]:
    found: dict[tuple[int, str, str], _Handler] = {}
    for record in trace:
        if not record.invocation or record.correlation_id is None:
            continue
        handler = _Handler(record)
        known = found.setdefault(handler.key, handler)
        if known is not handler:
            known.records.append(record)
    return list(found.values())


def _of_handler(
    handler: _Handler, by_outbox: dict[str, int], facts: dict[str | None, Published]
) -> Span:
    first, last = handler.records[0], handler.records[-1]
    attributes: dict[str, Any] = {"service.name": handler.service, "saga.id": handler.saga}
    if isinstance(first.detail, Queued):
        attributes["messaging.message.id"] = str(first.detail.message_id)
        attributes["messaging.destination.name"] = first.source
        attributes["messaging.receives"] = first.detail.receives
    links: list[int] = []
    fact = facts.get(first.event_id)
    if handler.event and fact:
        attributes["event.type"] = handler.event
        attributes |= {NAMES.get(name, name): _plain(value) for name, value in fact.payload.items()}
        for event_id in (str(first.event_id), fact.causation_id):  # the rule of a bus may rename
            if event_id in by_outbox:
                links.append(by_outbox[event_id])
                break
    for record in handler.records:
        if isinstance(record.detail, Written):
            for event_id in record.detail.outbox:
                attributes |= _moved(facts.get(event_id))
    wrong = [
        record for record in handler.records
        if record.kind == "fault" or record.label == "failed:"
    ]  # fmt: skip
    return Span(
        trace_id(handler.saga), span_id(*handler.key), None,
        f"{handler.service} {handler.event or first.label}", first.t, last.t, attributes,
        tuple(links), wrong[-1].text if wrong else "",
    )  # fmt: skip


def _moved(fact: Published | None) -> dict[str, str]:
    """The money that an event tells of as moved by whoever published it."""
    moved = ("amount_debited", "amount_refunded")
    payload = fact.payload if fact else {}
    return {NAMES[name]: str(payload[name]) for name in moved if name in payload}


def _steps(handler: _Handler, whole: Span) -> Iterator[Span]:
    """The calls that a handler makes, each until it is answered."""
    open_calls: list[Record] = []
    for place, record in enumerate(handler.records):
        if record.kind == "call" and record.source == handler.service:
            open_calls.append(record)
            continue
        answers = record.kind in ("return", "note") and record.detail is not None
        if not answers or not open_calls:
            continue
        call = open_calls.pop(0)
        attributes: dict[str, Any] = {"peer.service": call.target}
        if isinstance(record.detail, Asked):
            attributes |= {"provider.key": record.detail.key, "provider.outcome": record.text}
        if isinstance(record.detail, Written) and record.detail.item is not None:
            attributes |= {"db.key": record.detail.key, "db.version": record.detail.item.version}
        error = record.text if isinstance(record.detail, Failed) else ""
        yield Span(
            whole.trace_id, derived(8, whole.span_id, place), whole.span_id,
            f"{call.target} {call.label}", call.t, record.t, attributes, (), error,
        )  # fmt: skip


def export(found: Sequence[Span], exporter: "SpanExporter") -> None:
    """Hand spans to an exporter of the OpenTelemetry SDK, the run's ms as Unix time.

    Raises `MissingExtra` if the SDK is not installed.
    """
    with extra("spans"):
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

    def context(trace_id: int, span_id: int) -> SpanContext:
        return SpanContext(trace_id, span_id, False, TraceFlags(TraceFlags.SAMPLED))

    exporter.export(
        [
            ReadableSpan(
                span.name,
                context(span.trace_id, span.span_id),
                context(span.trace_id, span.parent_id) if span.parent_id else None,
                Resource.create({"service.name": span.attributes.get("service.name", "sagakit")}),
                span.attributes,
                links=[Link(context(span.trace_id, link)) for link in span.links],
                status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
                start_time=span.begin * NANOSECONDS,
                end_time=span.end * NANOSECONDS,
            )
            for span in found
        ]
    )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value  # no binary float holds money
