"""A run as numbers and words for a front end that draws it itself.

That is plainer than a `Picture`, and quick: a picture takes many times as long as the run.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from sagakit.plot.activity import Activity
from sagakit.plot.clock import moment, roughly, stamp
from sagakit.plot.figure import saga_colours
from sagakit.plot.story import tell
from sagakit.plot.timescale import TimeScale, cuts
from sagakit.run import Run
from sagakit.sim.trace import told

WIDE = 7.6  # inches of the timeline, and dots an inch
DOTS = 100
ARROWS = 60
MOST = 10  # wallets, or items of a store, that are told
PAYMENTS = "Payments DB"


def outcome(finished: Run) -> list[list[str]]:
    """How a run ended: a row a fact, its name and what it was."""
    records = finished.records
    stores = records.stores()
    payments = any(one.name == PAYMENTS for one in records.participants)
    calls = Activity(records).calls
    silent = sum(not call.answered for call in calls)
    dead = sum(fate.state == "dead" for fate in records.messages().values())
    verdicts = finished.verdicts()
    broken = [one.law for one in verdicts if not one.held]
    return [
        *(_of_payments(stores) if payments else _of_items(stores)),
        [
            f"calls to {'the provider' if payments else 'parties outside'}",
            f"{len(calls)}, of which {silent} got no answer",
        ],
        ["dead letters", str(dead)],
        ["ends after", roughly(max((record.t for record in records), default=0))],
        ["laws", f"{len(verdicts) - len(broken)} of {len(verdicts)} held"],
        *(["broken", law] for law in broken),
    ]


def _of_payments(stores: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    statuses = sorted(one.status for one in stores[PAYMENTS].values())
    payments = [f"{len(list(equal))} {status}" for status, equal in groupby(statuses)]
    wallets = [f"{one.key} {one.balance}" for one in stores["Wallet DB"].values()]
    return [["payments", ", ".join(payments) or "none"], ["wallets", ", ".join(_few(wallets))]]


def _of_items(stores: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    return [
        [store, "; ".join(_few([_said(key, item) for key, item in items.items()]))]
        for store, items in stores.items()
        if items
    ]


def _said(key: str, item: Any) -> str:
    return f"{key}: {told(item).removeprefix(f'key: {key}, ')}"


def _few(items: list[str]) -> list[str]:
    return [*items[:MOST], *([f"and {len(items) - MOST} more"] if len(items) > MOST else [])]


def timeline(finished: Run) -> dict[str, Any]:
    """The work of each service as bars, in dots from the left, and in which row of its lane.

    Long idle stretches are cut as in `Run.timeline`; there are ticks with their labels.
    """
    activity = Activity(finished.records)
    works = [one for one in activity.works if one.saga]
    colours = saga_colours(dict.fromkeys(one.saga for one in works if one.saga))
    moments = sorted({t for one in works for t in (one.begin, one.end)}) or [0]
    scale = TimeScale(0, moments[-1], cuts(moments), WIDE)
    free: dict[str, list[int]] = {}  # lane to when each of its rows is free again
    for name in sorted({one.service for one in works}, key=lambda one: activity.order[one]):
        free[name] = []
    bars = []
    for one in works:
        rows = free[one.service]
        row = next((row for row, end in enumerate(rows) if end <= one.begin), len(rows))
        rows[row : row + 1] = [one.end]
        text = f"{one.service}, {one.saga}: {moment(one.begin)} to {moment(one.end)}"
        bars.append(
            {
                "lane": [*free].index(one.service),
                "row": row,
                "x": round(scale(one.begin) * DOTS, 1),
                "wide": round((scale(one.end) - scale(one.begin)) * DOTS, 1),
                "colour": colours[one.saga or ""],
                "bad": one.ended in ("failed", "crashed"),
                "text": f"{text} {one.ended}".rstrip(),
            }
        )
    unit, ticks = scale.ticks()
    return {
        "lanes": [{"name": name, "rows": len(rows)} for name, rows in free.items()],
        "bars": bars,
        "ticks": [[round(x * DOTS, 1), label] for x, label in ticks],
        "cuts": [round((scale(cut.begin) + scale(cut.end)) / 2 * DOTS, 1) for cut in scale.cuts],
        "unit": unit,
    }


def sequence(finished: Run, saga: str | None) -> dict[str, Any]:
    """The arrows of one saga, or of all: from which lane to which, with what sign, and what they
    say."""
    story = tell(finished.records, saga=saga, limit=ARROWS)
    at = {lane.name: place for place, lane in enumerate(story.lanes)}
    return {
        "lanes": [*at],
        "steps": [
            {
                "time": stamp(step.record.t),
                "source": at[step.record.source],
                "target": at[step.record.target],
                "sign": step.sign,
                "text": step.text,
            }
            for step in story.steps
        ],
        "left": story.left_out,
    }
