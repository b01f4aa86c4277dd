"""The facts of a trace: one named tuple for each kind of thing that happens in a run.

A world writes them; laws, tables and pictures read them. How a fact is drawn and worded is said in
`arrows.py`, and nowhere else. Times are in ms of virtual time; `message_id`s are numbers of copies
in queues, where one event may have several.
"""

from typing import Any, NamedTuple, get_args

A_TEXT = "a text"  # the remark of a message that is no event


# Stores.


class Opening(NamedTuple):
    """An item that a store holds at the start."""

    store: str
    item: Any


class ReadRequested(NamedTuple):
    service: str
    store: str
    key: str = ""  # logs of version 1 do not say it


class ItemRead(NamedTuple):
    """The answer of a store to a read: the item, or None."""

    service: str
    store: str
    key: str
    item: Any


class CommitRequested(NamedTuple):
    """A commit as it was sent: the item with the version that it is to get, or None; whether it
    equals what was read, so that only its version is checked; the types of the outbox's events."""

    service: str
    store: str
    item: Any
    unchanged: bool
    outbox: tuple[str, ...]


class CommitRepeated(NamedTuple):
    """The same commit sent once more, since its answer was not heard."""

    service: str
    store: str


class Committed(NamedTuple):
    """One atomic commit: the item before and after, the ids put in the outbox and in the inbox.

    `before` is None for a new item; `item` is None if only the outbox and the inbox were written,
    and equals `before` if its version was only checked. `heard` is false if the answer was lost.
    """

    service: str
    store: str
    key: str | None
    before: Any
    item: Any
    outbox: tuple[str, ...]
    handled: str | None
    heard: bool = True

    @property
    def writes(self) -> bool:
        """Tell whether an item was changed."""
        return self.item is not None and self.item != self.before


class StoreRefused(NamedTuple):
    """A refusal by a store, with the name of the error (a conflict's is DynamoDB's)."""

    service: str
    store: str
    error: str
    reason: str

    @property
    def is_conflict(self) -> bool:
        return self.error == CONFLICT


CONFLICT = "ConditionalCheckFailedException"  # what DynamoDB calls a version conflict
ALREADY_HANDLED = "AlreadyHandled"


class Throttled(NamedTuple):
    """A store that had too much to do; the client tries again."""

    service: str
    store: str


class StoreLost(NamedTuple):
    """A store lost all it held: these items, its outbox and its inbox."""

    store: str
    items: tuple[Any, ...]


class SnapshotTaken(NamedTuple):
    store: str
    snapshots: str


class SnapshotMissed(NamedTuple):
    """A snapshot was due, but the store was lost."""

    store: str
    snapshots: str


class SnapshotRequested(NamedTuple):
    service: str
    snapshots: str


class SnapshotRead(NamedTuple):
    service: str
    snapshots: str
    taken_at: int


class EventsRequested(NamedTuple):
    service: str
    archive: str


class EventsRead(NamedTuple):
    service: str
    archive: str
    events: int


class Restored(NamedTuple):
    """A store holds what a snapshot brought back: these items."""

    service: str
    store: str
    items: tuple[Any, ...]


# The bus.


class Published(NamedTuple):
    """An event as the bus took it in: the header's rest, and the payload."""

    source: str
    bus: str
    event: str
    causation_id: str
    version: int
    payload: dict[str, Any]


class PublishRefused(NamedTuple):
    """The bus was out of reach; the publisher tries again."""

    source: str
    bus: str
    event: str


class Renamed(NamedTuple):
    """The event that a rule of the bus made of one of type `former`."""

    bus: str
    former: str
    event: str
    causation_id: str
    version: int
    payload: dict[str, Any]

    @property
    def source(self) -> str:
        return self.bus


class FannedOut(NamedTuple):
    """A topic's copies of an event, one a subscriber."""

    bus: str
    topic: str
    event: str
    message_ids: tuple[int, ...]


class EventLost(NamedTuple):
    """The bus lost an event that it should have delivered to `target`."""

    bus: str
    target: str
    event: str


class EventDoubled(NamedTuple):
    bus: str
    target: str
    event: str


class EventDelayed(NamedTuple):
    bus: str
    target: str
    event: str
    by: int


class EventHeldBack(NamedTuple):
    """The event waits until the next one for the same target has arrived."""

    bus: str
    target: str
    event: str


# Queues. `event` is None for a text that is no event.


class Queued(NamedTuple):
    """A message was put in a queue. `remark` is what its event says of itself."""

    source: str
    queue: str
    event: str | None
    message_id: int
    remark: str = ""


class DeliveredAgain(NamedTuple):
    """An archived event was put in its service's queue once more."""

    service: str
    queue: str
    event: str
    message_id: int
    remark: str = ""


class Postponed(NamedTuple):
    """An event that a service put in its retry queue, to come after `delay` ms."""

    service: str
    queue: str
    event: str
    causation_id: str
    version: int
    payload: dict[str, Any]
    message_id: int
    delay: int
    remark: str = ""

    @property
    def source(self) -> str:
        return self.service


class Received(NamedTuple):
    """A message was given to a service for the `receives`th time. `called` says that the deployment
    has it delivered by a call that `label` names, and not asynchronously."""

    queue: str
    service: str
    event: str | None
    message_id: int
    receives: int
    remark: str
    label: str
    called: bool = False


class Acknowledged(NamedTuple):
    """A message was handled, and is deleted."""

    service: str
    queue: str
    message_id: int
    receives: int
    remark: str = ""


