"""Which laws a run is held to: a payment system's to all, a system of one's own to those that speak
of events, stores and messages alone, and to its own."""

from sagakit.check.laws import verdicts
from sagakit.check.verdict import Verdict
from sagakit.run import Invariant, Run
from sagakit.scenarios import System

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
    """A law of one's own, judged."""
    broken = invariant(run)
    return Verdict(getattr(invariant, "__name__", "an invariant"), broken is None, broken or "")
