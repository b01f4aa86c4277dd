"""Exercises of notebook 12: a system of the learner's own is mended, given a law, and extended.

What is right is read off from how a system can end: what its stores hold at rest, and what the
parties outside have done. A crash, or a message that comes twice, may not lead to any other end.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sagakit.draw.story import View
from sagakit.explore import BadService, Counterexample, Exploration, explore
from sagakit.run import Run, run
from sagakit.scenarios import System

from .grader import UNANSWERED, Cases, Exercise, Feedback, exercise
from .service_checks import no_class, own_error

SERVICES = ("Trips", "Hotel", "Flights")

# Event to each service that must hear it, and what happens if it does not.
HEARD: dict[str, dict[str, str]] = {
    "TripRequested": {"Hotel": "nobody takes a room, and the trip stays REQUESTED for ever"},
    "RoomTaken": {"Flights": "nobody asks the airline for a seat"},
    "NoRoom": {"Trips": "a trip that finds no room stays REQUESTED for ever"},
    "SeatTaken": {"Trips": "a trip with a room and a seat stays REQUESTED for ever"},
    "NoSeat": {
        "Hotel": "nobody gives the room back: it is taken for a trip that there is not",
        "Trips": "a trip that finds no seat stays REQUESTED for ever",
    },
}
TOO_EARLY = {
    ("TripRequested", "Flights"): "a seat is asked for before it is known that there is a room",
    ("RoomTaken", "Trips"): "half a trip is noted, which is neither BOOKED nor REFUSED",
}


@exercise
def who_hears(answer: Any) -> Cases:
    """For each event of a trip, the services that have to hear it: {"RoomTaken": [...], ...}."""
    yield not isinstance(answer, Mapping) and (
        "A dict is asked for: event to a list of services.",
        'It begins like this: {"TripRequested": ["..."], ...}',
    )
    yield any(each is ... for each in answer.values()) and UNANSWERED
    if answer.keys() != HEARD.keys():
        wrong = min(map(str, answer.keys() ^ HEARD.keys()))
        hint = f"There are five: {', '.join(HEARD)}."
        what = "is missing" if wrong in HEARD else "is no event of a trip"
        return Feedback(False, f"{wrong} {what}.", hint)
    chosen = {event: _names(each) for event, each in answer.items()}
    for event, names in chosen.items():
        yield (names is None or not names <= {*SERVICES}) and (
            f"{event} is heard by services, and this is {answer[event]!r}.",
            f"A list of some of these: {list(SERVICES)}.",
        )
    return _judged({event: names or set() for event, names in chosen.items()})


def _judged(chosen: Mapping[str, set[str]]) -> Feedback:
    for event, needed in HEARD.items():
        for service, otherwise in needed.items():
            if service not in chosen[event]:
                says = f"If {service} does not hear {event}, {otherwise}."
                return Feedback(False, says, "Who has something to do when that has happened?")
    for event, needed in HEARD.items():
        if more := sorted(chosen[event] - needed.keys()):
            otherwise = TOO_EARLY.get((event, more[0]), f"{more[0]} has nothing to do")
            says = f"If {more[0]} hears {event}, {otherwise}."
            return Feedback(False, says, "Who has something to do then, and who has not?")
    return Feedback(
        True, "Each no is heard by whoever has something to undo, and by whoever has to tell of it."
    )


def _names(each: Any) -> set[str] | None:
    """The names in a list, or in one text; None if there are others than names."""
    if isinstance(each, str):
        return {each}
    if not isinstance(each, Iterable):
        return None
    names = list(each)
    return set(names) if all(isinstance(name, str) for name in names) else None


LIMIT = 60_000
TWICE = (
    "What does the first of the two deliveries leave behind, by which the second could know?",
    "Only the store sees both deliveries. `commit` takes the message that it answers: `handled`.",
)
DECLINE = {"provider": {"decline": 1}}
SILENCE = {"provider": {"timeout_before": 1, "timeout_after": 1}}

Ends = frozenset[tuple[str, str]]  # a store and an item of it; or a party and what it has done


class Trial(NamedTuple):
    """Faults in words and as `explore` takes them, and hints for one whose answer fails there."""

    what: str
    budget: Mapping[str, Any]
    hints: tuple[str, ...]


TRIALS = (
    Trial("no faults at all", {}, ("How does one request take its course, step by step?",)),
    Trial("a request that is declined", DECLINE, ("What has to be undone then, and by whom?",)),
    Trial("a message that comes twice", {"duplicates": 1}, TWICE),
    Trial("a service that crashes", {"crashes": 1}, TWICE),
    Trial("a request that is declined, and a message that comes twice",
          {**DECLINE, "duplicates": 1},
          ("Which message came twice this time? Every handler gets such messages.", *TWICE)),
    Trial("a request that is declined, and a service that crashes", {**DECLINE, "crashes": 1},
          ("Which handler died? Every handler may.", *TWICE)),
    Trial("answers of the party outside that are lost", SILENCE,
          ("Silence is neither yes nor no. What is known of a request that got no answer?",
           "A handler that fails is run again, and asks under the same key.")),
)  # fmt: skip
TWO = Trial(
    "two travellers, a request that is declined, and a message that comes twice",
    {**DECLINE, "duplicates": 1},
    ("What has become of the room between the two deliveries, and what is written by the second?",
     *TWICE),
)  # fmt: skip


def ends(run: Run) -> Ends:
    """Return how a run ended: all items without their versions, and what was done outside."""
    items = {
        (store, ", ".join(f"{k}: {v}" for k, v in item._asdict().items() if k != "version"))
        for store, kept in run.records.stores().items()
        for item in kept.values()
    }
    done = {(name, f"executed: {key}") for name in run.scenario.externals for key in did(run, name)}
    return frozenset(items | done)


def did(run: Run, party: str) -> list[str]:
    """Return what a party outside has executed: the keys."""
    return [key for key, state in run.items(party).values.tolist() if state == "executed"]


def runs_of(system: System, **budget: Any) -> dict[Ends, Run]:
    """The ends that a system can come to, each with a run that does."""
    found: dict[Ends, Run] = {}

    def note(run: Run) -> None:
        found.setdefault(ends(run), run)

    explore(system.but(laws=()), **budget, invariants=[note], stop="all", limit=LIMIT)
    return found


# A service is mended.


def mend(system: System, service: str) -> Exercise:
    """The exercise to put a better class in the place of one service of a system."""

    def check(answer: Any) -> Feedback:
        return _mended(system, service, answer)

    check.__doc__ = (
        f"Mend {service}. Write a class with which the system ends, whatever crashes or comes "
        f"twice, as it ends when nothing does."
    )
    return Exercise(check)


def _mended(system: System, service: str, answer: Any) -> Feedback:
    if (other := no_class(answer, f"class Mine({service}): ...")) is not None:
        return other
    tried = [(system, trial) for trial in TRIALS[:-1]] + [(_with_two(system), TWO)]
    for given, trial in tried:
        calm = {name: value for name, value in trial.budget.items() if name == "provider"}
        wanted = {*runs_of(given, **calm)}
        mended = given.but(services={**given.services, service: answer})

        def as_if_nothing_went_wrong(run: Run, wanted: set[Ends] = wanted) -> str | None:
            return None if ends(run) in wanted else f"it ended so: {told(ends(run))}"

        refuted = _refuted(mended, trial, as_if_nothing_went_wrong)
        if refuted is not None:
            return refuted
    whats = _whats(trial for _, trial in tried)
    return Feedback(True, f"Proved, in every order of the steps, with {whats}.")


def _with_two(system: System) -> System:
    """The system with two travellers, who ask at the same time for what there was for one."""
    (request,) = system.requests.values()
    return system.but(requests={name: request._replace(trip=name) for name in ("ana", "ben")})


def _refuted(system: System, trial: Trial, law: Callable[[Run], str | None]) -> Feedback | None:
    """Return the feedback on a system that does not pass a trial, or None if it does."""
    try:
        explored = explore(
            system.but(laws=tuple(dict.fromkeys((law, *system.laws)))),
            **trial.budget,
            stop="all",
            limit=LIMIT,
        )
    except BadService as error:
        return Feedback(False, f"It cannot be explored: {error}.")
    if explored.broken:
        found = _first(explored, law)
        raised = _error_in(found.run)
        if raised:
            says = f"With {trial.what}, a handler failed: {raised}."
            return Feedback(False, says, "Its line is counted within its cell, from the top.")
        return Feedback(
            False,
            f"With {trial.what}, it goes wrong.",
            trial.hints,
            points=(("What happened", found.cause), ("Seen", f"{found.effect}.")),
            trace=found.run.records,
            view=View(title="The shortest run that shows it", limit=60),
        )
    if not explored.complete:
        return Feedback(False, f"With {trial.what}, there is no end to it.", trial.hints[0])
    return None


def _error_in(run: Run) -> str:
    """The error with which a service failed by itself, if one did."""
    return next(filter(None, (own_error(run, service) for service in run.scenario.services)), "")


def _first(explored: Exploration, law: Callable[..., Any]) -> Counterexample:
    """The counterexample in the words of the business, if there is one."""
    by_law = {verdict.verdict.law: verdict for verdict in explored.broken}
    names = (law.__name__, *(one for one in by_law if "_" in one))
    return next((by_law[name] for name in names if name in by_law), explored.broken[0])


def told(end: Ends) -> str:
    """An end for people."""
    return "; ".join(f"{where} has {{{what}}}" for where, what in sorted(end)) or "with nothing"


def _whats(trials: Iterable[Trial]) -> str:
    texts = [trial.what for trial in trials]
    return f"{'; '.join(texts[:-1])}; and {texts[-1]}"


# A law is written.


def tells_apart(sound: System, flawed: System, **budget: Any) -> Exercise:
    """The exercise to write a law that holds in every run of a sound system, and is broken in every
    run of a flawed one that ends as the sound one cannot. Both are explored with the budget."""

    def check(answer: Any) -> Feedback:
        return _tells_apart(answer, sound, flawed, budget)

    check.__doc__ = "Write a law: a function of a run that returns None, or what is broken."
    return Exercise(check)


def _tells_apart(answer: Any, sound: System, flawed: System, budget: Mapping[str, Any]) -> Feedback:
    if not callable(answer) or isinstance(answer, type):
        return Feedback(False, "A function of a run is asked for.", "Give its name, without ().")
    right = runs_of(sound, **budget)
    wrong = {end: run for end, run in runs_of(flawed, **budget).items() if end not in right}
    said = ""
    judged = [(one, False) for one in right.values()] + [(one, True) for one in wrong.values()]
    for one, broken in judged:
        said = answer(one)
        if said is ...:
            return Feedback(False, UNANSWERED)
        if said is not None and (not isinstance(said, str) or not said.strip()):
            hint = "Return None if all is well, and else a text that says what is broken."
            return Feedback(False, f"For a run it returns {said!r}.", hint)
        if broken == (said is None):
            return _misjudged(one, said, broken)
    return Feedback(
        True,
        f"It holds in all {len(right)} ways in which the sound system can end, and is broken in "
        f"{len(wrong)} of the flawed one's. There it says: {said}",
    )


def _misjudged(run: Run, said: Any, broken: bool) -> Feedback:
    says = (
        "It says nothing of a run that must not be." if broken else "It speaks up in a sound run."
    )
    hint = "Compare what our stores hold with what the party outside has executed."
    if not broken:
        hint = "A trip may be refused. What may it keep then?"
    points = (("How it ended", f"{told(ends(run))}."), ("Your law says", f"{said}."))
    view = View(title="How the run went", limit=60)
    return Feedback(False, says, hint, points=points, trace=run.records, view=view)


# A third party joins: a car.

CAR_HINTS = (
    "Go from the end to the beginning: who must hear that there is no car, and what do they undo?",
    "The seat was booked outside: `airline.void(key, timeout=...)` gives it back, under its key.",
    "Then the airline has no seat for the trip, as if it had declined: the hotel knows what to do.",
)


def all_or_nothing(run: Run) -> str | None:
    """A trip is a room, a seat and a car, or nothing."""
    seats = did(run, "Airline")
    taken = {"a seat": len(seats)}
    for name, what in (("Hotel", "a room"), ("Cars", "a car")):
        taken[what] = _opening(run.scenario, name).free - int(run.items(f"{name} DB").free.iloc[0])
    for state in run.items("Trips DB").state:
        wanted = {"BOOKED": 1, "REFUSED": 0}.get(state)
        if any(many != wanted for many in taken.values()):
            got = ", ".join(f"{what}: {many}" for what, many in taken.items())
            return f"the trip is {state}; taken are {got}"
    return None


def _opening(system: System, service: str) -> Any:
    """The first item that a service's store has at the start; None if it has none."""
    return next(iter(system.opening.get(service, ())), None)


