"""Facts: what the laws ask of a trace.

A trace is a run's only account, so all of this is read from it: what the stores were told, what
was published, what was asked of the provider, and what that comes to for each payment. The laws
are in the other files of this package; each is a function of these facts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

from sagakit.laws.disasters import Disasters
from sagakit.laws.messages import Messages, Seen
from sagakit.laws.standing import Life, Standing, lives, movements, standings
from sagakit.payments.events import FINAL_EVENTS
from sagakit.sim.effects import RESUMED
from sagakit.sim.world import STILL_GOING_ON
from sagakit.trace.trace import Asked, Failed, Published, Queued, Read, Restored, Trace, Written

BREAKER = "Breaker DB"


class UnderWay(NamedTuple):
    """Why a saga is not at rest: something of it waits, or lies among the dead letters."""

    place: int
    text: str
    dead: bool = False


class Facts:
    """What happened in a run.

    `ended` says that nothing was left to happen when the trace ended, so that what waits then waits
    for ever. Of a run that was cut short, say `ended=False`: what is under way is not yet held
    against it. A run that would not end was given up: it is `over` as well, but has not ended.

    history     what changed in the stores, in order: openings, commits, snapshots, losses, restores
    published   the events that services published on the bus or put in their retry queues
    renamed     the events that a rule of the bus made of others
    asked       requests to the provider, its answers, its silence, and its own books
    breaker     reads and writes of the breaker, requests to the provider, and the ends of the
                invocations that made them
    first_seen  event id to the index at which it first occurs, and its saga there
    cut         invocation number to the crash, timeout or failure that ended it
    resumed     invocation number to where it had its service take messages again
    replies     what actors were answered
    messages    what became of each message
    """

    def __init__(self, trace: Trace, *, ended: bool = True) -> None:
        self.trace = trace
        self.over = ended
        self.ended = ended and not (len(trace) and trace[-1].label == STILL_GOING_ON)
        self.history: list[Seen] = []
        self.published: list[Seen] = []
        self.renamed: list[Seen] = []
        self.asked: list[Seen] = []
        self.breaker: list[Seen] = []
        self.first_seen: dict[str, tuple[int, str | None]] = {}
        self.cut: dict[int, Seen] = {}
        self.resumed: dict[int, Seen] = {}
        self.replies: list[Seen] = []
        self.messages = Messages(trace)
        self.kinds = {one.name: one.kind for one in trace.participants}
        self._callers: set[int] = set()  # invocations that asked the breaker or the provider
        self._gather()

    def _gather(self) -> None:
        take: dict[type, Callable[[Seen], None]] = {
            Written: self._written,
            Read: self._read,
            Restored: self.history.append,
            Published: self._published,
            Asked: self._asked,
            Queued: self._left,
            Failed: self._failed,
            type(None): self._plain,
        }
        first_seen = self.first_seen
        for index, record in enumerate(self.trace):
            handler = take.get(type(record.detail))
            if handler is not None:
                handler(Seen(index, record))
            event_id = record.event_id
            if event_id is not None and event_id not in first_seen:
                first_seen[event_id] = (index, record.correlation_id)

    def _written(self, seen: Seen) -> None:
        self.history.append(seen)
        written = seen.record.detail
        if seen.record.source == BREAKER and written.item not in (None, written.before):
            self._called(seen)

    def _read(self, seen: Seen) -> None:
        if seen.record.kind == "note":
            self.history.append(seen)
        elif seen.record.source == BREAKER:
            self._called(seen)

    def _published(self, seen: Seen) -> None:
        source = seen.record.source
        if source == seen.record.target:
            self.renamed.append(seen)
        elif self.kinds.get(source) != "actor":
            self.published.append(seen)

    def _asked(self, seen: Seen) -> None:
        self.asked.append(seen)
        if seen.record.invocation:
            self._called(seen)

    def _called(self, seen: Seen) -> None:
        self._callers.add(seen.record.invocation)
        self.breaker.append(seen)

    def _failed(self, seen: Seen) -> None:
        if seen.record.invocation and self.kinds.get(seen.record.source) != "store":
            self._cut(seen)

    def _plain(self, seen: Seen) -> None:
        record = seen.record
        if record.kind == "fault":
            if record.invocation and record.source == record.target:
                self._cut(seen)
        elif record.kind == "async" and self.kinds.get(record.source) == "store":
            self.history.append(seen)  # a snapshot
        elif record.kind == "return" and self.kinds.get(record.target) == "actor":
            self.replies.append(seen)
        elif record.label == RESUMED:
            self.resumed[record.invocation] = seen

    def _cut(self, seen: Seen) -> None:
        self.cut[seen.record.invocation] = seen
        self._left(seen)

    def _left(self, seen: Seen) -> None:
        if seen.record.kind != "call" and seen.record.invocation in self._callers:
            self.breaker.append(seen)

    # What was committed and counts.

    @cached_property
    def disasters(self) -> Disasters:
        return Disasters(self.history, self._end_of_recovery)

    def _end_of_recovery(self, restore: Seen) -> int | None:
        """The place at which the recovery was done: its service took messages again, or whoever
        asked for it was told; None if it was cut off before."""
        record = restore.record
        if record.invocation in self.resumed:
            return self.resumed[record.invocation].place
        if record.invocation in self.cut:
            return None
        replies = (one for one in self.replies if one.record.source == record.source)
        return next((one.place for one in replies if one.place > restore.place), None)

    @cached_property
    def undone(self) -> frozenset[int]:
        """The commits that a loss undid: newer than the snapshot, with an event that had not been
        published. Nobody had seen them; what they answered is to be answered again."""
        return frozenset(
            seen.place
            for loss in self.disasters.losses
            for seen in self.history
            if loss.snapshot < seen.place < loss.seen.place
            and seen.record.source == loss.store
            and isinstance(seen.detail, Written)
            and not all(self.was_published(one, loss.seen.place) for one in seen.detail.outbox)
        )

    @cached_property
    def publications(self) -> dict[str, list[Seen]]:
        """Event id to its publications by services."""
        found: dict[str, list[Seen]] = defaultdict(list)
        for seen in self.published:
            found[seen.record.event_id or ""].append(seen)
        return found

    def was_published(self, event_id: str, before: int) -> bool:
        """Whether the event was published before that index."""
        times = self.publications.get(event_id)
        return times is not None and times[0].place < before

    @property
    def commits(self) -> Iterator[Seen]:
        """All commits."""
        return (seen for seen in self.history if type(seen.record.detail) is Written)

    @cached_property
    def replays(self) -> set[int]:
        """The invocations that restored a store."""
        return {one.invocation for one in self.disasters.restores}

    @cached_property
    def answers(self) -> list[Seen]:
        """The commits that count: neither undone by a loss nor made by a replay."""
        return [
            seen
            for seen in self.commits
            if seen.place not in self.undone and seen.record.invocation not in self.replays
        ]

    # What it comes to for each payment.

    @cached_property
    def standings(self) -> dict[str | None, Standing]:
        """Saga to where its money is."""
        books = (seen for seen in self.asked if not seen.record.invocation)
        return standings(movements(self.answers), books)

    @cached_property
    def lives(self) -> dict[str | None, Life]:
        """Saga to how its payment went."""
        return lives(self.answers, self.published)

    @property
    def rest(self) -> str:
        """Whether the run is at rest, in words; what is not is named."""
        if not self.under_way:
            return "at rest"
        saga, (_, text, _) = next(iter(self.under_way.items()))
        more = f"; and {len(self.under_way) - 1} more" if len(self.under_way) > 1 else ""
        return f"not at rest: of {saga}, {text}{more}"

    @cached_property
    def under_way(self) -> dict[str | None, UnderWay]:
        """Saga to why it is not at rest. A final event moves nothing more, so it does not count."""
        found: dict[str | None, UnderWay] = {}
        for mail in self.messages.mail.values():
            if mail.state != "done" and mail.saga and mail.event not in FINAL_EVENTS:
                dead, event = mail.state == "dead", mail.event or "message"
                if dead:
                    text = f"its {event} is a dead letter of {mail.queue} ({mail.reason})"
                else:
                    text = f"its {event} waits in {mail.queue}"
                found[mail.saga] = UnderWay(mail.last.place, f"{text}, {mail.last}", dead)
        if self.ended:
            return found
        for (_, target), seen in self.messages.on_the_bus.items():
            if seen.record.event not in FINAL_EVENTS:
                text = f"its {seen.record.event} is on its way to {target}, {seen}"
                found[seen.record.correlation_id] = UnderWay(seen.place, text)
        for seen in self.answers:
            for event_id in seen.detail.outbox:
                if event_id not in self.publications:
                    text = f"an event of it is in the outbox of {seen.record.source}, {seen}"
                    found[seen.record.correlation_id] = UnderWay(seen.place, text)
        return found
