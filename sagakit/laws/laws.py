"""The laws that must always hold, in the order in which they are told."""

import gc
from collections.abc import Callable, Iterable

from sagakit.laws import delivery, events, money, provider, sagas, stores
from sagakit.laws.facts import Facts
from sagakit.laws.verdict import Found, Verdict, judge
from sagakit.trace.trace import Trace

Law = Callable[[Facts], Found]

LAWS: dict[str, Law] = {
    "conservation": money.conservation,
    "no overdraft": money.no_overdraft,
    "at most once": money.at_most_once,
    "agreement": sagas.agreement,
    "settle the unknown": provider.settle_the_unknown,
    "one key": provider.one_key,
    "final is final": sagas.final_is_final,
    "no ghost, nothing lost": events.no_ghost_nothing_lost,
    "causality": events.causality,
    "idempotence": events.idempotence,
    "versions": stores.versions,
    "no silent drop": delivery.no_silent_drop,
    "every saga ends": sagas.every_saga_ends,
    "recovery": stores.recovery,
    "breaker": provider.breaker,
}


def judged(facts: Facts, laws: Iterable[str] = LAWS) -> list[Verdict]:
    """One verdict a law, by the facts of a run."""
    return [judge(name, *LAWS[name](facts)) for name in laws]


def verdicts(trace: Trace, *, ended: bool = True, laws: Iterable[str] = LAWS) -> list[Verdict]:
    """Judge a run: one verdict a law.

    `ended=False` is for a run that was cut short: what is still under way is not held against it.

    >>> from sagakit.run import run
    >>> print(verdicts(run("happy_path").records)[0].detail)
    wallets 30.00 + provider 70.00 = 100.00, as at the start; at rest
    """
    collecting = gc.isenabled()
    gc.disable()  # its passes over a long trace would take most of the time, and find nothing
    try:
        return judged(Facts(trace, ended=ended), laws)
    finally:
        if collecting:
            gc.enable()
