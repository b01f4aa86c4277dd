"""A deployment as data: which services, queues, rules, topics and stores there are.

The types here say how a system is put together, whatever the system does; `payments/topology.py`
states the payment system with them. A mistake (a rule to a queue that does not exist, a service
without a handler) is refused when the deployment is made.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from sagakit.contract.events import Event
from sagakit.contract.ports import Ports, handlers
from sagakit.contract.suggest import suggest
from sagakit.contract.timing import Timing
from sagakit.contract.validation import BadScenario

# What AWS advises for a queue that feeds a function (Lambda Developer Guide, "Using Lambda with
# Amazon SQS").
VISIBILITY_TIMES = 6  # the visibility timeout, of the function's timeout
FEWEST_RECEIVES = 5  # before a message is a dead letter

ParticipantKind = Literal["actor", "service", "queue", "store", "bus", "topic", "external"]

Port = Literal["store", "function", "actor", "external party", "archive"]
OTHERS: dict[Port, ParticipantKind] = {
    "actor": "actor", "external party": "external", "archive": "store"
}  # fmt: skip
"""The kind of participant behind each port to what a deployment only names among `others`."""


class Participant(NamedTuple):
    """Somebody who takes part: its name, what it is, and the domain that it belongs to."""

    name: str
    kind: ParticipantKind
    domain: str | None = None


@dataclass(frozen=True, kw_only=True)
class Function:
    """A service and how it is run (Lambda-like).

    build        makes the service from its ports
    queues       the queues it takes messages from
    retry_queue  where its `Delayed` events go; if none is given, they go to its own queue
    timeout      ms, then the invocation is cut off (AWS Lambda: 3 s by default, at most 900 s)
    concurrency  how many invocations may run at once
    batch        how many messages one invocation takes at most (AWS Lambda with SQS: 10)
    reports      whether it reports which messages of a batch failed (AWS: ReportBatchItemFailures,
                 off by default); if not, one that fails makes the whole batch come again
    calls        event types that are handed over by a call and not asynchronously
    invocation   what handing a message over is called

    client_timeout   ms for which it waits for a party outside to answer, if it calls one
    client_attempts  how often it asks that party at most, each time for a message of its own
    client_delay     ms between two of these attempts
    """

    name: str
    build: Callable[[Ports], object]
    domain: str | None = None
    queues: tuple[str, ...] = ()
    retry_queue: str | None = None
    timeout: int = 3_000
    concurrency: int = 10
    batch: int = 1
    reports: bool = True
    calls: tuple[type[Event], ...] = ()
    invocation: str = "Invoke Lambda"
    client_timeout: int | None = None
    client_attempts: int = 1
    client_delay: int = 0

    def make(self, ports: Ports) -> object:
        """Make the service. Raises `BadScenario` for one that cannot be made."""
        try:
            return self.build(ports)
        except ValueError:  # a port to what does not exist, which is told already
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise BadScenario(f"{self.name} cannot be made: {what}") from error

    @property
    def delay_queue(self) -> str:
        """The queue in which its `Delayed` events wait. Raises `BadScenario` if nobody can tell."""
        if self.retry_queue:
            return self.retry_queue
        if len(self.queues) == 1:
            return self.queues[0]
        todo = (
            f"say which of {', '.join(self.queues)} is its retry_queue"
            if self.queues
            else "have one of its methods handle that event (@on), so that it has a queue"
        )
        raise BadScenario(
            f"{self.name} publishes a Delayed event, and nothing says in which queue it waits: "
            f"{todo}"
        )


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue with its dead-letter queue (SQS-like).

    visibility   ms for which a received message is hidden from others (AWS: 30 s by default)
    receives     how often a message may be received before it goes to the dead-letter queue
                 (AWS advises at least 5 for a queue that feeds a Lambda function)
    """

    name: str
    domain: str | None = None
    visibility: int = 30_000
    receives: int = FEWEST_RECEIVES
    dead_letters: str = ""

    def __post_init__(self) -> None:
        if not self.dead_letters:
            object.__setattr__(self, "dead_letters", self.name.replace(" SQS", "") + " DLQ")


