"""The floor: the same messages and store operations as direct function calls.

No time, no queue, no failure, no trace: the least that any simulation adds to.
"""

from typing import Any

Items = dict[str, dict[str, Any]]


class Floor:
    """Handlers that call each other; `operations` counts what they do, to hold it to the rest."""

    def __init__(self, users: int) -> None:
        self.payments: Items = {}
        self.wallets: Items = {f"user-{n}": {"balance": 10_000, "version": 1} for n in range(users)}
        self.charges: Items = {}
        self.breakers: Items = {}
        self.told = 0
        self.messages = self.store_operations = self.publications = self.requests = 0

    def get(self, table: Items, key: str) -> dict[str, Any] | None:
        self.store_operations += 1
        return table.get(key)

    def commit(self, table: Items, key: str, item: dict[str, Any]) -> None:
        self.store_operations += 1
        stored = table.get(key)
        if (stored["version"] if stored else 0) != item["version"]:
            raise ValueError("conflict")
        table[key] = {**item, "version": item["version"] + 1}

    def post(self, user: str, key: str, amount: int) -> None:
        self.requests += 1
        self.create(f"{user}:{key}", user, amount)

    def create(self, payment: str, user: str, amount: int) -> None:
        self.requests += 1
        if self.get(self.payments, payment) is None:
            begun = {"user": user, "amount": amount, "status": "PENDING", "version": 0}
            self.commit(self.payments, payment, begun)
            self.publish(self.debit, {"payment": payment, "user": user, "amount": amount})

    def publish(self, handler: Any, event: dict[str, Any]) -> None:
        self.publications += 1
        self.deliver(handler, event)

    def deliver(self, handler: Any, event: dict[str, Any]) -> None:
        self.messages += 1
        handler(event)

    def debit(self, event: dict[str, Any]) -> None:
        wallet = self.get(self.wallets, event["user"])
        if wallet is not None and wallet["balance"] >= event["amount"]:
            left = wallet["balance"] - event["amount"]
            self.commit(self.wallets, event["user"], {**wallet, "balance": left})
            self.publish(self.charge, {**event, "left": left})

    def charge(self, event: dict[str, Any]) -> None:
        payment = event["payment"]
        charge = self.get(self.charges, payment) or {"state": "NEW", "version": 0}
        self.get(self.breakers, "provider")
        self.commit(self.charges, payment, {**charge, "state": "TRYING"})
        answer = self.execute(payment)
        self.get(self.breakers, "provider")
        self.commit(self.charges, payment, {"state": answer, "version": 1})
        self.publish(self.complete, event)

    def execute(self, _payment: str) -> str:
        self.requests += 1
        return "SUCCEEDED"

    def complete(self, event: dict[str, Any]) -> None:
        payment = self.get(self.payments, event["payment"])
        if payment is not None and payment["status"] == "PENDING":
            self.commit(self.payments, event["payment"], {**payment, "status": "COMPLETED"})
            self.publications += 1
            for _channel in ("email", "websocket", "push"):
                self.deliver(self.notify, event)

    def notify(self, _event: dict[str, Any]) -> None:
        self.told += 1

    def statuses(self) -> list[str]:
        return [payment["status"] for payment in self.payments.values()]


def run(count: int) -> Floor:
    """Take that many payments through the system."""
    floor = Floor(count)
    for n in range(count):
        floor.post(f"user-{n}", "1", 7_000)
    return floor
