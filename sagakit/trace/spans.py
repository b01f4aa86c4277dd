"""A run as spans: one trace a saga, a span a handler with its steps, links to what caused it.

The spans are read from the trace like every other view. `export` hands them to an exporter of the
OpenTelemetry SDK (the extra `spans`). Attributes are named as in the original system (`user.id`,
`debit.amount`), messaging ones as in OpenTelemetry's semantic conventions.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from sagakit.contract.imports import extra
from sagakit.trace import facts
from sagakit.trace.activity import Emission, events
from sagakit.trace.arrows import Arrow
from sagakit.trace.context import derived, span_id, trace_id
from sagakit.trace.trace import Trace

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


# What a handler waits for, and what ends the wait: a person gives no answer, but who tells one of
# something is done after that.
REQUESTS = (
    facts.ReadRequested, facts.CommitRequested, facts.CommitRepeated, facts.SnapshotRequested,
    facts.EventsRequested, facts.Asked, facts.Invoked, facts.Told,
)  # fmt: skip
ANSWERS = (
    facts.ItemRead, facts.Committed, facts.StoreRefused, facts.SnapshotRead, facts.EventsRead,
    facts.PartyAnswered, facts.PartyUnreachable, facts.PartySilent, facts.Answered,
    facts.Acknowledged,
)  # fmt: skip


class _Handler(NamedTuple):
    """One invocation's work for one saga, on one event."""

    span_id: int
    service: str
    arrows: list[Arrow]


def spans(trace: Trace) -> list[Span]:
    """Return all spans of a run, in the order in which their handlers began; a handler's steps
    follow it.

    What belongs to no saga (a text that is no event, an opening balance) is in none of them.
    """
    handlers = _handlers(trace)
    emitted = {event.event_id: event for event in events(trace)}
    by_outbox = {
        event_id: handler.span_id
        for handler in handlers
        for drawn in handler.arrows
        if isinstance(drawn.fact, facts.Committed)
        for event_id in drawn.fact.outbox
    }
    found = []
    for handler in handlers:
        found.append(_of_handler(handler, by_outbox, emitted))
        found += _steps(handler, found[-1])
    return found


def _handlers(trace: Trace) -> list[_Handler]:
    found: dict[tuple[int, str, str], _Handler] = {}
    for drawn in trace.arrows():
        if not drawn.invocation or drawn.correlation_id is None:
            continue
        key = drawn.invocation, drawn.correlation_id, str(drawn.event_id)
        if key not in found:
            service = drawn.target if drawn.kind in ("call", "async") else drawn.source
            found[key] = _Handler(span_id(*key), service, [])
        found[key].arrows.append(drawn)
    return list(found.values())


def _of_handler(handler: _Handler, by_outbox: dict[str, int], emitted: dict[str, Emission]) -> Span:
    first, last = handler.arrows[0], handler.arrows[-1]
    saga = str(first.correlation_id)
    attributes: dict[str, Any] = {"service.name": handler.service, "saga.id": saga}
    links: list[int] = []
    error = ""
    if isinstance(first.fact, facts.Received):
        attributes["messaging.message.id"] = str(first.fact.message_id)
        attributes["messaging.destination.name"] = first.fact.queue
        attributes["messaging.receives"] = first.fact.receives
    event = emitted.get(str(first.event_id))
    if first.event and event:
        attributes["event.type"] = first.event
        attributes |= {NAMES.get(name, name): _plain(val) for name, val in event.payload.items()}
        for event_id in (event.event_id, event.causation_id):  # the rule of a bus may rename
            if event_id in by_outbox:
                links.append(by_outbox[event_id])
                break
    for drawn in handler.arrows:
        if isinstance(drawn.fact, facts.Committed):
            for event_id in drawn.fact.outbox:
                attributes |= _moved(emitted.get(event_id))
        if drawn.kind == "fault" or isinstance(drawn.fact, facts.Failed):
            error = drawn.text
    name = f"{handler.service} {first.event or first.label}"
    return Span(
        trace_id(saga),
        handler.span_id,
        None,
        name,
        first.t,
        last.t,
        attributes,
        tuple(links),
        error,
    )


def _moved(event: Emission | None) -> dict[str, str]:
    """Return the money that an event tells of as moved by whoever published it."""
    moved = ("amount_debited", "amount_refunded")
    payload = event.payload if event else {}
    return {NAMES[name]: str(payload[name]) for name in moved if name in payload}


def _steps(handler: _Handler, whole: Span) -> Iterator[Span]:
    """Return the calls that a handler makes, each until it is answered."""
    call: Arrow | None = None
    for index, drawn in enumerate(handler.arrows):
        fact = drawn.fact
        if isinstance(fact, REQUESTS) and drawn.source == handler.service:
            call = drawn
        elif isinstance(fact, ANSWERS) and call and handler.service in (drawn.source, drawn.target):
            attributes: dict[str, Any] = {"peer.service": call.target}
            error = ""
            match fact:
                case facts.PartyAnswered() | facts.PartyUnreachable() | facts.PartySilent():
                    attributes |= {"provider.key": fact.key, "provider.outcome": drawn.text}
                case facts.Committed() if fact.item is not None:
                    attributes |= {"db.key": fact.key, "db.version": fact.item.version}
                case facts.StoreRefused() | facts.Answered(failed=True):
                    error = drawn.text
            yield Span(
                whole.trace_id, derived(8, whole.span_id, index), whole.span_id,
                f"{call.target} {call.label}", call.t, drawn.t, attributes, (), error,
            )  # fmt: skip
            call = None


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
