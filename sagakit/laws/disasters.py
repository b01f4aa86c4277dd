"""What was lost, and what was put back: the disasters of a run."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sagakit.laws.messages import Seen
from sagakit.trace.trace import Restored


class Loss(NamedTuple):
    """A store lost all it held. `snapshot` is the index of its latest snapshot, -1 for none."""

    seen: Seen
    store: str
    snapshot: int


class Restore(NamedTuple):
    """An invocation put a snapshot back into a store, to replay the events since.

    `loss` is what made it necessary, `end` the index at which the recovery was done, if it was.
    """

    seen: Seen
    loss: Loss
    invocation: int
    end: int | None


class Disasters:
    """The losses and restores of a run in order, and the losses that are not made good at its end.

    To restore a store that was not lost loses what it held since the snapshot.
    """

    def __init__(
        self, history: Iterable[Seen], end_of_recovery: Callable[[Seen], int | None]
    ) -> None:
        self.losses: list[Loss] = []
        self.restores: list[Restore] = []
        self.unrepaired: dict[str, Loss] = {}
        snapshots: dict[str, int] = {}
        for seen in history:
            record = seen.record
            store = record.target
            if record.detail is None:
                snapshots[record.source] = seen.place
            if type(record.detail) is not Restored:
                continue
            loss = self.unrepaired.get(store)
            if loss is None:
                loss = self.unrepaired[store] = Loss(seen, store, snapshots.get(store, -1))
                self.losses.append(loss)
            if record.kind == "fault":
                continue
            end = end_of_recovery(seen)
            self.restores.append(Restore(seen, loss, record.invocation, end))
            if end is not None:
                del self.unrepaired[store]
