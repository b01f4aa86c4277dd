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
from typing import Any

from sagakit.contract.deployment import Deployment
from sagakit.contract.driver import reason_of
from sagakit.contract.events import Event, NotUnderstood, encode, loads
from sagakit.contract.imports import extra
from sagakit.contract.operations import SimulatedPorts
from sagakit.contract.ports import Unavailable, handlers
from sagakit.payments.api import BadRequest, Post, Response, parse
from sagakit.payments.topology import ITEMS
from sagakit.sim.bus import published_label, queued_label, renamed_label
from sagakit.trace.context import span_id, trace_id
from sagakit.trace.trace import Failed, FannedOut, Published, Queued, Record, Trace
from sagakit.worlds.aws.handling import (
    Handling,
    HttpProvider,
    Invoke,
    Publisher,
    Write,
    now,
    number_of,
)
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.aws.tables import FIELD, Table, read
from sagakit.worlds.driving import Subject
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
    log.info(loads(line), extra=_place(record))


def _place(record: Record) -> dict[str, str]:
    saga = record.correlation_id
    if saga is None:
        return {}
    keys = {"correlation_id": saga, "trace_id": f"{trace_id(saga):032x}"}
    if record.invocation:
        keys["span_id"] = f"{span_id(record.invocation, saga, record.event_id):016x}"
    return keys


def _line(fields: Mapping[str, Any]) -> str:
    """JSON in which the record's numbers are exact; what JSON has no word for is told as text."""
    exact = [f"{json.dumps(name)}: {_value(name, value)}" for name, value in fields.items()]
    return "{" + ", ".join(exact) + "}"


def _value(name: str, value: Any) -> str:
    return encode(value) if name == "message" else json.dumps(value, default=str)


USER_NAME = "cognito:username"  # the claim that Cognito sets, and that no user can change


def caller_of(event: Mapping[str, Any]) -> str | None:
    """The user name of the caller of a proxy event, or None if it has none."""
    claims = ((event.get("requestContext") or {}).get("authorizer") or {}).get("claims") or {}
    name = claims.get(USER_NAME)
    return name if isinstance(name, str) and name else None


