"""The commands of the command line.

A command is a function: its docstring is its page of help, its arguments stand above it. What it
needs is imported when it runs: `run` loads neither pandas nor matplotlib, a page of help nothing.
"""

import gc
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sagakit.contract.terminal import complain, show_lines, tell

if TYPE_CHECKING:
    from sagakit.laws import Verdict
    from sagakit.run import Run
    from sagakit.scenarios import Scenario

HELD, BROKE, BAD_INPUT, CUT = 0, 1, 2, 3
LONGEST = 40  # characters of a wrong value that are shown


class Refused(Exception):
    """What was asked for cannot be done: the text says what is wrong and what to do."""


# Arguments.

Argument = tuple[str, dict[str, Any]]  # as `ArgumentParser.add_argument` takes it


def _value(name: str, metavar: str, about: str, **more: Any) -> Argument:
    return name, {"metavar": metavar, "help": about, **more}


def _flag(name: str, about: str) -> Argument:
    return name, {"action": "store_true", "help": about}


def _number(name: str, about: str, default: int | None = 0) -> Argument:
    return _value(name, "N", about, type=_whole_number, default=default)


def _formats(*names: str, about: str = "") -> Argument:
    def one_of(text: str) -> str:
        if text in names:
            return text
        raise ArgumentTypeError(f"there is no format {cut(text)}: {meant_by(text, names)}")

    first, *others, last = names
    listed = ", ".join([f"{first} (the default)", *others]) + f" or {last}{about}"
    return _value("--format", "FORMAT", listed, type=one_of, default=first)


def _whole_number(text: str) -> int:
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) <= LONGEST:
        return int(text)
    raise ArgumentTypeError(f"must be a whole number, not {cut(text)}")


def _answers(text: str) -> dict[str, int]:
    """What the provider may do, and how often: `timeout_after=1,decline=2`."""
    found = {}
    for part in filter(None, text.split(",")):
        answer, given, times = part.partition("=")
        if not given:
            raise ArgumentTypeError(f"say how often, as in {answer.strip()}=1, not {cut(part)}")
        if answer.strip() in found:
            raise ArgumentTypeError(f"{answer.strip()} stands there twice: give it once")
        found[answer.strip()] = _whole_number(times)
    return found


def cut(text: str) -> str:
    return repr(text if len(text) <= LONGEST else text[: LONGEST - 3] + "...")


def meant_by(name: str, known: Iterable[str]) -> str:
    from sagakit.contract.suggest import suggest

    return suggest(name, known)


NAME = _value("name", "NAME", "a scenario: `sagakit list` names them", nargs="?")
SCENARIO = _value("--scenario", "FILE.json", "the scenario in that file instead", dest="file")
DB = _value("--db", "FILE", "the SQLite file", required=True)
OF_A_RUN = _formats("table", "json", "jsonl", "mermaid", about="; jsonl is the log")
PROVIDER = (
    "what the provider may do, as in timeout_after=1,decline=2; it can decline, timeout_before, "
    "timeout_after (the effect) or be down"
)


# Commands. Each returns the exit status.


class Command(NamedTuple):
    run: Callable[[Namespace], int]
    about: str  # one line
    arguments: tuple[Argument, ...]


COMMANDS: dict[str, Command] = {}


def _command(*arguments: Argument) -> Callable[[Callable[[Namespace], int]], None]:
    def declare(run: Callable[[Namespace], int]) -> None:
        about = (run.__doc__ or "").partition("\n")[0]
        COMMANDS[run.__name__.removeprefix("_")] = Command(run, about, arguments)

    return declare


@_command()
def _list(_given: Namespace) -> int:
    """Show the scenarios: name and title."""
    from sagakit import scenarios

    widest = max(map(len, scenarios.NAMES))
    show_lines(f"{scenario.name:{widest}}  {scenario.title}" for scenario in scenarios.ALL)
    return HELD


