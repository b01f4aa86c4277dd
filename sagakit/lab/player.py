"""The player: a run arrow by arrow, with what stands in queues, stores and breaker meanwhile."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from typing import Any, NamedTuple

import traitlets
from anywidget import AnyWidget

from sagakit.contract.timing import moment as clock
from sagakit.draw.sequence import draw_story
from sagakit.draw.story import Step, View, tell
from sagakit.explore import Counterexample
from sagakit.lab.moment import Holding, Moment, landmarks, moment, touched
from sagakit.lab.widget import front_end, static_page
from sagakit.run import Run, run
from sagakit.scenarios.build import build_world
from sagakit.sim.schedule import Act, Choice, ScheduledKernel
from sagakit.trace.activity import events
from sagakit.trace.trace import Trace

ALL = "all sagas"
MOST = 150  # arrows that are drawn at once
FEW = 12  # rows of a table that are shown whatever is in them
BY_THE_CLOCK = (
    "This run goes by the clock: what is due comes next. By schedule, all payments are there at "
    "once and no step takes time: any step that is ready may come next."
)
STATIC = "The player runs in JupyterLab: run this cell there to step through the run."
AT_THE_END = "Nothing: no step is ready any more."


GOES_WRONG: dict[Act, str] = {
    "duplicate": "its message comes a second time",
    "drop": "its message is lost",
    "crash": "it crashes before this step",
    "step_then_crash": "it crashes after this step",
    "lost_answer": "this is done, but the answer is lost",
    "decline": "the answer is no",
    "timeout_before": "this is not done, and there is no answer",
    "timeout_after": "this is done, but there is no answer",
    "down": "the other side cannot be reached",
}


class Fork(NamedTuple):
    """A moment of a run: the choices made before, the one that came, all that were ready, and
    what could have gone wrong instead."""

    before: tuple[Choice, ...]
    came: Choice | None
    ready: tuple[Choice, ...]
    perils: tuple[Choice, ...]


class Forks:
    """All forks of one run. Raises `ValueError` for a run by the clock, which has none: what comes
    next there is what is due next."""

    def __init__(self, finished: Run) -> None:
        if finished.schedule is None:
            raise ValueError("a run by the clock has no choices: run it with schedule=[]")
        self.run = finished
        world = build_world(
            finished.scenario,
            seed=finished.seed,
            services=finished.services,
            schedule=finished.schedule,
            deployment=finished.deployment,
        )
        world.run()
        kernel = world.kernel
        assert isinstance(kernel, ScheduledKernel)
        self._times = [t for t, _ in kernel.made]
        self._choices = tuple(choice for _, choice in kernel.made)
        self._ready = kernel.ready
        self._perils = kernel.perils

    def after(self, t: int) -> Fork:
        """Return the fork after all that happened up to `t` (ms)."""
        index = bisect_right(self._times, t)
        if index == len(self._times):
            return Fork(self._choices, None, (), ())
        ready = self._ready[index]
        perils = tuple(
            choice._replace(act=act)
            for choice, acts in zip(ready, self._perils[index], strict=True)
            for act in acts
        )
        return Fork(self._choices[:index], self._choices[index], ready, perils)

    def take(self, fork: Fork, choice: Choice) -> tuple[Run, int]:
        """Return the run in which that choice comes next, and then the others in the order of
        arrival; and when (ms) the choice is made in it."""
        taken = run(
            self.run.scenario,
            seed=self.run.seed,
            services=self.run.services,
            schedule=(*fork.before, choice),
            deployment=self.run.deployment,
        )
        return taken, Forks(taken)._times[len(fork.before)]


def describe(choice: Choice, trace: Trace, t: int) -> str:
    """Return a choice for people: the step that it makes, whose, on what, and what goes wrong."""
    asked, work = "", choice.subject
    for arrow in trace.arrows():
        if arrow.t > t:
            break
        if arrow.event and arrow.event_id == choice.subject:
            work = f"{arrow.event} of {arrow.correlation_id}"
        subject = arrow.event_id or arrow.correlation_id
        if arrow.kind == "call" and (arrow.source, subject) == (choice.service, choice.subject):
            asked = f"{arrow.label}, {arrow.target}"
    again = f", arrival {choice.arrival}" if choice.arrival > 1 else ""
    step = f"{choice.service}: {asked or 'its next step'} ({work}{again})"
    return step if choice.act == "step" else f"{step}: {GOES_WRONG[choice.act]}"


def play(what: "Run | Counterexample") -> "Player":
    """Step through a run, or through a counterexample of `explore`, with buttons or keys.
    Raises `TypeError` for what is neither."""
    if not isinstance(what, Run | Counterexample):
        kind = type(what).__name__
        hint = "; of what `explore` answers, give .broken[0]" if kind == "Exploration" else ""
        raise TypeError(f"what is played is a run, as run('happy_path'), not of type {kind}{hint}")
    if isinstance(what, Run):
        return Player(what)
    player = Player(what.run)
    player.notice = what.sentence
    return player


class Player(AnyWidget):
    """A run in a notebook. `step` is how many steps are shown, from 0; `saga` whose they are."""

    _esm = front_end("player.js")
    _css = front_end("player.css")

    sagas = traitlets.List(traitlets.Unicode()).tag(sync=True)
    saga = traitlets.Unicode().tag(sync=True)
    drawing = traitlets.Dict().tag(sync=True)  # the SVG, and of each step its text and its place
    step = traitlets.Int(0).tag(sync=True)
    now = traitlets.Dict().tag(sync=True)  # what is shown beside the diagram at this step
    landmarks = traitlets.Dict().tag(sync=True)  # name to step
    elsewhere = traitlets.Dict().tag(sync=True)  # name to the saga that has one, if not this one
    notice = traitlets.Unicode().tag(sync=True)

    def __init__(self, finished: Run) -> None:
        super().__init__()
        self._former: list[tuple[Run, str, int]] = []
        self._begin(finished)
        self.observe(self._other_saga, "saga")
        self.observe(self._moved, "step")
        self.on_msg(self._pressed)

    def _begin(self, finished: Run, saga: str = ALL) -> None:
        """Take up a run, from its start."""
        self.run = finished
        records, entries = finished.records, finished.records.entries
        self._forks = None if finished.schedule is None else Forks(finished)
        self._events = {event.event_id: event for event in events(records)}
        self._landmarks = landmarks(entries)
        sagas = list(dict.fromkeys(record.saga for record in entries if record.saga))
        few = len(sagas) <= MOST and not tell(records, View(limit=MOST)).left_out
        self.sagas = [ALL] * few + sagas
        self.saga = saga if saga in self.sagas else self.sagas[0]
        self._draw()

    def _draw(self) -> None:
        records, saga = self.run.records, None if self.saga == ALL else self.saga
        entries = records.entries
        # The arrows of `sequence`, and its numbers, but each in a row of its own.
        story = tell(records, View(saga=saga, limit=MOST, compact=False))
        picture, rows, heads = draw_story(story)
        self._steps = story.steps
        own = [index for index, record in enumerate(entries) if saga in (None, record.saga)]
        begins = [step.first for step in self._steps] or [len(records)]
        ends = [*begins[1:], self._steps[-1].last + 1 if story.left_out else len(records)]
        # A step lasts until the next one: an answer that is not drawn belongs to it.
        self._until = [begins[0] - 1] + [
            max(step.last, own[bisect_left(own, end) - 1])
            for step, end in zip(self._steps, ends, strict=False)
        ]
        self._near: dict[int, Moment] = {}
        self._touched = touched(entries[index] for index in own)
        self.step = 0
        self.drawing = {
            "svg": picture.svg(),
            "heads": [round(y, 1) for y in heads],
            "steps": [
                {
                    "number": row.step.number,
                    "top": round(row.top, 1),
                    "bottom": round(row.y, 1),
                    "text": _said(row.step),
                }
                for row in rows
            ],
        }
        self.landmarks = {
            name: index + 1
            for name, index in landmarks(entries[step.first] for step in story.steps).items()
        }
        self.elsewhere = {
            name: entries[index].saga
            for name, index in self._landmarks.items()
            if name not in self.landmarks and entries[index].saga
        }
        self._show()

    def _show(self) -> None:
        """Show what is there at this step, and what of it is new since the step before."""
        then = self._moment(self.step)
        before = self._moment(self.step - 1) if self.step else then
        self._near = {self.step: then, max(self.step - 1, 0): before}
        changed = then.changed_since(before)
        fork = self._fork()
        self.now = {
            "text": _said(self._steps[self.step - 1]) if self.step else "Before the first arrow",
            "sections": [
                {"name": name, "rows": [[*row, row in changed] for row in self._few(rows, changed)]}
                for name, rows in then.sections()
                if rows
            ],
            "event": self._event(),
            "ready": [self._choice(fork, choice) for choice in fork.ready] if fork else [],
            "perils": [self._choice(fork, choice) for choice in fork.perils] if fork else [],
            "remark": BY_THE_CLOCK if fork is None else "" if fork.ready else AT_THE_END,
            "clock": fork is None,
            "former": len(self._former),
        }

    def _few(self, rows: tuple[Holding, ...], changed: Collection[Holding] = ()) -> list[Holding]:
        """Return, of many rows, those that these steps are about."""
        if len(rows) <= FEW:
            return list(rows)
        kept = [row for row in rows if row[:2] in self._touched or row in changed]
        rest = len(rows) - len(kept)
        return [*kept, Holding("the others", "", f"{rest} items that these steps do not touch")]

    def _moment(self, step: int) -> Moment:
        """Return what is there after a step; that of the steps last shown is kept."""
        known = self._near.get(step)
        return known or moment(self.run.records, self._until[step])

    def _event(self) -> list[list[str]]:
        """Return header and payload of the event that is carried or handled, a row a field."""
        done = self._steps[self.step - 1 : self.step]  # none before the first
        event = self._events.get(done[0].arrow.event_id or "") if done else None
        if event is None:
            return []
        header = {
            "event_type": event.event,
            "event_id": event.event_id,
            "causation_id": event.causation_id,
            "correlation_id": event.saga,
        }
        return [[name, str(value)] for name, value in {**header, **event.payload}.items()]

    def _fork(self) -> Fork | None:
        return self._forks.after(self._time()) if self._forks else None

    def _time(self) -> int:
        return self._steps[self.step - 1].until if self.step else 0

    def _choice(self, fork: Fork, choice: Choice) -> dict[str, Any]:
        text = describe(choice, self.run.records, self._time())
        return {"text": text, "came": choice == fork.came}

    # What the learner does.

    @traitlets.validate("step")
    def _within(self, proposed: Any) -> int:
        """Keep to steps that exist: the page may show a longer run, or a cell ask for more."""
        return max(0, min(int(proposed["value"]), len(self._steps)))

    def _other_saga(self, _: Any) -> None:
        with self.hold_sync():  # the page gets all at once
            self._draw()

    def _moved(self, _: Any) -> None:
        self._show()

    def _pressed(self, _: Any, pressed: dict[str, Any], __: Any) -> None:
        """Do what a button asks that does not only move. The page gets all of it at once."""
        with self.hold_sync():
            if pressed["do"] == "jump":
                self.jump(pressed["name"])
            elif pressed["do"] == "choose":
                self.choose(pressed["number"], wrong=pressed["wrong"])
            elif pressed["do"] == "schedule":
                self._other_run(self._by_schedule(), 0, "The same scenario, by schedule.")
            elif self._former:
                former, saga, step = self._former.pop()
                self._begin(former, saga)
                self.step, self.notice = step, "The run before."

    def jump(self, name: str) -> None:
        """Go to the first conflict, retry or compensation of the saga that is shown; if it has
        none, to the first of the run. Raises `ValueError` if there is none."""
        if name in self.elsewhere:
            self.saga = self.elsewhere[name]
        if name not in self.landmarks:
            raise ValueError(f"there is no {name} among the steps of this run")
        self.step = self.landmarks[name]

    def choose(self, number: int, *, wrong: bool = False) -> None:
        """Go on from this step with the ready step of that number, counted from 0; or with what
        could go wrong of that number. It is another run."""
        fork = self._fork()
        if self._forks is None or fork is None:
            raise ValueError(BY_THE_CLOCK)
        among = fork.perils if wrong else fork.ready
        if number not in range(len(among)):
            raise ValueError(f"there is no choice {number!r}: there are {len(among)}, from 0 on")
        taken, t = self._forks.take(fork, among[number])
        what = "what you had go wrong" if wrong else "the step that you chose"
        broken = [verdict.law for verdict in taken.verdicts() if not verdict.held]
        laws = f"It breaks: {', '.join(broken)}." if broken else "All laws hold in it."
        self._other_run(
            taken, t, f"Another run: up to here the same, then {what}, then each in turn. {laws}"
        )

    def _by_schedule(self) -> Run:
        return run(
            self.run.scenario,
            seed=self.run.seed,
            services=self.run.services,
            schedule=(),
            deployment=self.run.deployment,
        )

    def _other_run(self, other: Run, t: int, notice: str) -> None:
        """Show another run, from its first step at `t` (ms)."""
        self._former.append((self.run, self.saga, self.step))
        self._begin(other, self.saga)
        at = [place for place, step in enumerate(self._steps, start=1) if step.arrow.t >= t]
        self.step = at[0] if t and at else 0
        self.notice = notice
        self._show()

    # Where widgets do not run.

    def __repr__(self) -> str:
        return f"<Player of {self.run!r}>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, metadata = super()._repr_mimebundle_() or ({}, {})
        picture = self.run.sequence(saga=None if self.saga == ALL else self.saga)
        bundle["text/plain"] = picture.alt
        end = moment(self.run.records, len(self.run.records) - 1)
        tables = [(f"{name} at the end", self._few(rows)) for name, rows in end.sections() if rows]
        bundle["text/html"] = static_page(picture, STATIC, tables)
        return bundle, metadata


def _said(step: Step) -> str:
    """Tell a step in words: its number in the diagram, when, from whom to whom, and what."""
    arrow = step.arrow
    number = f"Arrow {step.number}" if step.number else "Note"
    to = "" if arrow.source == arrow.target else f" → {arrow.target}"
    return f"{number}, {clock(arrow.t)}, {arrow.source}{to}: {step.text or 'nothing'}"
