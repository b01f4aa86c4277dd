"""Observations of a run: depths of its queues, calls and states of its breaker, its wallets.

The breaker is whatever item of a store has a `state` and `failures`. A rejection is an event whose
reason is `CIRCUIT_OPEN`; a probe is a call by an invocation that changed the breaker's state first.
A wallet is any item of a store that has a `balance`.
"""

from bisect import bisect
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal, NamedTuple

from sagakit.trace import facts
from sagakit.trace.activity import Activity, OutsideCall, emissions, events
from sagakit.trace.facts import Record
from sagakit.trace.trace import Trace

MINUS = "\N{MINUS SIGN}"
REJECTED = "CIRCUIT_OPEN"


@dataclass
class Depth:
    """One queue over a whole run; see `tables.queues` for what the numbers are."""

    FIELDS: ClassVar = (
        "sent", "received", "done", "dead", "waiting", "greatest_depth", "longest_wait",
    )  # fmt: skip

    sent: int = 0
    received: int = 0
    done: int = 0
    dead: int = 0
    greatest_depth: int = 0
    longest_wait: int = 0
    depth: int = 0

    @property
    def waiting(self) -> int:
        return self.sent - self.done - self.dead


class Depths:
    """Every message of a trace, followed from queue to queue.

    totals   queue to its totals
    changes  (ms, queue, how many messages waited in it since)
    """

    def __init__(self, trace: Trace) -> None:
        self.totals: dict[str, Depth] = {}
        self.changes: list[tuple[int, str, int]] = []
        self._queues: dict[int, str] = {}  # message to its queue, until it is done or dead
        self._since: dict[int, int] = {}  # message that waits to be received to when it began
        self._letters: dict[int, str] = {}  # message to the dead-letter queue that has it
        for record in trace.entries:
            self._read(record)
        for message_id in list(self._since):
            self._wait_ends(message_id, trace.entries[-1].t)

    def _read(self, record: Record) -> None:
        t, fact = record.t, record.fact
        match fact:
            case facts.Queued() | facts.DeliveredAgain() | facts.Postponed():
                self._send(fact.message_id, fact.queue, t)
            case facts.FannedOut():
                for message_id in fact.message_ids:
                    self._send(message_id, fact.topic, t)
            case facts.Received():
                self._wait_ends(fact.message_id, t)
                if fact.message_id in self._queues:
                    self._at(self._queues[fact.message_id]).received += 1
            case facts.VisibleAgain():
                self._wait(fact.message_id, t)
            case facts.Acknowledged():
                # A dead letter is in no queue here: who handled it then was too late.
                queue = self._queues.pop(fact.message_id, None)
                if queue is not None:
                    self._at(queue).done += 1
            case facts.DeadLettered():
                self._wait_ends(fact.message_id, t)
                self._queues.pop(fact.message_id, None)
                self._at(fact.queue).dead += 1
                self._at(fact.dead_letters).sent += 1
                self._letters[fact.message_id] = fact.dead_letters
                self._change(t, fact.dead_letters, +1)
            case facts.Redriven():
                letters = self._letters.pop(fact.formerly, None)
                if letters is not None:
                    self._at(letters).done += 1
                    self._change(t, letters, -1)
                self._send(fact.message_id, fact.queue, t)

    def _at(self, queue: str) -> Depth:
        return self.totals.setdefault(queue, Depth())

    def _change(self, t: int, queue: str, by: int) -> None:
        total = self._at(queue)
        total.depth += by
        total.greatest_depth = max(total.greatest_depth, total.depth)
        self.changes.append((t, queue, total.depth))

    def _send(self, message_id: int, queue: str, t: int) -> None:
        self._queues[message_id] = queue
        self._at(queue).sent += 1
        self._wait(message_id, t)

    def _wait(self, message_id: int, t: int) -> None:
        if message_id in self._queues and message_id not in self._since:
            self._since[message_id] = t
            self._change(t, self._queues[message_id], +1)

    def _wait_ends(self, message_id: int, t: int) -> None:
        since = self._since.pop(message_id, None)
        if since is not None:
            queue = self._queues[message_id]
            total = self._at(queue)
            total.longest_wait = max(total.longest_wait, t - since)
            self._change(t, queue, -1)


class Stretch(NamedTuple):
    """The breaker is in one state from `begin` to `end` (ms)."""

    state: str
    begin: int
    end: int


