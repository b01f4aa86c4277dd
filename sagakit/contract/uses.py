"""What a service uses: the ports that it asks for when it is built, and no others."""

from typing import Any

from sagakit.contract.deployment import Deployment, Function, Port
from sagakit.contract.events import Event
from sagakit.contract.ports import handlers


class Uses:
    """The stores, parties and functions that a function's service reaches, in the order in which
    it asks for them, what it handles, and whether it publishes events.

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
        """What it handles that is no event, by name."""
        found = [one for one in self.handles if not issubclass(one, Event)]
        return sorted(found, key=lambda one: one.__name__)

    # The ports: nothing is asked of them while a service is built.

    clock: Any = object()
    intake: Any = object()

    @property
    def bus(self) -> Any:
        self.publishes = True
        return object()

    def store(self, name: str) -> Any:
        return self._asked("store", name, self.stores)

    def external(self, name: str) -> Any:
        return self._asked("external party", name, self.externals)

    def caller(self, name: str) -> Any:
        return self._asked("function", name, self.callers)

    def person(self, name: str) -> Any:
        return self._asked("actor", name, self.people)

    def archive(self, store: str, snapshots: str, events: str) -> Any:
        self.store(store)
        self._asked("archive", snapshots, self.archives)
        return self._asked("archive", events, self.archives)

    def _asked(self, port: Port, name: str, known: list[str]) -> object:
        self._deployment.must_have(port, name, self._function)
        if name not in known:
            known.append(name)
        return object()
