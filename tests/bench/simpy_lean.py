"""The same messages and store operations in idiomatic SimPy: a Store and a process for the bus, the
topic and each queue, and a process for each message that is handled.

It is given less to do than sagakit: events are plain dictionaries, nothing is traced, no message
is hidden or received twice, no outbox or inbox is kept.
"""

from collections.abc import Generator
from random import Random
from typing import Any

import simpy

from sagakit.contract.timing import Timing
from tests.bench.workload import BETWEEN

Process = Generator[Any, Any, Any]
Items = dict[str, dict[str, Any]]


class SimpySystem:
    def __init__(self, users: int) -> None:
        self.env = simpy.Environment()
        self.random = Random(0)
        self.timing = Timing()
        self.payments: Items = {}
        self.wallets: Items = {f"user-{n}": {"balance": 10_000, "version": 1} for n in range(users)}
        self.charges: Items = {}
        self.breakers: Items = {}
        self.told = 0
        self.messages = self.store_operations = self.publications = self.requests = 0
        handlers = {"wallet": self.debit, "provider": self.charge, "payment": self.complete}
        handlers |= dict.fromkeys(("email", "websocket", "push"), self.notify)
        self.queues = {name: simpy.Store(self.env) for name in handlers}
        for name, handler in handlers.items():
            self.env.process(self.serve(self.queues[name], handler))
        self.bus, self.topic = simpy.Store(self.env), simpy.Store(self.env)
        self.env.process(self.route())
        self.env.process(self.fan_out())

    def takes(self, bounds: tuple[int, int]) -> Any:
        return self.env.timeout(self.random.randint(*bounds))

    def serve(self, queue: simpy.Store, handler: Any) -> Process:
        while True:
            event = yield queue.get()
            self.messages += 1
            self.env.process(handler(event))

    def get(self, table: Items, key: str) -> Process:
        self.store_operations += 1
        yield self.takes(self.timing.store)
        return table.get(key)

    def commit(self, table: Items, key: str, item: dict[str, Any]) -> Process:
        self.store_operations += 1
        yield self.takes(self.timing.store)
        stored = table.get(key)
        if (stored["version"] if stored else 0) != item["version"]:
            raise ValueError("conflict")
        table[key] = {**item, "version": item["version"] + 1}

    def publish(self, event: dict[str, Any], target: str) -> Process:
        self.publications += 1
        yield self.takes(self.timing.relay)
        yield self.bus.put((event, target))

    def route(self) -> Process:
        """The bus: a Store and a process that passes on what comes."""
        while True:
            event, target = yield self.bus.get()
            self.env.process(self.deliver(event, target))

    def deliver(self, event: dict[str, Any], target: str) -> Process:
        yield self.takes(self.timing.bus)
        if target == "topic":
            yield self.topic.put(event)
        else:
            yield self.env.process(self.arrive(event, target))

    def fan_out(self) -> Process:
        while True:
            event = yield self.topic.get()
            for channel in ("email", "websocket", "push"):
                self.env.process(self.arrive(event, channel))

    def arrive(self, event: dict[str, Any], queue: str) -> Process:
        yield self.takes(self.timing.poll)
        yield self.queues[queue].put(event)

    def post(self, user: str, key: str, amount: int) -> Process:
        self.requests += 1
        yield self.takes(self.timing.invoke)
        yield self.env.process(self.create(f"{user}:{key}", user, amount))

    def create(self, payment: str, user: str, amount: int) -> Process:
        self.requests += 1
        yield self.takes(self.timing.invoke)
        if (yield from self.get(self.payments, payment)) is None:
            begun = {"user": user, "amount": amount, "status": "PENDING", "version": 0}
            yield from self.commit(self.payments, payment, begun)
            event = {"payment": payment, "user": user, "amount": amount}
            self.env.process(self.publish(event, "wallet"))

    def debit(self, event: dict[str, Any]) -> Process:
        wallet = yield from self.get(self.wallets, event["user"])
        if wallet is not None and wallet["balance"] >= event["amount"]:
            left = wallet["balance"] - event["amount"]
            yield from self.commit(self.wallets, event["user"], {**wallet, "balance": left})
            self.env.process(self.publish({**event, "left": left}, "provider"))

    def charge(self, event: dict[str, Any]) -> Process:
        payment = event["payment"]
        charge = (yield from self.get(self.charges, payment)) or {"state": "NEW", "version": 0}
        yield from self.get(self.breakers, "provider")
        yield from self.commit(self.charges, payment, {**charge, "state": "TRYING"})
        self.requests += 1
        yield self.takes(self.timing.external)
        yield from self.get(self.breakers, "provider")
        yield from self.commit(self.charges, payment, {"state": "SUCCEEDED", "version": 1})
        self.env.process(self.publish(event, "payment"))

    def complete(self, event: dict[str, Any]) -> Process:
        payment = yield from self.get(self.payments, event["payment"])
        if payment is not None and payment["status"] == "PENDING":
            done = {**payment, "status": "COMPLETED"}
            yield from self.commit(self.payments, event["payment"], done)
            self.env.process(self.publish(event, "topic"))

    def notify(self, _event: dict[str, Any]) -> Process:
        yield self.takes(self.timing.invoke)
        self.told += 1

    def users(self, count: int) -> Process:
        for n in range(count):
            self.env.process(self.post(f"user-{n}", "1", 7_000))
            yield self.env.timeout(BETWEEN)

    def statuses(self) -> list[str]:
        return [payment["status"] for payment in self.payments.values()]


def run(count: int) -> SimpySystem:
    """Take that many payments through the system."""
    system = SimpySystem(count)
    system.env.process(system.users(count))
    system.env.run()
    return system
