"""Prove a learner's service: explore it in scenarios with faults, and hold it against the laws.

It passes if every law holds in every order, and if the payments end as they can end with the sound
service. If not, the learner sees the shortest run that shows it.
"""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from inspect import getdoc, getsource, isfunction
from textwrap import dedent
from typing import Any, NamedTuple

from sagakit.contract.events import Event
from sagakit.contract.ports import Service, handlers
from sagakit.draw.story import View
from sagakit.explore import BadService, Counterexample, Exploration, explore
from sagakit.laws import LAWS
from sagakit.run import Invariant, Run, run
from sagakit.scenarios import Scenario
from sagakit.trace.arrows import arrow
from sagakit.trace.facts import Committed, Published

from .evidence import commits, failures, statuses
from .grader import Feedback

MOST_STATES = 60_000
SEEDS = range(7)  # of plain runs: among so many, two payments at once meet at the wallet

# Which of several broken laws is told first: the one nearest to the cause.
TELLING = (
    "at most once", "breaker", "settle the unknown", "one key", "no ghost, nothing lost",
    "idempotence", "versions", "no overdraft", "conservation", "agreement",
)  # fmt: skip


def _in_words(law: Callable[..., Any]) -> str:
    """Return what a law says of itself first."""
    return " ".join((getdoc(law) or "").partition("\n\n")[0].split())


EXPECTED = {name: _in_words(law) for name, law in LAWS.items()}
AT_REST = ("conservation", "agreement", "every saga ends")  # broken by what did not happen
BY_THE_WORLD = (
    "VersionConflict", "MaxRetriesExceeded", "AlreadyHandled", "Unavailable", "TimedOut",
)  # fmt: skip
ENDS = "ends_as_it_should"
Ends = frozenset[tuple[str, str]]  # payment and status


class Role(NamedTuple):
    """The part in the system that an answer plays.

    service  whose part
    sound    the class that is there in the sound system
    method   what is to be written
    handles  what it must handle
    lanes    the participants of a picture of its counterexample
    outside  whether that shows arrows from and to others
    wire     what makes the service of the answer; the answer itself if not given
    """

    service: str
    sound: type
    method: str
    handles: tuple[type[Event], ...]
    lanes: tuple[str, ...]
    outside: bool = True
    wire: Callable[[type], Service] = lambda answer: answer

    def view(self, title: str) -> View:
        """Return the part of a run that shows what a service in this role did."""
        return View(participants=self.lanes, outside=self.outside, title=title)

    def error_in(self, finished: Run) -> str:
        """The error with which the learner's code failed in a run, if it did so by itself."""
        return own_error(finished, self.service)


@dataclass(frozen=True)
class Trial:
    """A scenario in which an answer is explored, and what helps one who fails there.

    what      in words: "a payment whose message comes twice"
    budget    what may go wrong, as `explore` takes it
    hints     what helps one who fails here; each tells more than the one before
    as_sound  whether the payments must end as they can with the sound service
    also      what must hold besides the laws
    law       which law is told first if several are broken
    limit     how many states there may be at most
    """

    what: str
    scenario: Scenario
    budget: Mapping[str, Any] = field(default_factory=dict)
    hints: tuple[str, ...] = ()
    as_sound: bool = True
    also: tuple[Invariant, ...] = ()
    law: str = ""
    limit: int = MOST_STATES

    @cached_property
    def sound_ends(self) -> set[Ends]:
        """All ways in which the payments can end with the sound services."""
        seen: set[Ends] = set()

        def note(finished: Run) -> None:
            seen.add(ends(finished))

        explore(self.scenario, **self.budget, invariants=[note])
        return seen

    def explore(self, services: Mapping[str, Service]) -> Exploration:
        def ends_as_it_should(finished: Run) -> str | None:
            if ends(finished) in self.sound_ends:
                return None
            return f"the payments end so: {_told(ends(finished))}"

        return explore(
            self.scenario,
            **self.budget,
            services=services,
            invariants=(*self.also, *([ends_as_it_should] if self.as_sound else ())),
            limit=self.limit,
        )


