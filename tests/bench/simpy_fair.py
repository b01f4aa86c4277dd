"""The same work as sagakit's, all of it, in SimPy: what a run would cost on another kernel.

The same events (validated, ids derived from their causes), items, requests and answers; stores with
versions, an inbox and an outbox that is relayed in order; queues with visibility timeouts, dead
letters and receive counts; deadlines of functions and calls; a record of each step in the trace.
Written as SimPy's guide has it: a process for each thing that lives, a `Store` for each queue.
Where SimPy has two ways, this has the faster one: a timer is a callback, not a process of its own.
"""

from collections import deque
from collections.abc import Callable, Generator
from random import Random
from typing import Any, NamedTuple

import simpy

from sagakit.contract.events import Event, encode
from sagakit.contract.ports import AlreadyHandled, TimedOut, VersionConflict
from sagakit.contract.timing import Timing
from sagakit.payments.api import Post, Response, parse
from sagakit.payments.breaker import Breaker
from sagakit.payments.events import (
    BalanceDebited,
    InsufficientBalance,
    PaymentCompleted,
    PaymentInit,
    ProviderPaymentInit,
    ProviderPaymentSuccess,
)
from sagakit.payments.payment import CreatePayment, Payment, transaction_id_of
from sagakit.payments.provider import Charge
from sagakit.payments.wallet import Wallet
from sagakit.trace import facts
from tests.bench.workload import BETWEEN

Process = Generator[Any, Any, Any]
Handler = Callable[["Invocation", Any], Process]

FUNCTION_TIMEOUT, GATEWAY_TIMEOUT, CALL_TIMEOUT = 3_000, 10_000, 5_000  # ms
VISIBILITY, RECEIVES, RETRIES = 30_000, 5, 3


class Invocation(NamedTuple):
    """What a record says of who wrote it."""

    service: str
    number: int
    saga: str
    event_id: str | None


class Message:
    """One copy of an event in a queue."""

    __slots__ = ("event", "finished", "message_id", "receives")

    def __init__(self, message_id: int, event: Event) -> None:
        self.message_id = message_id
        self.event = event
        self.receives = 0
        self.finished = False


class Table:
    """A store of one service: items with versions, an inbox, and an outbox that is relayed."""

    def __init__(self, system: "SimpyFair", name: str, owner: str) -> None:
        self.system, self.env, self.name, self.owner = system, system.env, name, owner
        self.items: dict[str, Any] = {}
        self.inbox: set[str] = set()
        self.outbox: deque[Event] = deque()
        self.latency = system.latency(name, system.timing.store)
        self.relay_latency = system.latency(f"{name}/relay", system.timing.relay)
        self.relayed_until = 0

    def get(self, by: Invocation, key: str) -> Process:
        self.system.store_operations += 1
        self.system.record(by, facts.ReadRequested(by.service, self.name, key))
        yield self.env.timeout(self.latency())
        item = self.items.get(key)
        self.system.record(by, facts.ItemRead(by.service, self.name, key, item))
        return item

    def commit(
        self, by: Invocation, item: Any, publish: tuple[Event, ...] = (), handled: Any = None
    ) -> Process:
        """Write the item if its version is still the one read, the outbox and the inbox."""
        self.system.store_operations += 1
        following = item._replace(version=item.version + 1)
        types = tuple([event.header.event_type for event in publish])
        self.system.record(
            by, facts.CommitRequested(by.service, self.name, following, False, types)
        )
        yield self.env.timeout(self.latency())
        message = handled.header.event_id if handled is not None else None
        if message in self.inbox:
            raise AlreadyHandled(f"{self.name}: message {message} was handled before")
        before = self.items.get(item.key)
        if (before.version if before is not None else 0) != item.version:
            raise VersionConflict(f"{self.name}: {item.key} has another version by now")
        self.items[item.key] = following
        if message is not None:
            self.inbox.add(message)
        for event in publish:
            self.outbox.append(event.stamped(self.env.now))
            self.relayed_until = max(self.relayed_until, self.env.now + self.relay_latency())
            relay = self.env.timeout(self.relayed_until - self.env.now)
            relay.callbacks.append(self.relay)
        ids = tuple([event.header.event_id for event in publish])
        committed = facts.Committed(
            by.service, self.name, item.key, before, following, ids, message
        )
        self.system.record(by, committed)
        return following

    def relay(self, _timer: object) -> None:
        self.system.publish(self.outbox.popleft(), self.owner)


