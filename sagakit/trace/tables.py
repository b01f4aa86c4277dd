"""A run as pandas tables: `Run.trace`, `events`, `payments`, `wallets`, `queues` and more.

All have a `RangeIndex` and columns in a fixed order. Times are int64 ms of virtual time. Money is
exact: a `Decimal` in an object column, so that no binary float ever holds it. A text that occurs
often is a category, any other is a `str` column; what is missing there is NaN.
"""

from collections.abc import Iterable, Iterator, Sequence
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sagakit.contract.terminal import printable_lines
from sagakit.trace import activity, facts
from sagakit.trace.observed import Depth, Depths
from sagakit.trace.trace import Trace

SHORT, LONG = 26, 50  # letters of a text in a table


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
        width, counts = get_terminal_size().columns, range(self.shape[1], 0, -1)
        shown = next((many for many in counts if _fits(self._text(many, SHORT), width)), 1)
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


def table(rows: Iterable[Sequence[Any]], **dtypes: str) -> pd.DataFrame:
    """Return rows as a table, whose columns have these names and dtypes.

    The values of a `category` are in the order in which they first occur.
    """
    values = list(zip(*rows, strict=True)) or [()] * len(dtypes)
    return Table(
        {
            name: _typed(column, dtype)
            for column, (name, dtype) in zip(values, dtypes.items(), strict=True)
        }
    )


def _typed(values: Any, dtype: Any) -> Any:
    if dtype != "category":
        return (
            pd.array(values, dtype=dtype) if dtype in ("str", "Int64") else np.array(values, dtype)
        )
    seen = [value for value in dict.fromkeys(values) if value is not None]
    return pd.Categorical(values, pd.Index(seen, dtype="str"))


def trace(trace: Trace, *, text: bool = False) -> pd.DataFrame:
    """Return one row a record.

    t               int64      ms of virtual time
    kind            category   call, async, return, note, fault
    source, target  category   participants
    label           category   what the arrow says, without the detail
    event           category   the type of the event that it carries
    correlation_id  category   the saga
    event_id        str        the event that is carried or being handled
    invocation      int64      the number of the invocation it belongs to, 0 for none
    text            str        with `text=True`: the label with its detail, as in a diagram
    """
    rows = [(*drawn[:5], *drawn[6:10]) for drawn in trace.arrows()]  # but remark and fact
    found = table(
        rows, t="int64", kind="category", source="category", target="category", label="category",
        event="category", correlation_id="category", event_id="str", invocation="int64",
    )  # fmt: skip
    if text:
        found["text"] = pd.array([drawn.text for drawn in trace.arrows()], dtype="str")
    return found


def events(trace: Trace) -> pd.DataFrame:
    """Return one row an event, as it first came to be: published, made by a rule, or put in a
    retry queue.

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
    found = table(
        [(e.t, e.event, e.event_id, e.saga, e.causation_id, e.publisher, e.version) for e in rows],
        t="int64", event="category", event_id="str", correlation_id="category",
        causation_id="str", publisher="category", version="int64",
    )  # fmt: skip
    for field in dict.fromkeys(name for event in rows for name in event.payload):
        name = f"payload_{field}" if field in found.columns else field
        found[name] = _column([event.payload.get(field) for event in rows])
    return found


def items(trace: Trace, store: str) -> pd.DataFrame:
    """Return one row an item of a store as it ended, a column a field of the item; or one row an
    entry of the books that a party outside keeps: its Idempotency-Key, and executed, declined or
    voided.

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
    examples = rows or list(_items_of(trace, store))[:1]
    if store in books:
        examples = [Booking("", "")]
    fields = dict.fromkeys(name for item in examples for name in type(item)._fields)
    return Table({name: _column([getattr(item, name, None) for item in rows]) for name in fields})


class Booking(NamedTuple):
    """The word of a party outside on a request, by its Idempotency-Key."""

    key: str
    state: str


def _books(trace: Trace) -> dict[str, dict[str, Any]]:
    """Return what each party outside says that it did: party to key to entry."""
    outside = (lane.name for lane in trace.participants if lane.kind == "external")
    books: dict[str, dict[str, Any]] = {name: {} for name in outside}
    for record in trace.entries:
        fact = record.fact
        if isinstance(fact, facts.Booked) and fact.party in books:
            books[fact.party][fact.key] = Booking(fact.key, fact.state)
    return books


def _items_of(trace: Trace, store: str) -> Iterator[Any]:
    """Return all items that a store ever held."""
    for record in trace.entries:
        match record.fact:
            case facts.Opening(where, item) | facts.ItemRead(store=where, item=item):
                found: tuple[Any, ...] = (item,)
            case facts.Committed(store=where, item=item):
                found = (item,)
            case facts.StoreLost(where, found) | facts.Restored(store=where, items=found):
                pass
            case _:
                continue
        if where == store:
            yield from (item for item in found if item is not None)


def queues(trace: Trace) -> pd.DataFrame:
    """Return one row a queue or topic, also the dead-letter queues.

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
    names = [lane.name for lane in trace.participants if lane.kind in ("queue", "topic")]
    found = {name: Depth() for name in names} | Depths(trace).totals
    return table(
        [
            (name, *(getattr(depth, field) for field in Depth.FIELDS))
            for name, depth in found.items()
        ],
        queue="str",
        **dict.fromkeys(Depth.FIELDS, "int64"),
    )


def metrics(measures: Iterable[tuple[str, str, int, str]]) -> pd.DataFrame:
    """Return one row a measure: what was measured, of what, the value, and its unit.

    metric  category   for instance "events"
    of      str        for instance "PaymentInit"
    value   int64
    unit    category   events, sagas, ms, changes, messages
    """
    return table(measures, metric="category", of="str", value="int64", unit="category")


def verdicts(verdicts: Iterable[tuple[str, bool, str, int | None]]) -> pd.DataFrame:
    """Return one row a law.

    law     str
    held    bool
    detail  str    what was looked at, or what broke it
    record  Int64  the row of `trace` that broke it; missing if it held
    """
    return table(verdicts, law="str", held="bool", detail="str", record="Int64")


def inequalities(found: Iterable[tuple[str, bool, str, str, str]]) -> pd.DataFrame:
    """Return one row a rule and place.

    rule         str
    held         bool
    detail       str    the two settings and their values
    consequence  str    what can happen where it is broken
    source       str    who says so
    """
    return table(found, rule="str", held="bool", detail="str", consequence="str", source="str")


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
