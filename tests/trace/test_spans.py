"""Spans: one trace a saga, a span a handler, its steps within it, and links to what caused it."""

from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from sagakit import Run, run, scenarios
from sagakit.trace.spans import Span, export


@pytest.fixture(scope="module")
def happy() -> Run:
    return run(scenarios.happy_path)


def named(done: Run, name: str) -> Span:
    return next(span for span in done.spans() if span.name == name)


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_saga_is_a_trace_and_every_id_is_its_own(name: str) -> None:
    done = run(name)
    found = done.spans()
    sagas = {record.saga for record in done.records.entries if record.saga}
    assert len({span.trace_id for span in found}) == len(sagas)
    assert len({span.span_id for span in found}) == len(found)
    assert found == run(name).spans()


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_step_lies_within_its_handler(name: str) -> None:
    found = {span.span_id: span for span in run(name).spans()}
    for span in found.values():
        assert span.begin <= span.end
        if span.parent_id is not None:
            whole = found[span.parent_id]
            assert whole.trace_id == span.trace_id
            assert whole.begin <= span.begin <= span.end <= whole.end


def test_a_handler_has_its_store_operations(happy: Run) -> None:
    debit = named(happy, "Wallet Service PaymentInit")
    steps = [span.name for span in happy.spans() if span.parent_id == debit.span_id]
    assert steps == ["Wallet DB read item", "Wallet DB update"]


def test_it_is_linked_to_the_handler_that_published_its_event_through_a_rule(happy: Run) -> None:
    debit = named(happy, "Wallet Service PaymentInit")
    assert named(happy, "Provider Gateway ProviderPaymentInit").links == (debit.span_id,)


def test_attributes_are_named_as_in_the_original(happy: Run) -> None:
    attributes = named(happy, "Wallet Service PaymentInit").attributes
    assert attributes["user.id"] == "ana"
    assert attributes["debit.amount"] == "70.00"
    assert attributes["messaging.destination.name"] == "Wallet SQS"


def test_a_crash_is_an_error_of_its_span() -> None:
    crashed = run(scenarios.happy_path.but(
        faults=[{"fault": "crash", "service": "Wallet Service", "step": 2}]
    ))  # fmt: skip
    errors = [span for span in crashed.spans() if span.error and span.parent_id is None]
    assert [span.name for span in errors] == ["Wallet Service PaymentInit"]
    assert errors[0].error.startswith("crash")


def test_opentelemetry_gets_them_with_parents_links_and_times(happy: Run) -> None:
    kept = Kept()
    export(happy.spans(), kept)
    told = {span.name: span for span in kept.spans}
    gateway, charge = (
        told["Provider Gateway ProviderPaymentInit"],
        told["External Provider API executePayment()"],
    )
    assert charge.parent is not None
    assert gateway.context is not None
    assert charge.parent.span_id == gateway.context.span_id
    assert gateway.links[0].context.span_id == named(happy, "Wallet Service PaymentInit").span_id
    assert charge.start_time is not None
    assert charge.end_time is not None
    assert charge.end_time - charge.start_time > 80 * 1_000_000
