"""The laws that must always hold, in the order in which they are told."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from sagakit.contract.driver import reason_of
from sagakit.contract.suggest import suggest
from sagakit.laws import events, provider, sagas, stores
from sagakit.laws.evidence import Evidence, Found, Verdict, judge
from sagakit.laws.payments import PaymentEvidence
from sagakit.scenarios import BadScenario, System
from sagakit.trace.trace import Trace

if TYPE_CHECKING:
    from sagakit.run import Invariant, Run

Law = Callable[[Any], Found]
"""A law of any system judges by `Evidence`, one of payments by `PaymentEvidence`"""

LAWS: dict[str, Law] = {
    "conservation": sagas.conservation,
    "no overdraft": sagas.no_overdraft,
    "at most once": sagas.at_most_once,
    "agreement": sagas.agreement,
    "settle the unknown": provider.settle_the_unknown,
    "one key": provider.one_key,
    "final is final": sagas.final_is_final,
    "no ghost, nothing lost": events.no_ghost_nothing_lost,
    "causality": events.causality,
    "idempotence": events.idempotence,
    "versions": stores.versions,
    "no silent drop": events.no_silent_drop,
    "every saga ends": sagas.every_saga_ends,
    "recovery": stores.recovery,
    "breaker": provider.breaker,
}

OF_ANY_SYSTEM = (
    "no ghost, nothing lost", "causality", "idempotence", "versions", "no silent drop",
)  # fmt: skip
"""The laws that speak of events, stores and messages alone"""


def judge_all(evidence: Evidence, laws: Iterable[str] = LAWS) -> list[Verdict]:
    """Return one verdict a law."""
    with no_collection():
        return [judge(name, *LAWS[name](evidence)) for name in laws]


def verdicts(trace: Trace, *, ended: bool = True, laws: Iterable[str] = LAWS) -> list[Verdict]:
    """Judge a run of the payment system: one verdict a law.

    `ended=False` is for a run that was cut short: what is still under way is not held against it.

    >>> from sagakit.run import run
    >>> print(verdicts(run("happy_path").records)[0].detail)
    wallets 30.00 + provider 70.00 = 100.00, as at the start; at rest
    """
    if not isinstance(trace, Trace):
        raise TypeError(f"verdicts judges a trace, as run.records is, and not {trace!r:.60}")
    for law in laws:
        if law not in LAWS:
            raise ValueError(f"there is no law {law!r}: {suggest(law, LAWS)}")
    with no_collection():
        return judge_all(PaymentEvidence(trace, ended=ended), laws)


def verdicts_of(run: "Run") -> list[Verdict]:
    """Judge a run. A payment system is held to all laws; a system of one's own to those that speak
    of any system, and to its own."""
    if not isinstance(run.scenario, System):
        return verdicts(run.records)
    own = [held_by(law, run) for law in run.scenario.laws]
    return [*judge_all(Evidence(run.records), OF_ANY_SYSTEM), *own]


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep the garbage collector out: its passes over a long trace, or over many states, would take
    most of the time, and find nothing."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def held_by(invariant: "Invariant", run: "Run") -> Verdict:
    """Judge a law of one's own. Raises `BadScenario` for one that fails, or answers otherwise."""
    law = getattr(invariant, "__name__", "an invariant")
    try:
        broken: object = invariant(run)
    except Exception as error:
        raise BadScenario(f"the law {law} fails: {reason_of(error)}") from error
    if broken is None:
        return Verdict(law, True, "")
    if isinstance(broken, str) and broken:
        return Verdict(law, False, broken)
    if iscoroutine(broken):
        broken.close()
        raise BadScenario(f"the law {law} is `async def`: a law is a plain `def`")
    raise BadScenario(
        f"the law {law} returns {broken!r:.60}: return None where it holds, and where it does not, "
        f"in words what is broken"
    )
