"""What the functions of AWS saw, of all that happened: their log says neither what the stores held
before nor what a party outside has in its books.

Both can be told from what they saw: an item was there in the oldest version that anybody met, and a
party has in its books what it answered.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sagakit.contract.deployment import Participant
from sagakit.contract.external import ANSWERS
from sagakit.trace.trace import Asked, Read, Record, Written

STATES = {answer.outcome: state for state, answer in ANSWERS.items()}


def completed(records: Sequence[Record], participants: Iterable[Participant]) -> Iterator[Record]:
    """The records with the opening of each item and with each entry in a party's books, where they
    do not tell of them themselves."""
    yield from _openings(records)
    parties = {one.name for one in participants if one.kind == "external"}
    told = {record.source for record in records if _is_book(record)}
    books: dict[str, str] = {}
    for record in records:
        detail = record.detail
        if record.source in parties - told and isinstance(detail, Asked):
            state = STATES.get(detail.outcome)
            if record.kind == "return" and state and books.get(detail.key) != state:
                books[detail.key] = state
                party = record.source
                entry = Asked(detail.key, detail.request, state)
                yield Record(
                    record.t, "note", party, party, "books:", None, record.correlation_id, None, 0,
                    entry,
                )  # fmt: skip
        yield record


def _openings(records: Sequence[Record]) -> Iterator[Record]:
    oldest: dict[tuple[str, str], Any] = {}
    known: set[tuple[str, str]] = set()  # what was opened or created before our eyes
    for record in records:
        detail = record.detail
        if isinstance(detail, Read):
            item = detail.item
            if record.kind == "note":
                known.add((record.source, detail.key))
        elif isinstance(detail, Written) and detail.item is not None:
            item = detail.before
            if item is None:
                known.add((record.source, detail.item.key))
        else:
            continue
        if item is not None:
            place = record.source, item.key
            oldest[place] = min(oldest.get(place, item), item, key=lambda one: one.version)
    for (store, key), item in oldest.items():
        if (store, key) not in known:
            yield Record(
                records[0].t, "note", store, store, "opening", None, None, None, 0, Read(key, item)
            )


def _is_book(record: Record) -> bool:
    return record.kind == "note" and record.source == record.target and not record.invocation
