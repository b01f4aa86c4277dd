"""A scenario's traffic on the emulator, to its end: its users, its operator and its provider."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import itemgetter
from typing import Any

from sagakit.contract.deployment import Queue
from sagakit.contract.events import encode, loads
from sagakit.contract.external import Entry, booked
from sagakit.contract.operations import Ask
from sagakit.contract.ports import Answer
from sagakit.payments.payment import payment_id_in
from sagakit.payments.topology import PROVIDER, payment_system
from sagakit.payments.wallet import Wallet
from sagakit.run import Run
from sagakit.scenarios.build import build_world, reaction_to
from sagakit.scenarios.scenario import QueuedText, Scenario
from sagakit.trace import facts
from sagakit.trace.facts import A_TEXT, NO_REASON, Fact, Record
from sagakit.trace.trace import Trace
from sagakit.worlds.aws.cloudformation import Part, url_of
from sagakit.worlds.aws.functions import USER_NAME
from sagakit.worlds.aws.resources import Resources, number_of
from sagakit.worlds.aws.tables import Table
from sagakit.worlds.aws.template import template
from sagakit.worlds.emulator.pump import CLOCK
from sagakit.worlds.emulator.stack import Stack
from sagakit.worlds.packing import header_of

Change = Callable[[Part], object]


def play(scenario: Scenario, resources: Resources, change: Change | None = None) -> Run:
    """Deploy the payment system as the scenario sets it, and run the scenario's traffic there.
    `change` is handed the template before it is deployed."""
    build_world(scenario)
    deployment = payment_system(scenario.settings)
    content = template(deployment, resources.prefix)
    if change is not None:
        change(content)
    journal = Journal()
    provider = Provider(scenario, journal)
    try:
        stack = Stack(content, resources, {url_of(PROVIDER): provider.url}, journal.records.append)
        wallets = Table(resources, "Wallet DB", Wallet)
        for given in scenario.wallets:
            wallet = Wallet(given.user_id, given.balance, 1)
            wallets.put(wallet)
            journal.tell(facts.Opening("Wallet DB", wallet))
        operator = Operator(deployment.queues, resources, journal)
        for at, happens in sorted(_traffic(scenario, stack, operator), key=itemgetter(0)):
            stack.run(journal.begun + at)
            CLOCK.pass_until(journal.begun + at)
            happens()
        stack.run()
    finally:
        provider.close()
    operator.tell_of_dead_letters(*deployment.queues)
    records = [record._replace(t=record.t - journal.begun) for record in journal.records]
    return Run(scenario, scenario.seed, Trace(deployment.participants(), records))


class Journal:
    """The records so far, of the functions and of what is here. `begun` is the scenario's 0 ms."""

    def __init__(self) -> None:
        self.begun = CLOCK.now()
        self.records: list[Record] = []

    def tell(self, fact: Fact, saga: str | None = None, event_id: str | None = None) -> None:
        self.records.append(Record(CLOCK.now(), saga, event_id, 0, fact))


def _traffic(
    scenario: Scenario, stack: Stack, operator: "Operator"
) -> Iterator[tuple[int, Callable[[], object]]]:
    """Yield what happens, each with its time (ms)."""
    for payment in scenario.payments:
        post = payment.post()
        request = {
            "requestContext": {"authorizer": {"claims": {USER_NAME: payment.user_id}}},
            "headers": {"Idempotency-Key": post.idempotency_key},
            "body": post.body,
        }
        for at in payment.times:
            yield at, partial(stack.post, request)
    for text in scenario.texts:
        yield text.at, partial(operator.send, text)
    for planned in scenario.redrives:
        yield planned.at, partial(operator.redrive, planned.queue)


