"""AWS is silent, throttles, or lacks a table: told in words, and the message comes again."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from sagakit.contract.events import NotUnderstood, encode, loads
from sagakit.contract.ports import Unavailable
from sagakit.payments.events import PaymentInit
from sagakit.payments.topology import Settings, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.trace.facts import Failed, Record
from sagakit.worlds.aws import resources as clients
from sagakit.worlds.aws.functions import BatchFailed, Function
from sagakit.worlds.aws.handling import Publisher
from sagakit.worlds.aws.resources import RETRIES, Misconfigured, Resources
from sagakit.worlds.aws.tables import Table

FIRST = PaymentInit.first(
    "ana:A", payment_id="ana:A", transaction_id="tx-ana:A", user_id="ana", amount=Decimal(70)
)
MESSAGE = {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "body": encode({"detail": loads(FIRST.wire())}),
    "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
    "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:eu-west-1:1:prod-wallet-sqs",
}
COMES_AGAIN = {"batchItemFailures": [{"itemIdentifier": MESSAGE["messageId"]}]}
OK: tuple[int, dict[str, Any]] = (200, {})


def refusal(code: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """An error as DynamoDB answers it."""
    content = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "slower", **more}
    return 400, content


@contextmanager
def answering(*answers: tuple[int, dict[str, Any]]) -> Iterator[tuple[Resources, list[str]]]:
    """An endpoint that gives these answers one after the other, and the last for ever; with what it
    was asked to do."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, content = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.headers["X-Amz-Target"].rpartition(".")[2])
            body = encode(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield resources(server.server_port), asked
    finally:
        server.shutdown()
        server.server_close()


def resources(port: int) -> Resources:
    options = {
        "endpoint_url": f"http://127.0.0.1:{port}",
        "region_name": "eu-west-1",
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }
    return Resources("prod", options)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits before botocore's further attempts (s), which are not waited for. What answers
    here, answers: late only on a busy machine, and that is no fault."""
    waits: list[float] = []
    patient = Config(connect_timeout=600, read_timeout=600)
    monkeypatch.setattr(clients, "RETRIES", RETRIES.merge(patient))
    clock = SimpleNamespace(sleep=waits.append, time=time.time)
    monkeypatch.setattr(botocore.endpoint, "time", clock)
    return waits


def outcome(resources: Resources) -> tuple[Any, list[str]]:
    """What the wallet function answers to a message, and the reasons that it tells of failures."""
    records: list[Record] = []
    function = Function("Wallet Service", payment_system(), resources, write=records.append)
    answer = function({"Records": [MESSAGE]})
    return answer, [
        record.fact.reason
        for record in records
        if isinstance(record.fact, Failed) and record.fact.queue == "Wallet SQS"
    ]


def test_an_endpoint_that_is_silent_is_unavailable_and_the_message_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    short = Config(retries={"mode": "standard", "max_attempts": 2}, read_timeout=0.05)
    monkeypatch.setattr(clients, "RETRIES", short)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer, reasons = outcome(resources(silent.getsockname()[1]))
    assert answer == COMES_AGAIN
    (reason,) = reasons
    assert reason.startswith("Unavailable: Wallet DB: Read timeout on endpoint URL")


def test_a_call_without_an_answer_is_made_again_before_the_function_is_cut_off(
    waits: list[float],
) -> None:
    """A client that waits longer than its function may work never says that there was no answer."""
    shortest = min(one.timeout for one in payment_system().functions)
    silent = ReadTimeoutError(endpoint_url="of a test")

    def hears_nothing(**_: Any) -> None:
        waits.append(RETRIES.read_timeout)
        dynamodb.meta.events.unregister("before-send", hears_nothing)
        raise silent

    with answering(OK) as (stack, asked):
        dynamodb = stack.client("dynamodb")
        dynamodb.meta.events.register("before-send", hears_nothing)
        assert Table(stack, "Wallet DB", Wallet).get("ana") is None
    assert asked == ["GetItem"]
    assert len(waits) == 2  # for the answer, and before the second attempt
    assert sum(waits) < shortest / 1000


def test_so_is_an_endpoint_where_nobody_listens(waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer, (reason,) = outcome(resources(port))
    assert answer == COMES_AGAIN
    assert "Wallet DB: Could not connect to the endpoint URL" in reason
    assert len(waits) == 5  # the attempts after the first: `resources.RETRIES`


THROTTLED = [
    "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded",
]  # fmt: skip


@pytest.mark.parametrize("code", THROTTLED)
def test_a_throttled_call_is_made_again_after_a_while(code: str, waits: list[float]) -> None:
    with answering(refusal(code), refusal(code), OK) as (stack, asked):
        assert Table(stack, "Wallet DB", Wallet).get("ana") is None
    assert asked == ["GetItem"] * 3
    assert len(waits) == 2


def test_one_that_is_throttled_for_long_comes_again() -> None:
    with answering(refusal("ThrottlingException")) as (stack, _):
        answer, reasons = outcome(stack)
    assert answer == COMES_AGAIN
    assert reasons == ["Unavailable: Wallet DB: ThrottlingException: slower"]


def test_a_transaction_that_is_throttled_has_done_nothing_and_comes_again() -> None:
    cancelled = refusal("TransactionCanceledException", CancellationReasons=[
        {"Code": "None"}, {"Code": "ThrottlingError"},
    ])  # fmt: skip
    with answering(OK, cancelled) as (stack, asked):
        answer, reasons = outcome(stack)
    assert asked == ["GetItem", "TransactWriteItems"]
    assert answer == COMES_AGAIN
    assert reasons == ["Unavailable: Wallet DB: None, ThrottlingError"]


def test_a_table_that_is_missing_is_named_and_the_message_kept() -> None:
    missing = refusal("ResourceNotFoundException")
    with answering(missing) as (stack, asked):
        answer, (reason,) = outcome(stack)
    assert asked == ["GetItem"]
    assert answer == COMES_AGAIN
    assert reason.startswith("Misconfigured: Wallet DB: ResourceNotFoundException: is the stack")


def test_one_message_fails_the_batch_where_nobody_hears_which() -> None:
    """Returning would delete all of it (AWS Lambda, "Handling errors for an SQS event source")."""
    hello = {**MESSAGE, "body": "hello"}

    def answer(*, reports: bool) -> Any:
        deployment = payment_system(Settings(wallet_reports=reports))
        function = Function("Wallet Service", deployment, resources(1), write=lambda _: None)
        return function({"Records": [hello]})

    assert answer(reports=True) == COMES_AGAIN
    with pytest.raises(BatchFailed, match=r"Wallet Service: .* all come again"):
        answer(reports=False)


@pytest.mark.parametrize(
    ("event", "told"), [({}, "nothing in it"), ({"detail-type": "Scheduled Event"}, "detail-type")]
)
def test_what_nothing_of_the_template_sends_is_told(event: dict[str, Any], told: str) -> None:
    function = Function("Wallet Service", payment_system(), resources(1))
    with pytest.raises(NotUnderstood, match=f"Wallet Service is woken by a queue, .* {told}"):
        function(event)


@pytest.mark.parametrize("body", ["hello", "3", "[]", '{"Message": 3}', '{"detail": null}'])
def test_each_message_that_is_no_event_has_its_reason_in_the_log(body: str) -> None:
    records: list[Record] = []
    function = Function("Wallet Service", payment_system(), resources(1), write=records.append)
    assert function({"Records": [{**MESSAGE, "body": body}]}) == COMES_AGAIN
    (failed,) = [record.fact for record in records if isinstance(record.fact, Failed)]
    assert failed.reason.startswith("NotUnderstood: ")


def test_a_stream_comes_again_from_the_record_that_was_not_published() -> None:
    """It is told by its sequence number (AWS Lambda, "Partial batch response for DynamoDB")."""
    row = {
        "pk": {"S": "outbox#1"}, "event": {"S": FIRST.wire()}, "delay": {"N": "-1"},
    }  # fmt: skip
    record = {
        "eventID": "1",
        "eventName": "INSERT",
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/prod-payments-db/stream/1",
        "dynamodb": {"NewImage": row, "SequenceNumber": "4711"},
    }
    with answering(refusal("ResourceNotFoundException")) as (stack, _):
        function = Function("Payment Service", payment_system(), stack, write=lambda _: None)
        answer = function({"Records": [record]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "4711"}]}


def publish(stack: Resources) -> None:
    Publisher(stack, payment_system(), lambda _: None).publish(FIRST, "Payment Service", 0)


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (publish, "EventBridge"),
        (lambda stack: stack.queue_url("Provider Retry SQS"), "Provider Retry SQS"),
    ],
)
def test_a_bus_or_queue_that_is_missing_is_named_too(
    ask: Callable[[Resources], Any], named: str
) -> None:
    with (
        answering(refusal("ResourceNotFoundException")) as (stack, _),
        pytest.raises(Misconfigured, match=f"{named}: ResourceNotFoundException: is the stack"),
    ):
        ask(stack)


def test_an_entry_that_the_bus_refuses_is_not_published() -> None:
    """PutEvents answers 200 even so."""
    refused = 200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
    with (
        answering(refused) as (stack, _),
        pytest.raises(Unavailable, match="EventBridge: InternalFailure"),
    ):
        publish(stack)
