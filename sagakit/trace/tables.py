"""What happened as pandas tables: `Run.trace`, `events`, `payments`, `wallets`, `queues` and more.

All have a `RangeIndex` and columns in a fixed order. Times are int64 ms of virtual time. Money is
exact: a `Decimal` in an object column, so that no binary float ever holds it. A text that occurs
often is a category, any other is a `str` column; what is missing there is NaN.
"""

from collections.abc import Hashable, Iterable, Sequence
from operator import itemgetter
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sagakit.contract.terminal import printable_lines
from sagakit.trace import activity
from sagakit.trace.observed import Depth, depths
from sagakit.trace.trace import Asked, Read, Record, Restored, Trace, Written

SHORT, LONG = 26, 50  # letters of a text in a table
CHUNK = 2_000  # records that are turned into columns at once: they stay in the CPU's cache
_WHAT_FIELDS = slice(1, 6)
_T, _WHAT, _SAGA, _EVENT_ID, _INVOCATION = map(itemgetter, (0, _WHAT_FIELDS, 6, 7, 8))


class Table(pd.DataFrame):
    """A DataFrame whose first columns are shown in a terminal, and the others named, where pandas
    leaves out those in the middle. A notebook shows it as any other DataFrame, and so does whoever
    has set `display.max_columns`.
    """

    @property
    def _constructor(self) -> type["Table"]:
        return Table

    def __repr__(self) -> str:
        if pd.get_option("display.max_columns"):  # 0 where pandas sees a terminal, or no notebook
            return printable_lines(super().__repr__())
        width, places = get_terminal_size().columns, range(self.shape[1], 0, -1)
        shown = next((many for many in places if _fits(self._text(many, SHORT), width)), 1)
        texts = (self._text(shown, letters) for letters in range(LONG, SHORT, -4))
        text = next((text for text in texts if _fits(text, width)), self._text(shown, SHORT))
        rest = ", ".join(map(str, self.columns[shown:]))
        return printable_lines("\n".join([text, *wrap(f"not shown: {rest}" * bool(rest), width)]))

    def _text(self, columns: int, letters: int) -> str:
        with pd.option_context(
            "display.max_columns", None,
            "display.max_colwidth", letters,
            "display.expand_frame_repr", False,
        ):  # fmt: skip
            return pd.DataFrame.__repr__(self.iloc[:, :columns])


def _fits(text: str, width: int) -> bool:
    return max(map(len, text.split("\n"))) <= width


class _Codes(dict[Hashable, int]):
    """A number for each value, in the order in which they are first seen; -1 for None."""

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, value: Hashable) -> int:
        code = self[value] = len(self) - 1
        return code

    def values_seen(self) -> list[Any]:
        return list(self)[1:]


def trace(trace: Trace, *, text: bool = False) -> pd.DataFrame:
    """One row a record.

        t               int64      ms of virtual time
        kind            category   call, async, return, note, fault
        source, target  category   participants
        label           category   what the arrow says, without the detail
        event           category   the type of the event that it carries
        correlation_id  category   the saga
        event_id        str        the event that is carried or being handled
        invocation      int64      the number of the invocation it belongs to, 0 for none
        text            str        with `text=True`: the label with its detail, as in a diagram

    Composing the texts takes several times as long as all the rest.
    """
    rows = trace.rows()
    count = len(rows)
    t, invocation = np.empty(count, np.int64), np.empty(count, np.int64)
    what, saga = np.empty(count, np.int32), np.empty(count, np.int32)
    event_id = np.empty(count, object)
    # Kind, source, target, label and event come in few combinations: one look-up finds all five.
    whats, sagas = _Codes(), _Codes()
    for start in range(0, count, CHUNK):
        chunk = rows[start : start + CHUNK]
        size = len(chunk)
        part = slice(start, start + size)
        t[part] = np.fromiter(map(_T, chunk), np.int64, size)
        what[part] = np.fromiter(map(whats.__getitem__, map(_WHAT, chunk)), np.int32, size)
        saga[part] = np.fromiter(map(sagas.__getitem__, map(_SAGA, chunk)), np.int32, size)
        event_id[part] = list(map(_EVENT_ID, chunk))
        invocation[part] = np.fromiter(map(_INVOCATION, chunk), np.int64, size)
    columns: dict[str, Any] = {"t": t}
    for place, name in enumerate(Record._fields[_WHAT_FIELDS]):
        codes = _Codes()
        by_what = np.array([codes[five[place]] for five in whats.values_seen()], np.int32)
        columns[name] = _categories(by_what.astype(np.min_scalar_type(-len(codes)))[what], codes)
    columns["correlation_id"] = _categories(saga, sagas)
    columns["event_id"] = pd.array(event_id, dtype="str")
    columns["invocation"] = invocation
    if text:
        columns["text"] = pd.array([record.text for record in trace], dtype="str")
    return Table(columns, copy=False)