def own_error(finished: Run, service: str) -> str:
    """The error with which a service failed in a run, if it did so by itself."""
    reasons = (reason for _, reason in failures(finished, service))
    return next((reason for reason in reasons if not reason.startswith(BY_THE_WORLD)), "")


def tells_what_was_written(finished: Run) -> str | None:
    """An event of a wallet tells the balance and the version that its own commit has written."""
    published = {
        record.event_id: (record.saga, record.fact)
        for record in finished.records
        if isinstance(record.fact, Published)
    }
    for _, wrote in commits(finished, "Wallet DB"):
        for saga, event in filter(None, map(published.get, wrote.outbox)):
            payload = event.payload
            said = payload.get("amount_left"), payload.get("wallet_version")
            if said != (None, None) and said != (wrote.item.balance, wrote.item.version):
                return (
                    f"{event.event} of {saga} says that {said[0]} is left, in "
                    f"version {said[1]}, but {wrote.item.balance} was written, as version "
                    f"{wrote.item.version}"
                )
    return None


def ends(finished: Run) -> Ends:
    """Return how each payment ended."""
    return frozenset(statuses(finished).items())


def grade(answer: Any, role: Role, trials: Sequence[Trial]) -> Feedback:
    """Put an answer through the trials, the simplest first; tell of the first that it fails."""
    misfit = fits(answer, role)
    return try_out(answer, role, trials) if misfit is None else misfit


def try_out(answer: type, role: Role, trials: Sequence[Trial]) -> Feedback:
    """The trials alone, for an answer that fits."""
    services = {role.service: role.wire(answer)}
    states = runs = 0
    for trial in trials:
        try:
            explored = trial.explore(services)
        except BadService as error:
            return Feedback(False, f"{answer.__name__} cannot be explored: {error}.")
        states, runs = states + explored.states, runs + explored.ends
        if explored.broken:
            return _failed(trial, role, explored.broken)
        if not explored.complete:
            says = f"With {trial.what} there is no end to it: {trial.limit:,} states and more."
            hints = (*trial.hints, "What goes on and on, as long as something is missing?")
            return Feedback(False, says, hints)
        for seed in SEEDS:
            finished = run(trial.scenario, services=services, seed=seed)
            if stale := tells_what_was_written(finished):
                return _stale(trial, role, finished, stale)
    return Feedback(
        True,
        f"Proved in {len(trials)} explorations, each of them complete: every law holds in every "
        f"order of the steps ({states:,} states, {runs} ways to end), with "
        f"{_list([trial.what for trial in trials])}.",
    )


def fits(answer: Any, role: Role) -> Feedback | None:
    """Refuse what cannot be tried at all: it is no class, or a method is missing."""
    begin = f"class Mine({role.sound.__name__}): ..."
    if (other := no_class(answer, begin)) is not None:
        return other
    found = {
        message: method
        for name in dir(answer)
        for method in [getattr(answer, name)]
        for message in getattr(method, "handles", ())
    }
    for message in role.handles:
        if message not in found:
            hint = f"Write @on({message.__name__}) above `async def {role.method}`"
            if not hasattr(answer, role.method):
                hint = f"Begin with {begin} and the rest is there"
            says = f"Nothing in {answer.__name__} handles {message.__name__}."
            return Feedback(False, says, f"{hint}.")
    if _same(answer, role):
        says = f"This is the sound service's own `{role.method}`, which is right and not yours."
        return Feedback(False, says, f"Write `{role.method}` in your class.")
    handlers(object.__new__(answer))  # raises if two methods handle one message
    return forgotten(answer)


def no_class(answer: Any, begin: str) -> Feedback | None:
    """Refuse what is no class, with the line that one begins with."""
    if isinstance(answer, type):
        return None
    if isfunction(answer):
        says = f"This is a function, {answer.__name__}, outside any class."
        return Feedback(False, says, f"Indent it below the line of its class: {begin}")
    if type(answer).__module__ != "builtins":
        return Feedback(False, "This is an object.", "Give the class itself, without ().")
    says = f"This is of type {type(answer).__name__}, and a class is asked for."
    return Feedback(False, says, f"It begins like this: {begin}")


