"""The controls: sliders and switches for a scenario, and at once what comes of them.

A turn is answered with how the run ended. The pictures, which take longer, follow when the page
asks for them: when no turn has come for a moment.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import traitlets
from anywidget import AnyWidget

from sagakit.contract.suggest import suggest
from sagakit.draw.clock import roughly
from sagakit.draw.sequence import draw_story
from sagakit.draw.story import View, tell
from sagakit.lab.knobs import knobs, turned
from sagakit.lab.widget import Rows, front_end, static_page
from sagakit.run import Run, run
from sagakit.scenarios import BadScenario, Scenario, System, resolve
from sagakit.trace.activity import Activity
from sagakit.trace.arrows import told

STATIC = "The controls run in JupyterLab: run this cell there to turn them."
MOST = 10  # wallets, or items of a store, that are told
PAYMENTS = "Payments DB"


def control(scenario: Scenario | System | str) -> "Controls":
    """Show controls for a scenario, or for a system of one's own, and the run that comes of them.

    `.scenario` and `.run` are what is shown. Raises `BadScenario` for a name that does not exist,
    and for what is neither.
    """
    return Controls(resolve(scenario))


class Controls(AnyWidget):
    """A scenario in a notebook. `values` are the knobs that were turned, by name."""

    _esm = front_end("controls.js")
    _css = front_end("controls.css")

    title = traitlets.Unicode().tag(sync=True)
    knobs: Any = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    saga = traitlets.Unicode().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)  # the outcome, and what of it is new
    pictures = traitlets.Dict().tag(sync=True)  # `of` which answer they are

    def __init__(self, scenario: Scenario | System) -> None:
        super().__init__(title=scenario.title, knobs=[knob._asdict() for knob in knobs(scenario)])
        self._given: Any = scenario
        self.scenario: Any = scenario  # as with a Run: what has settings, say, is a Scenario
        self._answers = 0
        self._in_hand: set[str] = set()  # the knobs of the last turn
        first = run(scenario)
        self._before = outcome(first)  # as it was when they were taken in hand
        self._show(first)
        self.observe(self._turned, "values")
        self.observe(lambda _: self._answer(), "saga")
        self.on_msg(self._asked)

    @traitlets.validate("values")
    def _known(self, proposed: Any) -> Any:
        names = [knob["name"] for knob in self.knobs]
        for name in proposed["value"]:
            if name not in names:
                raise BadScenario(f"there is no knob {name!r}: {suggest(name, names)}")
        return proposed["value"]

    def _turned(self, change: Any) -> None:
        in_hand = {name for name, _ in change.old.items() ^ change.new.items()}
        if in_hand != self._in_hand:  # a slider that is drawn makes many turns, all one change
            self._in_hand, self._before = in_hand, outcome(self.run)
        with self.hold_sync():  # the page gets one answer
            try:
                self.scenario = turned(self._given, self.values)
                self._show(run(self.scenario))
            except BadScenario as problem:
                lines = [self._for_people(line) for line in str(problem).splitlines()]
                self._answer(problem="\n".join(lines), changed=[])

    def _for_people(self, problem: str) -> str:
        """Return what is wrong, with a knob's label in the place of its path."""
        name, colon, wrong = problem.partition(": ")
        labels = {knob["name"]: knob["label"].removesuffix(": rule applies") for knob in self.knobs}
        return f"{labels.get(name, name)}{colon}{wrong}"

    def _show(self, finished: Run) -> None:
        self.run = finished
        sagas = list(dict.fromkeys(filter(None, (each.saga for each in finished.records))))
        if self.saga not in sagas:
            self.saga = next(iter(sagas), "")
        ended = outcome(finished)
        changed = [index for index, row in enumerate(ended) if row not in self._before]
        self._answer(outcome=ended, changed=changed, sagas=sagas, problem="")

    def _answer(self, **news: Any) -> None:
        """Answer the front end: it waits for that at each turn, also if nothing else is new."""
        self._answers += 1
        self.shown = {**self.shown, **news, "answer": self._answers}

    def _asked(self, *_: Any) -> None:
        """Draw what is shown; the breaker too, once one of its knobs was turned."""
        if self.pictures.get("of") == self._answers:
            return
        saga = self.saga if self.saga in self.shown["sagas"] else None
        sequence, _, heads = draw_story(tell(self.run.records, View(saga=saga)))
        breaker = [self.run.breaker()] if any("breaker" in name for name in self.values) else []
        self.pictures = {
            "of": self._answers,
            "plain": "".join(picture.img() for picture in (*breaker, self.run.timeline())),
            "sequence": {"svg": sequence.svg(), "heads": heads},
        }

    # Where widgets do not run.

    def __repr__(self) -> str:
        return f"<Controls of {self.run!r}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, metadata = super()._repr_mimebundle_() or ({}, {})
        picture = self.run.timeline()
        values = [(knob.label, knob.said()) for knob in knobs(self.scenario)]
        bundle["text/plain"] = picture.alt
        tables: list[tuple[str, Rows]] = [
            ("Outcome", outcome(self.run)),
            ("Controls", values),
        ]
        bundle["text/html"] = static_page(picture, STATIC, tables)
        return bundle, metadata


def outcome(finished: Run) -> list[list[str]]:
    """Return how a run ended: rows of a name and what it came to."""
    records = finished.records
    stores = records.stores()
    payments = any(each.name == PAYMENTS for each in records.participants)
    calls = Activity(records).calls
    silent = sum(not call.answered for call in calls)
    dead = sum(fate.state == "dead" for fate in records.messages().values())
    verdicts = finished.verdicts()
    broken = [verdict.law for verdict in verdicts if not verdict.held]
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
    statuses = sorted(payment.status for payment in stores[PAYMENTS].values())
    payments = [f"{len(list(equal))} {status}" for status, equal in groupby(statuses)]
    wallets = [f"{wallet.key} {wallet.balance}" for wallet in stores["Wallet DB"].values()]
    return [["payments", ", ".join(payments) or "none"], ["wallets", ", ".join(_few(wallets))]]


def _of_items(stores: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    return [
        [store, "; ".join(_few([_told(key, item) for key, item in items.items()]))]
        for store, items in stores.items()
        if items
    ]


def _told(key: str, item: Any) -> str:
    return f"{key}: {told(item).removeprefix(f'key: {key}, ')}"


def _few(items: list[str]) -> list[str]:
    return [*items[:MOST], *([f"and {len(items) - MOST} more"] if len(items) > MOST else [])]
