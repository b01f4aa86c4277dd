"""The command line: `python -m sagakit run happy_path`."""

import gc
import os
import sys
from collections.abc import Sequence

from sagakit.commands import COMMANDS, Command
from sagakit.terminal import BAD_INPUT, HELD, USAGE, Refused, complain, show_lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. Mistakes are told on stderr."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if {"-h", "--help", "help"} & {*arguments[:1], *arguments[-1:]}:
        show_lines([USAGE])
        return HELD
    from sagakit.adapters.sqlite.database import BadDatabase
    from sagakit.scenarios import BadScenario

    try:
        command, names, options = _parsed(arguments)
        return command.run(names, options)
    except (Refused, BadScenario, BadDatabase) as error:
        complain(str(error))
    except OSError as error:
        complain(f"{error.filename or 'the output'}: {error.strerror}")
    return BAD_INPUT


def _parsed(arguments: Sequence[str]) -> tuple[Command, list[str], dict[str, str]]:
    from sagakit.meant import meant

    if not arguments:
        raise Refused(f"name a command\n\n{USAGE}")
    name, *rest = arguments
    if name not in COMMANDS:
        raise Refused(f"there is no command {name!r}: {meant(name, COMMANDS)}")
    command = COMMANDS[name]
    known = (*command.options, *command.flags)
    names: list[str] = []
    options: dict[str, str] = {}
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            names.append(word)
            continue
        if word in command.flags:
            options[word] = "yes"
            continue
        option, given, value = word.partition("=")
        if option not in command.options:
            raise Refused(f"{name} has no option {option}: {meant(option, known)}")
        if not given and not rest:
            raise Refused(f"{option} needs a value")
        options[option] = value if given else rest.pop(0)
    if len(names) > command.names:
        surplus = ", ".join(names[command.names :])
        a_file = "--db" in command.options and "--db" not in options
        hint = f"if it is the file, write --db {surplus}" if a_file else "leave it out"
        raise Refused(f"{name} does not know what to do with {surplus}: {hint}")
    return command, names, options


def _process() -> int:
    """`main` as a process of its own."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # no title is too foreign for a terminal
            stream.reconfigure(errors="backslashreplace")
    # A command loads much and drops little: the collector would look at it all for nothing.
    gc.disable()
    # Looking for plugins of pydantic reads what every installed package says of itself.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    # All is written and flushed: what was loaded need not be taken apart, piece by piece.
    os._exit(_process())