def _same(answer: type, role: Role) -> bool:
    return getattr(answer, role.method, None) is getattr(role.sound, role.method)


def _failed(trial: Trial, role: Role, broken: Iterable[Counterexample]) -> Feedback:
    counterexamples = {verdict.verdict.law: verdict for verdict in broken}
    law = next(
        (law for law in (trial.law, *TELLING) if law in counterexamples),
        next(iter(counterexamples)),
    )
    found = counterexamples[law]
    error = role.error_in(found.run)
    if error:
        says = f"With {trial.what}, your code failed: {error}."
        return Feedback(False, says, "The line is counted within the cell, from its top.")
    hints = trial.hints or ("Follow the diagram step by step: where would you have stopped?",)
    if law in EXPECTED:
        says = f"With {trial.what}, there is an order of the steps that breaks the law {law!r}."
        expected = EXPECTED[law]
    elif law == ENDS:
        says = f"With {trial.what}, the payments can end as they should not."
        expected = f"They can end so: {_ends_told(trial)}."
    else:
        says = f"With {trial.what}, there is an order of the steps that must not be."
        expected = _in_words(next(one for one in trial.also if one.__name__ == law))
    points = [("Expected", expected), ("What happened", found.cause)]
    points.append(("Seen", f"{found.effect}."))
    if found.verdict.record is not None and law not in AT_REST:
        points.append(("Where", _where(found.run, found.verdict.record)))
    title = "The shortest run that shows it"
    return Feedback(
        False, says, hints, points=tuple(points), trace=found.run.records,
        view=replace(role.view(title), limit=40),
    )  # fmt: skip


def _stale(trial: Trial, role: Role, finished: Run, seen: str) -> Feedback:
    """No store holds what an event says, so that an exploration would not see it."""
    return Feedback(
        False,
        f"With {trial.what}, an event does not tell what was written.",
        "After a conflict the event has to be made afresh, like the balance.",
        points=(("Expected", _in_words(tells_what_was_written)), ("Seen", f"{seen}.")),
        trace=finished.records,
        view=role.view("What it told"),
    )


def _where(finished: Run, index: int) -> str:
    record = arrow(finished.records[index])
    text = record.text.strip() or str(record.event or "")
    if record.source == record.target:
        return f"{record.t} ms, {record.source}: {text}"
    does = {"return": "answers", "async": "sends to"}.get(record.kind, "calls")
    wrote = record.fact.item if isinstance(record.fact, Committed) else None
    written = f", it wrote {{{wrote}, version: {wrote.version}}}" if wrote is not None else ""
    return f"{record.t} ms, {record.source} {does} {record.target}: {text}{written}"


def _told(way: Ends) -> str:
    return ", ".join(f"{payment} {status}" for payment, status in sorted(way)) or "none was made"


def _ends_told(trial: Trial) -> str:
    return "; or ".join(sorted(map(_told, trial.sound_ends)))


def _list(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    return f"{'; '.join(texts[:-1])}; and {texts[-1]}"


EFFECTS = {"commit", "publish"}


def forgotten(answer: type) -> Feedback | None:
    """The first call in a class that commits or publishes, and throws away what it asks for."""
    for name, method in vars(answer).items():
        if not isfunction(method):
            continue
        try:
            tree = ast.parse(dedent(getsource(method)))
        except (OSError, SyntaxError):  # it was not written in a cell or a file
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and (effect := _effect(node.value)):
                line = method.__code__.co_firstlineno + node.lineno - 1
                says = f"In line {line}, `{name}` does not await its `{effect}`: nothing happens."
                return Feedback(False, says, "Write `await` before it.")
    return None


def _effect(node: ast.expr) -> str:
    """For `self.wallets.commit(...)`: "commit"."""
    called = node.func if isinstance(node, ast.Call) else None
    if not isinstance(called, ast.Attribute) or called.attr not in EFFECTS:
        return ""
    port = called.value
    of_self = isinstance(port, ast.Attribute) and isinstance(port.value, ast.Name)
    return called.attr if of_self else ""
