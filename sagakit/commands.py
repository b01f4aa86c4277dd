"""What each command does: it is handed its names and options, and gives the exit status.

What a command needs is imported when it runs: `run` is quick since it loads neither pandas nor
matplotlib, and one that asks for help loads nothing.
"""

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sagakit.terminal import BROKE, CUT, HELD, Refused, complain, show_lines, tell

if TYPE_CHECKING:
    from sagakit.check import Verdict
    from sagakit.run import Run
    from sagakit.scenarios import Scenario

Options = Mapping[str, str]


class Command(NamedTuple):
    run: Callable[[Sequence[str], Options], int]
    names: int  # how many names it takes at most
    options: tuple[str, ...]
    flags: tuple[str, ...] = ()  # options without a value


def _list(_names: Sequence[str], _options: Options) -> int:
    from sagakit import scenarios

    widest = max(map(len, scenarios.NAMES))
    show_lines(f"{scenario.name:{widest}}  {scenario.title}" for scenario in scenarios.ALL)
    return HELD


def _run(names: Sequence[str], options: Options) -> int:
    from sagakit.run import run
    from sagakit.scenarios import BadScenario

    shape = _format(options, FORMATS)
    seed = _whole_number("--seed", options["--seed"]) if "--seed" in options else None
    scenario = _scenario(names, options)
    try:
        done = run(scenario, seed=seed)
    except BadScenario as error:
        raise Refused(": ".join([*filter(None, [options.get("--scenario")]), str(error)])) from None
    verdicts = done.verdicts()
    show_lines(FORMATS[shape](done, verdicts))
    if shape != "table":  # which says it itself
        for law, held, detail, _ in verdicts:
            if not held:
                complain(f"{done.scenario.name} broke a law: {law}: {detail}")
    return _status(verdicts)


def _explore(names: Sequence[str], options: Options) -> int:
    from sagakit import report
    from sagakit.check.explore import explore

    formats = {
        "table": report.exploration,
        "json": report.exploration_as_json,
        "mermaid": report.exploration_as_mermaid,
    }
    shape = _format(options, formats)

    def number(option: str, default: int = 0) -> int:
        return _whole_number(option, options[option]) if option in options else default

    gc.enable()  # this one may drop much
    answer = explore(
        _open(_scenario(names, options)),
        crashes=number("--crashes"),
        duplicates=number("--duplicates"),
        drops=number("--drops"),
        lost_answers=number("--lost-answers"),
        provider=_provider(options.get("--provider", "")),
        limit=number("--limit", 1_000_000),
    )
    show_lines(formats[shape](answer))
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


def _provider(text: str) -> dict[str, int]:
    """What the provider may do, and how often: `timeout_after=1,decline=2`."""
    found = {}
    for part in filter(None, text.split(",")):
        answer, given, times = part.partition("=")
        if not given:
            raise Refused(f"--provider: say how often, as in {answer.strip()}=1, not {part!r}")
        found[answer.strip()] = _whole_number(f"--provider {answer.strip()}", times)
    return found


def _check(names: Sequence[str], options: Options) -> int:
    from pathlib import Path

    from sagakit import report
    from sagakit.check import verdicts
    from sagakit.payments.topology import ITEMS, payment_system
    from sagakit.sim.log import BadLog, read_log

    if not names:
        raise Refused("name a log: `run NAME --format jsonl > LOG.jsonl` writes one")
    try:
        with Path(names[0]).open(encoding="utf-8-sig") as log:
            trace = read_log(log, payment_system().participants(), ITEMS)
    except BadLog as error:
        raise Refused(f"{names[0]}: {error}") from None
    except UnicodeDecodeError:
        raise Refused(
            f"{names[0]}: this is no text in UTF-8; `inspect --db FILE --format jsonl` writes the "
            f"log of a file of `serve`"
        ) from None
    found = verdicts(trace, ended="--running" not in options)
    show_lines([f"{names[0]}: {len(trace):,} records", "", *report.laws(found)])
    times = [record.t for record in trace]
    if _status(found) == BROKE and times != sorted(times):
        tell("some records are earlier than the one before: are the lines as they were written?")
    return _status(found)


def _show(names: Sequence[str], _options: Options) -> int:
    show_lines([_scenario(names, {}).to_json()])
    return HELD


def _all(_names: Sequence[str], options: Options) -> int:
    from pathlib import Path

    from sagakit import report, showcase

    out = options.get("--out")
    outcomes = showcase.run_all(Path(out) if out else None, tell=tell)
    show_lines(report.summary(outcomes))
    return max(_status(verdicts) for _, verdicts in outcomes)


def _serve(names: Sequence[str], options: Options) -> int:
    from sagakit.adapters.sqlite.serve import serve

    shape = _format(options, FORMATS)
    done = serve(
        _scenario(names, options),
        _file(options),
        workers=_whole_number("--workers", options.get("--workers", "1")),
        hurry="--hurry" in options,
    )
    verdicts = done.verdicts()
    show_lines(FORMATS[shape](done, verdicts))
    return _status(verdicts)


