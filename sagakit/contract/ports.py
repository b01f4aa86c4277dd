"""Ports: what a service may ask of the world it runs in.

A service is a class whose handlers are `async` methods marked with `@on`. It gets its ports when
it is built and awaits them; each awaited call is one step, whose effect the world performs.
Retry, delivery, time and tracing belong to the world.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from inspect import iscoroutinefunction, signature
from typing import Any, NamedTuple, Protocol, TypeVar

from sagakit.contract.events import Event

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


def on(*message_types: type) -> Callable[[Handler], Handler]:
    """Mark a method as the handler of a type of event or command, or of several.

    Raises `TypeError` for what is no type, and for a method that is not `async def` or does not
    take the message as its one argument.
    """
    if not message_types or not all(isinstance(message, type) for message in message_types):
        raise TypeError("@on takes the types of messages that the method handles: @on(PaymentInit)")

    def mark(method: Handler) -> Handler:
        is_async: bool = iscoroutinefunction(method)
        if not is_async:
            raise TypeError(
                f"{method.__name__} handles {message_types[0].__name__} and must be `async def`, "
                f"since a handler awaits its ports"
            )
        try:
            signature(method).bind(None, None)
        except TypeError:
            raise TypeError(
                f"{method.__name__} handles {message_types[0].__name__} and must take it as its "
                f"one argument: `async def {method.__name__}(self, event)`"
            ) from None
        method.handles = message_types  # type: ignore[attr-defined]
        return method

    return mark


def handlers(service: object) -> dict[type, Callable[[Any], Awaitable[Any]]]:
    """Return the handlers of a service: message type to bound method.

    Raises `ValueError` if two methods handle one type.
    """
    cls: Any = type(service)
    names = _handler_names(cls)
    return {message_type: getattr(service, name) for message_type, name in names.items()}


@cache
def _handler_names(service: type) -> dict[type, str]:
    """Return the name of the method that handles each type. A sweep asks for each run."""
    names: dict[type, str] = {}
    for name in dir(service):
        for message_type in getattr(getattr(service, name), "handles", ()):
            if message_type in names:
                raise ValueError(
                    f"{service.__name__} handles {message_type.__name__} in {names[message_type]} "
                    f"and in {name}: keep one"
                )
            names[message_type] = name
    return names


class Item(Protocol):
    """An item of a store: a `NamedTuple` with a key and a version.

    The version is the one that was read; a new item has version 0. The store writes the item with
    the next version.
    """

    @property
    def key(self) -> str: ...

    @property
    def version(self) -> int: ...


def must_be_an_item(store: str, item: Any) -> None:
    """Raise `TypeError` for what a store cannot keep."""
    if not (
        _is_kept(item.__class__) and isinstance(item.key, str) and isinstance(item.version, int)
    ):
        raise TypeError(
            f"{store}: an item is a NamedTuple with a key and a version, as in class "
            f"Room(NamedTuple): key: str; version: int = 0; and not {item!r:.60}"
        )


@cache
def _is_kept(cls: type) -> bool:
    return all(hasattr(cls, name) for name in ("_replace", "key", "version"))


E = TypeVar("E", bound=Event)
I = TypeVar("I", bound=Item)  # noqa: E741


class Delayed(NamedTuple):
    """An event that goes into the service's own retry queue instead of to the bus."""

    event: Event
    delay: int  # ms


def event_of(entry: Event | Delayed) -> Event:
    """Return the event of an outbox entry."""
    return entry.event if isinstance(entry, Delayed) else entry


class Store(Protocol[I]):
    """Versioned items with an outbox and an inbox (DynamoDB-like)."""

    def get(self, key: str) -> Awaitable[I | None]:
        """Read the item, or None. Raises `Unavailable` while the store is out of reach."""
        ...

    def commit(
        self,
        item: I | None,
        *,
        publish: Sequence[Event | Delayed] = (),
        handled: Event | str | None = None,
    ) -> Awaitable[I | None]:
        """Write the item, its outbox and the inbox in one atomic transaction.

        The item is written with the next version if the stored version is still `item.version`;
        an item that equals the stored one is only checked. `handled` is the message that this
        commit answers, or its id. Returns the item as stored.

        Raises `AlreadyHandled` if the inbox has the message, `VersionConflict` if the version
        moved on, `Unavailable` while the store is out of reach; then nothing is written. Raises
        `ValueError`, before it asks the store, for two events with one id.
        """
        ...


