"""Perform on AWS what services await: by tables, by EventBridge, and by a party over HTTP.

Each step is told in the log as it is in a trace.
"""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment
from sagakit.contract.driver import Driver, Finished
from sagakit.contract.events import Event, NotUnderstood, encode, loads
from sagakit.contract.external import silent, unreachable
from sagakit.contract.ports import Answer, TimedOut, Unavailable, WorldError
from sagakit.trace import facts, narrator
from sagakit.trace.context import span_id
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.aws.tables import Table, read, wire
from sagakit.worlds.invocation import Handlers, Invocation, Write, told_of

Invoke = Callable[[str, Any, Invocation], Any]
"""(service, command, who asks) -> what its handler returned"""


def now() -> int:
    """Return the time in ms."""
    return int(time.time() * 1000)


class Handling:
    """Performs the steps of one service."""

    def __init__(
        self,
        handlers: Handlers,
        tables: Iterable[Table],
        externals: Mapping[str, "HttpProvider"],
        publisher: "Publisher",
        invoke: Invoke,
        clock: Callable[[], int],
    ) -> None:
        self._handlers = handlers
        self._tables = {table.store: table for table in tables}
        self._externals = externals
        self._publisher = publisher
        self._invoke = invoke
        self._now = clock
        self._known: dict[tuple[str, str], Any] = {}  # what this invocation last saw of an item

    def handle(self, by: Invocation, content: Any) -> Any:
        """Run the handler of a message or command to its end. Returns what it returns, and raises
        what it raises."""
        self._known = {}
        driver = Driver(by.service, self._handlers, content, by)
        try:
            step = driver.resume()
            while not isinstance(step, Finished):
                try:
                    result = self._perform(by, step, driver.last_read)
                except (WorldError, ValueError) as error:
                    result = error
                step = driver.resume(result)
            return step.result
        finally:
            driver.close()

    def _perform(self, by: Invocation, operation: Any, last_read: Any) -> Any:
        match operation:
            case ops.Get(store, key):
                by.tell(facts.ReadRequested(by.service, store, key))
                return self._at_store(by, operation)
            case ops.Commit():
                by.tell(narrator.commit_requested(by.service, operation, last_read))
                return self._at_store(by, operation)
            case ops.Ask():
                return self._ask(by, operation)
            case ops.Now():
                return self._now()
            case ops.Publish(event):
                event = event.stamped(self._now())
                return self._publisher.publish(event, by.service, self._now(), _span(by))
            case ops.Tell(person, text):
                return by.tell(facts.Told(by.service, person, text))
            case ops.Invoke(service, command):
                result = self._invoke(service, command, by)
                by.tell(narrator.answered(service, by.service, result))
                return result
        raise TypeError(
            f"the AWS world cannot do {type(operation).__name__}: a table is restored with "
            f"DynamoDB's own backups"
        )

    def _at_store(self, by: Invocation, operation: ops.Get | ops.Commit) -> Any:
        """Have a table do something, and tell of its answer."""
        table, service = self._tables[operation.store], by.service
        answer: facts.ItemRead | facts.Committed
        try:
            if isinstance(operation, ops.Get):
                answer = facts.ItemRead(service, *operation, table.get(operation.key))
            else:
                item = operation.item
                before = item and self._known.get((operation.store, item.key))
                answer = table.commit(service, operation, before, self._now(), _span(by))
        except (WorldError, ValueError) as error:
            by.tell(narrator.store_refused(service, operation.store, error))
            raise
        by.tell(answer)
        if answer.key is not None:
            self._known[operation.store, answer.key] = answer.item
        return answer.item

    def _ask(self, by: Invocation, operation: ops.Ask) -> Any:
        by.tell(narrator.asked(by.service, operation))
        try:
            answer = self._externals[operation.party].ask(operation)
        except TimedOut:
            by.tell(narrator.party_silent(by.service, operation))
            raise
        except Unavailable:
            by.tell(narrator.party_unreachable(by.service, operation))
            raise
        by.tell(narrator.party_answered(by.service, operation, answer))
        return answer


def _span(by: Invocation) -> int:
    return span_id(by.number, by.saga, by.event_id)


class Publisher:
    """Publishes for the services of a deployment: to EventBridge, or to a service's own retry queue
    with a delay. `write` takes the records of the trace."""

    def __init__(self, resources: Resources, deployment: Deployment, write: Write) -> None:
        self._resources = resources
        self._bus = deployment.bus
        self._write = write
        self._retry_queues = {each.name: each.retry_queue for each in deployment.functions}
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
            self._postpone(event, text, owner, delay, now)
        table.published(row["pk"]["S"])

    def publish(self, event: Event, service: str, now: int, span: int | None = None) -> None:
        """Put an event on the bus, past any outbox. Raises `Unavailable` if EventBridge refuses it,
        and `Misconfigured` if there is none."""
        self._put(event, wire(event, span), service, now)

    def _put(self, event: Event, text: str, service: str, now: int) -> None:
        entry = {
            "Source": self._resources.called(service),
            "DetailType": event.header.event_type,
            "Detail": text,
            "EventBusName": self._resources.called(self._bus),
        }
        answer = self._resources.call("events", "put_events", self._bus, Entries=[entry])
        if answer["FailedEntryCount"]:  # PutEvents fails entry by entry, and raises nothing
            raise Unavailable(f"{self._bus}: {answer['Entries'][0].get('ErrorCode')}")
        self._write(told_of(event, now, narrator.published(service, self._bus, event)))

    def _postpone(self, event: Event, text: str, service: str, delay: int, now: int) -> None:
        queue = self._retry_queues[service]
        if queue is None:
            raise ValueError(
                f"{service} published a Delayed event but has no retry_queue: declare one"
            )
        message_id = self._resources.send(queue, text, DelaySeconds=-(-delay // 1000))
        self._write(
            told_of(event, now, narrator.postponed(service, queue, event, message_id, delay))
        )


class Stays(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it would take the token elsewhere, and ask with GET."""

    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(Stays)


class HttpProvider:
    """A client of a party that is reached at `url`: POST with the Idempotency-Key, and the token
    that its secret is, and nothing else."""

    def __init__(self, resources: Resources, name: str, url: str) -> None:
        self._name = name
        self._resources = resources
        self._url = url.rstrip("/")
        self._token: str | None = None

    def ask(self, request: ops.Ask) -> Answer:
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
            raise silent(request) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise silent(request) from None
            raise Unavailable(f"{unreachable(request)}: {error.reason}") from None
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

    def _secret(self) -> str:
        if self._token is None:
            secret = self._resources.called(self._name)
            found = self._resources.call(
                "secretsmanager", "get_secret_value", self._name, SecretId=secret
            )
            self._token = str(found["SecretString"]).strip()  # from a file it has an end of line
        return self._token


def _outcome(body: bytes) -> str | None:
    """Return what the answer says of the charge; None if it says nothing that can be read."""
    try:
        content: Any = loads(body)
    except NotUnderstood:
        return None
    outcome = content.get("outcome") if isinstance(content, dict) else None
    return outcome if isinstance(outcome, str) else None
