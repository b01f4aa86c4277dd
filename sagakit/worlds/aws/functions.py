"""The Lambda handlers: one function of the deployment each, told by what woke it.

    handler = Function("Wallet Service", payment_system(), Resources("prod"))

A batch of SQS is handled message by message; those that failed are reported, so that the others are
deleted (AWS Lambda: ReportBatchItemFailures). `lambdas.py` makes those of the payment system so.

The structured log has a line a record, as Powertools wraps it, in a form that `check` reads. Beside
the record, as `message`, a line says which saga, trace and span it belongs to, by the names that
OpenTelemetry gives them in logs, so that a query need not look into the record.

API Gateway lets nobody in whom Cognito does not know, and hands on the claims of the caller's ID
token (`requestContext.authorizer.claims`). A wallet is its owner's: the caller's user name is the
`user_id` of the wallet.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from sagakit.contract.deployment import Deployment
from sagakit.contract.driver import reason_of
from sagakit.contract.events import Event, NotUnderstood, encode, loads
from sagakit.contract.imports import extra
from sagakit.contract.operations import ServicePorts
from sagakit.contract.ports import Unavailable, handlers
from sagakit.payments.api import BadRequest, Post, Response, parse
from sagakit.payments.topology import ITEMS
from sagakit.trace import facts, narrator
from sagakit.trace.context import span_id, trace_id
from sagakit.trace.facts import Fact, Record
from sagakit.trace.trace import Trace
from sagakit.worlds.aws.handling import Handling, HttpProvider, Invoke, Publisher, now
from sagakit.worlds.aws.resources import Resources, number_of
from sagakit.worlds.aws.tables import FIELD, Table, read
from sagakit.worlds.invocation import Invocation, Write, told_of
from sagakit.worlds.packing import pack, unpack

with extra("aws"):
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )


def logger(service: str) -> Logger:
    return Logger(service=service, json_serializer=_line)


def log_record(log: Logger, record: Record) -> None:
    """Log a record of the trace."""
    (line,) = Trace((), [record]).jsonl()
    keys = {}
    if record.saga is not None:
        keys = {"correlation_id": record.saga, "trace_id": f"{trace_id(record.saga):032x}"}
        if record.invocation:
            span = span_id(record.invocation, record.saga, record.event_id)
            keys["span_id"] = f"{span:016x}"
    log.info(loads(line), extra=keys)


def _line(fields: Mapping[str, Any]) -> str:
    """Return JSON in which the record's numbers are exact; what JSON has no word for is told as
    text."""
    parts = [
        f"{json.dumps(name)}: "
        + (encode(value) if name == "message" else json.dumps(value, default=str))
        for name, value in fields.items()
    ]
    return "{" + ", ".join(parts) + "}"


USER_NAME = "cognito:username"  # the claim that Cognito sets, and that no user can change


def refusal(event: Mapping[str, Any], post: Post) -> Response | None:
    """Return 401 for a proxy event without a caller, 403 for another's wallet, else None.

    None too for what cannot be read: the service says itself what is wrong with it.
    """
    claims = ((event.get("requestContext") or {}).get("authorizer") or {}).get("claims") or {}
    caller = claims.get(USER_NAME)
    if not isinstance(caller, str) or not caller:
        return Response(401, encode({"error": "nobody is signed in: send an ID token of Cognito"}))
    try:
        user_id = parse(post).user_id
    except BadRequest:
        return None
    if user_id == caller:
        return None
    problem = f"is not yours: signed in as {caller}, you can pay from that wallet only"
    return Response(403, encode({"field": "user_id", "error": problem}))


INVOCATIONS = count(1)


class BatchFailed(Exception):
    """A message of a batch failed, and the event source mapping does not ask which."""


class Receive(NamedTuple):
    """One receive of a message from `source`, a queue or topic as the trace calls it."""

    source: str
    message_id: int
    receives: int
    sent: int  # ms


class Function:
    """One function. `urls` say where the parties outside are reached that it calls. `invoke`,
    `write` and `clock` are for a world that is not AWS's own."""

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        resources: Resources,
        *,
        urls: Mapping[str, str] | None = None,
        write: Write | None = None,
        invoke: Invoke | None = None,
        clock: Callable[[], int] = now,
    ) -> None:
        self.name = name
        self._deployment = deployment
        self._function = next(each for each in deployment.functions if each.name == name)
        self._logger = logger(name)
        self._resources = resources
        self._write = write or partial(log_record, self._logger)
        self.handlers = handlers(self._function.build(ServicePorts(name, deployment)))
        owned = [table.name for table in deployment.tables if table.owner == name]
        self._tables = [Table(resources, store, ITEMS[store]) for store in owned]
        self._publisher = Publisher(resources, deployment, self._write)
        self._handling = Handling(
            self.handlers,
            self._tables,
            {party: HttpProvider(resources, party, url) for party, url in (urls or {}).items()},
            self._publisher,
            invoke or self._invoke,
            clock,
        )
        self._now = clock
        # A topic's subscription is shown as the topic.
        shown = {queue: queue for queue in self._function.queues}
        shown |= {topic.subscription(name).name: topic.name for topic in deployment.topics}
        self._sources = {resources.called(queue): source for queue, source in shown.items()}
        self._renames = {
            rule.event: rule.rename
            for rule in deployment.rules
            if rule.rename and rule.target in self._function.queues
        }

    def __call__(self, event: dict[str, Any], context: Any = None) -> Any:
        """Handle a batch of SQS, a stream of DynamoDB, a request of API Gateway, or a command."""
        records = event.get("Records")
        number = _number(context)
        if not records and not {"requestContext", "command"} & event.keys():
            raise NotUnderstood(
                f"{self.name} is woken by a queue, a stream, the API or another function, "
                f"not by an event with {', '.join(sorted(event)) or 'nothing in it'}"
            )
        if records and "dynamodb" in records[0]:
            return self._relay(records)
        if records is not None:
            return self._batch(event, context, number)
        if "requestContext" in event:
            return self._request(event, number)
        command = unpack(event["command"])
        return {"result": pack(self.command(command, event["by"], event["saga"], number))}

    def _invocation(
        self, number: int, saga: str | None = None, event_id: str | None = None
    ) -> Invocation:
        return Invocation(self._write, self._now, self.name, number, saga, event_id)

    # A batch of messages.

    def _batch(self, event: dict[str, Any], context: Any, number: int) -> Any:
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

        def handle(record: Any) -> None:
            self._message(record.raw_event, number)

        answer = process_partial_response(event, handle, processor, context)
        if answer["batchItemFailures"] and not self._function.reports:
            raise BatchFailed(f"{self.name}: nobody hears which message failed: all come again")
        return answer

    def _message(self, message: Mapping[str, Any], number: int) -> None:
        attributes, queue = message["attributes"], message["eventSourceARN"].rpartition(":")[2]
        received = Receive(
            self._sources.get(queue, queue),
            number_of(message["messageId"]),
            int(attributes["ApproximateReceiveCount"]),
            int(attributes["SentTimestamp"]),
        )
        try:
            event, carried = self._understood(message["body"])
        except NotUnderstood as error:
            self._failed(self._invocation(number), received, error)
            raise
        with self._logger.append_context_keys(**({FIELD: carried} if carried else {})):
            self._handle(received, event, number)

    def _handle(self, received: Receive, event: Event, number: int) -> None:
        event_id, saga, _, name, *_ = event.header
        source, message_id, receives, _ = received
        if receives == 1 and source != self._function.retry_queue:  # else it put it there itself
            self._tell_of_bus(received, event)
        by = self._invocation(number, saga, event_id)
        by.tell(facts.Received(
            source, self.name, name, message_id, receives, event.remark,
            self._function.invocation, type(event) in self._function.calls,
        ))  # fmt: skip
        try:
            self._handling.handle(by, event)
        except Exception as error:
            self._failed(by, received, error)
            raise
        by.tell(facts.Acknowledged(self.name, source, message_id, receives, event.remark))

    def _tell_of_bus(self, received: Receive, event: Event) -> None:
        """Tell what the bus did, as the first receive of a message shows it."""
        source, message_id, _, sent = received
        bus, name = self._deployment.bus, event.header.event_type
        for former, rename in self._renames.items():
            if rename is type(event):
                self._write(told_of(event, sent, narrator.renamed(bus, former, event)))
        arrived: Fact = facts.Queued(bus, source, name, message_id, event.remark)
        if source in [topic.name for topic in self._deployment.topics]:
            arrived = facts.FannedOut(bus, source, name, (message_id,))
        self._write(told_of(event, sent, arrived))

    def _failed(self, by: Invocation, received: Receive, error: Exception) -> None:
        by.tell(facts.Failed(self.name, received.source, received.message_id, reason_of(error)))

    def _understood(self, body: str) -> tuple[Event, str | None]:
        """Return the event of a message and the trace context that came with it: EventBridge's
        envelope has both as `detail`, SNS's as `Message`. Raises `NotUnderstood`."""
        content = loads(body)
        if not isinstance(content, dict):
            raise NotUnderstood('no envelope: expected {"detail": {...}}')
        for envelope in ("Message", "detail"):
            if isinstance(content, dict) and envelope in content:
                inside = content[envelope]
                content = loads(inside) if isinstance(inside, str) else inside
        known = [cls for cls in (*self.handlers, *self._renames) if issubclass(cls, Event)]
        event, carried = read(content, known)
        rename = self._renames.get(type(event))
        return rename.after(event) if rename else event, carried

    # The outbox, as DynamoDB's stream tells it.

    def _relay(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Publish new rows of the outbox; from the first that fails on, the stream comes again."""
        for record in records:
            row = record["dynamodb"].get("NewImage", {})
            if record["eventName"] != "INSERT" or "event" not in row:
                continue
            called = record["eventSourceARN"].split("/")[1]
            table = next(table for table in self._tables if table.name == called)
            try:
                self._publisher.relay(table, self.name, row, self._now())
            except Exception:
                self._logger.exception("the outbox could not be published")
                number = record["dynamodb"]["SequenceNumber"]
                return {"batchItemFailures": [{"itemIdentifier": number}]}
        return {"batchItemFailures": []}

    # A request, and a command.

    def _request(self, event: dict[str, Any], number: int) -> dict[str, Any]:
        """Return the response to a proxy event of API Gateway; nobody spends another's wallet."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        post = Post(event.get("body") or "", headers.get("idempotency-key", ""))
        by = self._invocation(number)
        by.tell(facts.Invoked("User", self.name, post.label))
        response = refusal(event, post) or self._handling.handle(by, post)
        self._invocation(0).tell(narrator.answered(self.name, "User", response))
        return {
            "statusCode": response.status,
            "headers": {"Content-Type": "application/json"},
            "body": response.body,
        }

    def command(
        self, command: Any, source: str, saga: str | None = None, number: int | None = None
    ) -> Any:
        """Run the handler of a command that `source` sends. Returns what it returns."""
        saga = saga or getattr(command, "payment_id", None)
        by = self._invocation(number or next(INVOCATIONS), saga)
        label = getattr(command, "label", self._function.invocation)
        by.tell(facts.Invoked(source, self.name, label))
        return self._handling.handle(by, command)

    def _invoke(self, service: str, command: Any, by: Invocation) -> Any:
        """Have another function run, and wait for it (Lambda: RequestResponse). Raises
        `Unavailable` if it fails, and `Misconfigured` if there is none."""
        name = self._resources.called(service)
        payload = encode({"command": pack(command), "by": by.service, "saga": by.saga})
        answer = self._resources.call(
            "lambda", "invoke", service, FunctionName=name, Payload=payload
        )
        if "FunctionError" in answer:
            raise Unavailable(f"{service} failed: see its log")
        return unpack(loads(answer["Payload"].read())["result"])


def _number(context: Any) -> int:
    """Return the number of an invocation, of its request id: no two have the same, in whatever
    container they run. Where there is no Lambda they are counted."""
    request_id = getattr(context, "aws_request_id", None)
    return number_of(request_id) if request_id else next(INVOCATIONS)
