"""What a law says about a run."""

from collections.abc import Collection
from typing import NamedTuple

from sagakit.contract.terminal import count as count


class Breach(NamedTuple):
    """One place where a law is broken: the record's index in the trace, and what happened."""

    record: int
    text: str


Found = tuple[Collection[Breach], str]
"""What a law finds in a run: what breaks it, and what was looked at"""


class Verdict(NamedTuple):
    """One law, judged.

    law     its name
    held    whether it held
    detail  what was looked at, or who broke it, how, when and in which record
    record  the index in the trace of the record that broke it, or None
    """

    law: str
    held: bool
    detail: str
    record: int | None = None


def judge(law: str, breaches: Collection[Breach], looked_at: str) -> Verdict:
    """Held if there is no breach; else the first in the trace is told, and how many more follow."""
    if not breaches:
        return Verdict(law, True, looked_at)
    first = min(breaches, key=lambda breach: breach.record)
    text = first.text
    if f"record {first.record})" not in text:
        text += f" (record {first.record})"
    if len(breaches) > 1:
        text += f"; and {len(breaches) - 1} more"
    return Verdict(law, False, text, first.record)