def _inspect(_names: Sequence[str], options: Options) -> int:
    from sagakit.adapters.sqlite import look

    formats = {"table": look.for_people, "jsonl": look.log}
    show_lines(formats[_format(options, formats)](_file(options)))
    return HELD


def _redrive(names: Sequence[str], options: Options) -> int:
    from sagakit.adapters.sqlite.serve import redrive

    if not names:
        raise Refused("name the queue whose dead letters are to go back: `inspect` shows them")
    queue = " ".join(names)
    sent = redrive(_file(options), queue)
    what = f"{sent} sent back; `serve` handles them" if sent else "no dead letters to send back"
    show_lines([f"{queue}: {what}"])
    return HELD


def _file(options: Options) -> str:
    if "--db" not in options:
        raise Refused("name the file: --db FILE")
    return options["--db"]


def _template(names: Sequence[str], options: Options) -> int:
    from sagakit.adapters.aws.limits import BadNumber
    from sagakit.adapters.aws.names import BadName
    from sagakit.adapters.aws.template import FORMATS as SHAPES
    from sagakit.adapters.aws.template import template
    from sagakit.payments.topology import payment_system

    shape = _format({"--format": "json", **options}, SHAPES)
    scenario = _scenario(names, options) if names or "--scenario" in options else None
    settings = scenario.settings if scenario else None
    try:
        content = template(payment_system(settings), options.get("--prefix", "sagakit"))
    except BadName as error:
        raise Refused(f"--prefix: {error}") from None
    except BadNumber as error:
        raise Refused(str(error)) from None
    try:
        show_lines([SHAPES[shape](content)])
    except ModuleNotFoundError:
        raise Refused("--format yaml needs PyYAML: install the extra aws, or use json") from None
    return HELD


def _zoo(_names: Sequence[str], options: Options) -> int:
    from sagakit.zoo import report
    from sagakit.zoo.matrix import kills, trials

    formats = {"table": report.for_people, "json": report.as_json}
    shape = _format(options, formats)
    found = list(kills())
    sound = [(trial, trial.explore()) for trial in trials()]
    show_lines(formats[shape](found, sound))
    return HELD if report.holds(found, sound) else BROKE


def _table(run: "Run", verdicts: "Sequence[Verdict]") -> Iterable[str]:
    from sagakit.report import for_people

    return for_people(run, verdicts)


def _json(run: "Run", verdicts: "Sequence[Verdict]") -> Iterable[str]:
    from sagakit.report import as_json

    return as_json(run, verdicts)


FORMATS: dict[str, "Callable[[Run, Sequence[Verdict]], Iterable[str]]"] = {
    "table": _table,
    "json": _json,
    "jsonl": lambda run, _: run.records.jsonl(),
    "mermaid": lambda run, _: run.mermaid().splitlines(),
}

COMMANDS = {
    "list": Command(_list, 0, ()),
    "run": Command(_run, 1, ("--seed", "--format", "--scenario")),
    "explore": Command(
        _explore,
        1,
        (
            "--crashes",
            "--duplicates",
            "--drops",
            "--lost-answers",
            "--provider",
            "--limit",
            "--format",
            "--scenario",
        ),
    ),
    "check": Command(_check, 1, (), ("--running",)),
    "show": Command(_show, 1, ()),
    "all": Command(_all, 0, ("--out",)),
    "serve": Command(_serve, 1, ("--db", "--workers", "--format", "--scenario"), ("--hurry",)),
    "inspect": Command(_inspect, 0, ("--db", "--format")),
    "redrive": Command(_redrive, 5, ("--db",)),  # the words of a queue's name
    "template": Command(_template, 1, ("--prefix", "--format", "--scenario")),
    "zoo": Command(_zoo, 0, ("--format",)),
}


def _scenario(names: Sequence[str], options: Options) -> "Scenario":
    from sagakit.scenarios import NAMES, Scenario, named

    if "--scenario" in options:
        scenario = Scenario.load(options["--scenario"])
        if names and names[0] != scenario.name:
            tell(f"{options['--scenario']} holds {scenario.name}: this is run, not {names[0]}")
        return scenario
    if not names:
        raise Refused(f"name a scenario: one of {', '.join(NAMES)}")
    return named(names[0])


def _format(options: Options, known: Iterable[str]) -> str:
    from sagakit.meant import meant

    shape = options.get("--format", "table")
    if shape not in known:
        raise Refused(f"--format: there is no format {shape!r}: {meant(shape, known)}")
    return shape


def _whole_number(option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refused(f"{option} must be a whole number, not {text!r}") from None


def _status(verdicts: "Sequence[Verdict]") -> int:
    return HELD if all(verdict.held for verdict in verdicts) else BROKE
