"""How long the SQLite world takes for payments, by the times that its own trace tells.

All payments come at once, and no wait is skipped: what is measured is the work on the file. The
start of a process is left out.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from sagakit import Scenario
from sagakit.worlds.sqlite.serve import serve
from tests.bench.workload import happy_payments

SHARED = 3_000  # payments that two workers share
FEW, MANY, LONG = 1_000, 10_000, 100_000


def at_once(count: int) -> Scenario:
    """Happy-path payments, all of them at 0 ms."""
    scenario = happy_payments(count)
    return scenario.but(
        payments=[payment.model_copy(update={"at": 0}) for payment in scenario.payments]
    )


def took(count: int, workers: int = 1) -> float:
    """Seconds from the first request to the last step. Raises `RuntimeError` if not all payments
    went well: then it would say nothing."""
    with TemporaryDirectory() as folder:
        records = serve(at_once(count), Path(folder) / "file.db", workers=workers).records
    ends = [payment.status for payment in records.stores()["Payments DB"].values()]
    if ends != ["COMPLETED"] * count:
        raise RuntimeError(f"{ends.count('COMPLETED')} of {count} payments went well")
    times = [record.t for record in records if record.invocation]
    return (max(times) - min(times)) / 1000
