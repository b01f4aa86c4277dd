"""What became of every message: read from the trace, one record at a time."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from sagakit.contract.deployment import Rule
from sagakit.payments.topology import payment_system
from sagakit.sim.bus import LOST
from sagakit.trace.trace import (
    Failed,
    FannedOut,
    Published,
    Queued,
    Record,
    Redriven,
    Trace,
)


class Seen(NamedTuple):
    """A record and its place in the trace."""

    place: int
    record: Record

    @property
    def detail(self) -> Any:
        return self.record.detail

    def __str__(self) -> str:
        """When and where it was, for a verdict's text."""
        return f"at {self.record.t} ms (record {self.place})"


class Mail:
    """One message. `last` is the last record about it."""

    __slots__ = ("event", "last", "queue", "reason", "saga", "state")

    def __init__(self, seen: Seen) -> None:
        self.queue = seen.record.target
        self.event = seen.record.event
        self.saga = seen.record.correlation_id
        self.state: Literal["waiting", "done", "dead"] = "waiting"
        self.reason = ""
        self.last = seen


class Messages:
    """All messages of a run. A trace that says no rules is taken for one of the payment system.

    mail        message id to what became of it
    on_the_bus  (event id, target) to the publication, for what has not arrived at that target
    lost        what the bus is seen to lose
    shrugs      acknowledgements by an invocation that had taken no step for its message
    deliveries  (service, event id) to how often that service was given that event
    """

    def __init__(self, trace: Trace) -> None:
        self.mail: dict[int, Mail] = {}
        self.on_the_bus: dict[tuple[str | None, str], Seen] = {}
        self.lost: list[Seen] = []
        self.shrugs: list[Seen] = []
        self.deliveries: Counter[tuple[str, str | None]] = Counter()
        self._idle: set[int] = set()  # invocations that have a message and took no step yet
        self._routes = _routes(payment_system().rules if trace.rules is None else trace.rules)
        take = {
            Published: self._published,
            Queued: self._queued,
            FannedOut: self._fanned_out,
            Redriven: self._redriven,
            Failed: self._failed,
        }
        for index, record in enumerate(trace):
            handler = take.get(type(record.detail))
            if handler is not None:
                handler(Seen(index, record))
            elif record.invocation:
                self._idle.discard(record.invocation)
            elif record.kind == "fault" and record.label == LOST:
                self.on_the_bus.pop((record.event_id, record.target), None)
                self.lost.append(Seen(index, record))

    def _published(self, seen: Seen) -> None:
        record = seen.record
        if seen.detail.message_id:
            self.mail[seen.detail.message_id] = Mail(seen)
            return
        renamed = record.source == record.target
        for target in self._routes.get((record.event, renamed), ()):
            if renamed:
                self.on_the_bus.pop((seen.detail.causation_id, target), None)
            self.on_the_bus[record.event_id, target] = seen

    def _queued(self, seen: Seen) -> None:
        record = seen.record
        mail = self.mail.get(seen.detail.message_id)
        if mail is None:
            self.mail[seen.detail.message_id] = Mail(seen)
            self.on_the_bus.pop((record.event_id, record.target), None)
            return
        mail.last = seen
        if record.kind == "return":
            mail.state = "done"
            mail.saga = mail.saga or record.correlation_id  # a text has none before it is read
            if record.invocation in self._idle:
                self.shrugs.append(seen)
        elif record.invocation:
            self._idle.add(record.invocation)
            self.deliveries[record.target, record.event_id] += 1

    def _fanned_out(self, seen: Seen) -> None:
        self.on_the_bus.pop((seen.record.event_id, seen.record.target), None)
        for number in seen.detail.message_ids:
            self.mail[number] = Mail(seen)

    def _redriven(self, seen: Seen) -> None:
        self.mail.pop(seen.detail.formerly, None)
        self.mail[seen.detail.message_id] = Mail(seen)

    def _failed(self, seen: Seen) -> None:
        self._idle.discard(seen.record.invocation)
        mail = self.mail.get(seen.detail.message_id)
        if mail is not None and seen.record.kind == "fault":
            self.lost.append(seen)
            del self.mail[seen.detail.message_id]
        elif mail is not None:
            mail.last = seen
            mail.reason = seen.detail.reason
            mail.saga = mail.saga or seen.record.correlation_id
            if seen.record.kind == "async":
                mail.state = "dead"


def _routes(rules: Iterable[Rule]) -> dict[tuple[str | None, bool], list[str]]:
    """Where the bus takes an event, by its name and whether a rule gave it that name."""
    routes: dict[tuple[str | None, bool], list[str]] = defaultdict(list)
    for rule in rules:
        routes[rule.event.__name__, False].append(rule.target)
        if rule.rename is not None:
            routes[rule.rename.__name__, True].append(rule.target)
    return dict(routes)
