"""Is it right? The laws that must always hold, judged by a run's trace."""

from typing import TYPE_CHECKING

from sagakit.check.facts import Facts
from sagakit.check.laws import LAWS, Law, verdicts
from sagakit.check.verdict import Verdict
from sagakit.meant import suggesting

__all__ = ["LAWS", "Facts", "Law", "Verdict", "verdicts"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
