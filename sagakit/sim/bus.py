"""The bus (EventBridge-like): rules match an event by type and put it in queues or topics.

At least once, and with no order across events. A rule may rename what it delivers (an input
transformer). Faults strike here: a delivery may be doubled, lost, late or overtaken.
"""

from collections.abc import Callable, Iterable

from sagakit.contract.deployment import Rule
from sagakit.contract.events import Event
from sagakit.contract.faults import Delay, Drop, Duplicate, Reorder
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Kernel
from sagakit.trace.facts import (
    EventDelayed,
    EventDoubled,
    EventHeldBack,
    EventLost,
    Fact,
    PublishRefused,
    Record,
)
from sagakit.trace.narrator import published, renamed

LONGEST_HOLD = 60_000  # ms a reordered message waits for the next one, if none comes

Arrive = Callable[[Event], None]


class SimulatedBus:
    """Carries events from publishers to the targets of its rules."""

    def __init__(
        self,
        kernel: Kernel,
        write: Callable[[Record], None],
        *,
        name: str,
        rules: Iterable[Rule],
        targets: dict[str, Arrive],
        faults: FaultPlan,
        latency: tuple[int, int],
    ) -> None:
        self.name = name
        self._kernel = kernel
        self._write = write
        self._faults = faults
        self._latency = kernel.duration(name, latency)
        self._rules: dict[type[Event], list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.event, []).append(rule)
        self._targets = targets
        self._held: dict[str, list[Event]] = {}

    def publish(self, event: Event, source: str) -> int:
        """Take an event in and deliver it by the rules.

        Returns 0, or, if the bus is out and has not taken it, the ms until it is back.
        """
        outage = self._faults.outages and self._faults.outage(self.name, self._kernel.now)
        if outage:
            self._tell(event, PublishRefused(source, self.name, event.header.event_type))
            return outage.end - self._kernel.now
        self._tell(event, published(source, self.name, event))
        for rule in self._rules.get(type(event), ()):
            self._deliver(rule.target, self._renamed(event, rule.rename) if rule.rename else event)
        return 0

    def _renamed(self, event: Event, name: type[Event]) -> Event:
        into = name.after(event).stamped(self._kernel.now)
        self._tell(into, renamed(self.name, type(event), into))
        return into

    def _deliver(self, target: str, event: Event) -> None:
        delay = self._latency()
        if not self._faults.all:
            self._kernel.after(delay, self._targets[target], event)
            return
        header = event.header
        name = header.event_type
        fault = self._faults.on_message(target, name, header.correlation_id)
        if isinstance(fault, Drop):
            self._tell(event, EventLost(self.name, target, name))
            return
        if isinstance(fault, Reorder):
            self._tell(event, EventHeldBack(self.name, target, name))
            self._held.setdefault(target, []).append(event)
            self._kernel.after(LONGEST_HOLD, self._wait_no_longer, target, event, delay)
            return
        if isinstance(fault, Delay):
            self._tell(event, EventDelayed(self.name, target, name, fault.by))
            delay += fault.by
        if isinstance(fault, Duplicate):
            self._tell(event, EventDoubled(self.name, target, name))
            self._kernel.after(delay + fault.after, self._targets[target], event)
        self._kernel.after(delay, self._targets[target], event)
        self._release(target, delay)

    def _release(self, target: str, delay: int) -> None:
        for held in self._held.pop(target, ()):
            self._kernel.after(delay, self._targets[target], held)

    def _wait_no_longer(self, target: str, event: Event, delay: int) -> None:
        if event in self._held.get(target, ()):
            self._held[target].remove(event)
            self._kernel.after(delay, self._targets[target], event)

    def _tell(self, event: Event, fact: Fact) -> None:
        event_id, saga, *_ = event.header
        self._write(Record(self._kernel.now, saga, event_id, 0, fact))


# For the worlds and laws that still write and read labels.
LOST = "message lost"


def published_label(event_type: str) -> str:
    return f"Publish event [{event_type}]"


def renamed_label(event_type: str, into: str) -> str:
    return f"Rule: {event_type} becomes {into}"


def queued_label(event_type: str) -> str:
    return f"Queue [{event_type}]"
