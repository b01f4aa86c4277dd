"""Faults as data: what goes wrong in a run, where and when.

A fault names a place by participant, and a moment by virtual time (ms) or by counting: the `nth`
message or invocation that matches. Participants and events are named as in the diagrams.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from sagakit.contract.suggest import suggest
from sagakit.contract.timing import Count, Milliseconds, must_end_later
from sagakit.contract.validation import Validated


class Known(NamedTuple):
    """The names that the faults of a run may use.

    delivered  queue or topic to the events that the bus delivers to it
    handled    service to the messages that it handles
    stores     the stores
    others     what else may be out: the bus and the external parties
    """

    delivered: Mapping[str, Collection[str]]
    handled: Mapping[str, Collection[str]]
    stores: Collection[str]
    others: Collection[str]


Names = Iterator[tuple[str, Collection[str]]]  # a fault's field and what it may name


class _Fault(Validated):
    def names(self, known: Known) -> Names:
        """Yield the fields that name something, each with what there is; the first must be right
        for the next to be asked."""
        raise NotImplementedError

    def check(self, known: Known) -> None:
        """Raises `ValueError` for a name that does not exist, so that no fault is passed over."""
        for field, names in self.names(known):
            name = getattr(self, field)
            if name is not None and name not in names:
                raise ValueError(f"{field}: there is no {name!r} here: {suggest(name, names)}")


class _OnMessage(_Fault):
    """The nth message that the bus delivers to `queue`; of one type, or in one saga, if given."""

    queue: str
    event: str | None = None
    correlation_id: str | None = None
    nth: Count = 1

    def names(self, known: Known) -> Names:
        yield "queue", known.delivered
        yield "event", known.delivered[self.queue]

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
    step: Count = 1
    when: Literal["before", "after"] = "after"
    event: str | None = None
    nth: Count = 1

    def names(self, known: Known) -> Names:
        yield "service", known.handled
        yield "event", known.handled[self.service]


class _During(_Fault):
    start: Milliseconds
    end: Milliseconds

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "_During":
        must_end_later(self.start, self.end)
        return self


class Outage(_During):
    """A service, a store, the bus or the external party cannot be reached from start to end."""

    fault: Literal["outage"] = "outage"
    participant: str

    def names(self, known: Known) -> Names:
        yield "participant", [*known.handled, *known.stores, *known.others]


class Throttle(_During):
    """At most `limit` invocations of a service, or operations of a store, at once."""

    fault: Literal["throttle"] = "throttle"
    participant: str
    limit: Count = 1

    def names(self, known: Known) -> Names:
        yield "participant", [*known.handled, *known.stores]


class Loss(_Fault):
    """A store loses all it holds, outbox and inbox too; it is out of reach until restored."""

    fault: Literal["loss"] = "loss"
    store: str
    at: Milliseconds

    def names(self, known: Known) -> Names:
        yield "store", known.stores


Fault = Annotated[
    Duplicate | Drop | Delay | Reorder | Crash | Outage | Throttle | Loss,
    Field(discriminator="fault"),
]
OnMessage = Duplicate | Drop | Delay | Reorder
