"""The trace context of an event on AWS: in its header, as W3C writes it, and in the log."""

import json
from decimal import Decimal
from typing import Any

import pytest

from sagakit import Run, scenarios
from sagakit.contract.events import Event, NotUnderstood, loads
from sagakit.payments.events import PaymentInit
from sagakit.payments.topology import payment_system
from sagakit.trace.context import Context, context_of, span_id, trace_id, traceparent
from sagakit.worlds.aws.functions import Function
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.aws.tables import read, wire
from sagakit.worlds.emulator import Emulator
from tests.worlds.logged import functions_logs

FIRST = PaymentInit.first(
    "ana:A", payment_id="ana:A", transaction_id="tx-ana:A", user_id="ana", amount=Decimal("70.00")
)
SPAN = span_id(1, "ana:A", None)
CARRIED = traceparent(trace_id("ana:A"), SPAN)
KNOWN: list[type[Event]] = [PaymentInit]


class TestTheHeader:
    def test_it_has_the_trace_of_the_saga_and_the_span_that_published(self) -> None:
        header = loads(wire(FIRST, SPAN))["header"]
        assert header == {**FIRST.header._asdict(), "traceparent": CARRIED}
        assert context_of(header["traceparent"]) == Context(trace_id("ana:A"), SPAN)

    def test_the_event_is_read_as_if_there_were_none(self) -> None:
        assert read(loads(wire(FIRST, SPAN)), KNOWN) == (FIRST, CARRIED)
        assert read(loads(FIRST.wire()), KNOWN) == (FIRST, None)

    def test_without_a_span_there_is_none(self) -> None:
        assert wire(FIRST, None) == FIRST.wire()

    @pytest.mark.parametrize(
        "carried",
        [
            None, 7, "", "none", CARRIED.upper(), CARRIED + "-00", "ff" + CARRIED[2:],
            traceparent(0, SPAN), traceparent(trace_id("ana:A"), 0), CARRIED[:-1],
        ],
    )  # fmt: skip
    def test_what_is_none_is_ignored_and_the_event_is_read(self, carried: object) -> None:
        message = loads(FIRST.wire())
        message["header"]["traceparent"] = carried
        assert read(message, KNOWN) == (FIRST, None)

    @pytest.mark.parametrize("message", [None, [], {}, {"header": 1}, {"header": {}}])
    def test_what_is_no_event_is_told_as_ever(self, message: object) -> None:
        with pytest.raises(NotUnderstood):
            read(message, KNOWN)


class Played:
    """A run on the emulator: what was published over HTTP, and the lines of the functions' log."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.run: Run

    def parents(self) -> set[Context]:
        found = [context_of(message["header"]["traceparent"]) for message in self.messages]
        return {one for one in found if one}


@pytest.fixture(scope="module")
def played(emulator: Emulator) -> Played:
    """One attempt without an answer, then one that is approved: bus, topic and retry queue."""
    played, call = Played(), Resources.call

    def listening(self: Resources, service: str, action: str, what: str, **arguments: Any) -> Any:
        if action == "put_events":
            played.messages += [json.loads(one["Detail"]) for one in arguments["Entries"]]
        if action == "send_message":
            played.messages.append(json.loads(arguments["MessageBody"]))
        return call(self, service, action, what, **arguments)

    scenario = scenarios.happy_path.but(provider=[{"behaviour": "down", "calls": [1]}])
    with pytest.MonkeyPatch.context() as patch, functions_logs() as logged:
        patch.setattr(Resources, "call", listening)
        played.run = emulator.play(scenario)
        texts = [log.getvalue() for log in logged.values()]
    played.lines = [json.loads(line) for text in texts for line in text.splitlines()]
    return played


class TestARun:
    def test_every_message_carries_it_and_the_whole_saga_is_one_trace(self, played: Played) -> None:
        assert len(played.parents()) == len(played.messages) == 5  # one of them was tried again
        assert {one.trace_id for one in played.parents()} == {trace_id("ana:A")}

    def test_it_names_the_trace_and_the_spans_of_the_run(self, played: Played) -> None:
        spans = played.run.spans()
        assert {one.trace_id for one in spans} == {trace_id("ana:A")}
        assert {one.span_id for one in played.parents()} == {
            link for span in spans for link in span.links
        }
        published = {one.span_id: one.name for one in spans if one.span_id in {
            parent.span_id for parent in played.parents()
        }}  # fmt: skip
        assert sorted(set(published.values())) == [
            "Payment Service Invoke Lambda",
            "Payment Service ProviderPaymentSuccess",
            "Provider Gateway ProviderPaymentInit",
            "Wallet Service PaymentInit",
        ]

    def test_the_consumers_lines_say_saga_trace_span_and_where_the_message_came_from(
        self, played: Played
    ) -> None:
        spans = {f"{one.span_id:016x}": one for one in played.run.spans()}
        consumed = [line for line in played.lines if "traceparent" in line and "span_id" in line]
        assert {line["service"] for line in consumed} >= {"Wallet Service", "Provider Gateway"}
        for line in consumed:
            parent = context_of(line["traceparent"])
            assert parent is not None
            assert line["correlation_id"] == "ana:A"
            assert line["trace_id"] == f"{parent.trace_id:032x}"
            assert spans[line["span_id"]].links == (parent.span_id,)

    def test_a_line_of_no_saga_has_none_of_them(self, played: Played) -> None:
        request = next(line for line in played.lines if line["message"]["fact"]["is"] == "Invoked")
        assert not {"correlation_id", "trace_id", "span_id", "traceparent"} & request.keys()


class TestTheNumberOfAnInvocation:
    def test_it_is_of_the_request_so_that_no_two_containers_share_one(self) -> None:
        class Request:
            def __init__(self, request_id: str) -> None:
                self.aws_request_id = request_id

        def number(request: Any) -> int:
            records: list[Any] = []
            function = Function(
                "API Gateway", payment_system(), Resources("prod", {"region_name": "eu-west-1"}),
                write=records.append,
            )  # fmt: skip
            function({"requestContext": {}, "body": ""}, request)
            return int(records[0].invocation)

        one = Request("8d3f6a60-0d40-4d5c-a1ce-6f2f2f7e8c11")
        other = Request("0c9c1d38-97ab-4f0e-8f1d-1a1f2b3c4d5e")
        assert number(one) == number(one) != number(other)
        assert number(None) != number(None)