@_command(NAME, _number("--seed", "another seed than the scenario's", None), OF_A_RUN, SCENARIO)
def _run(given: Namespace) -> int:
    """Run a scenario, and show what happened and how it ended."""
    from sagakit.run import run

    return _outcome(run(_scenario(given), seed=given.seed), given.format)


@_command(
    NAME,
    _number("--crashes", "how many crashes of a service"),
    _number("--duplicates", "how many messages that come twice"),
    _number("--drops", "how many lost messages"),
    _number("--lost-answers", "how many lost answers of a store"),
    _value("--provider", "ANSWERS", PROVIDER, type=_answers, default={}),
    _number("--limit", "the most states to look at", 1_000_000),
    _formats("table", "json", "mermaid"),
    SCENARIO,
)
def _explore(given: Namespace) -> int:
    """Run a scenario in every order that matters, with faults if allowed."""
    from sagakit import report
    from sagakit.explore import explore

    formats = {
        "table": report.exploration,
        "json": report.exploration_as_json,
        "mermaid": report.exploration_as_mermaid,
    }
    gc.enable()  # this one may drop much
    answer = explore(
        _open(_scenario(given)),
        crashes=given.crashes,
        duplicates=given.duplicates,
        drops=given.drops,
        lost_answers=given.lost_answers,
        provider=given.provider,
        limit=given.limit,
    )
    show_lines(formats[given.format](answer))
    if answer.broken:
        return BROKE
    return HELD if answer.complete else CUT


def _open(scenario: "Scenario") -> "Scenario":
    """Without what it says itself of what goes wrong: here that is the options' part."""
    if scenario.recovery is not None:
        return scenario
    said = [name for name in ("provider", "faults", "redrives") if getattr(scenario, name)]
    if said:
        tell(
            f"{scenario.name} is explored without its own {' and '.join(said)}: what may go wrong "
            f"is what --provider and the other options allow"
        )
    return scenario.but(provider=(), faults=(), redrives=())


@_command(
    _value("log", "LOG.jsonl", "as `sagakit run NAME --format jsonl` writes it"),
    _flag("--running", "what is under way is not held against it"),
)
def _check(given: Namespace) -> int:
    """Hold a log against the laws, of whatever world it comes."""
    from pathlib import Path

    from sagakit import report
    from sagakit.laws import verdicts
    from sagakit.payments.topology import EVENTS, ITEMS, payment_system
    from sagakit.trace.log import BadLog, read_log

    try:
        with Path(given.log).open(encoding="utf-8-sig") as log:
            trace = read_log(log, payment_system().participants(), ITEMS, EVENTS)
    except BadLog as error:
        raise Refused(f"{given.log}: {error}") from None
    except UnicodeDecodeError:
        raise Refused(
            f"{given.log}: this is no text in UTF-8; `inspect --db FILE --format jsonl` writes the "
            f"log of a file of `serve`"
        ) from None
    found = verdicts(trace, ended=not given.running)
    show_lines([f"{given.log}: {len(trace):,} records", "", *report.laws(found)])
    times = [record.t for record in trace]
    if _status(found) == BROKE and times != sorted(times):
        tell("some records are earlier than the one before: are the lines as they were written?")
    return _status(found)


@_command(NAME)
def _show(given: Namespace) -> int:
    """Show a scenario as JSON, to save, change and run with --scenario."""
    show_lines(_scenario(given).to_json().split("\n"))
    return HELD


@_command()
def _all(_given: Namespace) -> int:
    """Run every scenario, and show how they ended.

    `make run`, in the folder of the project, also writes their figures.
    """
    from sagakit import report, scenarios
    from sagakit.run import run

    outcomes = []
    for step, scenario in enumerate(scenarios.ALL, start=1):
        tell(f"[{step}/{len(scenarios.ALL)}] {scenario.name}")
        done = run(scenario)
        outcomes.append((done, done.verdicts()))
    show_lines(report.summary(outcomes))
    return max(_status(verdicts) for _, verdicts in outcomes)


