"""The zoo: flaws that payment systems have had, one a file, each found by `explore`.

Every flaw is a small service that takes the place of the sound one and differs from it in one
thing. Its file says where it comes from, which law it breaks, and how it is repaired.

    >>> found = flaw("no_inbox").explore()
    >>> "at most once" in {counterexample.verdict.law for counterexample in found.broken}
    True
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sagakit.contract.imports import suggesting
from sagakit.contract.suggest import suggest
from sagakit.zoo.flaw import Flaw

NAMES = (
    "publish_after_commit", "no_inbox", "blind_write", "retry_own_write", "refund_twice",
    "refund_unknown", "new_key_per_attempt", "ack_before_work", "swallowed_poison",
    "whole_batch_retry", "silent_insufficient", "final_twice", "snapshot_by_timestamp",
    "replay_publishes", "half_open_stampede", "void_without_deciding",
)  # fmt: skip
ALL: tuple[Flaw, ...] = tuple(import_module(f"{__name__}.{name}").FLAW for name in NAMES)


def flaw(name: str) -> Flaw:
    """Return the flaw of that name. Raises `LookupError` with the names that there are."""
    for known in ALL:
        if known.name == name:
            return known
    raise LookupError(f"there is no flaw {name!r}: {suggest(name, NAMES)}")


__all__ = ["ALL", "NAMES", "Flaw", "flaw"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
