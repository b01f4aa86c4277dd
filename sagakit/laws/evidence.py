"""A law is given evidence and finds breaches; of these a verdict is made.

The evidence is what a trace says was committed, published and lost: the trace is a run's only
account, so all of it is read from there. What speaks of payments is in `payments.py`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

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


ABOUT_PARTIES = (
    facts.Asked, facts.PartyAnswered, facts.PartyUnreachable, facts.PartySilent, facts.Booked,
)  # fmt: skip


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

    history     what changed in the stores, in order: openings, commits, snapshots, losses, restores
    published   the events that services published on the bus or put in their retry queues
    renamed     the events that a rule of the bus made of others
    first_seen  event id to the index at which it first occurs, and its saga there
    cut         invocation to the crash, timeout or failure that ended it
    resumed     invocation to the index at which it had its service take messages again
    replies     what actors were answered
    asked       requests to external parties, their answers, their silence, and their own books
    losses      the losses of stores; unrepaired, store to the loss that is not made good at the end
    restores    the recoveries that put a snapshot back
    messages    what became of each message
    """

    def __init__(
        self, trace: Trace, *, ended: bool = True, rules: Iterable[Rule] | None = None
    ) -> None:
        """`rules` are those of the bus, by default the trace's own."""
        self.trace = trace
        records = trace.entries
        self.over = ended
        stopped = bool(records) and isinstance(records[-1].fact, facts.StillGoingOn)
        self.ended = ended and not stopped
        self.history: list[Seen] = []
        self.published: list[Seen] = []
        self.renamed: list[Seen] = []
        self.first_seen: dict[str, tuple[int, str | None]] = {}
        self.cut: dict[int, Seen] = {}
        self.resumed: dict[int, int] = {}
        self.replies: list[Seen] = []
        self.asked: list[Seen] = []
        self.losses: list[Loss] = []
        self.restores: list[Restore] = []
        self.unrepaired: dict[str, Loss] = {}
        self.messages = Messages(records, trace.rules or () if rules is None else rules)
        self._actors = {lane.name for lane in trace.participants if lane.kind == "actor"}
        first_seen, take = self.first_seen, self._readers()
        for index, record in enumerate(records):
            reader = take.get(type(record.fact))
            if reader is not None:
                reader(Seen(index, record), record.fact)
            event_id = record.event_id
            if event_id is not None and event_id not in first_seen:
                first_seen[event_id] = (index, record.saga)
        self._find_disasters()

    def _readers(self) -> dict[type, Callable[[Seen, Any], None]]:
        """Return what to do with each kind of fact; others tell nothing here."""
        changes = (
            facts.Opening, facts.Committed, facts.SnapshotTaken, facts.StoreLost, facts.Restored,
        )  # fmt: skip
        ends = (facts.Crashed, facts.CutOff, facts.MessageTaken, facts.Failed)
        return {
            **dict.fromkeys(changes, self._changed),
            **dict.fromkeys(ends, self._ended_badly),
            facts.Published: self._published,
            facts.Postponed: self._published,
            facts.Renamed: self._renamed,
            facts.Answered: self._answered,
            facts.Resumed: self._resumed,
            **dict.fromkeys(ABOUT_PARTIES, self._asked),
        }

    def _changed(self, seen: Seen, _fact: Any) -> None:
        self.history.append(seen)

    def _published(self, seen: Seen, fact: facts.Published | facts.Postponed) -> None:
        if fact.source not in self._actors:
            self.published.append(seen)

    def _renamed(self, seen: Seen, _fact: facts.Renamed) -> None:
        self.renamed.append(seen)

    def _answered(self, seen: Seen, fact: facts.Answered) -> None:
        if fact.source in self._actors:
            self.replies.append(seen)
        if fact.failed:
            self._ended_badly(seen, fact)

    def _resumed(self, seen: Seen, _fact: facts.Resumed) -> None:
        self.resumed[seen.record.invocation] = seen.position

    def _asked(self, seen: Seen, _fact: Any) -> None:
        self.asked.append(seen)

    def _ended_badly(self, seen: Seen, _fact: Any) -> None:
        if seen.record.invocation:
            self.cut[seen.record.invocation] = seen

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
        """Return the index at which the service took messages again, or whoever asked for the
        recovery was told; None if it was cut off before."""
        invocation = restore.record.invocation
        if invocation in self.resumed:
            return self.resumed[invocation]
        if invocation in self.cut:
            return None
        replies = (reply.position for reply in self.replies if reply.fact.service == service)
        return next((index for index in replies if index > restore.position), None)

    @property
    def commits(self) -> Iterator[Seen]:
        return (seen for seen in self.history if type(seen.record.fact) is facts.Committed)

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
