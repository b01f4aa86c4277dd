"""Services that make a sweep's life hard; other processes import them from here."""

import os
import signal
from itertools import count

from sagakit.contract.ports import on
from sagakit.payments.events import PaymentInit
from sagakit.payments.recovery import RecoverableWalletService

_made = count(1)


class Fails(RecoverableWalletService):
    """Cannot even be made."""

    def __init__(self, *_ports: object) -> None:
        raise RuntimeError("no wallet\ntoday")


class Dies(RecoverableWalletService):
    """Takes its whole process with it."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        os._exit(1)


class Interrupted(RecoverableWalletService):
    """Somebody presses Ctrl-C, which reaches all processes of a terminal, in its fifth run."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        if next(_made) == 5:
            os.killpg(os.getpgid(0), signal.SIGINT)
        await super().debit(event)
