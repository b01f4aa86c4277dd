"""The trace: the ordered records of one run, each a fact that is drawn as one arrow.

The world writes it; everything that is shown or checked is a view of it. Iterating a trace gives
its records, each with its fact; `arrows` gives what is drawn.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sagakit.contract.deployment import Participant, Rule
from sagakit.contract.events import Event, Header, encode
from sagakit.trace import facts
from sagakit.trace.arrows import Arrow, arrow
from sagakit.trace.messages import Message, Messages
from sagakit.trace.stores import contents


class Trace:
    """The records of one run.

    participants  whom they are about
    entries       the records, as iterating gives them
    rules         those by which the bus took events further; None where nobody says them, as in a
                  log
    """

    def __init__(
        self,
        participants: Iterable[Participant],
        records: Iterable[facts.Record] = (),
        rules: tuple[Rule, ...] | None = None,
    ) -> None:
        self.participants = tuple(participants)
        self.rules = rules
        self.entries: list[facts.Record] = list(records)
        self.write = self.entries.append

    def arrows(self) -> Iterator[Arrow]:
        """Return the arrows of all records, in order: one each."""
        return map(arrow, self.entries)

    @property
    def end(self) -> int:
        """Return the time of the last record (ms)."""
        return max((record.t for record in self.entries), default=0)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[facts.Record]:
        return iter(self.entries)

    def __getitem__(self, index: int) -> facts.Record:
        return self.entries[index]

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} records, {len(self.participants)} participants>"

    def stores(self) -> dict[str, dict[str, Any]]:
        """Return what each store holds at the end: store to key to item."""
        stores = [lane.name for lane in self.participants if lane.kind == "store"]
        return contents(self.entries, stores)

    def messages(self) -> dict[int, Message]:
        """Return what became of each message, by message id."""
        return Messages(self.entries).by_id

    def jsonl(self) -> Iterator[str]:
        """Return the structured log: one JSON object a record, with its correlation id."""
        return map(log_line, self.entries)


def log_line(record: facts.Record) -> str:
    """Return the line of the log for a record, of version 2."""
    t, saga, event_id, invocation, fact = record
    told = {"is": type(fact).__name__, **fact._asdict()}
    return encode(
        {"v": 2, "t": t, "correlation_id": saga, "event_id": event_id, "invocation": invocation,
         "fact": told}
    )  # fmt: skip


def archived(records: Iterable[facts.Record], types: Iterable[type[Event]]) -> tuple[Event, ...]:
    """Return the published events of these types, read back from a trace: there is no second
    account of them."""
    known, found = {cls.__name__: cls for cls in types}, {}
    for t, saga, event_id, _, fact in records:
        if isinstance(fact, facts.Published | facts.Renamed) and fact.event in known:
            cls = known[fact.event]
            header = Header(
                str(event_id), str(saga), fact.causation_id, fact.event, t, fact.version
            )
            found[header.event_id] = cls(header=header, **fact.payload)
    return tuple(found.values())
