"""`python -m tests.bench sizes`: how large a proof is that takes so long. About a minute."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from tests.bench.explored import cpu_seconds, whole

# Payments at once on one wallet, and what may go wrong: found by trying, a size a row.
SIZES: tuple[tuple[int, Mapping[str, Any]], ...] = (
    (3, {"duplicates": 1, "crashes": 1}),
    (4, {"duplicates": 1}),
    (3, {"duplicates": 1, "crashes": 1, "provider": {"timeout_after": 1}}),
    (3, {"duplicates": 1, "crashes": 1, "provider": {"timeout_after": 2}}),
)


def in_words(payments: int, spend: Mapping[str, Any]) -> str:
    faults = [f"{many} {name}" for name, many in spend.items() if name != "provider"]
    faults += [f"{many} {name}" for name, many in spend.get("provider", {}).items()]
    return f"{payments} payments, " + (", ".join(faults) or "no faults")


def main() -> None:
    print(f"{'explore(concurrent_payments), complete':<60} {'states':>12} {'CPU s':>8}")
    for payments, spend in SIZES:
        took, states = cpu_seconds(partial(whole, payments, **spend))
        print(f"{in_words(payments, spend):<60} {states:>12,} {took:>8.1f}", flush=True)