def _categories(codes: "np.ndarray[Any, Any]", known: _Codes) -> pd.Categorical:
    names = pd.Index(known.values_seen(), dtype="str")
    return pd.Categorical.from_codes(codes, categories=names, validate=False)


def events(trace: Trace) -> pd.DataFrame:
    """One row an event, as it first came to be: published, made by a rule, or put in a retry queue.

        t                       int64      ms, when
        event                   category   its type
        event_id, causation_id  str        itself, and the event (or request) that caused it
        correlation_id          category   the saga
        publisher               category   the service, or the bus if a rule made it
        version                 int64      of the event's schema

    and a column for each field of a payload: object for a `Decimal`, Int64 for whole numbers, str
    for texts; missing where an event has no such field. An event that is delivered or published
    again is the same event.
    """
    rows = activity.events(trace)
    columns: dict[str, Any] = {
        "t": np.array([one.t for one in rows], np.int64),
        "event": pd.Categorical([one.event for one in rows], _in_order(one.event for one in rows)),
        "event_id": pd.array([one.event_id for one in rows], dtype="str"),
        "correlation_id": pd.Categorical(
            [one.saga for one in rows], _in_order(one.saga for one in rows)
        ),
        "causation_id": pd.array([one.causation_id for one in rows], dtype="str"),
        "publisher": pd.Categorical(
            [one.publisher for one in rows], _in_order(one.publisher for one in rows)
        ),
        "version": np.array([one.version for one in rows], np.int64),
    }
    for field in dict.fromkeys(name for one in rows for name in one.payload):
        name = f"payload_{field}" if field in columns else field
        columns[name] = _column([one.payload.get(field) for one in rows])
    return Table(columns)


def items(trace: Trace, store: str) -> pd.DataFrame:
    """One row an item of a store as it ended, a column a field of the item; or one row an entry of
    the books that a party outside keeps: its Idempotency-Key, and executed, declined or voided.

    Whole numbers are int64, texts str, money is `Decimal` in an object column. Without any item the
    columns are those of an item that was there before, if there was one.
    Raises `ValueError` for a store that is not in the trace.
    """
    books = _books(trace)
    stores = trace.stores() | books
    if store not in stores:
        names = ", ".join(stores) or "none"
        raise ValueError(f"no store {store!r} in this trace: there are {names}")
    rows = list(stores[store].values())
    examples = rows or [item for record in trace for item in _items_of(record, store)][:1]
    if store in books:
        examples = [Entry("", "")]
    fields = dict.fromkeys(name for item in examples for name in type(item)._fields)
    return Table({name: _column([getattr(item, name, None) for item in rows]) for name in fields})


class Entry(NamedTuple):
    key: str
    state: str


def _books(trace: Trace) -> dict[str, dict[str, Any]]:
    """What each party outside says that it did: party to key to entry."""
    outside = (one.name for one in trace.participants if one.kind == "external")
    books: dict[str, dict[str, Any]] = {name: {} for name in outside}
    for record in trace:
        asked = record.detail
        if record.kind == "note" and isinstance(asked, Asked) and record.source in books:
            books[record.source][asked.key] = Entry(asked.key, asked.outcome)
    return books