class BreakerStory(NamedTuple):
    """The history of a breaker. `failures` are (ms, how many in a row since)."""

    stretches: list[Stretch]
    failures: list[tuple[int, int]]
    answered: list[OutsideCall]
    silent: list[OutsideCall]
    probes: set[int]  # numbers of the invocations whose calls were probes
    rejections: list[int]
    end: int

    @classmethod
    def of(cls, trace: Trace) -> "BreakerStory":
        activity = Activity(trace)
        states: list[tuple[int, str]] = []
        failures: list[tuple[int, int]] = []
        changed: dict[int, int] = {}  # invocation to when it first changed the state
        store = ""
        for t, _, _, invocation, fact in trace.entries:
            if not isinstance(fact, facts.Committed) or not _is_breaker(fact.item):
                continue
            store, before, item = fact.store, fact.before, fact.item
            if not states:
                began = 0 if before is not None else getattr(item, "since", t)
                states.append((began, item.state if before is None else before.state))
                failures.append((began, 0 if before is None else before.failures))
            if item.state != states[-1][1]:
                if item.state == "OPEN":  # by the failure that was one too many
                    failures.append((t, failures[-1][1] + 1))
                states.append((t, item.state))
                changed.setdefault(invocation, t)
            failures.append((t, item.failures))
        callers = activity.services_of(store) if store else ()
        calls = [call for call in activity.calls if not callers or call.caller in callers]
        ends = [t for t, _ in states[1:]] + [activity.end]
        return cls(
            [Stretch(state, t, end) for (t, state), end in zip(states, ends, strict=False)],
            failures,
            [call for call in calls if call.answered],
            [call for call in calls if not call.answered],
            {call.number for call in calls if changed.get(call.number, activity.end) <= call.begin},
            [
                event.t for event in activity.emissions
                if event.publisher in callers and event.payload.get("reason") == REJECTED
            ],
            activity.end,
        )  # fmt: skip

    def silences(self) -> list[tuple[int, int]]:
        """Return the stretches (ms) covered by calls that got no answer, each at most until the
        next call begins that is answered."""
        well = sorted(call.begin for call in self.answered)
        found: list[tuple[int, int]] = []
        for call in sorted(self.silent, key=lambda call: call.begin):
            then = bisect(well, call.begin)
            end = min(call.end, *well[then : then + 1])
            if found and call.begin <= found[-1][1]:
                found[-1] = found[-1][0], max(found[-1][1], end)
            else:
                found.append((call.begin, end))
        return found


def _is_breaker(item: Any) -> bool:
    return hasattr(item, "state") and hasattr(item, "failures")


class Observed(NamedTuple):
    """The facts, each sort in the order of the trace."""

    events: list[tuple[int, str, str | None]]  # ms, type, saga: each event as it first came to be
    states: list[tuple[int, str]]  # ms, the breaker's state since
    depths: list[tuple[int, str, int]]  # ms, queue, how many messages wait in it since
    end: int  # ms


def observed(trace: Trace) -> Observed:
    """Read the facts from a trace."""
    noted = [(event.t, event.event, event.saga) for event in events(trace)]
    story = BreakerStory.of(trace)
    states = [(stretch.begin, stretch.state) for stretch in story.stretches]
    return Observed(noted, states, Depths(trace).changes, story.end)


class Change(NamedTuple):
    """A change of a wallet at `t` (ms): its balance since, None if it is lost."""

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


def wallet_history(trace: Trace) -> tuple[list[Change], list[Loss]]:
    """Return all that happened to the wallets of a trace, in its order."""
    names = {event.event_id: event.event for event in emissions(trace.entries)}
    changes: list[Change] = []
    losses: list[Loss] = []
    for t, saga, _, _, fact in trace.entries:
        match fact:
            case facts.Opening() if _is_wallet(fact.item):
                changes.append(Change(t, fact.item.key, fact.item.balance, "opening"))
            case facts.Committed() if _is_wallet(fact.item):
                change = _written(t, fact, saga, names, bool(losses))
                if change is not None:
                    changes.append(change)
                    if change.what == "rebuilt":
                        losses[-1] = losses[-1]._replace(rebuilt=losses[-1].rebuilt + 1)
            case facts.StoreLost() if wallets := list(filter(_is_wallet, fact.items)):
                changes += [Change(t, item.key, None, "lost") for item in wallets]
                losses.append(Loss(fact.store, t, -1))
            case facts.Restored() if losses:
                losses[-1] = losses[-1]._replace(end=t, rebuilt=0)
                wallets = list(filter(_is_wallet, fact.items))
                changes += [Change(t, item.key, item.balance, "restored") for item in wallets]
    end = trace.entries[-1].t if trace.entries else 0
    return changes, [loss._replace(end=loss.end if loss.end >= 0 else end) for loss in losses]


def _is_wallet(item: Any) -> bool:
    return isinstance(getattr(item, "balance", None), Decimal)


def _written(
    t: int, fact: facts.Committed, saga: str | None, names: dict[str, str], lost_before: bool
) -> Change | None:
    wallet, balance = fact.item.key, fact.item.balance
    if fact.item == fact.before:
        said = ", ".join(names.get(event_id, "") for event_id in fact.outbox)
        return Change(t, wallet, balance, "refused", f"{said} {saga}") if said else None
    if fact.before is None:
        return Change(t, wallet, balance, "opening")
    if saga is None and lost_before:
        return Change(t, wallet, balance, "rebuilt")
    by = balance - fact.before.balance
    if not by:
        return None
    label = f"{'+' if by > 0 else MINUS}{abs(by)} {saga or ''}".rstrip()
    return Change(t, wallet, balance, "refund" if by > 0 else "debit", label)
