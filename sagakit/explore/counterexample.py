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
from sagakit.explore.describe import met, steps_in, went_wrong, without_records
from sagakit.laws.evidence import Verdict
from sagakit.run import Invariant, Run
from sagakit.scenarios import NAMES, Scenario, System, named
from sagakit.sim.schedule import Choice

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
        return steps_in(self.run.records) if self.schedule is None else len(self.schedule)

    @property
    def faults(self) -> list[Choice]:
        """The choices of the schedule at which something goes wrong."""
        return [choice for choice in self.schedule or () if choice.act != "step"]

    @property
    def cause(self) -> str:
        """The faults that led to it, or who met whom."""
        faults = went_wrong(self.run.records)
        if faults:
            happened = "; ".join(faults)
            return f"{happened[0].upper()}{happened[1:]}."
        meeting = met(self.run.records)
        if meeting:
            return f"Without any fault: {meeting}."
        in_turn = self.schedule and not self.decisive
        return "Without any fault" + (", each step in its turn." if in_turn else ".")

    @property
    def effect(self) -> str:
        """The breach of the law, without the positions in the trace."""
        return without_records(self.verdict.detail)

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
    scheduled = found.schedule is not None
    explores = scheduled and _spent(found.explored)
    yield from _imports(found.run.scenario, used, explores=scheduled)
    yield ""
    yield ""
    yield f"def test_{_identifier(law)}() -> None:"
    yield from _indented(f"r{QUOTES}{_wrapped(found.sentence)}{QUOTES}")
    yield from _indented(f"scenario = {_scenario(found.run.scenario)}")
    arguments = ["scenario"]
    if services:
        pairs = ", ".join(f"{encode(name)}: {_name(made)}" for name, made in services.items())
        yield from _indented(f"services = {{{pairs}}}")
        arguments.append("services=services")
    if not scheduled:
        yield from _indented(f"finished = run({', '.join(arguments)})")
        yield from _indented(_assertion(law, own))
        return
    yield "    schedule = ["
    for choice in (found.schedule or ())[: found.decisive]:
        yield f"        Choice({', '.join(map(encode, _shortened(choice)))}),"
    yield "    ]"
    yield "    try:"
    yield f"        finished = run({', '.join(arguments)}, schedule=schedule)"
    yield "    except ScheduleMismatch:  # it takes other steps by now: look at all of them again"
    again = ", ".join([*arguments, *(explores or ())])
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


def _spent(explored: Mapping[str, Any]) -> list[str]:
    """Return the budget that `explore` was given, as arguments."""
    left_out = ("services", "invariants")
    return [f"{name}={value!r}" for name, value in explored.items() if name not in left_out]


def _shortened(choice: Choice) -> tuple[Any, ...]:
    if choice.act != "step":
        return tuple(choice)
    return choice[:3] if choice.arrival > 1 else choice[:2]


def _identifier(text: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", text.lower()))


def _wrapped(text: str) -> str:
    return "\n".join(wrap(text.replace(QUOTES, ""), WIDTH))


def _indented(text: str) -> Iterator[str]:
    inside = ""  # a scenario's text is left as it is
    for line in text.split("\n"):
        yield line if inside == "scenario" else f"    {line}"
        if line.count(QUOTES) % 2:
            inside = "" if inside else line.partition(" ")[0]
