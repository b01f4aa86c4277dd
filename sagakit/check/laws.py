"""The laws that must always hold, in the order in which they are told."""

import gc
from collections.abc import Callable, Sequence

from sagakit.check import delivery, events, money, provider, sagas, stores
from sagakit.check.facts import Facts
from sagakit.check.verdict import Verdict
from sagakit.sim.trace import Trace

Law = Callable[[Facts], Verdict]

LAWS: tuple[Law, ...] = (
    money.conservation,
    money.no_overdraft,
    money.at_most_once,
    sagas.agreement,
    provider.settle_the_unknown,
    provider.one_key,
    sagas.final_is_final,
    events.no_ghost_nothing_lost,
    events.causality,
    events.idempotence,
    stores.versions,
    delivery.no_silent_drop,
    sagas.every_saga_ends,
    stores.recovery,
    provider.breaker,
)


def verdicts(trace: Trace, *, ended: bool = True, laws: Sequence[Law] = LAWS) -> list[Verdict]:
    """Judge a run: one verdict a law.

    `ended=False` is for a run that was cut short: what is still under way is not held against it.

    >>> from sagakit.run import run
    >>> print(verdicts(run("happy_path").records)[0].detail)
    wallets 30.00 + provider 70.00 = 100.00, as at the start; at rest
    """
    collecting = gc.isenabled()
    gc.disable()  # its passes over a long trace would take most of the time, and find nothing
    try:
        facts = Facts(trace, ended=ended)
        return [law(facts) for law in laws]
    finally:
        if collecting:
            gc.enable()
