"""What a trace says about wallets: each change of a balance, and when their store was lost.

A wallet is any item of a store that has a `balance`.
"""

from decimal import Decimal
from typing import Any, Literal, NamedTuple

from sagakit.trace.activity import emissions
from sagakit.trace.trace import Read, Restored, Trace, Written

MINUS = "\N{MINUS SIGN}"


class Change(NamedTuple):
    """What happened to a wallet at `t` (ms): its balance since, None if it is lost."""

    t: int
    wallet: str
    balance: Decimal | None
    what: Literal["opening", "debit", "refund", "refused", "lost", "restored", "rebuilt"]
    label: str = ""


class Loss(NamedTuple):
    """A stretch of time (ms) in which a store was lost; `rebuilt` writes followed its restore.

    `rebuilt` is -1 for a store that was never restored.
    """

    store: str
    begin: int
    end: int
    rebuilt: int = -1


def history(trace: Trace) -> tuple[list[Change], list[Loss]]:
    """All that happened to the wallets of a trace, in its order."""
    names = {one.event_id: one.event for one in emissions(trace.entries)}
    changes: list[Change] = []
    losses: list[Loss] = []
    end = 0
    for record in trace:
        detail, end = record.detail, record.t
        if isinstance(detail, Read) and record.kind == "note" and _is_wallet(detail.item):
            changes.append(Change(record.t, detail.key, detail.item.balance, "opening"))
        elif isinstance(detail, Written) and _is_wallet(detail.item):
            change = _written(record.t, detail, record.correlation_id, names, bool(losses))
            if change is not None:
                changes.append(change)
                if change.what == "rebuilt":
                    losses[-1] = losses[-1]._replace(rebuilt=losses[-1].rebuilt + 1)
        elif isinstance(detail, Restored):
            wallets = [item for item in detail.items if _is_wallet(item)]
            if record.kind == "fault":
                changes += [Change(record.t, item.key, None, "lost") for item in wallets]
                losses += [Loss(record.target, record.t, -1)] * bool(wallets)
            elif losses:
                losses[-1] = losses[-1]._replace(end=record.t, rebuilt=0)
                changes += [
                    Change(record.t, item.key, item.balance, "restored") for item in wallets
                ]
    return changes, [loss._replace(end=loss.end if loss.end >= 0 else end) for loss in losses]


def _is_wallet(item: Any) -> bool:
    return isinstance(getattr(item, "balance", None), Decimal)


def _written(
    t: int, detail: Written, saga: str | None, names: dict[str, str], lost_before: bool
) -> Change | None:
    wallet, balance = detail.item.key, detail.item.balance
    if detail.item == detail.before:
        said = ", ".join(names.get(event_id, "") for event_id in detail.outbox)
        return Change(t, wallet, balance, "refused", f"{said} {saga}") if said else None
    if detail.before is None:
        return Change(t, wallet, balance, "opening")
    if saga is None and lost_before:
        return Change(t, wallet, balance, "rebuilt")
    by = balance - detail.before.balance
    if not by:
        return None
    label = f"{'+' if by > 0 else MINUS}{abs(by)} {saga or ''}".rstrip()
    return Change(t, wallet, balance, "refund" if by > 0 else "debit", label)
