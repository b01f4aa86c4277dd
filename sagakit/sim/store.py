"""Stores (DynamoDB-like): versioned items, conditional writes, one atomic transaction.

A commit writes the item if its version is still the one read, the events to publish (outbox) and
the id of the message it answers (inbox), all or nothing. The relay then publishes the outbox in
the order of the commits. See Richardson, "Pattern: Transactional outbox".
"""

from collections.abc import Callable
from typing import Any

from sagakit.contract.events import Event
from sagakit.contract.ports import (
    AlreadyHandled,
    Backup,
    Delayed,
    Unavailable,
    VersionConflict,
    event_of,
)
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Kernel
from sagakit.trace.facts import Committed


class SimulatedStore:
    """One table of one service.

    `publish(entry)` is called for each outbox entry in order; it returns 0 when it has taken the
    entry, or the ms after which to try again.
    """

    def __init__(
        self,
        kernel: Kernel,
        *,
        name: str,
        latency: tuple[int, int],
        relay: tuple[int, int],
        faults: FaultPlan,
        publish: Callable[[Event | Delayed], int],
    ) -> None:
        self.name = name
        self.items: dict[str, Any] = {}
        self.inbox: set[str] = set()
        self.outbox: dict[str, Event | Delayed] = {}
        self.lost = False
        self.latency = kernel.duration(name, latency)
        self.kernel = kernel
        self._faults = faults if faults.concerns(name) else None
        self._in_progress = 0
        self._relay_latency = kernel.duration(f"{name}/relay", relay)
        self._publish = publish
        self._relayed_until = 0

    def begins(self) -> bool:
        """Begin an operation. Returns false if it is throttled: too many are in progress."""
        self._in_progress += 1
        if self._faults is None:
            return True
        most = self._faults.limit(self.name, self.kernel.now, self._in_progress)
        if self._in_progress > most:
            self._in_progress -= 1
            return False
        return True

    def get(self, key: str) -> Any:
        self._ends()
        return self.items.get(key)

    def commit(
        self,
        item: Any,
        following: Any,
        publish: tuple[Event | Delayed, ...],
        handled: str | None,
        *,
        service: str = "",
        heard: bool = True,
    ) -> Committed:
        """Do it all, or raise and do nothing. `following` is the item with its next version.

        `service` is who commits, and `heard` whether it will hear of it.
        """
        self._ends()
        if handled is not None and handled in self.inbox:
            raise AlreadyHandled(f"{self.name}: message {handled} was handled before")
        ids = tuple([event_of(entry).header.event_id for entry in publish])
        before = key = None
        if item is not None:
            key = item.key
            before = self.items.get(key)
            version = before.version if before is not None else 0
            if version != item.version:
                raise VersionConflict(
                    f"{self.name}: {key} has version {version} by now, not {item.version}"
                )
            if item != before:
                item = self.items[key] = following
        if handled is not None:
            self.inbox.add(handled)
        for event_id, entry in zip(ids, publish, strict=True):
            self._put_in_outbox(event_id, _stamped(entry, self.kernel.now))
        return Committed(service, self.name, key, before, item, ids, handled, heard)

    def _put_in_outbox(self, event_id: str, entry: Event | Delayed) -> None:
        self.outbox[event_id] = entry
        now = self.kernel.now
        self._relayed_until = max(self._relayed_until, now + self._relay_latency())
        self.kernel.after(self._relayed_until - now, self._relay)

    def _relay(self) -> None:
        """Publish the oldest entry: while it has to wait, so have those behind it."""
        if not self.outbox:
            return  # the store was lost meanwhile
        event_id, entry = next(iter(self.outbox.items()))
        wait = self._publish(entry)
        if wait:
            self.kernel.after(wait, self._relay)
        else:
            del self.outbox[event_id]

    def backup(self) -> Backup:
        return Backup(
            self.kernel.now,
            tuple(self.items.values()),
            frozenset(self.inbox),
            tuple(self.outbox.values()),
        )

    def lose(self) -> None:
        """Lose everything, and be out of reach until it is restored."""
        self.lost = True
        self.items, self.inbox, self.outbox = {}, set(), {}

    def restore(self, backup: Backup) -> None:
        """Hold just what the backup holds; its outbox is relayed."""
        self.lost = False
        self.items = {item.key: item for item in backup.items}
        self.inbox = set(backup.inbox)
        self.outbox = {}
        for entry in backup.outbox:
            self._put_in_outbox(event_of(entry).header.event_id, entry)

    def _ends(self) -> None:
        """End an operation that began. Raises `Unavailable` if it cannot be carried out."""
        self._in_progress -= 1
        if self.lost:
            raise Unavailable(f"{self.name} is lost: restore it from a snapshot")
        if self._faults is not None and self._faults.outage(self.name, self.kernel.now):
            raise Unavailable(f"{self.name} cannot be reached")


def _stamped(entry: Event | Delayed, now: int) -> Event | Delayed:
    if isinstance(entry, Delayed):
        return Delayed(entry.event.stamped(now), entry.delay)
    return entry.stamped(now)