@exercise
def with_a_car(answer: Any) -> Cases:
    """Add a service Cars, such that a trip is a room, a seat and a car, or nothing.

    The answer is a `System` with the services Trips, Hotel, Flights and Cars, one traveller, and
    one item with a field `free` in the opening of Hotel and of Cars.
    """
    yield not isinstance(answer, System) and (
        f"A System is asked for, and this is of type {type(answer).__name__}.",
        "It begins like this: travel.but(services={**travel.services, ...}, ...)",
    )
    for name in ("Trips", "Hotel", "Flights", "Cars"):
        yield name not in answer.services and (
            f"There is no service {name}.",
            f"services={{'{name}': ...}}",
        )
    for name in ("Hotel", "Cars"):
        yield not hasattr(_opening(answer, name), "free") and (
            f"{name} has no item with a field `free` at the start.",
            f'For instance: opening={{"{name}": [Rooms("{name.lower()}", 1)], ...}}',
        )
    yield (len(answer.requests) != 1 or list(answer.externals) != ["Airline"]) and (
        "One request, and the Airline outside, are asked for.",
        "Leave `requests` and `externals` as they are in `travel`.",
    )
    for cars, also in ((1, "a car"), (0, "no car")):
        given = _with_free(answer.but(laws=(all_or_nothing,)), Hotel=1, Cars=cars)
        ended = run(given.but(externals={"Airline": "approve"})).items("Trips DB").state.tolist()
        for trial in TRIALS:
            trial = trial._replace(what=f"{also}, and {trial.what}", hints=trial.hints + CAR_HINTS)
            refuted = _refuted(given, trial, all_or_nothing)
            if refuted is not None:
                return refuted
        yield ended != ["BOOKED" if cars else "REFUSED"] and (
            f"With {also}, and no faults at all, the trip ends as {', '.join(ended)}.",
            "Which event is it that says that all is booked now?",
        )
    return f"Proved, with a car and with none, with {_whats(TRIALS)}."


def _with_free(system: System, **free: int) -> System:
    """The system with so much that is free at the start."""
    items = {name: [_opening(system, name)._replace(free=many)] for name, many in free.items()}
    return system.but(opening={**system.opening, **items})