def _items_of(record: Record, store: str) -> Sequence[Any]:
    detail = record.detail
    if isinstance(detail, Written) and record.source == store and detail.item is not None:
        return [detail.item]
    if isinstance(detail, Read) and record.source == store and detail.item is not None:
        return [detail.item]
    if isinstance(detail, Restored) and record.target == store:
        return detail.items
    return []


def queues(trace: Trace) -> pd.DataFrame:
    """One row a queue or topic, also the dead-letter queues.

        queue           str    its name
        sent            int64  messages that were put in
        received        int64  times that a message was taken out, retries too
        done            int64  messages that were handled
        dead            int64  messages that went to the dead-letter queue
        waiting         int64  messages that were never handled and are still there
        greatest_depth  int64  most messages that waited at one moment to be received
        longest_wait    int64  ms until a message was received, from when it was sent (so with its
                               delay) or became visible again

    A dead-letter queue has what was sent to it, and what still waits there.
    """
    names = [one.name for one in trace.participants if one.kind in ("queue", "topic")]
    found = {name: Depth() for name in names}
    found.update(depths(trace).totals)
    columns: dict[str, Any] = {"queue": pd.array(list(found), dtype="str")}
    for field in Depth.FIELDS:
        columns[field] = np.array([getattr(one, field) for one in found.values()], np.int64)
    return Table(columns)


def metrics(measures: Iterable[tuple[str, str, int, str]]) -> pd.DataFrame:
    """One row a measure: what was measured, of what, the value, and its unit.

    metric  category   for instance "events"
    of      str        for instance "PaymentInit"
    value   int64
    unit    category   events, sagas, ms, changes, messages
    """
    rows = list(measures)
    names = [row[0] for row in rows]
    units = [row[3] for row in rows]
    return Table(
        {
            "metric": pd.Categorical(names, _in_order(names)),
            "of": pd.array([row[1] for row in rows], dtype="str"),
            "value": np.array([row[2] for row in rows], np.int64),
            "unit": pd.Categorical(units, _in_order(units)),
        }
    )


def verdicts(verdicts: Iterable[tuple[str, bool, str, int | None]]) -> pd.DataFrame:
    """One row a law.

    law     str
    held    bool
    detail  str    what was looked at, or what broke it
    record  Int64  the row of `trace` that broke it; missing if it held
    """
    rows = list(verdicts)
    return Table(
        {
            "law": pd.array([row[0] for row in rows], dtype="str"),
            "held": np.array([row[1] for row in rows], np.bool_),
            "detail": pd.array([row[2] for row in rows], dtype="str"),
            "record": pd.array([row[3] for row in rows], dtype="Int64"),
        }
    )


def inequalities(found: Iterable[tuple[str, bool, str, str, str]]) -> pd.DataFrame:
    """One row a rule and place.

    rule         str
    held         bool
    detail       str    the two settings and their values
    consequence  str    what can happen where it is broken
    source       str    who says so
    """
    names = ("rule", "held", "detail", "consequence", "source")
    rows = Table(list(found), columns=list(names))
    return rows.astype({name: "bool" if name == "held" else "str" for name in names})


def _in_order(values: Iterable[str | None]) -> pd.Index:
    """Categories in the order in which they first occur."""
    return pd.Index([value for value in dict.fromkeys(values) if value is not None], dtype="str")


def _column(values: list[Any]) -> Any:
    """Values of one field with the type that fits them all."""
    types = {type(value) for value in values if value is not None}
    missing = any(value is None for value in values)
    if types == {int}:
        return pd.array(values, dtype="Int64") if missing else np.array(values, np.int64)
    if types == {bool}:
        return pd.array(values, dtype="boolean") if missing else np.array(values, np.bool_)
    if types == {str} or not types:
        return pd.array(values, dtype="str")
    column = np.empty(len(values), object)
    column[:] = values
    return column
