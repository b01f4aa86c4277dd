"""Operations: what a port call becomes.

Each is one immutable tuple that a handler's coroutine yields; the world performs its effect and
sends the result back. So a handler in flight is a function of its message and of the results of
its operations so far.
"""

from collections.abc import Collection, Generator, Sequence
from typing import Any, NamedTuple

from sagakit.contract.deployment import Deployment, Port
from sagakit.contract.events import Event
from sagakit.contract.ports import Delayed, event_of, must_be_an_item

Step = Generator[Any, Any, Any]


class Get(NamedTuple):
    store: str
    key: str

    def __await__(self) -> Step:
        return (yield self)


class Commit(NamedTuple):
    store: str
    item: Any
    publish: tuple[Event | Delayed, ...]
    handled: str | None

    def __await__(self) -> Step:
        return (yield self)


class Now(NamedTuple):
    def __await__(self) -> Step:
        return (yield self)


class Publish(NamedTuple):
    event: Event

    def __await__(self) -> Step:
        return (yield self)


class Ask(NamedTuple):
    """A request to an external party: to have an effect, or to undo or forbid it (`void`)."""

    party: str
    void: bool
    label: str
    key: str
    request: tuple[Any, ...]
    timeout: int

    def __await__(self) -> Step:
        return (yield self)


class Invoke(NamedTuple):
    service: str
    command: Any

    def __await__(self) -> Step:
        return (yield self)


class Tell(NamedTuple):
    person: str
    text: str

    def __await__(self) -> Step:
        return (yield self)


class Pause(NamedTuple):
    def __await__(self) -> Step:
        return (yield self)


class Resume(NamedTuple):
    def __await__(self) -> Step:
        return (yield self)


class LatestSnapshot(NamedTuple):
    store: str
    snapshots: str

    def __await__(self) -> Step:
        return (yield self)


class ReadEvents(NamedTuple):
    events: str
    types: tuple[type[Event], ...]

    def __await__(self) -> Step:
        return (yield self)


class Restore(NamedTuple):
    store: str
    backup: Any

    def __await__(self) -> Step:
        return (yield self)


class DeliverAgain(NamedTuple):
    event: Event

    def __await__(self) -> Step:
        return (yield self)


class StorePort:
    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, key: str) -> Get:
        if not isinstance(key, str):
            raise TypeError(f"{self.name}: a key is a text, not {key!r:.60}")
        return Get(self.name, key)

    def commit(
        self,
        item: Any,
        *,
        publish: Sequence[Event | Delayed] = (),
        handled: Event | str | None = None,
    ) -> Commit:
        if item is not None:
            must_be_an_item(self.name, item)
        message_id = handled.header.event_id if isinstance(handled, Event) else handled
        if not isinstance(message_id, str | None):
            raise TypeError(f"handled= takes the event that was handled, not {handled!r:.60}")
        return Commit(self.name, item, _outbox(publish), message_id)


def _outbox(publish: Sequence[Event | Delayed]) -> tuple[Event | Delayed, ...]:
    """Validate what a commit is to publish, so that no world has to."""
    entries = tuple(publish)
    for entry in entries:
        if not isinstance(event_of(entry), Event):
            raise TypeError(f"publish= takes a list of events, not {entry!r:.80}")
    if len(entries) > 1 and _one_id_twice(entries):
        raise ValueError("two events of one commit have the same id: tell them apart with nth=")
    return entries


def _one_id_twice(entries: Collection[Event | Delayed]) -> bool:
    return len({event_of(entry).header.event_id for entry in entries}) < len(entries)


class ExternalPort:
    def __init__(self, name: str) -> None:
        self.name = name

    def execute(
        self, key: str, request: Sequence[Any], *, timeout: int, label: str = "execute()"
    ) -> Ask:
        return Ask(self.name, False, label, key, tuple(request), timeout)

    def void(self, key: str, *, timeout: int, label: str = "void()") -> Ask:
        return Ask(self.name, True, label, key, (), timeout)


class CallerPort:
    def __init__(self, name: str) -> None:
        self.name = name

    def invoke(self, command: Any) -> Invoke:
        return Invoke(self.name, command)


class PersonPort:
    def __init__(self, name: str) -> None:
        self.name = name

    def tell(self, text: str) -> Tell:
        return Tell(self.name, text)


class ClockPort:
    def now(self) -> Now:
        return Now()


class BusPort:
    def publish(self, event: Event) -> Publish:
        return Publish(event)


class IntakePort:
    def pause(self) -> Pause:
        return Pause()

    def resume(self) -> Resume:
        return Resume()


class ArchivePort:
    def __init__(self, store: str, snapshots: str, events: str) -> None:
        self.store, self.snapshots, self.event_store = store, snapshots, events

    def latest_snapshot(self) -> LatestSnapshot:
        return LatestSnapshot(self.store, self.snapshots)

    def events(self, *types: type[Event]) -> ReadEvents:
        return ReadEvents(self.event_store, types)

    def restore(self, backup: Any) -> Restore:
        return Restore(self.store, backup)

    def deliver_again(self, event: Event) -> DeliverAgain:
        return DeliverAgain(event)


class ServicePorts:
    """The ports of one service, which make an operation of each call.

    Raises `ValueError` when a port to something is asked for that the deployment does not have.
    """

    clock = ClockPort()
    bus = BusPort()
    intake = IntakePort()

    def __init__(self, service: str, deployment: Deployment) -> None:
        self._service = service
        self._deployment = deployment

    def store(self, name: str) -> StorePort:
        return StorePort(self._known("store", name))

    def external(self, name: str) -> ExternalPort:
        return ExternalPort(self._known("external party", name))

    def caller(self, name: str) -> CallerPort:
        return CallerPort(self._known("function", name))

    def person(self, name: str) -> PersonPort:
        return PersonPort(self._known("actor", name))

    def archive(self, store: str, snapshots: str, events: str) -> ArchivePort:
        snapshots, events = self._known("archive", snapshots), self._known("archive", events)
        return ArchivePort(self._known("store", store), snapshots, events)

    def _known(self, port: Port, name: str) -> str:
        return self._deployment.must_have(port, name, self._service)
