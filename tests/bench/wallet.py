"""The wallet service alone: the real one, with its queue, store, inbox and outbox."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from sagakit.contract.deployment import Deployment
from sagakit.explore.independence import Contended, Resource
from sagakit.explore.search import following
from sagakit.explore.state_graph import StateGraph
from sagakit.explore.states import FAULTS, State
from sagakit.explore.timeouts import Watchdog
from sagakit.payments.events import PaymentInit
from sagakit.payments.topology import payment_system
from sagakit.payments.wallet import Wallet
from sagakit.scenarios.explorable import Explorable

SERVICE, QUEUE, STORE = "Wallet Service", "Wallet SQS", "Wallet DB"
BALANCE, AMOUNT = 100, 10


def alone() -> Deployment:
    """Of the payment system what the wallet service needs; nobody takes what it publishes."""
    whole = payment_system()
    return replace(
        whole,
        functions=tuple(function for function in whole.functions if function.name == SERVICE),
        queues=tuple(queue for queue in whole.queues if queue.name == QUEUE),
        tables=tuple(table for table in whole.tables if table.owner == SERVICE),
        rules=(),
        topics=(),
        lanes=(),
    )


def payment(number: int) -> str:
    name = f"payment-{number}"
    event = PaymentInit.first(
        name, payment_id=name, transaction_id=name, user_id="ana", amount=AMOUNT
    )
    return event.wire()


class WalletAlone:
    """All that can happen to so many payments of one wallet, each sent so many `times`."""

    def __init__(self, payments: int, times: int, spend: Mapping[str, int]) -> None:
        self.texts = [(0, QUEUE, payment(n)) for n in range(payments) for _ in range(times)]
        self.budget = tuple(spend.get(fault, 0) for fault in FAULTS)
        self.states: set[State] = set()

    def explore(self) -> None:
        """No law is asked: they are about whole payments. `ends` says how it may end."""
        contended: frozenset[Resource] = frozenset()
        while True:
            opening = {STORE: [Wallet("ana", Decimal(BALANCE))]}
            given = Explorable(alone(), opening, [], self.texts, "payments", "nobody")
            self.graph = StateGraph(given, contended, Watchdog())
            try:
                self._exhaust()
            except Contended as found:
                contended |= {found.args[0]}
                continue
            return

    def _exhaust(self) -> None:
        start: State = (*self.graph.start, self.budget)
        self.states = {start}
        waiting = [start]
        while waiting:
            for _, state in following(self.graph, waiting.pop()):
                if state not in self.states:
                    self.states.add(state)
                    waiting.append(state)

    def ends(self) -> Iterator[Wallet]:
        """The wallet in each state at rest."""
        index = self.graph.names.index(STORE)
        for state in self.states:
            if not following(self.graph, state):
                stores = self.graph.stores.things[state[0]]
                yield dict(self.graph.store_contents.things[stores[index]].items)["ana"]
