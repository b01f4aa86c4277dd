"""The exercise in which an invariant is written: a law of the learner's own, held against the zoo.

An invariant is a function of a `Run` at rest: it returns None, or the words of what is broken. It
must hold in sound runs, and be broken in the run that shows a flaw.

    from .invariants import kills
    kills("no_inbox")               # the task
    kills("no_inbox")(mine)         # the answer to an answer
"""

from collections.abc import Callable, Iterator
from functools import cache
from inspect import isclass
from types import EllipsisType
from typing import Any

from sagakit.draw.story import View
from sagakit.explore import Counterexample, explore
from sagakit.run import Run, run
from sagakit.scenarios import NAMES, named
from sagakit.zoo import ALL, Flaw
from sagakit.zoo import flaw as flaw_named

from .grader import UNANSWERED, Exercise, Feedback
from .service_checks import EXPECTED

LANES = {
    "Wallet Service": ("Wallet SQS", "Wallet Service", "Wallet DB"),
    "Payment Service": ("Payment SQS", "Payment Service", "Payments DB"),
    "Provider Gateway": (
        "Provider SQS", "Provider Retry SQS", "Provider Gateway", "Provider DB",
        "External Provider API",
    ),
}  # fmt: skip
TASK = """\
Write an invariant that kills {name}.

{about}

Write a function of a run: it returns None if all is well, or the words of what is broken. It must
return None for every run of the sound services, and words for the run that shows the flaw.
`run.wallets`, `run.payments` and `run.events` are tables, `run.scenario` is what was given."""


def kills(flaw: Flaw | str) -> Exercise:
    """The exercise for one flaw of the zoo. Raises `LookupError` for a name that does not exist."""
    meant = flaw_named(flaw) if isinstance(flaw, str) else flaw

    def check(answer: Any) -> Feedback:
        return _graded(answer, meant)

    about = f"It is a flaw of the {_service(meant)}. Where it comes from: {meant.origin}."
    check.__doc__ = TASK.format(name=meant.name, about=about)
    exercise = Exercise(check)
    exercise.prepared(lambda: (shown(meant.name), list(_sound_runs(meant))))
    return exercise


def _graded(answer: Any, flaw: Flaw) -> Feedback:
    if answer is None or isinstance(answer, str):
        says = "This is what an invariant returns."
        return Feedback(False, says, "Give the function itself, without calling it: no ().")
    if not callable(answer) or isclass(answer):
        says = "A function of a run is asked for."
        return Feedback(False, says, "It begins like this: def mine(run): ...")
    sound = 0
    for what, finished in _sound_runs(flaw):
        said = answer(finished)
        misfit = _misfit(said, what)
        if misfit is not None:
            return misfit
        if said is not None:
            return _false_alarm(flaw, what, finished, said)
        sound += 1
    found = shown(flaw.name)
    said = answer(found.run)
    misfit = _misfit(said, f"the run that shows {flaw.name}")
    if misfit is not None:
        return misfit
    if said is None:
        return _missed(flaw, found)
    others = [other.name for other in ALL if other != flaw and _speaks_up(answer, other)]
    besides = f"It kills {_list(others)} as well." if others else "It kills no other flaw."
    says = f"It holds in {sound} sound runs, and says of the run that shows {flaw.name}: {said!r}. "
    return Feedback(True, f"{says}{besides}")


def _misfit(said: Any, what: str) -> Feedback | None:
    if isinstance(said, EllipsisType):
        return Feedback(False, UNANSWERED)
    if said is None or (isinstance(said, str) and said.strip()):
        return None
    says = f"For {what} it returns {said!r}; None is asked for, or words."
    if isinstance(said, bool) or type(said).__name__ == "bool":
        return Feedback(False, says, "Instead of False, say what is broken; instead of True, None.")
    return Feedback(False, says, 'For instance: return f"{user} has {balance}"')


def _false_alarm(flaw: Flaw, what: str, finished: Run, said: str) -> Feedback:
    return Feedback(
        False,
        f"It speaks up where nothing is broken: in {what}.",
        (
            "Every law holds in this run. Which of the things that you ask for need not be so?",
            "A message may come twice, a payment may fail, a user may be refunded: that is sound.",
            "Ask for what must never be, rather than for how it usually goes.",
        ),
        points=(("Expected", "None."), ("Seen", f"{said!r}.")),
        trace=finished.records,
        view=_view(flaw, "A sound run"),
    )


def _missed(flaw: Flaw, found: Counterexample) -> Feedback:
    return Feedback(
        False,
        f"It has nothing to say about the run that shows {flaw.name}.",
        (
            (
                f"What is wrong with it in the end? The law is called {flaw.law!r}: "
                f"{EXPECTED[flaw.law]}"
            ),
            f"This is what happened there. {found.sentence}",
            "Which of `run.wallets`, `run.payments`, `run.events` does not fit the others there?",
        ),
        points=(("Expected", "The words of what is broken."), ("Seen", "None.")),
        trace=found.run.records,
        view=_view(flaw, f"The run that shows {flaw.name}"),
    )


def _view(flaw: Flaw, title: str) -> View:
    return View(participants=LANES[_service(flaw)], outside=False, title=title, limit=40)


def _service(flaw: Flaw) -> str:
    return next(iter(flaw.services))


@cache
def shown(name: str) -> Counterexample:
    """The shortest run that breaks the law of that flaw."""
    flaw = flaw_named(name)
    return next(
        verdict for verdict in flaw.explore(stop="all").broken if verdict.verdict.law == flaw.law
    )


def _sound_runs(flaw: Flaw) -> Iterator[tuple[str, Run]]:
    """Runs in which every law holds, and what they are. A store that is rebuilt is written in ways
    of its own: that matters to flaws of the recovery alone."""
    for finished in _explored(flaw.name):
        yield f"a run of the sound services, with what {flaw.name} is given", finished
    for name in NAMES:
        if flaw.scenario.recovery or not named(name).recovery:
            yield f"the run of {name}", _of_scenario(name)


@cache
def _explored(name: str) -> tuple[Run, ...]:
    """The judged runs of the sound services in the scenario of a flaw, with its budget."""
    flaw, runs = flaw_named(name), list[Run]()

    def note(finished: Run) -> None:
        runs.append(finished)

    explore(flaw.scenario, **flaw.budget, invariants=[note])
    return tuple(runs)


@cache
def _of_scenario(name: str) -> Run:
    return run(name)


def _speaks_up(answer: Callable[[Run], Any], flaw: Flaw) -> bool:
    try:
        return isinstance(answer(shown(flaw.name).run), str)
    except Exception:  # it was not written for that
        return False


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