def refusal(event: Mapping[str, Any], post: Post) -> Response | None:
    """401 without a caller, 403 for another's wallet, else None.

    None too for what cannot be read: the service says itself what is wrong with it.
    """
    caller = caller_of(event)
    if caller is None:
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
        self._function = next(one for one in deployment.functions if one.name == name)
        self._logger = logger(name)
        self._resources = resources
        self.write = write or partial(log_record, self._logger)
        self.handlers = handlers(self._function.build(SimulatedPorts(name, deployment)))
        self.tables = {
            one.name: Table(resources, one.name, ITEMS[one.name])
            for one in deployment.tables
            if one.owner == name
        }
        self.publisher = Publisher(resources, deployment, self.write)
        self.handling = Handling(
            self.handlers,
            self.tables,
            {party: HttpProvider(resources, party, url) for party, url in (urls or {}).items()},
            self.publisher,
            invoke or self._invoke,
            self.write,
            clock,
        )
        self._now = clock
        self._renames = {
            rule.event: rule.rename
            for rule in deployment.rules
            if rule.rename and rule.target in self._function.queues
        }

    def __call__(self, event: dict[str, Any], context: Any = None) -> Any:
        """A batch of SQS, a stream of DynamoDB, a request of API Gateway, or a command."""
        records = event.get("Records")
        invocation = _number(context)
        if not records and not {"requestContext", "command"} & event.keys():
            raise NotUnderstood(
                f"{self.name} is woken by a queue, a stream, the API or another function, "
                f"not by an event with {', '.join(sorted(event)) or 'nothing in it'}"
            )
        if records and "dynamodb" in records[0]:
            return self._relay(records)
        if records is not None:
            return self._batch(event, context, invocation)
        if "requestContext" in event:
            return self._request(event, invocation)
        return self._command(event, invocation)

    # A batch of messages.

    def _batch(self, event: dict[str, Any], context: Any, invocation: int) -> Any:
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

        def handle(record: Any) -> None:
            self._message(record.raw_event, invocation)

        answer = process_partial_response(event, handle, processor, context)
        if answer["batchItemFailures"] and not self._function.reports:
            raise BatchFailed(f"{self.name}: nobody hears which message failed: all come again")
        return answer

    def _message(self, message: Mapping[str, Any], invocation: int) -> None:
        source = self._source(message["eventSourceARN"])
        queued = Queued(
            number_of(message["messageId"]), int(message["attributes"]["ApproximateReceiveCount"])
        )
        try:
            content, carried = self._understood(message["body"])
        except NotUnderstood as error:
            subject = Subject(self.name, invocation, None, None)
            self._failed(subject, source, queued, error)
            raise
        with self._logger.append_context_keys(**({FIELD: carried} if carried else {})):
            self._handle(source, message, content, queued, invocation)

    def _handle(
        self, source: str, message: Mapping[str, Any], content: Event, queued: Queued,
        invocation: int,
    ) -> None:  # fmt: skip
        header = content.header
        if queued.receives == 1:
            self._arrived(source, message, content, queued)
        subject = Subject(self.name, invocation, header.correlation_id, header.event_id)
        kind: Any = "call" if type(content) in self._function.calls else "async"
        detail = queued._replace(remark=content.remark)
        self.handling.arrow(
            subject, kind, source, self.name, self._function.invocation, detail, header.event_type
        )
        try:
            self.handling.handle(subject, content)
        except Exception as error:
            self._failed(subject, source, queued, error)
            raise
        self.handling.arrow(subject, "return", self.name, source, "done", detail)

    def _arrived(
        self, source: str, message: Mapping[str, Any], event: Event, queued: Queued
    ) -> None:
        """Tell what the bus did, as the first receive of a message shows it."""
        event_id, saga, causation_id, name, _, version = event.header
        bus, sent = self._deployment.bus, int(message["attributes"]["SentTimestamp"])
        if source == self._function.retry_queue:
            return  # the service put it there itself
        if type(event) in self._renames.values():
            before = next(one for one, other in self._renames.items() if other is type(event))
            label, detail = renamed_label(before.__name__, name), event.payload()
            published = Published(causation_id, version, detail)
            self.write(Record(sent, "note", bus, bus, label, name, saga, event_id, 0, published))
        label, told = queued_label(name), queued._replace(receives=0, remark=event.remark)
        arrived: Any = told
        if source in [topic.name for topic in self._deployment.topics]:
            label, arrived = published_label(name), FannedOut((queued.message_id,))
        self.write(Record(sent, "async", bus, source, label, name, saga, event_id, 0, arrived))

    def _failed(self, subject: Subject, source: str, queued: Queued, error: Exception) -> None:
        detail = Failed(queued.message_id, reason_of(error))
        self.handling.arrow(subject, "return", self.name, source, "failed:", detail)

    def _understood(self, body: str) -> tuple[Event, str | None]:
        """The event of a message and the trace context that came with it: EventBridge's envelope
        has both as `detail`, SNS's as `Message`. Raises `NotUnderstood`."""
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

    def _source(self, arn: str) -> str:
        """The queue, as the trace calls it: a topic's subscription is shown as the topic."""
        called = arn.rpartition(":")[2]
        for name in self._function.queues:
            if self._resources.called(name) == called:
                return name
        return next(
            (topic.name for topic in self._deployment.topics
             if called == self._resources.called(topic.subscription(self.name).name)), called,
        )  # fmt: skip

    # The outbox, as DynamoDB's stream tells it.

    def _relay(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Publish new rows of the outbox; from the first that fails on, the stream comes again."""
        for record in records:
            row = record["dynamodb"].get("NewImage", {})
            if record["eventName"] != "INSERT" or "event" not in row:
                continue
            called = record["eventSourceARN"].split("/")[1]
            table = next(one for one in self.tables.values() if one.name == called)
            try:
                self.publisher.relay(table, self.name, row, self._now())
            except Exception:
                self._logger.exception("the outbox could not be published")
                number = record["dynamodb"]["SequenceNumber"]
                return {"batchItemFailures": [{"itemIdentifier": number}]}
        return {"batchItemFailures": []}

    # A request, and a command.

    def _request(self, event: dict[str, Any], invocation: int) -> dict[str, Any]:
        """API Gateway's proxy event in, the response out; nobody spends another's wallet."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        post = Post(event.get("body") or "", headers.get("idempotency-key", ""))
        subject = Subject(self.name, invocation, None, None)
        self.handling.arrow(subject, "call", "User", self.name, post.label)
        response = refusal(event, post) or self.handling.handle(subject, post)
        self.write(Record(self._now(), "return", self.name, "User", str(response)))
        return {
            "statusCode": response.status,
            "headers": {"Content-Type": "application/json"},
            "body": response.body,
        }

    def _command(self, event: dict[str, Any], invocation: int) -> dict[str, Any]:
        command = unpack(event["command"])
        result = self.command(command, Subject(event["by"], 0, event["saga"], None), invocation)
        return {"result": pack(result)}

    def command(self, command: Any, by: Subject, invocation: int | None = None) -> Any:
        """Run the handler of a command. Returns what it returns."""
        saga = by.saga or getattr(command, "payment_id", None)
        subject = Subject(self.name, invocation or next(INVOCATIONS), saga, None)
        label = getattr(command, "label", self._function.invocation)
        self.handling.arrow(subject, "call", by.service, self.name, label)
        return self.handling.handle(subject, command)

    def _invoke(self, service: str, command: Any, by: Subject) -> Any:
        """Have another function run, and wait for it (Lambda: RequestResponse). Raises
        `Unavailable` if it fails, and `Misconfigured` if there is none."""
        payload = encode({"command": pack(command), "by": by.service, "saga": by.saga})
        answer = self._resources.call(
            "lambda",
            "invoke",
            service,
            FunctionName=self._resources.called(service),
            Payload=payload,
        )
        if "FunctionError" in answer:
            raise Unavailable(f"{service} failed: see its log")
        return unpack(loads(answer["Payload"].read())["result"])


def _number(context: Any) -> int:
    """The number of an invocation, of its request id: no two have the same, in whatever container
    they run. Where there is no Lambda they are counted."""
    request_id = getattr(context, "aws_request_id", None)
    return number_of(request_id) if request_id else next(INVOCATIONS)
