"""The command line: `sagakit run happy_path`, or `python -m sagakit run happy_path`.

A command is a function: its docstring is its page of help, its arguments stand above it. What it
needs is imported when it runs: `run` loads neither pandas nor matplotlib, a page of help nothing.
"""

import gc
import os
import sys
import warnings
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from sagakit.contract.suggest import suggest
from sagakit.contract.terminal import complain, shortened, show_lines, tell

if TYPE_CHECKING:
    from sagakit.laws import Verdict
    from sagakit.run import Run
    from sagakit.scenarios import Scenario

HELD, BROKE, BAD_INPUT, CUT = 0, 1, 2, 3
FAULTY = 70  # EX_SOFTWARE of sysexits.h
STATUS = """\
exit status: 0 all laws held, 1 one broke, 2 the input was wrong,
             3 a limit came before the end"""
LONGEST = 40  # characters of a wrong value that are shown


class Refused(Exception):
    """A request that cannot be carried out: the text says what is wrong and what to do."""


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
        raise ArgumentTypeError(f"there is no format {_quoted(text)}: {suggest(text, names)}")

    first, *others, last = names
    listed = ", ".join([f"{first} (the default)", *others]) + f" or {last}{about}"
    return _value("--format", "FORMAT", listed, type=one_of, default=first)


def _whole_number(text: str) -> int:
    if text.isascii() and text.removeprefix("-").isdigit() and len(text) <= LONGEST:
        return int(text)
    raise ArgumentTypeError(f"must be a whole number, not {_quoted(text)}")


def _budget(text: str) -> dict[str, int]:
    """Read how often the provider may do what: `timeout_after=1,decline=2`."""
    budget = {}
    for part in filter(None, text.split(",")):
        answer, given, times = part.partition("=")
        if not given:
            raise ArgumentTypeError(f"say how often, as in {answer.strip()}=1, not {_quoted(part)}")
        if answer.strip() in budget:
            raise ArgumentTypeError(f"{answer.strip()} stands there twice: give it once")
        budget[answer.strip()] = _whole_number(times)
    return budget


