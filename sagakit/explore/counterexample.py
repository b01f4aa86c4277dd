"""A run that breaks a law: told in one sentence, and as a test that reproduces it."""

import re
import sys
from collections.abc import Iterator, Mapping
from html import escape
from textwrap import wrap
from typing import Any, NamedTuple

from sagakit.contract.events import encode
from sagakit.contract.ports import Service
from sagakit.contract.terminal import wrapped
from sagakit.laws.evidence import Verdict
from sagakit.run import Invariant, Run
from sagakit.scenarios import NAMES, Scenario, System, named
from sagakit.sim.schedule import Choice
from sagakit.trace import facts
from sagakit.trace.arrows import arrow
from sagakit.trace.facts import Record
from sagakit.trace.trace import Trace

WIDTH = 90  # characters of a line in a docstring
QUOTES = '"' * 3


class Counterexample(NamedTuple):
    """A run that breaks a law: the fewest faults, then the fewest steps.

    verdict    the law, and what broke it
    run        a run like any other; steps of unrelated sagas are not mixed without need
    schedule   the choices made in it, None for a run by the clock
    decisive   how many of them decide it: what comes after those comes by itself
    seen       how many states, or runs, had been seen when it was found
    explored   how it was found: what `explore` was given besides the scenario
    """

    verdict: Verdict
    run: Run
    schedule: tuple[Choice, ...] | None
    decisive: int
    seen: int
    explored: Mapping[str, Any]

    @property
    def steps(self) -> int:
        """The number of steps that are made in it."""
        if self.schedule is not None:
            return len(self.schedule)
        return sum(isinstance(record.fact, ANSWERS) for record in self.run.records)

    @property
    def faults(self) -> list[Choice]:
        """The choices of the schedule at which something goes wrong."""
        return [choice for choice in self.schedule or () if choice.act != "step"]

    @property
    def cause(self) -> str:
        """The faults that led to it, or who met whom."""
        if faults := list(_faults(self.run.records)):
            happened = "; ".join(faults)
            return f"{happened[0].upper()}{happened[1:]}."
        if meeting := _met(self.run.records):
            return f"Without any fault: {meeting}."
        in_turn = self.schedule and not self.decisive
        return "Without any fault" + (", each step in its turn." if in_turn else ".")

    @property
    def effect(self) -> str:
        """The breach of the law, without the positions in the trace."""
        return re.sub(r" \(record \d+\)", "", self.verdict.detail)

    @property
    def sentence(self) -> str:
        """Cause and effect, for people."""
        return f"{self.cause} Then {self.verdict.law!r} is broken: {self.effect}."

    def as_test(self) -> str:
        """The source text of a test that fails as long as the law can be broken so."""
        return "\n".join(_test(self)) + "\n"

    def __repr__(self) -> str:
        return f"<Counterexample: {self.sentence}>"

    def __str__(self) -> str:
        return wrapped([self.sentence])

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        text = self.sentence
        return {"text/plain": text, "text/html": f"<p>{escape(text)}</p>"}


def _test(found: Counterexample) -> Iterator[str]:
    """Yield the lines of a test that runs the schedule again. Once the services take other steps,
    so that it no longer fits, the test explores anew: it fails as long as the law can be broken."""
    services: Mapping[str, Service] = found.explored.get("services") or {}
    own = {each.__name__: each for each in found.explored.get("invariants", ())}
    law = found.verdict.law
    used = [*services.values(), *filter(None, [own.get(law)])]
    schedule = found.schedule
    yield from _imports(found.run.scenario, used, explores=schedule is not None)
    yield ""
    yield ""
    yield f"def test_{'_'.join(re.findall('[a-z0-9]+', law.lower()))}() -> None:"
    sentence = "\n".join(wrap(found.sentence.replace(QUOTES, ""), WIDTH))
    yield from _indented(f"r{QUOTES}{sentence}{QUOTES}")
    yield from _indented(f"scenario = {_scenario(found.run.scenario)}")
    arguments = ["scenario"]
    if services:
        pairs = ", ".join(f"{encode(name)}: {_name(made)}" for name, made in services.items())
        yield from _indented(f"services = {{{pairs}}}")
        arguments.append("services=services")
    if schedule is None:
        yield from _indented(f"finished = run({', '.join(arguments)})")
        yield from _indented(_assertion(law, own))
        return
    yield "    schedule = ["
    for choice in schedule[: found.decisive]:
        yield f"        Choice({', '.join(map(encode, _shortened(choice)))}),"
    yield "    ]"
    yield "    try:"
    yield f"        finished = run({', '.join(arguments)}, schedule=schedule)"
    yield "    except ScheduleMismatch:  # it takes other steps by now: look at all of them again"
    left_out = ("services", "invariants")
    spent = [f"{name}={value!r}" for name, value in found.explored.items() if name not in left_out]
    again = ", ".join([*arguments, *spent])
    if law in own:
        again += f", invariants=[{_name(own[law])}]"
    yield f"        assert explore({again}).proved"
    yield "        return"
    yield from _indented(_assertion(law, own))