@_command(
    NAME,
    DB,
    _number("--workers", "so many processes (1 by default)", 1),
    _flag("--hurry", "skip the waits of time; with one worker"),
    OF_A_RUN,
    SCENARIO,
)
def _serve(given: Namespace) -> int:
    """Run a scenario's traffic on a SQLite file, or go on with it."""
    from sagakit.worlds.sqlite.serve import serve

    done = serve(_scenario(given), given.db, workers=given.workers, hurry=given.hurry)
    return _outcome(done, given.format)


@_command(DB, _formats("table", "jsonl", about=" (its log so far)"))
def _inspect(given: Namespace) -> int:
    """Show what stands in such a file: queues, dead letters, open sagas."""
    from sagakit.worlds.sqlite import look

    show_lines({"table": look.for_people, "jsonl": look.log}[given.format](given.db))
    return HELD


@_command(_value("queue", "QUEUE", "its name, as `sagakit inspect` has it", nargs="+"), DB)
def _redrive(given: Namespace) -> int:
    """Send the dead letters of a queue back into it."""
    from sagakit.worlds.sqlite.serve import redrive

    queue = " ".join(given.queue)
    sent = redrive(given.db, queue)
    what = f"{sent} sent back; `serve` handles them" if sent else "no dead letters to send back"
    show_lines([f"{queue}: {what}"])
    return HELD


@_command(
    _value("name", "NAME", "the scenario whose settings it has", nargs="?"),
    SCENARIO,
    _value("--prefix", "NAME", "how its resources' names begin", default="sagakit"),
    _formats("json", "yaml"),
)
def _template(given: Namespace) -> int:
    """Write the payment system as a CloudFormation template, for AWS."""
    from sagakit.payments.topology import payment_system
    from sagakit.worlds.aws.parts import BadName
    from sagakit.worlds.aws.template import FORMATS, BadNumber, template

    settings = _scenario(given).settings if given.name or given.file else None
    try:
        content = template(payment_system(settings), given.prefix)
    except BadName as error:
        raise Refused(f"--prefix: {error}") from None
    except BadNumber as error:
        raise Refused(str(error)) from None
    show_lines(FORMATS[given.format](content).split("\n"))
    return HELD


@_command(_formats("table", "json"))
def _zoo(given: Namespace) -> int:
    """Find each flaw of the zoo, which the sound services survive."""
    from sagakit.zoo import report
    from sagakit.zoo.matrix import kills, trials

    found = list(kills())
    sound = [(trial, trial.explore()) for trial in trials()]
    show_lines({"table": report.for_people, "json": report.as_json}[given.format](found, sound))
    return HELD if report.holds(found, sound) else BROKE


def _outcome(done: "Run", form: str) -> int:
    from sagakit import report

    formats: dict[str, Callable[[Run, Sequence[Verdict]], Iterable[str]]] = {
        "table": report.for_people,
        "json": report.as_json,
        "jsonl": lambda run, _: run.records.jsonl(),
        "mermaid": lambda run, _: run.mermaid().splitlines(),
    }
    verdicts = done.verdicts()
    show_lines(formats[form](done, verdicts))
    if form != "table":  # which says it itself
        for law, held, detail, _ in verdicts:
            if not held:
                complain(f"{done.scenario.name} broke a law: {law}: {detail}")
    return _status(verdicts)


def _status(verdicts: "Sequence[Verdict]") -> int:
    return HELD if all(verdict.held for verdict in verdicts) else BROKE


def _scenario(given: Namespace) -> "Scenario":
    from sagakit.scenarios import NAMES, Scenario, named
    from sagakit.scenarios.build import build_world

    file = getattr(given, "file", None)
    if file:
        scenario = Scenario.load(file)
        build_world(scenario)  # whatever of it is asked for, all of it must be right
        if given.name and given.name != scenario.name:
            tell(f"{file} holds {scenario.name}: this is run, not {given.name}")
        return scenario
    if not given.name:
        raise Refused(f"name a scenario: one of {', '.join(NAMES)}")
    return named(given.name)
