"""The zoo: flaws that payment systems have had, one a file, each found by `explore`.

Every flaw is a small service that takes the place of the sound one and differs from it in one
thing. Its file says where it comes from, which law it breaks, and how it is repaired.

    >>> found = flaw("no_inbox").explore()
    >>> "at most once" in {counterexample.verdict.law for counterexample in found.broken}
    True
"""

from typing import TYPE_CHECKING

from sagakit.contract.imports import suggesting
from sagakit.contract.suggest import suggest
from sagakit.zoo import (
    ack_before_work,
    blind_write,
    final_twice,
    half_open_stampede,
    new_key_per_attempt,
    no_inbox,
    publish_after_commit,
    refund_twice,
    refund_unknown,
    replay_publishes,
    retry_own_write,
    silent_insufficient,
    snapshot_by_timestamp,
    swallowed_poison,
    void_without_deciding,
    whole_batch_retry,
)
from sagakit.zoo.flaw import Flaw

ALL: tuple[Flaw, ...] = (
    publish_after_commit.FLAW,
    no_inbox.FLAW,
    blind_write.FLAW,
    retry_own_write.FLAW,
    refund_twice.FLAW,
    refund_unknown.FLAW,
    new_key_per_attempt.FLAW,
    ack_before_work.FLAW,
    swallowed_poison.FLAW,
    whole_batch_retry.FLAW,
    silent_insufficient.FLAW,
    final_twice.FLAW,
    snapshot_by_timestamp.FLAW,
    replay_publishes.FLAW,
    half_open_stampede.FLAW,
    void_without_deciding.FLAW,
)
NAMES = tuple(flaw.name for flaw in ALL)


def flaw(name: str) -> Flaw:
    """Return the flaw of that name. Raises `LookupError` with the names that there are."""
    for known in ALL:
        if known.name == name:
            return known
    raise LookupError(f"there is no flaw {name!r}: {suggest(name, NAMES)}")


__all__ = ["ALL", "NAMES", "Flaw", "flaw"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__, __all__)