class Queue:
    """A queue with its consumer: what it gives out comes again unless it is deleted in time."""

    def __init__(
        self, system: "SimpyFair", name: str, service: str, handler: Handler, timeout: int, by: str
    ) -> None:
        self.system, self.env, self.name, self.service = system, system.env, name, service
        self.handler, self.timeout, self.delivery = handler, timeout, by
        self.waiting = simpy.Store(self.env)
        self.dead_letters: list[Message] = []
        self.poll = system.latency(f"{name}/{service}", system.timing.poll)
        self.env.process(self.serve())

    def send(self, message: Message) -> None:
        arrives = self.env.timeout(self.poll())
        arrives.callbacks.append(lambda _: self.waiting.put(message))

    def serve(self) -> Process:
        while True:
            message = yield self.waiting.get()
            if message.receives == RECEIVES:
                self.dead_letters.append(message)
                continue
            message.receives += 1
            receives = message.receives
            visible = self.env.timeout(VISIBILITY)
            visible.callbacks.append(
                lambda _, message=message, receives=receives: self.show_again(message, receives)
            )
            self.system.messages += 1
            self.system.start(self.invocation(message), self.timeout)

    def show_again(self, message: Message, receives: int) -> None:
        if not message.finished and message.receives == receives:
            self.waiting.put(message)

    def invocation(self, message: Message) -> Process:
        system, event = self.system, message.event
        header = event.header
        by = Invocation(
            self.service, system.next_invocation(), header.correlation_id, header.event_id
        )
        received = facts.Received(
            self.name, self.service, header.event_type, message.message_id, message.receives,
            event.remark, self.delivery,
        )  # fmt: skip
        system.record(by, received)
        try:
            for _ in range(RETRIES + 1):
                try:
                    yield from self.handler(by, event)
                    break
                except VersionConflict:
                    continue
                except AlreadyHandled:
                    break
        except simpy.Interrupt:
            system.record(by, facts.CutOff(self.service, self.timeout))
            return
        message.finished = True
        system.record(
            by,
            facts.Acknowledged(
                self.service, self.name, message.message_id, message.receives, event.remark
            ),
        )