def _assertion(law: str, own: Mapping[str, Invariant]) -> str:
    if law in own:
        return f"assert {_name(own[law])}(finished) is None"
    return (
        f"verdict = next(one for one in finished.verdicts() if one.law == {encode(law)})\n"
        f"assert verdict.held, verdict.detail"
    )


def _imports(scenario: Scenario | System, used: list[Any], *, explores: bool) -> Iterator[str]:
    names = ["explore"] * explores + ["run"]
    comments = []
    if isinstance(scenario, System):
        comments.append(f"# {scenario.name}: put your System in a module and import it here.")
    elif _is_named(scenario):
        names.append("scenarios")
    else:
        names.insert(0, "Scenario")
    lines = [f"from sagakit import {', '.join(names)}"]
    if explores:
        lines.append("from sagakit.sim.schedule import Choice, ScheduleMismatch")
    for thing in dict.fromkeys(used):
        if _is_importable(thing):
            lines.append(f"from {thing.__module__} import {_name(thing).partition('.')[0]}")
        else:
            comments.append(f"# {_name(thing)}: put it in a module of its own and import it here.")
    yield from sorted(set(lines), key=lambda line: line.split()[1])
    yield from comments


def _is_importable(thing: Any) -> bool:
    found: Any = sys.modules.get(thing.__module__)
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is thing and thing.__module__ != "__main__"


def _name(thing: Any) -> str:
    name: str = thing.__qualname__ if _is_importable(thing) else thing.__name__
    return name


def _is_named(scenario: Scenario) -> bool:
    return scenario.name in NAMES and scenario == named(scenario.name)


def _scenario(scenario: Scenario | System) -> str:
    if isinstance(scenario, System):
        return scenario.name
    if _is_named(scenario):
        return f"scenarios.{scenario.name}"
    fields = scenario.model_dump(exclude_defaults=True)
    lines = [f'    "{name}": {encode(value)}' for name, value in fields.items()]
    text = ",\n".join(lines)
    return f'Scenario.from_json(r"""{{\n{text}\n}}""")'


def _shortened(choice: Choice) -> tuple[Any, ...]:
    if choice.act != "step":
        return tuple(choice)
    return choice[:3] if choice.arrival > 1 else choice[:2]


def _indented(text: str) -> Iterator[str]:
    inside = ""  # a scenario's text is left as it is
    for line in text.split("\n"):
        yield line if inside == "scenario" else f"    {line}"
        if line.count(QUOTES) % 2:
            inside = "" if inside else line.partition(" ")[0]


ANSWERS = (
    facts.ItemRead, facts.Committed, facts.StoreRefused, facts.PartyAnswered,
    facts.PartyUnreachable, facts.SnapshotRead, facts.EventsRead,
)  # fmt: skip
"""The answers of stores and external parties: the steps of a run by the clock"""


