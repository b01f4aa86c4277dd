"""Is it right? The laws that must always hold, judged by a run's trace."""

from typing import TYPE_CHECKING

from sagakit.contract.imports import suggesting
from sagakit.laws.evidence import Verdict
from sagakit.laws.laws import LAWS, Law, verdicts
from sagakit.laws.payments import PaymentEvidence

__all__ = ["LAWS", "Law", "PaymentEvidence", "Verdict", "verdicts"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
