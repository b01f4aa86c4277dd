"""What services await, performed on AWS: by tables, by EventBridge, and by the provider over HTTP.

Each step is told in the log as it is in a trace.
"""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment
from sagakit.contract.events import Event, NotUnderstood, encode, loads
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer, TimedOut, Unavailable, WorldError
from sagakit.sim.bus import published_label
from sagakit.sim.effects import attempted, heard, refused
from sagakit.trace.context import span_id
from sagakit.trace.trace import Asked, Kind, Published, Read, Record, duration
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.aws.tables import Table, read, wire
from sagakit.worlds.driving import Subject, steps


class Stays(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it would take the token elsewhere, and ask with GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(Stays)


class HttpProvider:
    """A client of a party that is reached at `url`. Its secret is the token, and nothing else."""

    def __init__(self, resources: Resources, name: str, url: str) -> None:
        self._name = name
        self._resources = resources
        self._url = url.rstrip("/")
        self._token: str | None = None

    def ask(self, request: Ask) -> Answer:
        """Raises `TimedOut` after the request's timeout, and for an answer that does not tell what
        was done; `Unavailable` if nothing was done: it cannot be reached, or lets nobody in."""
        path = "void" if request.void else "execute"
        body = encode({"request": list(request.request)}).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": request.key,
            "Authorization": f"Bearer {self._secret()}",
        }
        call = urllib.request.Request(f"{self._url}/{path}", body, headers, method="POST")
        config = self._resources.config
        timeout = config.read_timeout if config else request.timeout / 1000
        try:
            with OPENER.open(call, timeout=timeout) as response:
                outcome = _outcome(response.read())
                if outcome is None:
                    raise TimedOut(f"{self._name} answered {response.status} without an outcome")
                return Answer(response.status, outcome)
        except urllib.error.HTTPError as error:
            return self._refused(error)
        except TimeoutError:
            raise self._silent(request) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._silent(request) from None
            raise Unavailable(f"{self._name} cannot be reached: {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:  # it hung up: what it did is unknown
            raise TimedOut(f"{self._name} gave no answer: {error}") from None

    def _refused(self, error: urllib.error.HTTPError) -> Answer:
        if error.code in (401, 403):
            self._token = None  # somebody may have put another one in
            secret = self._resources.called(self._name)
            raise Unavailable(
                f"{self._name}: {error.code}: is the token in {secret} the right one?"
            )
        if error.code in (429, 503):
            raise Unavailable(f"{self._name} cannot be reached: {error.code}")
        if error.code >= 500:  # what it did is unknown
            raise TimedOut(f"{self._name} gave no answer: {error.code}")
        outcome = _outcome(error.read())
        if outcome is None:
            raise Unavailable(f"{self._name} answered {error.code}: is that its URL?")
        return Answer(error.code, outcome)

    def _silent(self, request: Ask) -> TimedOut:
        return TimedOut(f"no answer from {self._name} within {request.timeout} ms")

    def _secret(self) -> str:
        if self._token is None:
            name = self._resources.called(self._name)
            found = self._resources.call(
                "secretsmanager", "get_secret_value", self._name, SecretId=name
            )
            self._token = str(found["SecretString"]).strip()  # from a file it has an end of line
        return self._token


def _outcome(body: bytes) -> str | None:
    """What the answer says of the charge; None if it says nothing that can be read."""
    try:
        content: Any = loads(body)
    except NotUnderstood:
        return None
    outcome = content.get("outcome") if isinstance(content, dict) else None
    return outcome if isinstance(outcome, str) else None


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


Write = Callable[[Record], None]
Invoke = Callable[[str, Any, Subject], Any]
"""(service, command, who asks) -> what its handler returned"""


def now() -> int:
    """The time in ms."""
    return int(time.time() * 1000)


class Handling:
    """Performs the steps of one service."""

    def __init__(
        self,
        handlers: Mapping[type, Callable[[Any], Any]],
        tables: Mapping[str, Table],
        externals: Mapping[str, HttpProvider],
        publisher: Publisher,
        invoke: Invoke,
        write: Write,
        clock: Callable[[], int],
    ) -> None:
        self._handlers = handlers
        self._tables = tables
        self._externals = externals
        self._publisher = publisher
        self._invoke = invoke
        self._write = write
        self._now = clock
        self._known: dict[tuple[str, str], Any] = {}  # what this invocation last saw of an item

    def handle(self, subject: Subject, content: Any) -> Any:
        """Run the handler of a message or command to its end. Returns what it returns, and raises
        what it raises."""

        def note(text: str) -> None:
            self.arrow(subject, "note", subject.service, subject.service, text)

        self._known = {}
        course = steps(self._handlers, content, note)
        try:
            step = next(course)
            while True:
                try:
                    result = self._perform(subject, *step)
                except (WorldError, ValueError) as error:
                    step = course.throw(error)
                else:
                    step = course.send(result)
        except StopIteration as stop:
            return stop.value
        finally:
            course.close()

    def _perform(self, subject: Subject, operation: Any, last_read: Any) -> Any:
        service = subject.service
        if isinstance(operation, ops.Get):
            return self._get(subject, operation)
        if isinstance(operation, ops.Commit):
            return self._commit(subject, operation, last_read)
        if isinstance(operation, ops.Ask):
            return self._ask(subject, operation)
        if isinstance(operation, ops.Now):
            return self._now()
        if isinstance(operation, ops.Publish):
            event = operation.event.stamped(self._now())
            self._publisher.publish(event, service, self._now(), _span(subject))
            return None
        if isinstance(operation, ops.Tell):
            self.arrow(subject, "call", service, operation.person, operation.text)
            return None
        if isinstance(operation, ops.Invoke):
            result = self._invoke(operation.service, operation.command, subject)
            self.arrow(subject, "return", operation.service, service, heard(result))
            return result
        raise TypeError(
            f"the AWS world cannot do {type(operation).__name__}: a table is restored with "
            f"DynamoDB's own backups"
        )

    def _get(self, subject: Subject, operation: ops.Get) -> Any:
        store, service = operation.store, subject.service
        self.arrow(subject, "call", service, store, "read item")
        try:
            item = self._tables[store].get(operation.key)
        except WorldError as error:
            self._refused(subject, store, error)
            raise
        self.arrow(subject, "return", store, service, "", Read(operation.key, item))
        self._known[store, operation.key] = item
        return item

    def _commit(self, subject: Subject, operation: ops.Commit, last_read: Any) -> Any:
        store, item, service = operation.store, operation.item, subject.service
        self.arrow(subject, "call", service, store, *attempted(operation, last_read))
        try:
            before = self._known.get((store, item.key)) if item is not None else None
            written = self._tables[store].commit(
                item, operation.publish, operation.handled, before, self._now(), _span(subject)
            )
        except (WorldError, ValueError) as error:
            self._refused(subject, store, error)
            raise
        self.arrow(subject, "return", store, service, "OK", written)
        if item is not None:
            self._known[store, item.key] = written.item
        return written.item

    def _refused(self, subject: Subject, store: str, error: Exception) -> None:
        self.arrow(subject, "return", store, subject.service, *refused(error))

    def _ask(self, subject: Subject, operation: ops.Ask) -> Any:
        party, service = operation.party, subject.service

        def told(kind: Kind, source: str, target: str, label: str, outcome: str = "") -> None:
            detail = Asked(operation.key, operation.request, outcome)
            self.arrow(subject, kind, source, target, label, detail)

        told("call", service, party, operation.label)
        try:
            answer = self._externals[party].ask(operation)
        except TimedOut:
            told("note", service, service, f"no response within {operation.timeout} ms:", "timeout")
            raise
        except Unavailable:
            told("return", party, service, "503", "unavailable")
            raise
        told("return", party, service, str(answer.status), answer.outcome)
        return answer

    def arrow(
        self, subject: Subject, kind: Kind, source: str, target: str, label: str,
        detail: Any = None, event: str | None = None,
    ) -> None:  # fmt: skip
        """Tell a step of an invocation."""
        self._write(
            Record(self._now(), kind, source, target, label, event, subject.saga,
                   subject.event_id, subject.invocation, detail)
        )  # fmt: skip


def _span(subject: Subject) -> int:
    return span_id(subject.invocation, subject.saga, subject.event_id)
