"""The balance of each wallet against virtual time: what was debited and refunded, and for whom."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sagakit.contract.timing import moment
from sagakit.contract.validation import whole_number
from sagakit.draw.chart import SMALL, STYLE, Chart, message
from sagakit.draw.labels import Labels, spread
from sagakit.draw.palette import GREY, INK, PALE, RED, SAGAS
from sagakit.draw.svg import Picture
from sagakit.draw.text_metrics import width
from sagakit.trace.observed import Change, Loss, wallet_history
from sagakit.trace.trace import Trace

FEW = len(SAGAS) - 1  # wallets: up to here they share one panel
ROW = 14.4  # points a wallet, if there are more
SIGNS = {"debit": "v", "refund": "^", "refused": "x", "rebuilt": "o"}


@mpl.rc_context(STYLE)
def balances(
    trace: Trace,
    *,
    user: str | None = None,
    most: int = 40,
    title: str | None = None,
    until: int | None = None,
) -> Picture:
    """Draw the balances, or the one of `user`; of many wallets the first `most`.

    title  one line in the place of the one that says whose balances these are
    until  ms, where the time axis ends: give it where two figures are to be compared

    Raises `ValueError` for a user without a wallet in this trace.
    """
    changes, losses = wallet_history(trace)
    wallets = list(dict.fromkeys(change.wallet for change in changes))
    if user is not None and user not in wallets:
        names = ", ".join(wallets[:8]) or "none"
        raise ValueError(f"no wallet {user!r} in this trace: there are {names}")
    shown = [user] if user is not None else wallets[: whole_number("most", most, least=1)]
    if not shown:
        return message(
            "Balances", "This run has no wallets: no store holds an item with a balance."
        )
    whose = f"Balance of {shown[0]}" if len(shown) == 1 else f"Balances of {len(shown)} wallets"
    if user is None and len(shown) < len(wallets):
        whose = f"Balances of the first {len(shown)} of {len(wallets)} wallets"
    title = title or whose
    series = {wallet: [change for change in changes if change.wallet == wallet] for wallet in shown}
    end = trace.end
    alt = "\n".join([f"{title}.", *_sentences(series, losses)])
    shown_until, rest = _end(series, losses, end)
    if until is not None:
        shown_until, rest = until, ""
    draw = _together if len(shown) <= FEW else _in_rows
    return draw(series, losses, shown_until, rest, title, alt)


def _sentences(series: dict[str, list[Change]], losses: list[Loss]) -> Iterator[str]:
    many = len(series) > FEW
    for wallet, changes in series.items():
        told = [f"{change.label} at {moment(change.t)}" for change in changes if change.label]
        known = [change.balance for change in changes if change.balance is not None]
        first, last = (known[0], known[-1]) if known else (None, None)
        if many:
            yield f"{wallet}: {first} to {last} with {len(told)} changes."
        else:
            yield f"{wallet}: {first}; {'; '.join(told) or 'nothing changes'}; at the end {last}."
    for loss in losses:
        until = f"{loss.store} is lost from {moment(loss.begin)} to {moment(loss.end)}"
        if loss.rebuilt < 0:
            yield f"{until} and never restored."
        else:
            yield f"{until}, and then rebuilt from a snapshot and {loss.rebuilt} later changes."


def _end(series: dict[str, list[Change]], losses: list[Loss], end: int) -> tuple[int, str]:
    """Return where the time axis ends, and what to say of the rest, in which nothing changes."""
    last = max(
        [change.t for changes in series.values() for change in changes]
        + [loss.end for loss in losses]
    )
    shown = min(end, round(last * 1.3)) if last else end
    return shown, f"; no change after that until the end, {moment(end)}" if shown < end else ""


def _steps(changes: list[Change], end: int) -> tuple[list[float], list[float]]:
    """Return the corners of a line that is broken while the balance is lost."""
    times = [float(change.t) for change in changes]
    values = [
        float("nan") if change.balance is None else float(change.balance) for change in changes
    ]
    return [*times, float(end)], [*values, values[-1]]


def _together(
    series: dict[str, list[Change]], losses: list[Loss], end: int, rest: str, title: str, alt: str
) -> Picture:
    """Draw all lines in one panel, each named at its end."""
    chart = Chart(
        title, alt, 245, left=61, right=104, above=11 * bool(losses),
        legend=_legend(series, losses),
    )  # fmt: skip
    axes = chart.plot
    start = -0.015 * end  # what happens at once would else lie on the axis
    axes.set_xlim(start, end)
    chart.count_time(end, more=rest)
    known = [change.balance for changes in series.values() for change in changes if change.balance]
    highest = float(max(known, default=Decimal(1))) * 1.12
    axes.set_ylim(0, highest)
    chart.name_heights("balance (units of money)")

    def at(t: float) -> float:
        return (t - start) / (end - start) * chart.wide

    def point(t: float, balance: Decimal) -> tuple[float, float]:
        return at(t), (1 - float(balance) / highest) * chart.high

    labels = Labels(chart.wide)
    for loss in losses:
        _shade(axes, loss, end)
        labels.block(at(loss.begin), 0, at(min(loss.end, end)), chart.high)
        axes.text((loss.begin + loss.end) / 2, highest * 1.01, f"{loss.store} lost", size=SMALL,
                  color=INK, ha="center", va="bottom")  # fmt: skip
        told = f"rebuilt: snapshot and {loss.rebuilt} changes" if loss.rebuilt >= 0 else ""
        room = at(loss.end) + width(told, SMALL) < chart.wide
        axes.text(loss.end if room else loss.begin, highest * 0.95, f" {told} ",
                  ha="left" if room else "right",
                  size=SMALL, color=INK, va="center")  # fmt: skip
    for changes, colour in zip(series.values(), SAGAS, strict=False):
        xs, ys = _steps(changes, end)
        axes.step(xs, ys, where="post", color=colour, lw=1.8, zorder=3)
        for change in changes:
            if change.balance is not None:
                x, y = point(change.t, change.balance)
                _sign(axes, change, float(change.balance), colour)
                labels.block_around(x, y)
        for (a, b), (value, after) in zip(pairwise(xs), pairwise(ys), strict=True):
            if value == value:
                level = (1 - value / highest) * chart.high
                labels.block(at(a), level - 1.5, at(b), level + 1.5)
            if value == value and after == after:
                level, other = sorted((1 - v / highest) * chart.high for v in (value, after))
                labels.block(at(b) - 1.5, level, at(b) + 1.5, other)
    for changes in series.values():
        for change in changes:
            if change.label and change.balance is not None:
                labels.beside(change.label, *point(change.t, change.balance))
    chart.write(labels, lambda y: (1 - y / chart.high) * highest)
    _name_ends(chart, series, end, highest)
    return chart


def _name_ends(chart: Chart, series: dict[str, list[Change]], end: int, highest: float) -> None:
    last = {wallet: changes[-1].balance for wallet, changes in series.items()}
    levels = [float(balance or 0) / highest * chart.high for balance in last.values()]
    ends = spread(levels, 12.2, 3.6, chart.high)
    for (wallet, balance), level, end_level, colour in zip(
        last.items(), levels, ends, SAGAS, strict=False
    ):
        text = f"{wallet}  {'lost' if balance is None else balance}"
        chart.plot.annotate(
            text, (end, level / chart.high * highest),
            xytext=(end * (1 + 11.5 / chart.wide), end_level / chart.high * highest),
            size=9.5, weight="bold", color=INK, va="center", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0,
                        "relpos": (0, 0.5)},
        )  # fmt: skip


def _in_rows(
    series: dict[str, list[Change]], losses: list[Loss], end: int, rest: str, title: str, alt: str
) -> Picture:
    """Draw a row a wallet, all to one scale."""
    chart = Chart(title, alt, ROW * len(series), left=72, right=72, above=14.4,
                     legend=_legend(series, losses))  # fmt: skip
    axes = chart.plot
    axes.set_xlim(-0.015 * end, end)
    chart.count_time(end, more=rest)
    axes.set_ylim(len(series), 0)
    chart.name_rows(list(series), [row + 0.55 for row in range(len(series))])
    known = [change.balance for changes in series.values() for change in changes if change.balance]
    highest = float(max(known, default=Decimal(1)))
    for loss in losses:
        _shade(axes, loss, end)
    axes.text(end * 1.01, -0.5, "at the end", size=SMALL, color=INK, va="center")
    for row, changes in enumerate(series.values()):
        axes.axhline(row + 0.92, color=PALE, lw=0.5, zorder=1)
        xs, ys = _steps(changes, end)
        levels = [row + 0.92 - 0.75 * y / highest for y in ys]
        axes.step(xs, levels, where="post", color=SAGAS[0], lw=1.2, zorder=3)
        for change in changes:
            if change.balance is not None:
                level = row + 0.92 - 0.75 * float(change.balance) / highest
                _sign(axes, change, level, SAGAS[0], 20)
        last = changes[-1].balance
        axes.text(end * 1.01, row + 0.55, "lost" if last is None else f"{last}", size=SMALL,
                  color=INK, va="center")  # fmt: skip
    return chart


def _shade(axes: Axes, loss: Loss, end: int) -> None:
    axes.axvspan(loss.begin, min(loss.end, end), fc="#F3E0D3", ec=GREY, lw=0.8, ls="--", zorder=0)


def _sign(axes: Axes, change: Change, level: float, colour: str, size: float = 44) -> None:
    shape = SIGNS.get(change.what)
    if shape == "x":
        axes.scatter([change.t], [level], marker=shape, s=size, c=RED, lw=1.8, zorder=5)
    elif shape:
        hollow = change.what == "rebuilt"
        axes.scatter([change.t], [level], marker=shape, s=size / 2 if hollow else size,
                     fc="white" if hollow else colour, ec=colour if hollow else "white",
                     lw=1.2 if hollow else 0.6, zorder=5)  # fmt: skip


def _legend(series: dict[str, list[Change]], losses: list[Loss]) -> list[Any]:
    there = {change.what for changes in series.values() for change in changes}
    words = {"debit": "debited", "refund": "refunded", "refused": "not debited",
             "rebuilt": "rebuilt from an event"}  # fmt: skip
    found: list[Any] = [
        Line2D([], [], ls="", marker=SIGNS[what], color=RED if what == "refused" else GREY,
               mfc="white" if what == "rebuilt" else None,
               mew=1.8 if what == "refused" else 1.2, label=text)
        for what, text in words.items() if what in there
    ]  # fmt: skip
    if losses:
        found.append(Patch(fc="#F3E0D3", ec=GREY, ls="--", label="the store is lost"))
    return found
