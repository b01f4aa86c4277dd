"""A deployment as data: which services, queues, rules, topics and stores there are.

The types here say how a system is put together, whatever the system does; `payments/topology.py`
states the payment system with them. A mistake (a rule to a queue that does not exist, a service
without a handler) is refused when the deployment is made.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel

from sagakit.contract.events import Event
from sagakit.contract.ports import Ports
from sagakit.contract.suggest import suggest
from sagakit.contract.timing import Timing
from sagakit.contract.validation import BadScenario

if TYPE_CHECKING:
    import pandas as pd

    from sagakit.draw.figure import Picture
    from sagakit.laws.configuration import Horizons

# What AWS advises for a queue that feeds a function (Lambda Developer Guide, "Using Lambda with
# Amazon SQS").
TIMES = 6  # the visibility timeout, of the function's timeout
FEWEST_RECEIVES = 5  # before a message is a dead letter

ParticipantKind = Literal["actor", "service", "queue", "store", "bus", "topic", "external"]

Port = Literal["store", "function", "actor", "external party", "archive"]
OUTSIDE: dict[Port, ParticipantKind] = {
    "actor": "actor", "external party": "external", "archive": "store"
}  # fmt: skip
"""Of the ports to what a deployment only names among `others`: what kind of participant that is."""


class Participant(NamedTuple):
    """One lane of a sequence diagram."""

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
    calls        event types whose delivery is drawn as a call instead of an asynchronous message
    invocation   what a delivery is called in a diagram

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

    def made(self, ports: Ports) -> object:
        """The service. Raises `BadScenario` for one that cannot be made."""
        try:
            return self.build(ports)
        except ValueError:  # a port to what does not exist, which is told already
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise BadScenario(f"{self.name} cannot be made: {what}") from error

    @property
    def delays_in(self) -> str:
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
        """The queue that lies between the topic and a subscriber."""
        return Queue(name=f"{self.name} to {subscriber}", dead_letters=self.dead_letters)


class Table(NamedTuple):
    """A store of versioned items, with an outbox and an inbox of its owner (DynamoDB-like)."""

    name: str
    owner: str
    domain: str | None = None


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A whole system, checked: every name that is used exists, every queue has its function.

    `settings` are what it was made from, if anything, to be made from again elsewhere.

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
        self._check_queues()
        queues = {queue.name for queue in self.queues}
        targets = queues | {topic.name for topic in self.topics}
        functions = {function.name for function in self.functions}
        for rule in self.rules:
            if rule.target not in targets:
                raise ValueError(
                    f"the rule for {rule.event.__name__} sends to {rule.target!r}, which does not "
                    f"exist: declare that queue or topic, or use one of {_names(targets)}"
                )
        for topic in self.topics:
            for subscriber in topic.subscribers:
                if subscriber not in functions:
                    raise ValueError(
                        f"{topic.name} has the subscriber {subscriber!r}, which is no function: "
                        f"declare it, or use one of {_names(functions)}"
                    )
        for table in self.tables:
            if table.owner not in functions:
                raise ValueError(
                    f"{table.name} belongs to {table.owner!r}, which is no function: "
                    f"name one of {_names(functions)}"
                )

    def _check_numbers(self) -> None:
        numbers = [
            (one.name, what, getattr(one, what))
            for one in self.functions
            for what in ("timeout", "concurrency", "batch", "client_timeout")
            if getattr(one, what) is not None
        ]
        for queue in self.queues:
            numbers.append((queue.name, "visibility", queue.visibility))
            numbers.append((queue.name, "receives", queue.receives))
        for name, what, number in numbers:
            if number < 1:
                raise ValueError(f"{name}: {what} must be at least 1, not {number}")

    def _check_queues(self) -> None:
        """Every queue is taken from by one function."""
        queues = {queue.name for queue in self.queues}
        takers: dict[str, str] = {}
        for function in self.functions:
            for name in (*function.queues, *filter(None, [function.retry_queue])):
                if name not in queues:
                    raise ValueError(
                        f"{function.name} uses the queue {name!r}, which does not exist: declare "
                        f"it, or use one of {_names(queues)}"
                    )
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
        """All participants, in the order of `lanes` first and then as they are declared."""
        order = {name: place for place, name in enumerate(self.lanes)}
        last = len(order)
        return tuple(sorted(self._unordered(), key=lambda one: order.get(one.name, last)))

    def must_have(self, port: Port, name: str, service: str) -> str:
        """The name by which a service asks for a port. Raises `ValueError` if there is none."""
        kind = OUTSIDE.get(port)
        among: Iterable[Table | Function | Participant] = (
            self.tables if port == "store"
            else self.functions if port == "function"
            else (one for one in self.others if one.kind == kind)
        )  # fmt: skip
        names = [one.name for one in among]
        if name not in names:
            what = "store" if port == "archive" else port
            raise ValueError(f"{service}: there is no {what} {name!r}: {suggest(name, names)}")
        return name

    # Its views are imported when they are asked for.

    def figure(self, title: str | None = None, *, brief: bool = False) -> "Picture":
        """The deployment diagram: a row a domain, the bus with its rules on the left.

        `title` is one line; by default it says how many parts there are. `brief` draws who takes
        which event from where, and leaves out numbers, dead letters and what only faults need.
        Raises `ValueError` for a service that asks for what the deployment does not have.

        >>> from sagakit.payments.topology import payment_system
        >>> print(payment_system().figure().alt.splitlines()[0])
        Deployment: 7 functions, 4 queues, 9 rules, 1 topic, 4 tables.
        """
        from sagakit.draw.deployed import deployed

        return deployed(self, title=title, brief=brief)

    def check(self, horizons: "Horizons | None" = None) -> "pd.DataFrame":
        """The inequalities between settings that bite in production, a row a rule and place.

        rule, detail         what is asked for, and the two settings with their values
        held                 whether it is so
        consequence, source  what can happen where it is not, and who says so

        `horizons` is for how long things are kept; see `sagakit.laws.configuration`.

        >>> from sagakit.payments.topology import Settings, payment_system
        >>> payment_system().check().held.all().item()
        True
        >>> hasty = payment_system(Settings(provider_timeout=10_000)).check()
        >>> print(hasty.detail[~hasty.held].item())
        the client waits 10 s; Provider Gateway is cut off after 10 s
        """
        from sagakit.laws.configuration import configuration
        from sagakit.trace.tables import inequalities

        return inequalities(configuration(self, horizons))


def _names(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none (there are none yet)"
