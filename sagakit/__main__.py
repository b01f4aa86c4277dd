"""The command line: `sagakit run happy_path`, or `python -m sagakit run happy_path`."""

import gc
import os
import sys
import warnings
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Sequence
from typing import NoReturn

from sagakit.cli import BAD_INPUT, COMMANDS, HELD, Refused, cut, meant_by
from sagakit.contract.terminal import complain, show_lines, tell

STATUS = """\
exit status: 0 all laws held, 1 one broke, 2 the input was wrong,
             3 a limit came before the end"""
FAULTY = 70  # EX_SOFTWARE of sysexits.h


class Parser(ArgumentParser):
    """The arguments of one command. What is wrong with them is told in one sentence."""

    def __init__(self, name: str) -> None:
        if name not in COMMANDS:
            raise Refused(f"there is no command {cut(name)}: {meant_by(name, COMMANDS)}")
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

    def error(self, message: str) -> NoReturn:
        _, missing, names = message.partition("are required: ")
        if missing:
            name = self.prog.removeprefix("sagakit ")
            raise Refused(f"{name} needs {names}: see `{self.prog} --help`")
        what = message.removeprefix("argument ")
        raise Refused(what.replace(": expected one argument", " needs a value"))


def _parsed(name: str, *words: str) -> Namespace:
    parser = Parser(name)
    known = [one for one, _ in COMMANDS[name].arguments if one.startswith("--")]
    for word in words:
        option = word.partition("=")[0]
        if option.startswith("-") and not option[1:].isdigit() and option not in known:
            raise Refused(f"{name} has no option {cut(option)}: {meant_by(option, known)}")
    given, surplus = parser.parse_known_args(words)
    if surplus:
        told = ", ".join(map(cut, surplus))
        raise Refused(f"{name} does not know what to do with {told}: leave it out")
    if "" in vars(given).values():  # it would count as not given
        raise Refused(f"{name}: an argument is empty: has a variable of yours no value?")
    return given


def usage() -> Iterable[str]:
    """The page of help: a line a command."""
    yield "usage: sagakit COMMAND ..."
    yield ""
    yield from (f"  {name:10}{command.about}" for name, command in COMMANDS.items())
    yield "  help      Show this page, or that of a command: `sagakit help run`."
    yield ""
    yield "`sagakit --version` says which version this is. `python -m sagakit` is the same."
    yield from STATUS.split("\n")


def _page(words: Sequence[str]) -> Iterable[str] | None:
    """The page that is asked for in the place of a command, if one is."""
    name, *rest = words or [""]
    if name == "--version":
        from sagakit import __version__

        return [f"sagakit {__version__}"]
    if name in ("help", "-h", "--help"):
        name = rest[0] if rest else ""
    elif not {"-h", "--help"} & {*rest}:
        return None
    return Parser(name).format_help().rstrip().split("\n") if name else usage()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. Mistakes are told on stderr."""
    words = sys.argv[1:] if arguments is None else arguments
    given = Namespace()
    try:
        page = _page(words)
        if page is not None:
            show_lines(page)
            return HELD
        if not words:
            raise Refused("\n".join(["name a command", "", *usage()]))
        given = _parsed(*words)
        return COMMANDS[words[0]].run(given)
    except Refused as error:
        complain(str(error))
    except OSError as error:
        complain(f"{error.filename or 'the output'}: {error.strerror or error}")
    except _mistakes() as error:  # imported when one was made
        text = str(error)
        files = [one for one in (getattr(given, "file", ""), getattr(given, "db", "")) if one]
        if files and not text.startswith(tuple(files)):
            text = f"{files[0]}: {text}"
        complain(text)
    return BAD_INPUT


def _mistakes() -> tuple[type[Exception], ...]:
    from sagakit.contract.imports import MissingExtra
    from sagakit.scenarios import BadScenario
    from sagakit.worlds.sqlite.database import BadDatabase

    return BadScenario, BadDatabase, MissingExtra


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


if __name__ == "__main__":
    entry()
