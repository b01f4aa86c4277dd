"""Faults as data: what goes wrong in a run, where and when.

A fault names a place by participant, and a moment by virtual time (ms) or by counting: the `nth`
message or invocation that matches. Participants and events are named as in the diagrams.
"""

from collections.abc import Iterable
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

Milliseconds = Annotated[int, Field(ge=0, description="ms of virtual time")]
Nth = Annotated[int, Field(ge=1, description="counted from 1")]


class _Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _OnMessage(_Fault):
    """The nth message that the bus delivers to `queue`; of one type, or in one saga, if given."""

    queue: str
    event: str | None = None
    correlation_id: str | None = None
    nth: Nth = 1

    def matches(self, queue: str, event: str, correlation_id: str) -> bool:
        return (
            queue == self.queue
            and self.event in (None, event)
            and self.correlation_id in (None, correlation_id)
        )


class Duplicate(_OnMessage):
    """The message is delivered twice, the second time `after` ms later."""

    fault: Literal["duplicate"] = "duplicate"
    after: Milliseconds = 0


class Drop(_OnMessage):
    """The message is lost for good. A bus that delivers at least once never does this."""

    fault: Literal["drop"] = "drop"


class Delay(_OnMessage):
    """The message arrives `by` ms later."""

    fault: Literal["delay"] = "delay"
    by: Milliseconds


class Reorder(_OnMessage):
    """The message arrives only when the next one for the same queue has arrived."""

    fault: Literal["reorder"] = "reorder"


class Crash(_Fault):
    """A power cut in the nth invocation of `service`, before or after its step number `step`.

    A step is one port call. After the last step means before the acknowledgement.
    """

    fault: Literal["crash"] = "crash"
    service: str
    step: Nth = 1
    when: Literal["before", "after"] = "after"
    event: str | None = None
    nth: Nth = 1


class _During(_Fault):
    start: Milliseconds
    end: Milliseconds

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "_During":
        if self.end <= self.start:
            raise ValueError(f"end ({self.end} ms) must be later than start ({self.start} ms)")
        return self


class Outage(_During):
    """A service, a store, the bus or the external party cannot be reached from start to end."""

    fault: Literal["outage"] = "outage"
    participant: str


class Throttle(_During):
    """At most `limit` invocations of a service, or operations of a store, at once."""

    fault: Literal["throttle"] = "throttle"
    participant: str
    limit: Nth = 1


class Loss(_Fault):
    """A store loses all it holds, outbox and inbox too; it is out of reach until restored."""

    fault: Literal["loss"] = "loss"
    store: str
    at: Milliseconds


Fault = Annotated[
    Duplicate | Drop | Delay | Reorder | Crash | Outage | Throttle | Loss,
    Field(discriminator="fault"),
]
OnMessage = Duplicate | Drop | Delay | Reorder


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
        faults = tuple(faults)
        self._on_message = [_Counted(f, f.nth) for f in faults if isinstance(f, OnMessage)]
        self._crashes = [_Counted(f, f.nth) for f in faults if isinstance(f, Crash)]
        self.outages = [fault for fault in faults if isinstance(fault, Outage)]
        self.throttles = [fault for fault in faults if isinstance(fault, Throttle)]
        self.losses = [fault for fault in faults if isinstance(fault, Loss)]

    def on_message(self, queue: str, event: str, correlation_id: str) -> OnMessage | None:
        """The fault that strikes this delivery."""
        struck = None
        for one in self._on_message:
            if one.fault.matches(queue, event, correlation_id) and one.counts():
                struck = struck or one.fault
        return struck

    def on_invocation(self, service: str, event: str) -> Crash | None:
        """The crash that will strike this invocation."""
        struck = None
        for one in self._crashes:
            fault = one.fault
            if fault.service == service and fault.event in (None, event) and one.counts():
                struck = struck or fault
        return struck

    def outage(self, participant: str, now: int) -> Outage | None:
        """The outage that the participant is in."""
        for fault in self.outages:
            if fault.participant == participant and fault.start <= now < fault.end:
                return fault
        return None

    def limit(self, participant: str, now: int, otherwise: int) -> int:
        """How much the participant may do at once."""
        for fault in self.throttles:
            if fault.participant == participant and fault.start <= now < fault.end:
                return min(fault.limit, otherwise)
        return otherwise

    def participants(self) -> set[str]:
        """All participants that the faults name."""
        names = {one.fault.queue for one in self._on_message}
        names |= {one.fault.service for one in self._crashes}
        names |= {fault.participant for fault in self.outages}
        names |= {fault.participant for fault in self.throttles}
        return names | {fault.store for fault in self.losses}