class Operator:
    """Puts texts in a stack's queues, looks at their dead letters, and sends those back."""

    def __init__(self, queues: tuple[Queue, ...], resources: Resources, journal: Journal) -> None:
        self._queues = {queue.name: queue for queue in queues}
        self._resources = resources
        self._journal = journal

    def send(self, text: QueuedText) -> None:
        number = self._resources.send(text.queue, text.text)
        self._journal.tell(facts.Queued("User", text.queue, None, number, A_TEXT))

    def tell_of_dead_letters(self, *queues: Queue) -> None:
        """Tell of each dead letter with the reason of its last failure, which was told before: its
        queue moved it without a word."""
        told = [record.fact for record in self._journal.records]
        reasons = {fact.message_id: fact.reason for fact in told if isinstance(fact, facts.Failed)}
        for queue in queues:
            for message in self._letters(queue):
                number = number_of(message["MessageId"])
                event, saga, event_id = header_of(message["Body"])
                reason = reasons.get(number, NO_REASON)
                dead = facts.DeadLettered(queue.name, queue.dead_letters, event, number, reason)
                self._journal.tell(dead, saga, event_id)

    def redrive(self, name: str) -> None:
        """Send the dead letters of a queue back into it. SQS gives them new message ids."""
        queue, sqs = self._queues[name], self._resources.client("sqs")
        self.tell_of_dead_letters(queue)
        for message in list(self._letters(queue)):
            number = self._resources.send(name, message["Body"])
            sqs.delete_message(
                QueueUrl=self._resources.queue_url(queue.dead_letters),
                ReceiptHandle=message["ReceiptHandle"],
            )
            formerly = number_of(message["MessageId"])
            self._journal.tell(facts.Redriven(queue.dead_letters, name, None, number, formerly))

    def _letters(self, queue: Queue) -> Iterator[dict[str, Any]]:
        """Yield the dead letters, each once; they can be received again at once."""
        sqs, url = self._resources.client("sqs"), self._resources.queue_url(queue.dead_letters)
        seen: set[str] = set()
        while True:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
            fresh = [
                message for message in found.get("Messages", []) if message["MessageId"] not in seen
            ]
            if not fresh:
                return
            seen.update(message["MessageId"] for message in fresh)
            yield from fresh


class Provider:
    """The provider over HTTP: keeps its own books, and does to each call what the scenario says.
    Listens at `url` until it is closed."""

    def __init__(self, scenario: Scenario, journal: Journal) -> None:
        self._scenario = scenario
        self._journal = journal
        self._books: dict[str, Entry] = {}
        self._calls: dict[str, int] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: Ask) -> Answer | None:
        """Return its answer, or None if it says nothing within the client's timeout, when that has
        passed."""
        with self._lock:
            call = self._calls[request.key] = self._calls.get(request.key, 0) + 1
            asked, timeout = CLOCK.now(), self._scenario.settings.provider_timeout
            rules = self._scenario.provider
            behaviour, delay = reaction_to(rules, request, call, asked - self._journal.begun)
            if behaviour == "down":
                return Answer(503, "down")
            silent = behaviour in ("timeout_before", "timeout_after") or delay >= timeout
            CLOCK.pass_until(asked + (timeout if silent else delay))
            if behaviour == "timeout_before":
                return None
            answer = self._book(request, decline=behaviour == "decline")
            return None if silent else answer

    def _book(self, request: Ask, *, decline: bool) -> Answer:
        key = request.key
        before = self._books.get(key)
        entry, answer = booked(before, request, decline=decline)
        if entry != before:
            self._books[key] = entry
            self._journal.tell(
                facts.Booked(PROVIDER, key, entry.request, entry.state), payment_id_in(key)
            )
        return answer

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = loads(self.rfile.read(int(self.headers["Content-Length"])))
            key, void = self.headers["Idempotency-Key"], self.path.endswith("void")
            answer = provider.answer(Ask(PROVIDER, void, "", key, (*body["request"],), 0))
            if answer is None:
                return
            text = encode({"outcome": answer.outcome}).encode()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None: ...

    return Handler
