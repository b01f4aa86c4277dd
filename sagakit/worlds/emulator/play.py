"""A scenario's traffic on the emulator, to its end: its provider, its operator and its users."""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sagakit.contract.deployment import Deployment, Queue
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
from sagakit.sim.queue import NO_REASON
from sagakit.trace.trace import A_TEXT, Asked, Failed, Queued, Read, Record, Redriven, Trace
from sagakit.worlds.aws.functions import USER_NAME
from sagakit.worlds.aws.handling import Write, number_of
from sagakit.worlds.aws.parts import Part, url_of
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.aws.tables import Table
from sagakit.worlds.aws.template import template
from sagakit.worlds.emulator.pump import CLOCK
from sagakit.worlds.emulator.stack import Stack
from sagakit.worlds.packing import header_of


def dead_letters(
    queues: Iterable[Queue], resources: Resources, before: Iterable[Record]
) -> list[Record]:
    """A record of each dead letter with the reason of its last failure, which stands in what was
    told `before`: its queue moved it without a word."""
    reasons = {one.detail.message_id: one.detail.reason for one in before if _failed(one)}
    found = []
    for queue in queues:
        for message in _letters(queue, resources):
            number = number_of(message["MessageId"])
            detail = Failed(number, reasons.get(number, NO_REASON))
            source, target = queue.name, queue.dead_letters
            event, saga, event_id = header_of(message["Body"])
            found.append(
                Record(CLOCK.now(), "async", source, target, "Dead letter:", event, saga, event_id,
                       0, detail)
            )  # fmt: skip
    return found


def _failed(record: Record) -> bool:
    return isinstance(record.detail, Failed)


def redrive(queue: Queue, resources: Resources, records: list[Record]) -> None:
    """Send the dead letters of a queue back into it, and add that to what was told. SQS gives them
    new message ids."""
    records += dead_letters([queue], resources, records)
    sqs = resources.client("sqs")
    for message in list(_letters(queue, resources)):
        sent = sqs.send_message(
            QueueUrl=resources.queue_url(queue.name), MessageBody=message["Body"]
        )
        sqs.delete_message(
            QueueUrl=resources.queue_url(queue.dead_letters),
            ReceiptHandle=message["ReceiptHandle"],
        )
        detail = Redriven(number_of(sent["MessageId"]), number_of(message["MessageId"]))
        records.append(
            Record(CLOCK.now(), "async", queue.dead_letters, queue.name, "Redrive", None, None,
                   None, 0, detail)
        )  # fmt: skip


def _letters(queue: Queue, resources: Resources) -> Iterator[dict[str, Any]]:
    """The dead letters, each once; they can be received again at once."""
    sqs, url = resources.client("sqs"), resources.queue_url(queue.dead_letters)
    seen: set[str] = set()
    while True:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        fresh = [one for one in found.get("Messages", []) if one["MessageId"] not in seen]
        if not fresh:
            return
        seen.update(one["MessageId"] for one in fresh)
        yield from fresh


class Provider:
    """Listens at `url` until it is closed. `begun` is the scenario's 0 ms; `write` takes the
    records of its books."""

    def __init__(self, scenario: Scenario, begun: int, write: Write) -> None:
        self._scenario = scenario
        self._begun = begun
        self._write = write
        self._books: dict[str, Entry] = {}
        self._calls: dict[str, int] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: Ask) -> Answer | None:
        """None if it says nothing within the client's timeout, when that has passed."""
        with self._lock:
            call = self._calls[request.key] = self._calls.get(request.key, 0) + 1
            asked, timeout = CLOCK.now(), self._scenario.settings.provider_timeout
            rules = self._scenario.provider
            behaviour, delay = reaction_to(rules, request, call, asked - self._begun)
            if behaviour == "down":
                return Answer(503, "down")
            silent = behaviour in ("timeout_before", "timeout_after") or delay >= timeout
            CLOCK.pass_until(asked + (timeout if silent else delay))
            if behaviour == "timeout_before":
                return None
            answer = self._book(request, decline=behaviour == "decline")
            return None if silent else answer

    def _book(self, request: Ask, *, decline: bool) -> Answer:
        before = self._books.get(request.key)
        entry, answer = booked(before, request, decline=decline)
        if entry != before:
            self._books[request.key] = entry
            detail = Asked(request.key, entry.request, entry.state)
            saga = payment_id_in(request.key)
            self._write(
                Record(
                    CLOCK.now(), "note", PROVIDER, PROVIDER, "books:", None, saga, None, 0, detail
                )
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


Change = Callable[[Part], object]


def play(scenario: Scenario, resources: Resources, change: Change | None = None) -> Run:
    """Deploy the payment system as the scenario sets it, and run the scenario's traffic there.
    `change` is handed the template before it is deployed."""
    build_world(scenario)
    deployment = payment_system(scenario.settings)
    content = template(deployment, resources.prefix)
    if change is not None:
        change(content)
    records: list[Record] = []
    begun = CLOCK.now()
    provider = Provider(scenario, begun, records.append)
    try:
        stack = Stack(content, resources, {url_of(PROVIDER): provider.url}, records.append)
        _open(scenario, resources, records)
        for at, happens in sorted(_traffic(scenario, stack, deployment, records), key=_at):
            stack.run(begun + at)
            CLOCK.pass_until(begun + at)
            happens()
        stack.run()
    finally:
        provider.close()
    records += dead_letters(deployment.queues, resources, records)
    records = [record._replace(t=record.t - begun) for record in records]
    return Run(scenario, scenario.seed, Trace(deployment.participants(), records))


Happening = tuple[int, Callable[[], object]]


def _at(happening: Happening) -> int:
    return happening[0]


def _open(scenario: Scenario, resources: Resources, records: list[Record]) -> None:
    wallets = Table(resources, "Wallet DB", Wallet)
    for one in scenario.wallets:
        wallet = Wallet(one.user_id, one.balance, 1)
        wallets.put(wallet)
        note = Record(CLOCK.now(), "note", "Wallet DB", "Wallet DB", "opening")
        records.append(note._replace(detail=Read(wallet.key, wallet)))


def _traffic(
    scenario: Scenario, stack: Stack, deployment: Deployment, records: list[Record]
) -> Iterator[Happening]:
    """What happens, each with its time (ms)."""
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
        yield text.at, partial(_send, text, stack.resources, records)
    for planned in scenario.redrives:
        queue = next(one for one in deployment.queues if one.name == planned.queue)
        yield planned.at, partial(redrive, queue, stack.resources, records)


def _send(text: QueuedText, resources: Resources, records: list[Record]) -> None:
    url = resources.queue_url(text.queue)
    sent = resources.client("sqs").send_message(QueueUrl=url, MessageBody=text.text)
    detail, now = Queued(number_of(sent["MessageId"]), 0, A_TEXT), CLOCK.now()
    records.append(
        Record(now, "async", "User", text.queue, "Queue (a text)", None, None, None, 0, detail)
    )