class Failed(NamedTuple):
    """A message was not handled: it comes again when its visibility timeout ends."""

    service: str
    queue: str
    message_id: int
    reason: str


class BatchReturned(NamedTuple):
    """So many `others` come again with the message of their batch that failed."""

    service: str
    others: int


class VisibleAgain(NamedTuple):
    """A message's visibility timeout ended."""

    queue: str
    event: str | None
    message_id: int
    receives: int
    remark: str = ""


NO_REASON = "received too often, never acknowledged"


class DeadLettered(NamedTuple):
    queue: str
    dead_letters: str
    event: str | None
    message_id: int
    reason: str


class Redriven(NamedTuple):
    """A dead letter was sent back into its queue, as a new message."""

    dead_letters: str
    queue: str
    event: str | None
    message_id: int
    formerly: int


class MessageLost(NamedTuple):
    """A queue lost a message while a service was at work on it."""

    queue: str
    event: str | None
    message_id: int


class MessageDoubled(NamedTuple):
    """A queue gives out a second copy of a message."""

    queue: str
    event: str | None


# Invocations.


class Invoked(NamedTuple):
    """A command was sent to a service, which an actor or another service waits for."""

    source: str
    service: str
    label: str


class InvocationRefused(NamedTuple):
    """The service could not be invoked: it was throttled, or out of reach."""

    source: str
    service: str
    label: str
    reason: str


class Answered(NamedTuple):
    """The answer to a command. `status` is the HTTP status, where the answer has one."""

    service: str
    source: str
    answer: str
    status: int = 0
    failed: bool = False


class Told(NamedTuple):
    """A message to a person outside the system."""

    service: str
    person: str
    text: str


class AlreadyDone(NamedTuple):
    """The message had been handled before: nothing was left to do."""

    service: str


class Retried(NamedTuple):
    """A handler met a version conflict and starts again from its read."""

    service: str
    retry: int
    most: int


class Crashed(NamedTuple):
    """A power cut, before or after the handler's step of that number; step 0: between two."""

    service: str
    when: str = ""
    step: int = 0

    @property
    def reason(self) -> str:
        return f"crash {self.when} step {self.step}" if self.step else "crash"


class CutOff(NamedTuple):
    """The function's timeout ended the invocation."""

    service: str
    timeout: int

    @property
    def reason(self) -> str:
        return f"timeout after {self.timeout} ms"


class MessageTaken(NamedTuple):
    """The invocation ended because its message was lost."""

    service: str

    @property
    def reason(self) -> str:
        return "had its message taken away"


class Paused(NamedTuple):
    """A service takes no more messages."""

    service: str


class Resumed(NamedTuple):
    service: str


# External parties. `key` is the Idempotency-Key.


class Asked(NamedTuple):
    """A request to an external party: to have an effect, or to undo or forbid it (`void`)."""

    service: str
    party: str
    key: str
    request: tuple[Any, ...]
    void: bool
    label: str


class PartyAnswered(NamedTuple):
    service: str
    party: str
    key: str
    request: tuple[Any, ...]
    status: int
    outcome: str


class PartyUnreachable(NamedTuple):
    """The party could not be reached, and has done nothing."""

    service: str
    party: str
    key: str
    request: tuple[Any, ...]


class PartySilent(NamedTuple):
    """No answer within the client's timeout: whether there was an effect is unknown."""

    service: str
    party: str
    key: str
    request: tuple[Any, ...]
    timeout: int


class Booked(NamedTuple):
    """The party's own account of a request: executed, declined or voided."""

    party: str
    key: str
    request: tuple[Any, ...]
    state: str


# The run.


class StillGoingOn(NamedTuple):
    """The run was ended although something still went on."""

    bus: str


Fact = (
    Opening | ReadRequested | ItemRead | CommitRequested | CommitRepeated | Committed | StoreRefused
    | Throttled | StoreLost | SnapshotTaken | SnapshotMissed | SnapshotRequested | SnapshotRead
    | EventsRequested | EventsRead | Restored
    | Published | PublishRefused | Renamed | FannedOut
    | EventLost | EventDoubled | EventDelayed | EventHeldBack
    | Queued | DeliveredAgain | Postponed | Received | Acknowledged | Failed | BatchReturned
    | VisibleAgain | DeadLettered | Redriven | MessageLost | MessageDoubled
    | Invoked | InvocationRefused | Answered | Told | AlreadyDone | Retried
    | Crashed | CutOff | MessageTaken | Paused | Resumed
    | Asked | PartyAnswered | PartyUnreachable | PartySilent | Booked
    | StillGoingOn
)  # fmt: skip

FACTS: dict[str, type] = {cls.__name__: cls for cls in get_args(Fact)}


class Record(NamedTuple):
    """A fact, and when and where it belongs.

    t           ms of virtual time
    saga        the correlation id of what it is about, or None
    event_id    the event that is carried or being handled, or None
    invocation  the number of the invocation it belongs to, 0 for none
    fact        one of the tuples above
    """

    t: int
    saga: str | None
    event_id: str | None
    invocation: int
    fact: Fact


class Seen(NamedTuple):
    """A record and its position in the trace."""

    position: int
    record: Record

    @property
    def fact(self) -> Any:
        return self.record.fact

    @property
    def what(self) -> str:
        """The event that it is about and its saga, for people."""
        return f"{self.fact.event} of {self.record.saga}"

    def __str__(self) -> str:
        """Say when and where it was, for a verdict's text."""
        return f"at {self.record.t} ms (record {self.position})"
