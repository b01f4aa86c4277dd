"""Fork a run by schedule: what else could have come next, and the run in which it does."""

from bisect import bisect_right
from typing import NamedTuple

from sagakit.run import Run, run
from sagakit.scenarios.build import build_world
from sagakit.sim.schedule import Act, Choice, ScheduledKernel
from sagakit.trace.trace import Trace

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
