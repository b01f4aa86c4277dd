"""Judging: a way that the search found is run again in the simulated world, and held against the
laws of `Run.check()` and those of one's own. There is no second set of laws."""

import gc

from sagakit.explore.answer import Exploration
from sagakit.explore.counterexample import Counterexample
from sagakit.explore.readable import Story, readable
from sagakit.explore.schedule import schedule_to
from sagakit.explore.tokens import State
from sagakit.explore.ways import Ways
from sagakit.laws.laws_of import held_by
from sagakit.laws.verdict import Verdict
from sagakit.run import Run, run
from sagakit.sim.schedule import Choice, ScheduleMismatch


def judge_moments(answer: Exploration, ways: Ways, stop: str) -> bool:
    """Judge the ways that are still to be judged. Returns whether that ends the search."""
    broken = len(answer.broken)
    if broken and stop == "first":
        return True
    for way in ways.unjudged():
        judge(answer, way)
        if len(answer.broken) > broken:
            del answer.broken[broken:]
            for shorter in ways.shortest_first():
                judge(answer, shorter)
                if answer.broken and stop == "first":
                    return True
            break
    ways.all_judged()
    return False


def judge(answer: Exploration, way: list[State]) -> None:
    """Run a way again, and on to the end, and hold it against the laws."""
    assert answer.space is not None
    schedule = schedule_to(answer.space, way, answer.reduced)
    try:
        judged = run(answer.scenario, services=answer.services, schedule=schedule)
    except ScheduleMismatch:  # one that does not do again what it did
        answer.space.handling.check()
        raise
    hold(answer, judged, schedule)
    del judged
    gc.collect(0)  # a run is full of cycles; what came before it is left alone


def hold(answer: Exploration, judged: Run, schedule: list[Choice] | None) -> None:
    """Hold a run against the laws; of what it breaks first, it is told as people read it."""
    verdicts = _verdicts(answer, judged)
    known = {one.verdict.law for one in answer.broken}
    answer.judged += 1
    for verdict in verdicts:
        if verdict.held:
            answer.held[verdict.law] = answer.held.get(verdict.law, 0) + 1
    if all(verdict.held or verdict.law in known for verdict in verdicts):
        return
    if schedule is None:
        story = Story(judged)
    else:

        def broken(run: Run) -> set[str]:
            return {verdict.law for verdict in _verdicts(answer, run) if not verdict.held}

        story = readable(answer.scenario, answer.services, schedule, broken)
    seen = answer.states or answer.runs
    for verdict in _verdicts(answer, story.run):
        if not verdict.held and verdict.law not in known:
            answer.broken.append(Counterexample(verdict, *story, seen, answer.arguments))


def _verdicts(answer: Exploration, judged: Run) -> list[Verdict]:
    return [*judged.verdicts(), *(held_by(one, judged) for one in answer.invariants)]