class Clock(Protocol):
    def now(self) -> Awaitable[int]:
        """Tell the time in ms."""
        ...


class Bus(Protocol):
    """Publishing directly, past any outbox: a dual write waiting to happen."""

    def publish(self, event: Event) -> Awaitable[None]: ...


class Answer(NamedTuple):
    """The answer of an external party: an HTTP status and one word for the outcome."""

    status: int
    outcome: str


class External(Protocol):
    """A party outside the system, called over the network. It keeps its own books by key."""

    def execute(
        self, key: str, request: Sequence[Any], *, timeout: int, label: str = ...
    ) -> Awaitable[Answer]:
        """Ask for the effect named by the Idempotency-Key, once however often it is asked.

        `label` is what the request is called in a diagram.

        Raises `TimedOut` after `timeout` ms without an answer (the effect may have happened) and
        `Unavailable` if the party cannot be reached (it has not).
        """
        ...

    def void(self, key: str, *, timeout: int, label: str = ...) -> Awaitable[Answer]:
        """Undo the effect of that key, or forbid it if it never happened. Raises like `execute`."""
        ...


class Caller(Protocol):
    """Another service of the system, invoked and waited for."""

    def invoke(self, command: Any) -> Awaitable[Any]:
        """Have the other service handle it, and return the result. Raises `Unavailable`."""
        ...


class Person(Protocol):
    def tell(self, text: str) -> Awaitable[None]:
        """Send a message to a person outside the system."""
        ...


class Intake(Protocol):
    """A service's own subscription to its queues."""

    def pause(self) -> Awaitable[None]:
        """Take no more messages, and wait until those in hand are done."""
        ...

    def resume(self) -> Awaitable[None]: ...


class Backup(NamedTuple):
    """A copy of a store at one moment."""

    taken_at: int  # ms
    items: tuple[Any, ...]
    inbox: frozenset[str]
    outbox: tuple[Event | Delayed, ...]


NO_BACKUP = Backup(0, (), frozenset(), ())


class Archive(Protocol):
    """Backups of a store and all published events (S3, an EventBridge archive)."""

    def latest_snapshot(self) -> Awaitable[Backup]: ...

    def events(self, *types: type[E]) -> Awaitable[tuple[E, ...]]:
        """Read the published events of these types, in no particular order. Their timestamps are
        of the publication, as EventBridge's are."""
        ...

    def restore(self, backup: Backup) -> Awaitable[None]:
        """Make the store hold just what the backup holds; it can be reached from then on."""
        ...

    def deliver_again(self, event: Event) -> Awaitable[None]:
        """Put an archived event in the service's own queue once more."""
        ...


class Ports(Protocol):
    """The ports that a deployment hands to a service, by the participants' names."""

    def store(self, name: str) -> Store[Any]: ...
    def external(self, name: str) -> External: ...
    def caller(self, name: str) -> Caller: ...
    def person(self, name: str) -> Person: ...
    def archive(self, store: str, snapshots: str, events: str) -> Archive: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def bus(self) -> Bus: ...
    @property
    def intake(self) -> Intake: ...


Service = type | Callable[[Ports], object]
"""A class that gets the ports of the sound service, or a function that builds one from all ports"""


class WorldError(Exception):
    """An error of a port call. `code` is the original system's error code, where it has one."""

    code: int | None = None


class VersionConflict(WorldError):
    """Another write came first. The world runs the handler again, from its first read."""


class AlreadyHandled(WorldError):
    """The inbox has this message: it was handled before, nothing is left to do."""


class MaxRetriesExceeded(WorldError):
    """The handler met a conflict again after 3 retries within one invocation."""

    code = 4002


class Unavailable(WorldError):
    """The other side cannot be reached, and has done nothing."""


class TimedOut(WorldError):
    """No answer within the client's timeout. Whether the effect happened is unknown."""