def _met(trace: Trace) -> str:
    """Tell of the first that went on with what it had read although another had written it since.

    That is where a run leaves the order in which each handler finds the work of the others done.
    """
    events: dict[int, str] = {}  # invocation to the type of its event
    for record in trace:
        event = getattr(record.fact, "event", None)
        if record.invocation and event:
            events[record.invocation] = event
    read: dict[int, set[tuple[str, str]]] = {}
    stale: dict[int, tuple[Record, tuple[str, str]]] = {}
    for record in trace:
        who, fact = record.invocation, record.fact
        if isinstance(fact, facts.ItemRead):
            read.setdefault(who, set()).add((fact.store, fact.key))
        elif isinstance(fact, facts.Committed) and fact.writes:
            item = (fact.store, str(fact.key))
            for other, items in read.items():
                if other != who and item in items:
                    stale.setdefault(other, (record, item))
            read.pop(who, None)
        elif isinstance(fact, facts.Acknowledged):
            read.pop(who, None)
            stale.pop(who, None)
        if who in stale and isinstance(fact, (*ANSWERS, facts.Failed, facts.Answered)):
            writer, (store, key) = stale[who]
            late, early = _who(events, record, writer), _who(events, writer, record)
            return f"{late} read {key} in {store} before {early} wrote it"
    return ""


def _who(events: dict[int, str], record: Record, beside: Record) -> str:
    """Name a handler by its saga, or, beside one of the same saga, by its event."""
    event, other = events.get(record.invocation), events.get(beside.invocation)
    if record.saga != beside.saga or event is None or other is None:
        return str(record.saga)
    if event != other:
        return f"the {event} of {record.saga}"
    which = "one" if record.invocation < beside.invocation else "another"
    return f"{which} {event} of {record.saga}"


def _faults(trace: Trace) -> Iterator[str]:
    """Yield the faults of a run, in their order."""
    books: dict[str, tuple[str, int]] = {}  # key to state, and when it was entered
    done: dict[int, str] = {}  # invocation to its last step
    for record in trace:
        t, saga, _, invocation, fact = record
        event = getattr(fact, "event", None)
        what = f"{event} of {saga}" if event else "a message"
        match fact:
            case facts.EventDoubled() | facts.MessageDoubled():
                yield f"{what} came twice"
            case facts.EventLost() | facts.MessageLost():
                yield f"{what} was lost"
            case facts.StoreLost(store=store):
                yield f"{store} lost all its data at {t} ms"
            case facts.SnapshotTaken():
                yield f"the snapshot was taken at {t} ms"
            case facts.ItemRead():
                done[invocation] = f"had read {fact.key} in {fact.store}"
            case facts.Committed():
                if not fact.heard:
                    yield f"the answer of {fact.store} to the {fact.service} was lost"
                done[invocation] = f"had written {fact.key or 'its inbox'} in {fact.store}"
            case facts.Crashed(service=service):
                step = done.get(invocation)
                when = "before its first step" if step is None else f"after it {step}"
                yield f"the {service} crashed {when} {f'for {saga}' if saga else 'at work'}"
            case facts.Booked():
                books[fact.key] = (fact.state, t)
                if fact.state == "declined":
                    yield f"the {fact.party} declined {saga}"
            case facts.Asked(party=party):
                done[invocation] = f"had asked the {party}"
            case facts.PartySilent():
                yield _silence(fact, saga, books.get(fact.key, ("", -1)), t)
                done[invocation] = "had got no answer"
            case facts.PartyUnreachable(party=party):
                yield f"the {party} could not be reached for {saga}"
            case _ if isinstance(fact, TOLD_BY_LABEL):
                drawn = arrow(record)
                yield f"{drawn.target}: {drawn.label}"


TOLD_BY_LABEL: Any = (
    facts.Throttled, facts.SnapshotMissed, facts.PublishRefused, facts.EventDelayed,
    facts.EventHeldBack, facts.InvocationRefused, facts.CutOff,
)  # fmt: skip
"""Faults that explore does not inject: a run by the clock may have them"""


def _silence(fact: facts.PartySilent, saga: str | None, entry: tuple[str, int], now: int) -> str:
    """Say what an external party did and did not answer. `entry` is what its books have."""
    state, entered = entry
    wanted = "charge" if fact.request else "void"
    if entered == now:
        return f"the call to {wanted} {saga} got no answer, but was carried out"
    if state == "executed" and fact.request:
        return f"the call to charge {saga} again got no answer"
    return f"the call to {wanted} {saga} got no answer, and was not carried out"
