"""What the command line says: how it is used, what comes out, and what it refuses."""

import os
import sys
from collections.abc import Iterable

USAGE = """\
usage: python -m sagakit COMMAND

  list                        the scenarios: name and title
  run NAME                    run one and show how it ended
      --seed N                  another seed than the scenario's
      --format FORMAT           table (the default), json, jsonl (the log) or mermaid
      --scenario FILE.json      run the scenario in that file instead
  explore NAME                run it in every order that matters, with the faults that are allowed
      --crashes N --duplicates N --drops N --lost-answers N
      --provider ANSWERS        what the provider may do, as in timeout_after=1,decline=2; it can
                                decline, timeout_before, timeout_after (the effect) or be down
      --limit N                 the most states to look at
      --format FORMAT           table (the default), json or mermaid
      --scenario FILE.json      explore the scenario in that file instead
  check LOG.jsonl             hold a log against the laws, of whatever world it comes
      --running                 it was cut off: what is under way is not held against it
  show NAME                   a scenario as JSON: save it, change it, run it with --scenario
  all                         run every scenario and show how they ended
      --out DIR                 write their figures and a gallery, index.html, to DIR
  serve NAME --db FILE        run its traffic on a SQLite file; started again, it goes on
      --workers N               so many processes (1 by default)
      --hurry                   skip the waits of time; with one worker
      --format FORMAT           as for run
      --scenario FILE.json      serve the scenario in that file instead
  inspect --db FILE           what stands there: queues, dead letters with reasons, open sagas
      --format FORMAT           table (the default) or jsonl (its log so far)
  redrive QUEUE --db FILE     send the dead letters of a queue back into it
  template [NAME]             the payment system as a CloudFormation template, for AWS; set as the
                              scenario of that name sets it, if there is a name
      --scenario FILE.json      or as the scenario in that file does
      --prefix NAME             what the names of its resources begin with (sagakit)
      --format FORMAT           json (the default) or yaml
  zoo                         find each flaw of the zoo, and have the sound services survive them
      --format FORMAT           table (the default) or json

exit status: 0 all laws held, 1 one broke, 2 the input was wrong, 3 a limit came before the end"""

HELD, BROKE, BAD_INPUT, CUT = 0, 1, 2, 3


class Refused(Exception):
    """What was asked for cannot be done: the text says what is wrong and what to do."""


def show_lines(lines: Iterable[str]) -> None:
    """Print to stdout. If its reader has gone (`| head`), the rest is of no interest."""
    try:
        for line in lines:
            print(line)
        print(end="", flush=True)
    except OSError as error:
        # What could not be written must not be tried again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def complain(text: str) -> None:
    tell(f"sagakit: {text}")
