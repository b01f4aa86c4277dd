"""Is it right? The laws that must always hold, judged by a run's trace."""

from sagakit.check.facts import Facts
from sagakit.check.laws import LAWS, Law, verdicts
from sagakit.check.verdict import Verdict

__all__ = ["LAWS", "Facts", "Law", "Verdict", "verdicts"]
