"""Who gets what is published, and when a message that was not handled comes again."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment
from sagakit.contract.events import Event
from sagakit.contract.ports import Delayed


class Delivery(NamedTuple):
    """An event for a service, `delay` ms from now."""

    service: str
    event: Event
    delay: int = 0


class Routes:
    """The ways between the services of a deployment.

    reader         queue to the service that takes from it
    again_after    service to the ms after which its message comes again
    most_receives  service to how often a message of it is received at most
    """

    def __init__(self, deployment: Deployment) -> None:
        self.reader = {queue: one.name for one in deployment.functions for queue in one.queues}
        self._functions = {one.name: one for one in deployment.functions}
        queues = {queue.name: queue for queue in deployment.queues}
        self.again_after: dict[str, int] = {}
        self.most_receives: dict[str, int] = {}
        for one in deployment.functions:
            own = [queues[name] for name in one.queues]
            self.again_after[one.name] = max((queue.visibility for queue in own), default=0)
            self.most_receives[one.name] = min((queue.receives for queue in own), default=1)
        self._rules: dict[type[Event], list[tuple[str, type[Event] | None]]] = {}
        for rule in deployment.rules:
            if rule.target in self.reader:
                readers = self._rules.setdefault(rule.event, [])
                readers.append((self.reader[rule.target], rule.rename))

    def sent(self, operation: Any, service: str) -> Iterator[Delivery]:
        """What comes of an operation of a service, by what it publishes."""
        if isinstance(operation, ops.Publish):
            yield from self._of(operation.event, service)
        elif isinstance(operation, ops.Commit):
            for entry in operation.publish:
                yield from self._of(entry, service)

    def _of(self, entry: Event | Delayed, service: str) -> Iterator[Delivery]:
        if isinstance(entry, Delayed):
            back = self.reader[self._functions[service].delay_queue]
            yield Delivery(back, entry.event, entry.delay)
            return
        for reader, rename in self._rules.get(type(entry), ()):
            yield Delivery(reader, rename.after(entry) if rename else entry)
