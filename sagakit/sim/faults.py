"""The faults of one run, with the counts of what matched them so far."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from sagakit.contract.faults import Crash, Fault, Known, Loss, OnMessage, Outage, Throttle

F = TypeVar("F")


class _Counted(Generic[F]):
    """A fault that strikes the nth time it matches."""

    def __init__(self, fault: F, nth: int) -> None:
        self.fault = fault
        self._nth = nth
        self._matches = 0

    def counts(self) -> bool:
        self._matches += 1
        return self._matches == self._nth


class FaultPlan:
    """The faults of one run, with the counts of what matched them so far."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.all = faults = tuple(faults)
        self._on_message = [_Counted(f, f.nth) for f in faults if isinstance(f, OnMessage)]
        self._crashes = [_Counted(f, f.nth) for f in faults if isinstance(f, Crash)]
        self.outages = [fault for fault in faults if isinstance(fault, Outage)]
        self.throttles = [fault for fault in faults if isinstance(fault, Throttle)]
        self.losses = [fault for fault in faults if isinstance(fault, Loss)]

    def concerns(self, participant: str) -> bool:
        """Return whether a fault is about this participant; others need not ask at each step."""
        return any(participant in fault.model_dump().values() for fault in self.all)

    def check(self, known: Known) -> None:
        """Raise `ValueError` that says which fault names what does not exist."""
        for index, fault in enumerate(self.all):
            try:
                fault.check(known)
            except ValueError as error:
                raise ValueError(f"faults[{index}].{error}") from None

    def on_message(self, queue: str, event: str, correlation_id: str) -> OnMessage | None:
        """Return the fault that strikes this delivery."""
        struck = None
        for counted in self._on_message:
            if counted.fault.matches(queue, event, correlation_id) and counted.counts():
                struck = struck or counted.fault
        return struck

    def on_invocation(self, service: str, event: str) -> Crash | None:
        """Return the crash that will strike this invocation."""
        struck = None
        for counted in self._crashes:
            fault = counted.fault
            if fault.service == service and fault.event in (None, event) and counted.counts():
                struck = struck or fault
        return struck

    def outage(self, participant: str, now: int) -> Outage | None:
        """Return the outage that the participant is in."""
        for fault in self.outages:
            if fault.participant == participant and fault.start <= now < fault.end:
                return fault
        return None

    def limit(self, participant: str, now: int, otherwise: int) -> int:
        """Return how much the participant may do at once."""
        for fault in self.throttles:
            if fault.participant == participant and fault.start <= now < fault.end:
                return min(fault.limit, otherwise)
        return otherwise
