"""The controls: sliders and switches for a scenario, and at once what comes of them.

A turn is answered with how the run ended. The pictures, which take longer, follow when the page
asks for them: when no turn has come for a moment.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import traitlets
from anywidget import AnyWidget
from pydantic import BaseModel

from sagakit.contract.external import Behaviour
from sagakit.contract.suggest import suggest
from sagakit.contract.timing import roughly
from sagakit.draw.sequence import draw_story
from sagakit.draw.story import View, tell
from sagakit.lab.widget import Rows, front_end, static_page
from sagakit.run import Run, run
from sagakit.scenarios import (
    BadScenario,
    OpeningWallet,
    PaymentRequest,
    ProviderRule,
    Scenario,
    System,
    resolve,
)
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


MOST = 10  # wallets, payments, rules, faults or items that get knobs
OPTIONAL = ("provider", "faults")  # what may be left out, one by one
OF_A_SYSTEM = ("externals", "opening", "requests", "timing", "seed")
ROOM = 4  # a slider goes to so many times the value, or as far as the model allows

SAY_NOTHING = ("settings", "wallets", "payments", "provider", "faults", "opening", "externals")
WORDS = {  # where the name of a field is not what people call it
    "breaker_open_for": "breaker stays open for",
    "wallet_batch": "messages that the wallet takes at once",
    "wallet_reports": "wallet reports a refusal",
    "gateway_concurrency": "gateway works on at once",
    "provider_visibility": "provider queue's visibility timeout",
    "start": "from",
    "end": "until",
    "requests": "request",
    "nth": "which one",
}
COUNTED = {
    "settings.breaker_threshold": "failures",
    "settings.gateway_concurrency": "messages",
    "settings.provider_attempts": "attempts",
}
BEHAVES: dict[str, str] = {
    "approve": "approves",
    "decline": "declines",
    "timeout_before": "does nothing, and is silent",
    "timeout_after": "does it, and is silent",
    "slow": "is slow",
    "down": "cannot be reached",
}

Given = TypeVar("Given", Scenario, System)


class Knob(NamedTuple):
    """One thing to turn.

    name      the path to it, as an error message names it: "settings.retry_delay"
    label     what people call it: "Retry delay"
    value     what it is in the scenario: an amount as text, so that it stays exact; None for none
    least     the model's bounds; `most` is None if it has none
    top       where the slider ends: `most`, or nearer by
    unit      what it is shown in, and `per`, how much of the value one of that is
    choices   the words to choose from, and what each means
    optional  whether it may be none
    """

    name: str
    label: str
    kind: Literal["switch", "number", "amount", "choice"]
    value: bool | int | str | None
    least: int | None = None
    most: int | None = None
    top: int = 0
    unit: str = ""
    per: int = 1
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False

    def said(self) -> str:
        """Return its value for people."""
        if isinstance(self.value, bool):
            return "on" if self.value else "off"
        if isinstance(self.value, int):
            return f"{self.value / self.per:g} {self.unit}".rstrip()
        return "none" if self.value is None else dict(self.choices).get(self.value, self.value)


def knobs(scenario: Scenario | System) -> list[Knob]:
    """Return all knobs of a scenario or a system, its settings first.

    A number is a slider, a truth value a switch, a word out of a few a choice, and each rule of the
    provider and each fault has a switch that leaves it out. Kind and bounds are those of the
    model's JSON schema; the label is for people. Of a system of one's own these are the parties
    outside, the numbers of its opening items and its commands, and the timing.
    """
    return sorted(_of(scenario, "", ""), key=lambda knob: not knob.name.startswith("settings."))


def turned(scenario: Given, values: Mapping[str, bool | int | str | None]) -> Given:
    """Return the scenario with some knobs turned. Raises `BadScenario`."""
    return scenario.but(**_turned(scenario, "", values))


def _parts(whole: Any, path: str) -> Iterator[tuple[Any, str, Any]]:
    """Yield the parts of something: the name or index of each, the path to it, and the part."""
    dot = f"{path}." if path else ""
    if isinstance(whole, System):
        yield from ((field, f"{dot}{field}", getattr(whole, field)) for field in OF_A_SYSTEM)
    elif isinstance(whole, BaseModel):
        yield from ((field, f"{dot}{field}", value) for field, value in whole)
    elif isinstance(whole, tuple) and hasattr(whole, "_fields"):  # an item or a command
        own = [field for field in whole._fields if field != "version"]
        yield from ((field, f"{dot}{field}", getattr(whole, field)) for field in own)
    elif isinstance(whole, Mapping | list | tuple) and len(whole) <= MOST:
        parts = whole.items() if isinstance(whole, Mapping) else enumerate(whole)
        yield from ((key, f"{path}[{key}]", value) for key, value in parts)


def _of(whole: Any, path: str, owner: str) -> Iterator[Knob]:
    for part, name, value in _parts(whole, path):
        schema = _schema(type(whole), part) if isinstance(whole, BaseModel) else {}
        words = get_args(Behaviour) if path == "externals" else schema.get("enum", ())
        number = schema.get("type") == "integer" if value is None else isinstance(value, int)
        label = _label(owner, str(part))
        if isinstance(value, bool):
            yield Knob(name, label, "switch", value)
        elif number and isinstance(part, str):  # an index says nothing
            yield _number(name, label, value, schema)
        elif isinstance(value, Decimal):
            yield Knob(name, label, "amount", str(value))
        elif isinstance(value, str) and words:
            if set(words) == set(BEHAVES):
                _, provider, when = owner.partition("provider")
                label = f"What the provider does{when}" if provider else f"What {part} does"
            choices = tuple((word, BEHAVES.get(word, word)) for word in words)
            yield Knob(name, label, "choice", value, choices=choices)
        elif "prefixItems" in schema:
            yield from _span(name, label, value)
        else:
            called = _called(part, value)
            if path in OPTIONAL and len(whole) > 1:
                called += f" ({part + 1} of {len(whole)})"
            if path in OPTIONAL:
                does = "rule applies" if path == "provider" else "happens"
                yield Knob(name, _label(called, does), "switch", True)
            yield from _of(value, name, ", ".join(filter(None, (owner, called))))


def _called(part: str | int, value: Any) -> str:
    """Return what people call a part that has knobs; nothing if its knobs say it all."""
    if isinstance(value, ProviderRule):
        calls = ", ".join(map(str, value.calls or ()))
        called = f"provider on call{'s' * (',' in calls)} {calls}" if calls else "provider"
        return called + (f" for {value.payment_id}" if value.payment_id else "")
    if isinstance(value, OpeningWallet):
        return f"wallet of {value.user_id}"
    if isinstance(value, PaymentRequest):
        return f"payment {value.payment_id}"
    if fault := getattr(value, "fault", ""):
        names = ("queue", "service", "participant", "store")
        where = next(name for field in names if (name := getattr(value, field, "")))
        return f"{fault} at {where}"
    if isinstance(part, int):
        return str(getattr(value, "key", part + 1))
    return "" if part in SAY_NOTHING else WORDS.get(part, part)


def _label(owner: str, field: str) -> str:
    """Return a field in words, after whose it is."""
    words = WORDS.get(field, field.replace("_", " "))
    label = f"{owner}: {words}" if owner else words
    return label[:1].upper() + label[1:]


def _number(name: str, label: str, value: int | None, schema: Mapping[str, Any]) -> Knob:
    least, most = schema.get("minimum"), schema.get("maximum")
    time = schema.get("unit") == "ms"
    top = max(ROOM * (value or 0), 10_000 if time else 10)
    top = top if most is None else min(top, most)
    unit, per = ("s", 1_000) if time else (COUNTED.get(name, ""), 1)
    optional = schema.get("optional", False)
    return Knob(name, label, "number", value, least, most, top, unit, per, optional=optional)


def _span(name: str, label: str, span: tuple[int, int]) -> Iterator[Knob]:
    top = max(ROOM * span[1], 10)
    for index, end in enumerate(("shortest", "longest")):
        called = f"{label}, {end}"
        yield Knob(f"{name}[{index}]", called, "number", span[index], 0, None, top, "ms")


@cache
def _schemas(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return properties


def _schema(model: type[BaseModel], field: str) -> dict[str, Any]:
    """Return what the model says of a field; of an optional one, what it says if it is there."""
    schema = _schemas(model)[field]
    kinds: list[dict[str, Any]] = schema.get("anyOf", [schema])
    optional = {"type": "null"} in kinds
    numbers = ({**kind, "optional": optional} for kind in kinds if kind.get("type") == "integer")
    return next(numbers, schema)


def _turned(whole: Any, path: str, values: Mapping[str, Any]) -> Any:
    """Return the same with some turned; of a model its fields, to be validated together."""
    model = isinstance(whole, BaseModel)
    if path in values and not model:
        return Decimal(values[path]) if isinstance(whole, Decimal) else values[path]
    known = list(_parts(whole, path))
    if not known:
        return whole
    parts = {
        part: _turned(value, name, values)
        for part, name, value in known
        if not (isinstance(value, BaseModel) and values.get(name) is False)
    }
    if model or isinstance(whole, System | Mapping):
        return parts
    return whole._replace(**parts) if hasattr(whole, "_fields") else tuple(parts.values())