class Rule(NamedTuple):
    """Events of type `event` go to `target`, a queue or a topic, as `rename` if that is given."""

    event: type[Event]
    target: str
    rename: type[Event] | None = None


class Topic(NamedTuple):
    """Fans a message out to its subscribers, all at once (SNS-like)."""

    name: str
    subscribers: tuple[str, ...]
    domain: str | None = None

    @property
    def dead_letters(self) -> str:
        return f"{self.name} DLQ"

    def subscription(self, subscriber: str) -> Queue:
        """Return the queue that lies between the topic and a subscriber."""
        return Queue(name=f"{self.name} to {subscriber}", dead_letters=self.dead_letters)


class Table(NamedTuple):
    """A store of versioned items, with an outbox and an inbox of its owner (DynamoDB-like)."""

    name: str
    owner: str
    domain: str | None = None


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A whole system, validated: every name that is used exists, every queue has its function.

    others    who takes part besides: people, parties outside, archives
    lanes     participants in the order in which they are listed; the others follow
    settings  what it was made from, if anything, to be made from again elsewhere

    Raises `ValueError` that names what is wrong and what to do.
    """

    functions: tuple[Function, ...]
    queues: tuple[Queue, ...] = ()
    rules: tuple[Rule, ...] = ()
    topics: tuple[Topic, ...] = ()
    tables: tuple[Table, ...] = ()
    bus: str = "EventBridge"
    others: tuple[Participant, ...] = ()
    lanes: tuple[str, ...] = ()
    timing: Timing = field(default_factory=Timing)
    settings: BaseModel | None = None

    def __post_init__(self) -> None:
        self._check_names()
        self._check_numbers()
        for name, known, use, repair in self._references():
            if name not in known:
                names = ", ".join(sorted(known)) or "none (there are none yet)"
                raise ValueError(f"{use}: {repair} one of {names}")
        self._check_takers()

    def _references(self) -> Iterator[tuple[str, set[str], str, str]]:
        """Yield each name that a part uses, with the names that there are, and in words what is
        wrong if it is none of them, and what to do."""
        functions = {function.name for function in self.functions}
        queues = {queue.name for queue in self.queues}
        targets = queues | {topic.name for topic in self.topics}
        for function in self.functions:
            for name in (*function.queues, *filter(None, [function.retry_queue])):
                use = f"{function.name} uses the queue {name!r}, which does not exist"
                yield name, queues, use, "declare it, or use"
        for rule in self.rules:
            use = (
                f"the rule for {rule.event.__name__} sends to {rule.target!r}, which does not exist"
            )
            yield rule.target, targets, use, "declare that queue or topic, or use"
        for topic in self.topics:
            for name in topic.subscribers:
                use = f"{topic.name} has the subscriber {name!r}, which is no function"
                yield name, functions, use, "declare it, or use"
        for table in self.tables:
            use = f"{table.name} belongs to {table.owner!r}, which is no function"
            yield table.owner, functions, use, "name"

    def _check_numbers(self) -> None:
        fields = ("timeout", "concurrency", "batch", "client_timeout", "visibility", "receives")
        parts: tuple[Function | Queue, ...] = (*self.functions, *self.queues)
        for part in parts:
            for name in fields:
                number = getattr(part, name, None)
                if number is not None and number < 1:
                    raise ValueError(f"{part.name}: {name} must be at least 1, not {number}")

    def _check_takers(self) -> None:
        """Make sure that every queue is taken from by one function."""
        takers: dict[str, str] = {}
        for function in self.functions:
            for name in function.queues:
                other = takers.setdefault(name, function.name)
                if other != function.name:
                    raise ValueError(
                        f"{other} and {function.name} both take messages from {name!r}: "
                        f"give each a queue of its own"
                    )
        for queue in self.queues:
            if queue.name not in takers:
                raise ValueError(
                    f"nobody takes messages from {queue.name!r}: add it to the queues of a function"
                )

    def _check_names(self) -> None:
        seen: set[str] = set()
        for participant in self._unordered():
            if participant.name in seen:
                raise ValueError(f"two participants are called {participant.name!r}: rename one")
            seen.add(participant.name)
        for name in self.lanes:
            if name not in seen:
                raise ValueError(
                    f"lanes name {name!r}, which is no participant: remove or declare it"
                )

    def _unordered(self) -> list[Participant]:
        found = list(self.others)
        found += [Participant(f.name, "service", f.domain) for f in self.functions]
        for queue in self.queues:
            found.append(Participant(queue.name, "queue", queue.domain))
            found.append(Participant(queue.dead_letters, "queue", queue.domain))
        found += [Participant(table.name, "store", table.domain) for table in self.tables]
        found.append(Participant(self.bus, "bus", "Bus"))
        for topic in self.topics:
            found.append(Participant(topic.name, "topic", topic.domain))
            found.append(Participant(topic.dead_letters, "queue", topic.domain))
        return found

    def participants(self) -> tuple[Participant, ...]:
        """Return all participants, in the order of `lanes` first and then as they are declared."""
        return self._participants

    @cached_property
    def _participants(self) -> tuple[Participant, ...]:
        order = {name: index for index, name in enumerate(self.lanes)}
        last = len(order)
        return tuple(sorted(self._unordered(), key=lambda each: order.get(each.name, last)))

    def must_have(self, port: Port, name: str, service: str) -> str:
        """Return the name by which a service asks for a port. Raises `ValueError` if there is no
        such participant.
        """
        names = self._names_of_ports[port]
        if name not in names:
            what = "store" if port == "archive" else port
            raise ValueError(f"{service}: there is no {what} {name!r}: {suggest(name, names)}")
        return name

    @cached_property
    def _names_of_ports(self) -> dict[Port, list[str]]:
        return {
            "store": [table.name for table in self.tables],
            "function": [function.name for function in self.functions],
            **{
                port: [other.name for other in self.others if other.kind == kind]
                for port, kind in OTHERS.items()
            },
        }


class Uses:
    """Everything that a function's service uses: the stores, parties and functions that it asks
    for when it is built, in that order, what it handles, and whether it publishes events.

    Raises `ValueError` if it asks for something that the deployment does not have.
    """

    def __init__(self, function: Function, deployment: Deployment) -> None:
        self._function = function.name
        self._deployment = deployment
        self.stores: list[str] = []
        self.archives: list[str] = []
        self.externals: list[str] = []
        self.people: list[str] = []
        self.callers: list[str] = []
        self.publishes = False
        self.handles = set(handlers(function.build(self)))
        self.publishes |= bool(self.stores)  # by the outbox

    @property
    def commands(self) -> list[type]:
        """The messages that it handles and that are no events, by name."""
        commands = [each for each in self.handles if not issubclass(each, Event)]
        return sorted(commands, key=lambda command: command.__name__)

    # The ports: nothing is asked of them while a service is built.

    clock: Any = object()
    intake: Any = object()

    @property
    def bus(self) -> Any:
        self.publishes = True
        return object()

    def store(self, name: str) -> Any:
        return self._note("store", name, self.stores)

    def external(self, name: str) -> Any:
        return self._note("external party", name, self.externals)

    def caller(self, name: str) -> Any:
        return self._note("function", name, self.callers)

    def person(self, name: str) -> Any:
        return self._note("actor", name, self.people)

    def archive(self, store: str, snapshots: str, events: str) -> Any:
        self.store(store)
        self._note("archive", snapshots, self.archives)
        return self._note("archive", events, self.archives)

    def _note(self, port: Port, name: str, noted: list[str]) -> object:
        self._deployment.must_have(port, name, self._function)
        if name not in noted:
            noted.append(name)
        return object()
