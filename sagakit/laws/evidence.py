"""A law is given evidence and finds breaches; of these a verdict is made.

The evidence is what a trace says was committed, published and lost: the trace is a run's only
account, so all of it is read from there. What speaks of payments is in `payments.py`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from sagakit.contract.deployment import Rule
from sagakit.trace import facts
from sagakit.trace.facts import Seen
from sagakit.trace.messages import Messages
from sagakit.trace.trace import Trace


class Breach(NamedTuple):
    """One place where a law is broken: the record's index in the trace, and what happened."""

    record: int
    text: str


Found = tuple[Collection[Breach], str]
"""The breaches that a law finds in a run, and what it looked at"""


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
    """Return the verdict: held if there is no breach, else the first and how many more follow."""
    if not breaches:
        return Verdict(law, True, looked_at)
    first = min(breaches, key=lambda breach: breach.record)
    text = first.text
    if f"record {first.record})" not in text:
        text += f" (record {first.record})"
    if len(breaches) > 1:
        text += f"; and {len(breaches) - 1} more"
    return Verdict(law, False, text, first.record)


CHANGES_OF_STORES = (
    facts.Opening, facts.Committed, facts.SnapshotTaken, facts.StoreLost, facts.Restored,
)  # fmt: skip
CALLS = (facts.Asked, facts.PartyAnswered, facts.PartyUnreachable, facts.PartySilent)
ENDS = (facts.Crashed, facts.CutOff, facts.MessageTaken, facts.Failed, facts.Answered)


class Loss(NamedTuple):
    """A store lost all it held. `snapshot` is the index of its latest snapshot, -1 for none."""

    seen: Seen
    store: str
    snapshot: int


class Restore(NamedTuple):
    """An invocation put a snapshot back into a store, to replay the events since.

    `loss` is what made it necessary, `end` the index at which the recovery was done, if it was.
    """

    seen: Seen
    loss: Loss
    end: int | None

    @property
    def invocation(self) -> int:
        return self.seen.record.invocation


class Evidence:
    """The evidence of a run.

    `ended` says that nothing was left to happen when the trace ended, so that what waits then waits
    for ever. Of a run that was cut short, say `ended=False`: what is under way is not yet held
    against it. `over` is also true for a run that was stopped because it would not end.

    losses      the losses of stores; unrepaired, store to the loss that is not made good at the end
    restores    the recoveries that put a snapshot back
    messages    what became of each message
    """

    def __init__(
        self, trace: Trace, *, ended: bool = True, rules: Iterable[Rule] | None = None
    ) -> None:
        """`rules` are those of the bus, by default the trace's own."""
        records = trace.entries
        stopped = bool(records) and isinstance(records[-1].fact, facts.StillGoingOn)
        self.trace = trace
        self.over = ended
        self.ended = ended and not stopped
        self.messages = Messages(records, trace.rules or () if rules is None else rules)
        self._actors = {lane.name for lane in trace.participants if lane.kind == "actor"}
        self._by_kind: dict[type, list[Seen]] = defaultdict(list)
        for position, record in enumerate(records):
            self._by_kind[type(record.fact)].append(Seen(position, record))
        self.losses: list[Loss] = []
        self.restores: list[Restore] = []
        self.unrepaired: dict[str, Loss] = {}
        self._find_disasters()

    def of(self, *kinds: type) -> list[Seen]:
        """Return the records of these kinds of facts, in the order of the trace."""
        found = [seen for kind in kinds for seen in self._by_kind.get(kind, ())]
        return sorted(found, key=attrgetter("position")) if len(kinds) > 1 else found

    @cached_property
    def history(self) -> list[Seen]:
        """The changes in the stores: openings, commits, snapshots, losses, restores."""
        return self.of(*CHANGES_OF_STORES)

    @cached_property
    def published(self) -> list[Seen]:
        """The events that services published on the bus or put in their retry queues."""
        events = self.of(facts.Published, facts.Postponed)
        return [seen for seen in events if seen.fact.source not in self._actors]

    @property
    def replies(self) -> list[Seen]:
        """The answers that actors got."""
        return [seen for seen in self.of(facts.Answered) if seen.fact.source in self._actors]

    @cached_property
    def first_seen(self) -> dict[str | None, tuple[int, str | None]]:
        """Event id to the position at which it first occurs, and its saga there."""
        found: dict[str | None, tuple[int, str | None]] = {}
        for position, record in enumerate(self.trace.entries):
            if record.event_id not in found:
                found[record.event_id] = (position, record.saga)
        return found

    @cached_property
    def cut(self) -> dict[int, Seen]:
        """Invocation to the crash, timeout or failure that ended it."""
        return {
            seen.record.invocation: seen
            for seen in self.of(*ENDS)
            if seen.record.invocation and getattr(seen.fact, "failed", True)
        }

    # Losses, and the commits that count.

    def _find_disasters(self) -> None:
        snapshots: dict[str, int] = {}
        for seen in self.history:
            fact = seen.record.fact
            if isinstance(fact, facts.SnapshotTaken):
                snapshots[fact.store] = seen.position
            if not isinstance(fact, facts.StoreLost | facts.Restored):
                continue
            loss = self.unrepaired.get(fact.store)
            if loss is None:  # a restore of a store that was not lost loses what is newer
                loss = Loss(seen, fact.store, snapshots.get(fact.store, -1))
                self.unrepaired[fact.store] = loss
                self.losses.append(loss)
            if isinstance(fact, facts.Restored):
                end = self._end_of_recovery(seen, fact.service)
                self.restores.append(Restore(seen, loss, end))
                if end is not None:
                    del self.unrepaired[fact.store]

    def _end_of_recovery(self, restore: Seen, service: str) -> int | None:
        """Return the position at which the service took messages again, or whoever asked for the
        recovery was told; None if it was cut off before."""
        invocation = restore.record.invocation
        for seen in self.of(facts.Resumed):
            if seen.record.invocation == invocation:
                return seen.position
        if invocation in self.cut:
            return None
        told = (reply.position for reply in self.replies if reply.fact.service == service)
        return next((position for position in told if position > restore.position), None)

    @cached_property
    def commits(self) -> list[Seen]:
        return self.of(facts.Committed)

    @cached_property
    def undone(self) -> frozenset[int]:
        """The commits that a loss undid, by index: newer than the snapshot, with an event that had
        not been published. Nobody had seen them; what they answered is to be answered again."""
        return frozenset(
            seen.position
            for loss in self.losses
            for seen in self.commits
            if loss.snapshot < seen.position < loss.seen.position
            and seen.fact.store == loss.store
            and not all(
                self._was_published(event, loss.seen.position) for event in seen.fact.outbox
            )
        )

    def _was_published(self, event_id: str, before: int) -> bool:
        times = self.publications.get(event_id)
        return times is not None and times[0].position < before

    @cached_property
    def publications(self) -> dict[str, list[Seen]]:
        """Event id to its publications by services."""
        found: dict[str, list[Seen]] = defaultdict(list)
        for publication in self.published:
            found[publication.record.event_id or ""].append(publication)
        return found

    @cached_property
    def replays(self) -> set[int]:
        """The invocations that restored a store."""
        return {restore.invocation for restore in self.restores}

    @cached_property
    def answers(self) -> list[Seen]:
        """The commits that count: neither undone by a loss nor made by a replay."""
        undone, replays = self.undone, self.replays
        return [
            seen
            for seen in self.commits
            if seen.position not in undone and seen.record.invocation not in replays
        ]
