"""A system of one's own, and what is asked of it, as data.

Services by name, wired by what they handle: each gets a store and, if it handles events, a queue;
what it handles is sent there. So a choreography is a few classes and one `System`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, get_args

from sagakit.contract.deployment import Deployment, Function, Participant, Queue, Rule, Table
from sagakit.contract.events import Event
from sagakit.contract.external import Behaviour
from sagakit.contract.operations import ServicePorts
from sagakit.contract.ports import Ports, Service, handlers, must_be_an_item
from sagakit.contract.suggest import suggest
from sagakit.contract.timing import Timing
from sagakit.contract.validation import BadScenario, whole_number

USER = "User"


@dataclass(frozen=True, kw_only=True)
class System:
    """Services of one's own, and what is asked of them.

    name       one word, for messages
    services   name to its class, which is made with its store; or to a function that makes it from
               all ports, where it needs another party besides: `ports.store("Hotel DB")`,
               `ports.external("Airline")`, `ports.person("User")`
    requests   saga to the command that begins it; the `User` sends them all at the start, each to
               the service that handles its type
    opening    service to the items that its store has at the start
    externals  party outside to how it reacts in a plain run; `explore` tries what its budget allows
    laws       functions of a `Run` at rest: None, or in words what is broken; each is called by its
               function's name
    timing     how long things take, as in a `Scenario`

    A service X takes its messages from "X SQS", where its `Delayed` events wait too, and keeps its
    items in "X DB". Raises `BadScenario` for a service that cannot be made, a command that nobody
    handles, and whatever else makes no sense.

    >>> from sagakit.contract.ports import Store, on
    >>> from sagakit.run import run
    >>> class Greeter:
    ...     def __init__(self, greetings: Store[str]) -> None:
    ...         self.greetings = greetings
    ...
    ...     @on(str)
    ...     async def greet(self, name: str) -> str:
    ...         return f"Good day, {name}"
    >>> met = run(System(name="meeting", services={"Greeter": Greeter}, requests={"ana": "Ana"}))
    >>> met.trace.label.tolist()
    ['Invoke Lambda', 'Good day, Ana']
    """

    name: str
    services: Mapping[str, Service]
    requests: Mapping[str, Any]
    title: str = ""
    opening: Mapping[str, Iterable[Any]] = field(default_factory=dict)
    externals: Mapping[str, Behaviour] = field(default_factory=dict)
    laws: tuple[Callable[[Any], str | None], ...] = ()
    timing: Timing = field(default_factory=Timing)
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_types()
        object.__setattr__(self, "title", self.title or self.name)
        opening = {name: tuple(items) for name, items in self.opening.items()}  # read again
        object.__setattr__(self, "opening", opening)
        try:
            object.__setattr__(self, "timing", Timing.from_values(self.timing, "timing"))
        except BadScenario as error:
            raise BadScenario(f"{self.name}: {error}") from None
        for name, items in self.opening.items():
            if name not in self.services:
                hint = suggest(name, self.services)
                raise BadScenario(f"{self.name}: opening: there is no service {name!r}: {hint}")
            keys = set()
            for item in items:
                try:
                    must_be_an_item(f"opening of {name}", item)
                except TypeError as error:
                    raise BadScenario(f"{self.name}: {error}") from None
                if item.key in keys:
                    raise BadScenario(
                        f"{self.name}: opening of {name}: {item.key!r} is there twice"
                    )
                keys.add(item.key)
        for command in self.requests.values():
            self.receiver(command)

    def _check_types(self) -> None:
        # What mypy would say, for those who do not ask it.
        for name in ("name", "title"):
            if not isinstance(getattr(self, name), str):
                raise BadScenario(f"{name}: must be a text, not {getattr(self, name)!r:.40}")
        for name in ("services", "requests", "opening", "externals"):
            given = getattr(self, name)
            if not isinstance(given, Mapping):
                raise BadScenario(f"{self.name}: {name}: give a dict, {{name: ...}}")
            for key in given:
                if not isinstance(key, str) or not key.strip():
                    raise BadScenario(f"{self.name}: {name}: a name is a text, not {key!r:.40}")
        for name, items in self.opening.items():
            if not isinstance(items, Iterable):
                raise BadScenario(f"{self.name}: opening of {name}: give a list of items")
        if not isinstance(self.laws, tuple | list) or not all(map(callable, self.laws)):
            raise BadScenario(f"{self.name}: laws: give a tuple of functions: (my_law,)")
        object.__setattr__(self, "seed", whole_number(f"{self.name}: seed", self.seed))
        for party, does in self.externals.items():
            if does not in get_args(Behaviour):
                hint = suggest(str(does), get_args(Behaviour))
                raise BadScenario(f"{self.name}: externals: {party} cannot {does!r:.40}: {hint}")

    def but(self, **changes: Any) -> Self:
        """Return the same system with some fields changed. Raises `BadScenario`."""
        try:
            return replace(self, **changes)
        except TypeError as error:
            raise BadScenario(f"{self.name}: {error}") from None

    def receiver(self, command: Any) -> str:
        """Return the name of the service that handles a command. Raises `BadScenario`."""
        for name, types in self._handles.items():
            if type(command) in types:
                return name
        if isinstance(command, type):
            raise BadScenario(
                f"{self.name}: requests: give a {command.__name__}(...), not its class"
            )
        what = type(command).__name__
        raise BadScenario(
            f"{self.name}: nobody handles {what}: mark a method with @on({what}) in one of "
            f"{', '.join(self.services)}"
        )

    @cached_property
    def _handles(self) -> dict[str, tuple[type, ...]]:
        """The types of messages that each service handles."""
        return {name: self._handled_types(name) for name in self.services}

    def _handled_types(self, name: str) -> tuple[type, ...]:
        ports = ServicePorts(name, self._wired({}))
        try:
            found = handlers(self._builder(name)(ports))
        except Exception as error:
            raise BadScenario(
                f"{self.name}: {name} cannot be made: {type(error).__name__}: {error}"
            ) from error
        if not found:
            raise BadScenario(f"{self.name}: {name} has no handler: mark a method of it with @on")
        return tuple(found)

    def _builder(self, name: str) -> Callable[[Ports], object]:
        service = self.services[name]
        if isinstance(service, type):
            return lambda ports: service(ports.store(f"{name} DB"))
        return service

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment: a store for each service, a queue and rules where it handles events."""
        return self._wired(self._handles)

    def _wired(self, handles: Mapping[str, tuple[type, ...]]) -> Deployment:
        events = {
            name: [each for each in types if issubclass(each, Event)]
            for name, types in handles.items()
        }
        queued = [name for name in events if events[name]]
        functions = tuple(
            Function(
                name=name,
                domain=name,
                build=self._builder(name),
                queues=(f"{name} SQS",) if name in queued else (),
            )
            for name in self.services
        )
        tables = tuple(Table(f"{name} DB", owner=name, domain=name) for name in self.services)
        lanes = [USER]
        for name in self.services:
            lanes += [name, *[f"{name} SQS"] * (name in queued), f"{name} DB"]
        try:
            return Deployment(
                functions=functions,
                queues=tuple(Queue(name=f"{name} SQS", domain=name) for name in queued),
                rules=tuple(Rule(each, f"{name} SQS") for name in queued for each in events[name]),
                tables=tables,
                others=(
                    Participant(USER, "actor"),
                    *(Participant(name, "external") for name in self.externals),
                ),
                lanes=(*lanes, "EventBridge", *self.externals),
                timing=self.timing,
            )
        except ValueError as error:  # two of one name, say
            raise BadScenario(f"{self.name}: {error}") from None
