"""Which laws a run is held to: a payment system's to all, a system of one's own to those that speak
of events, stores and messages alone, and to its own."""

from inspect import iscoroutine

from sagakit.contract.driver import reason_of
from sagakit.laws.laws import verdicts
from sagakit.laws.verdict import Verdict
from sagakit.run import Invariant, Run
from sagakit.scenarios import BadScenario, System

OF_ANY_SYSTEM = (
    "no ghost, nothing lost", "causality", "idempotence", "versions", "no silent drop",
)  # fmt: skip


def verdicts_of(run: Run) -> list[Verdict]:
    """One verdict a law."""
    if not isinstance(run.scenario, System):
        return verdicts(run.records)
    own = [held_by(law, run) for law in run.scenario.laws]
    return [*verdicts(run.records, laws=OF_ANY_SYSTEM), *own]


def held_by(invariant: Invariant, run: Run) -> Verdict:
    """A law of one's own, judged. Raises `BadScenario` for one that fails, or answers otherwise."""
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
