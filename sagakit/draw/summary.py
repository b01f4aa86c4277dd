"""The end of a run, as a notebook shows it below a cell: in text, and as small HTML tables.

The HTML has no colours of its own and loads nothing, so it reads on light and on dark.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any, NamedTuple

from sagakit.contract.terminal import printable, text_table
from sagakit.contract.timing import roughly
from sagakit.trace.activity import events
from sagakit.trace.arrows import told
from sagakit.trace.facts import A_TEXT
from sagakit.trace.observed import wallet_history
from sagakit.trace.trace import Trace

FEW = 8  # rows: of more the first ones are shown
SIGNS = {"COMPLETED": "✓", "FAILED": "✗"}
PAYMENT = ("payment", "user", "amount", "status", "reason")
ITEM = ("item", "store", "at the end", "version")
WALLET = ("wallet", "at the start", "at the end", "version")

Row = Sequence[Any]  # cells: numbers stand on the right
Law = tuple[str, bool, str]
"""its name, whether it held, and in words what was looked at or what broke it"""


class Summary(NamedTuple):
    """The end of a run in words. `laws` is None if they were not judged; `items` are those of all
    stores, in a system without payments."""

    name: str
    title: str
    seed: int
    end: int  # ms
    events: int
    payments: list[Any]
    wallets: list[tuple[str, Decimal | None, Decimal, int]]
    items: list[Row]
    dead: list[tuple[str, str, str]]
    laws: Sequence[Law] | None

    @classmethod
    def of(
        cls,
        trace: Trace,
        *,
        name: str,
        title: str,
        seed: int,
        payments: str,
        wallets: str,
        laws: Sequence[Law] | None = None,
    ) -> "Summary":
        """Summarize a trace; `payments` and `wallets` are the names of their stores."""
        stores = trace.stores()
        opening: dict[str, Decimal | None] = {}
        for change in wallet_history(trace)[0]:
            opening.setdefault(change.wallet, change.balance)
        letters = [message for message in trace.messages().values() if message.dead]
        return cls(
            name,
            title,
            seed,
            trace.end,
            len(events(trace)),
            list(stores.get(payments, {}).values()),
            [
                (item.key, opening.get(item.key), item.balance, item.version)
                for item in stores.get(wallets, {}).values()
            ],
            [] if payments in {lane.name for lane in trace.participants} else _items(stores),
            [(letter.event or A_TEXT, letter.queue, letter.reason) for letter in letters],
            laws,
        )

    def line(self) -> str:
        """Return all in one line."""
        what = f"{self.name}, seed {self.seed}: {self._ended()} in {roughly(self.end)}"
        return printable(f"<Run of {what}>")

    def bundle(self) -> dict[str, str]:
        """Return the MIME bundle that Jupyter shows."""
        return {"text/plain": "\n".join(self.lines()), "text/html": self.html()}

    def lines(self) -> list[str]:
        """Return lines of text, of which the first is the title."""
        lines = [self.title, self._what(), ""]
        for header, rows, rest in self._tables():
            lines += [*text_table(header, rows), *[rest] * bool(rest), ""]
        return [printable(line) for line in [*lines, *self._notes()]]

    def html(self) -> str:
        parts = [f"<p><strong>{escape(self.title)}</strong><br>{escape(self._what())}</p>"]
        for header, rows, rest in self._tables():
            parts += [
                _table(f"{header[0].capitalize()}s", header, rows),
                f"<p>{escape(rest)}</p>" * bool(rest),
            ]
        parts += [f"<p>{escape(note)}</p>" for note in self._notes()]
        return f"<div>{''.join(parts)}</div>"

    def _ended(self) -> str:
        """Say how many payments ended how."""
        count = len(self.payments)
        if self.items:
            return f"{len(self.items)} item{'s' if len(self.items) > 1 else ''} in its stores"
        statuses = Counter(payment.status for payment in self.payments)
        told = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
        if count <= 1:
            return f"1 payment {self.payments[0].status}" if count else "no payments"
        return f"{count} payments, {told}"

    def _what(self) -> str:
        return (
            f"{self.name}, seed {self.seed}: {self._ended()}; "
            f"{self.events} events in {roughly(self.end)} of virtual time"
        )

    def _tables(self) -> Iterator[tuple[Sequence[str], list[Row], str]]:
        """Yield header, rows, and what is left out."""
        if self.payments:
            rows: list[Row] = [
                (each.payment_id, each.user_id, each.amount, _signed(each.status), each.reason)
                for each in self.payments[:FEW]
            ]
            yield PAYMENT, rows, _rest(len(self.payments), "payments")
        if self.wallets:
            rows = [
                (key, "" if before is None else before, after, version)
                for key, before, after, version in self.wallets[:FEW]
            ]
            yield WALLET, rows, _rest(len(self.wallets), "wallets")
        if self.items:
            yield ITEM, self.items[:FEW], _rest(len(self.items), "items")

    def _notes(self) -> Iterator[str]:
        if not self.dead:
            yield "Dead letters: none"
        for (event, queue, reason), count in Counter(self.dead).items():
            yield f"Dead letters: {count} {event} of {queue}: {reason}"
        if self.laws is None:
            return
        broken = [law for law in self.laws if not law[1]]
        yield f"Laws: {len(self.laws) - len(broken)} of {len(self.laws)} held"
        for law in broken:
            yield f"{SIGNS['FAILED']} {law[0]}: {law[2]}"


def _items(stores: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    return [
        (key, store, told(item), item.version)
        for store, items in stores.items()
        for key, item in items.items()
    ]


def _signed(status: str) -> str:
    return f"{SIGNS.get(status, '…')} {status}"


def _rest(count: int, what: str) -> str:
    return f"... and {count - FEW} more {what}" if count > FEW else ""


def _table(caption: str, header: Sequence[str], rows: list[Row]) -> str:
    sides = ["right" if isinstance(cell, int | Decimal) else "left" for cell in rows[0]]
    parts = [f'<table><caption style="text-align:left">{caption}</caption><thead><tr>']
    for name, side in zip(header, sides, strict=True):
        parts.append(f'<th scope="col" style="text-align:{side}">{escape(name)}</th>')
    parts.append("</tr></thead><tbody>")
    for row in rows:
        tags = ['th scope="row"', *["td"] * len(row)]
        cells = (
            f'<{tag} style="text-align:{side}">{escape(str(cell))}</{tag[:2]}>'
            for tag, side, cell in zip(tags, sides, row, strict=False)
        )
        parts.append(f"<tr>{''.join(cells)}</tr>")
    return "".join([*parts, "</tbody></table>"])
