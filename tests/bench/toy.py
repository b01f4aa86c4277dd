"""A toy that two checkers exhaust: three payments at once on one wallet.

Each reads the wallet, writes it if its version has not moved on (else it reads again), and
publishes. `simloom_toy` is the same for simloom.
"""

from typing import NamedTuple

from sagakit.contract.events import Event
from sagakit.contract.ports import Store, on
from sagakit.run import Run
from sagakit.scenarios import System

BALANCE, AMOUNT = 100, 10


class Pay(NamedTuple):
    """A command. Sagas tell payments apart."""

    payment: str


class Paid(Event):
    payment: str


class Purse(NamedTuple):
    key: str
    balance: int
    version: int = 0


class Payer:
    """Publishes in a step of its own, as the toy does, and through its outbox, as the laws ask."""

    def __init__(self, purses: Store[Purse]) -> None:
        self.purses = purses

    @on(Pay)
    async def pay(self, command: Pay) -> None:
        purse = await self.purses.get("purse")
        assert purse is not None
        await self.purses.commit(purse._replace(balance=purse.balance - AMOUNT))
        paid = Paid.first(command.payment, payment=command.payment)
        await self.purses.commit(None, publish=[paid])


def toy(payments: int) -> System:
    """A conflict ends the handler, and the world calls it again: one more read, one more write."""
    sagas = [f"payment-{n}" for n in range(payments)]

    def each_is_paid_once(run: Run) -> str | None:
        left = run.records.stores()["Payer DB"]["purse"].balance
        return None if left == BALANCE - payments * AMOUNT else f"{left} are left"

    return System(
        name="toy",
        services={"Payer": Payer},
        requests={saga: Pay(saga) for saga in sagas},
        opening={"Payer": [Purse("purse", BALANCE)]},
        laws=(each_is_paid_once,),
    )