class SimpyFair:
    """The payment system, as far as a payment that goes well takes it."""

    def __init__(self, users: int) -> None:
        self.env = simpy.Environment()
        self.timing = Timing()
        self.trace: list[facts.Record] = []
        self.invocations = self.message_ids = self.told = 0
        self.messages = self.store_operations = self.publications = self.requests = 0
        self.invoke_latency = self.latency("invoke", self.timing.invoke)
        self.bus_latency = self.latency("bus", self.timing.bus)
        self.external_latency = self.latency("provider", self.timing.external)
        self.payments = Table(self, "Payments DB", "Payment Service")
        self.wallets = Table(self, "Wallet DB", "Wallet Service")
        self.charges = Table(self, "Provider DB", "Provider Gateway")
        self.breakers = Table(self, "Breaker DB", "Provider Gateway")
        self.books: dict[str, tuple[str, tuple[Any, ...]]] = {}

        def queue(name: str, service: str, handler: Handler, timeout: int) -> Queue:
            return Queue(self, name, service, handler, timeout, "Invoke Lambda")

        self.queues = {
            PaymentInit: queue("Wallet SQS", "Wallet Service", self.debit, FUNCTION_TIMEOUT),
            ProviderPaymentInit: queue(
                "Provider SQS", "Provider Gateway", self.charge, GATEWAY_TIMEOUT
            ),
            ProviderPaymentSuccess: queue(
                "Payment SQS", "Payment Service", self.complete, FUNCTION_TIMEOUT
            ),
        }
        self.subscriptions = [
            queue("SNS Topic", name, self.notify, FUNCTION_TIMEOUT)
            for name in ("Email Lambda", "WebSocket Service", "Push Lambda")
        ]
        self.renames: dict[type[Event], type[Event]] = {BalanceDebited: ProviderPaymentInit}
        self.bus = simpy.Store(self.env)
        self.env.process(self.route())
        for n in range(users):
            wallet = Wallet(f"user-{n}", parse(Post(BODY % n, "1")).amount + 30, 1)
            self.wallets.items[wallet.key] = wallet
            self.trace.append(facts.Record(0, None, None, 0, facts.Opening("Wallet DB", wallet)))

    def latency(self, name: str, bounds: tuple[int, int]) -> Callable[[], int]:
        """Draw evenly from a stream of its own."""
        low, high = bounds
        random, span = Random(f"0/{name}").random, high - low + 1
        return lambda: low + int(random() * span)

    def record(self, by: Invocation, fact: Any) -> None:
        self.trace.append(facts.Record(self.env.now, by.saga, by.event_id, by.number, fact))

    def note(self, event: Event, fact: Any) -> None:
        """Record what belongs to no invocation."""
        header = event.header
        self.trace.append(
            facts.Record(self.env.now, header.correlation_id, header.event_id, 0, fact)
        )

    def next_invocation(self) -> int:
        self.invocations += 1
        return self.invocations

    def start(self, work: Process, timeout: int) -> simpy.Process:
        """Start an invocation; it is interrupted when its function's timeout is over."""
        process = self.env.process(work)
        deadline = self.env.timeout(timeout)
        deadline.callbacks.append(lambda _: process.is_alive and process.interrupt())
        return process

    # The bus.

    def publish(self, event: Event, source: str) -> None:
        self.publications += 1
        self.note(event, facts.Published(source, "EventBridge", *self.told_of(event)))
        into = self.renames.get(type(event))
        if into is not None:
            renamed = into.after(event).stamped(self.env.now)
            former = event.header.event_type
            self.note(renamed, facts.Renamed("EventBridge", former, *self.told_of(renamed)))
            event = renamed
        self.bus.put(event)

    @staticmethod
    def told_of(event: Event) -> tuple[str, str, int, dict[str, Any]]:
        header = event.header
        return header.event_type, header.causation_id, header.version, event.payload()

    def route(self) -> Process:
        while True:
            event = yield self.bus.get()
            self.env.process(self.deliver(event))

    def deliver(self, event: Event) -> Process:
        yield self.env.timeout(self.bus_latency())
        name = event.header.event_type
        if isinstance(event, PaymentCompleted):
            copies = [(queue, self.message(event)) for queue in self.subscriptions]
            ids = tuple([message.message_id for _, message in copies])
            self.note(event, facts.FannedOut("EventBridge", "SNS Topic", name, ids))
            for queue, message in copies:
                queue.send(message)
        else:
            queue, message = self.queues[type(event)], self.message(event)
            queued = facts.Queued("EventBridge", queue.name, name, message.message_id, event.remark)
            self.note(event, queued)
            queue.send(message)

    def message(self, event: Event) -> Message:
        self.message_ids += 1
        return Message(self.message_ids, event)

    # The services.

    def post(self, request: Post) -> Process:
        self.requests += 1
        command = parse(request)
        saga = command.payment_id
        by = Invocation("API Gateway", self.next_invocation(), saga, None)
        self.record(by, facts.Invoked("User", "API Gateway", request.label))
        yield self.env.timeout(self.invoke_latency())
        payment = yield self.start(self.create(command), FUNCTION_TIMEOUT)
        self.record(by, facts.Answered("Payment Service", "API Gateway", str(payment)))
        body = encode({"payment_id": payment.payment_id, "status": payment.status})
        answer = facts.Answered("API Gateway", "User", str(Response(202, body)), 202)
        self.record(by, answer)

    def create(self, command: CreatePayment) -> Process:
        self.requests += 1
        by = Invocation("Payment Service", self.next_invocation(), command.payment_id, None)
        self.record(by, facts.Invoked("API Gateway", "Payment Service", "Invoke Lambda"))
        yield self.env.timeout(self.invoke_latency())
        payment = yield from self.payments.get(by, command.payment_id)
        if payment is None:
            payment_id, user_id, amount = command
            payment = Payment(payment_id, transaction_id_of(payment_id), user_id, amount)
            begun = PaymentInit.first(
                payment_id, payment_id=payment_id, transaction_id=payment.transaction_id,
                user_id=user_id, amount=amount,
            )  # fmt: skip
            payment = yield from self.payments.commit(by, payment, (begun,))
        return payment

    def debit(self, by: Invocation, event: PaymentInit) -> Process:
        wallet = yield from self.wallets.get(by, event.user_id)
        outcome: Event
        if wallet is not None and wallet.covers(event.amount):
            wallet = wallet.debited(event.amount)
            outcome = BalanceDebited.after(
                event, amount_debited=event.amount, amount_left=wallet.balance,
                wallet_version=wallet.version + 1,
            )  # fmt: skip
        else:
            outcome = InsufficientBalance.after(event, available=wallet.balance)
        yield from self.wallets.commit(by, wallet, (outcome,), event)

    def charge(self, by: Invocation, event: ProviderPaymentInit) -> Process:
        charge = (yield from self.charges.get(by, event.payment_id)) or Charge(event.payment_id)
        if charge.settled or event.attempt <= charge.attempt:
            return
        breaker = (yield from self.breakers.get(by, "breaker")) or Breaker()
        charge = yield from self.charges.commit(by, charge._replace(state="TRYING"))
        status = yield from self.ask(by, event.transaction_id, (event.user_id, event.amount))
        breaker = (yield from self.breakers.get(by, "breaker")) or Breaker()
        if breaker.after_answer(breaker.era, self.env.now) != breaker:
            yield from self.breakers.commit(by, breaker)
        if status == 200:
            settled = charge._replace(state="SUCCEEDED", attempt=event.attempt)
            outcome = (ProviderPaymentSuccess.after(event),)
            yield from self.charges.commit(by, settled, outcome, event)

    def ask(self, by: Invocation, key: str, request: tuple[Any, ...]) -> Process:
        """Ask the provider, and wait for its answer for as long as a client does."""
        self.requests += 1
        party = "External Provider API"
        self.record(by, facts.Asked(by.service, party, key, request, False, "executePayment()"))
        answer = self.env.event()
        self.env.process(self.provider(by, key, request, answer))
        silence = self.env.timeout(CALL_TIMEOUT)
        silence.callbacks.append(
            lambda _: None if answer.triggered else answer.fail(TimedOut("no answer"))
        )
        status = yield answer
        self.record(by, facts.PartyAnswered(by.service, party, key, request, status, "OK"))
        return status

    def provider(
        self, by: Invocation, key: str, request: tuple[Any, ...], answer: simpy.Event
    ) -> Process:
        yield self.env.timeout(self.external_latency())
        if key not in self.books:
            self.books[key] = ("executed", request)
            booked = facts.Booked("External Provider API", key, request, "executed")
            self.trace.append(facts.Record(self.env.now, by.saga, None, 0, booked))
        if not answer.triggered:
            answer.succeed(200 if self.books[key] == ("executed", request) else 422)

    def complete(self, by: Invocation, event: ProviderPaymentSuccess) -> Process:
        payment = yield from self.payments.get(by, event.payment_id)
        if payment.may_become("COMPLETED"):
            done = payment._replace(status="COMPLETED")
            outcome = (PaymentCompleted.after(event),)
            yield from self.payments.commit(by, done, outcome, event)

    def notify(self, by: Invocation, _event: PaymentCompleted) -> Process:
        self.record(by, facts.Told(by.service, "User", "Send a message"))
        yield self.env.timeout(self.invoke_latency())
        self.told += 1

    def users(self, count: int) -> Process:
        for n in range(count):
            self.start(self.post(Post(BODY % n, "1")), FUNCTION_TIMEOUT)
            yield self.env.timeout(BETWEEN)

    def statuses(self) -> list[str]:
        return [payment.status for payment in self.payments.items.values()]


BODY = '{"user_id": "user-%d", "amount": 70}'


def prepare(count: int) -> SimpyFair:
    system = SimpyFair(count)
    system.env.process(system.users(count))
    return system


def run(count: int) -> SimpyFair:
    """Take that many payments through the system."""
    system = prepare(count)
    system.env.run()
    return system