def _quoted(text: str) -> str:
    return repr(shortened(text, LONGEST))


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
    _value("--provider", "ANSWERS", PROVIDER, type=_budget, default={}),
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
    """Return the scenario without what goes wrong in it: here that is the options' part."""
    if scenario.recovery is not None:
        return scenario
    dropped = [name for name in ("provider", "faults", "redrives") if getattr(scenario, name)]
    if dropped:
        tell(
            f"{scenario.name} is explored without its own {' and '.join(dropped)}: what may go "
            f"wrong is what --provider and the other options allow"
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
    from sagakit.trace.log import read_log

    try:
        with Path(given.log).open(encoding="utf-8-sig") as log:
            trace = read_log(log, payment_system().participants(), ITEMS, EVENTS)
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
    from sagakit.worlds.sqlite.serve import inspection, log

    show_lines({"table": inspection, "jsonl": log}[given.format](given.db))
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
    from sagakit.worlds.aws.cloudformation import BadName
    from sagakit.worlds.aws.template import FORMATS, BadNumber, template

    settings = _scenario(given).settings if given.name or given.file else None
    try:
        content = template(payment_system(settings), given.prefix)
    except (BadName, BadNumber) as error:
        raise Refused(str(error)) from None
    show_lines(FORMATS[given.format](content).split("\n"))
    return HELD


@_command(_formats("table", "json"))
def _zoo(given: Namespace) -> int:
    """Find each flaw of the zoo, which the sound services survive."""
    from sagakit.zoo.matrix import Answers

    answers = Answers.found()
    show_lines(answers.for_people() if given.format == "table" else answers.as_json())
    return HELD if answers.hold else BROKE


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


# What is typed, and what comes of it.


class Parser(ArgumentParser):
    """The arguments of one command. What is wrong with them is told in one sentence."""

    def __init__(self, name: str) -> None:
        if name not in COMMANDS:
            raise Refused(f"there is no command {_quoted(name)}: {suggest(name, COMMANDS)}")
        self.name = name
        self.options = [option for option, _ in COMMANDS[name].arguments if option[0] == "-"]
        super().__init__(
            prog=f"sagakit {name}",
            description=COMMANDS[name].about,
            epilog=STATUS,
            formatter_class=RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,
        )
        self.add_argument("-h", "--help", action="store_true", help="show this page")
        for argument, declared in COMMANDS[name].arguments:
            self.add_argument(argument, **declared)

    def parse(self, words: Sequence[str]) -> Namespace:
        """Return what is given. Raises `Refused`."""
        for word in words:
            option = word.partition("=")[0]
            if option.startswith("-") and not option[1:].isdigit() and option not in self.options:
                hint = suggest(option, self.options)
                raise Refused(f"{self.name} has no option {_quoted(option)}: {hint}")
        given, surplus = self.parse_known_args(words)
        if surplus:
            unknown = ", ".join(map(_quoted, surplus))
            raise Refused(f"{self.name} does not know what to do with {unknown}: leave it out")
        if "" in vars(given).values():  # it would count as not given
            raise Refused(f"{self.name}: an argument is empty: has a variable of yours no value?")
        return given

    def error(self, message: str) -> NoReturn:
        _, missing, names = message.partition("are required: ")
        if missing:
            raise Refused(f"{self.name} needs {names}: see `{self.prog} --help`")
        what = message.removeprefix("argument ")
        raise Refused(what.replace(": expected one argument", " needs a value"))


def _usage() -> list[str]:
    return [
        "usage: sagakit COMMAND ...",
        "",
        *(f"  {name:10}{command.about}" for name, command in COMMANDS.items()),
        "  help      Show this page, or that of a command: `sagakit help run`.",
        "",
        "`sagakit --version` says which version this is. `python -m sagakit` is the same.",
        *STATUS.split("\n"),
    ]


def _page(words: Sequence[str]) -> Iterable[str] | None:
    """Return the page that is asked for in the place of a command, if one is."""
    name, *rest = words or [""]
    if name == "--version":
        from sagakit import __version__

        return [f"sagakit {__version__}"]
    if name in ("help", "-h", "--help"):
        name = rest[0] if rest else ""
    elif not {"-h", "--help"} & {*rest}:
        return None
    return Parser(name).format_help().rstrip().split("\n") if name else _usage()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status. Mistakes are told on stderr."""
    words = sys.argv[1:] if arguments is None else arguments
    given = Namespace()
    try:
        page = _page(words)
        if page is not None:
            show_lines(page)
            return HELD
        if not words:
            raise Refused("\n".join(["name a command", "", *_usage()]))
        name, *rest = words
        given = Parser(name).parse(rest)
        return COMMANDS[name].run(given)
    except Refused as error:
        complain(str(error))
    except OSError as error:
        complain(f"{error.filename or 'the output'}: {error.strerror or error}")
    except _mistakes() as error:
        text = str(error)
        files = [file for name in ("file", "db", "log") if (file := getattr(given, name, ""))]
        if files and not text.startswith(tuple(files)):
            text = f"{files[0]}: {text}"
        complain(text)
    return BAD_INPUT


def _mistakes() -> tuple[type[Exception], ...]:
    from sagakit.contract.imports import MissingExtra  # imported when one was made
    from sagakit.scenarios import BadScenario
    from sagakit.trace.log import BadLog
    from sagakit.worlds.sqlite.database import BadDatabase

    return BadScenario, BadDatabase, BadLog, MissingExtra


def entry() -> NoReturn:
    """Be the process that runs a command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # no title is too foreign for a terminal
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = lambda message, *_where: complain(str(message))
    # A command loads much and drops little: the collector would look at it all for nothing.
    gc.disable()
    # Looking for plugins of pydantic reads what every installed package says of itself.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        status = main()
    except KeyboardInterrupt:
        status = 130
    except Exception:
        from traceback import format_exc

        tell(f"{format_exc()}\nThis is a mistake in sagakit, not in what you gave it: report it.")
        status = FAULTY
    # All is written and flushed: what was loaded need not be taken apart, piece by piece.
    os._exit(status)
