"""The controls: sliders and switches for a scenario, and at once what comes of them."""

from typing import Any

import traitlets
from anywidget import AnyWidget

from sagakit.lab import fallback, sketch
from sagakit.lab.front import front_end
from sagakit.lab.knobs import knobs, turned
from sagakit.run import Run, run
from sagakit.scenarios import BadScenario, Scenario, System, named

STATIC = "The controls run in JupyterLab: run this cell there to turn them."


def control(scenario: Scenario | System | str) -> "Controls":
    """Turn what can be turned of a scenario, or of a system of one's own, and see the run.
    `.scenario` and `.run` are what is shown. Raises `BadScenario` for a name that does not exist,
    and for what is neither."""
    if isinstance(scenario, str):
        scenario = named(scenario)
    if not isinstance(scenario, Scenario | System):
        what = type(scenario).__name__
        hint = "; of a run, give its .scenario" if isinstance(scenario, Run) else ""
        raise BadScenario(f"a {what} has no controls: give a Scenario, its name or a System{hint}")
    return Controls(scenario)


class Controls(AnyWidget):
    """A scenario in a notebook. `values` are the knobs that were turned, by name."""

    _esm = front_end("controls.js")
    _css = front_end("controls.css")

    title = traitlets.Unicode().tag(sync=True)
    knobs: Any = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    saga = traitlets.Unicode().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)  # the outcome, the timeline and the sequence

    def __init__(self, scenario: Scenario | System) -> None:
        super().__init__(title=scenario.title, knobs=[knob._asdict() for knob in knobs(scenario)])
        self._given: Any = scenario
        self.scenario: Any = scenario  # as with a Run: what has settings, say, is a Scenario
        self._redrawn = 0
        self._in_hand: set[str] = set()  # the knobs of the last turn
        first = run(scenario)
        self._before = sketch.outcome(first)  # as it was when they were taken in hand
        self._show(first)
        self.observe(self._turned, ["values", "saga"])

    def _turned(self, change: Any) -> None:
        if change.name == "values":
            old, new = change.old.items(), change.new.items()
            in_hand = {name for name, _ in old ^ new}
            if in_hand != self._in_hand:  # a slider that is drawn makes many turns, all one change
                self._in_hand, self._before = in_hand, sketch.outcome(self.run)
        try:
            self.scenario = turned(self._given, self.values)
            self._show(run(self.scenario))
        except BadScenario as problem:
            self._answer(problem=str(problem), changed=[])

    def _show(self, finished: Run) -> None:
        self.run = finished
        sagas = list(dict.fromkeys(filter(None, (one.correlation_id for one in finished.records))))
        saga = self.saga if self.saga in sagas else next(iter(sagas), "")
        outcome = sketch.outcome(finished)
        self._answer(
            outcome=outcome,
            changed=[place for place, row in enumerate(outcome) if row not in self._before],
            timeline=sketch.timeline(finished),
            sagas=sagas,
            saga=saga,
            sequence=sketch.sequence(finished, saga or None),
            problem="",
        )

    def _answer(self, **news: Any) -> None:
        """The front end waits for an answer to each turn, also if nothing else is new."""
        self._redrawn += 1
        self.shown = {**self.shown, **news, "redrawn": self._redrawn}

    # Where widgets do not run.

    def __repr__(self) -> str:
        return f"<Controls of {self.run!r}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, metadata = super()._repr_mimebundle_() or ({}, {})
        picture = self.run.timeline()
        values = [(knob.name, _said(knob.value, knob.unit)) for knob in knobs(self.scenario)]
        bundle["text/plain"] = picture.alt
        tables: list[tuple[str, fallback.Rows]] = [
            ("Outcome", sketch.outcome(self.run)),
            ("Controls", values),
        ]
        bundle["text/html"] = fallback.page(picture, STATIC, tables)
        return bundle, metadata


def _said(value: bool | int | str | None, unit: str) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value} {unit}".rstrip()
