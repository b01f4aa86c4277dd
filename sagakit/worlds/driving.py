"""A handler's course through its port calls, whatever world performs them.

A real world asks for one step after the other, performs it, and gives back its result or error.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from sagakit.contract import operations as ops
from sagakit.contract.driver import MOST_RETRIES
from sagakit.contract.ports import AlreadyHandled, MaxRetriesExceeded, VersionConflict


class Subject(NamedTuple):
    """What an invocation is at work on, as its records tell it."""

    service: str
    invocation: int
    saga: str | None
    event_id: str | None


class Step(NamedTuple):
    """What a handler awaits, and the item that it read last."""

    operation: Any
    last_read: Any


def steps(
    handlers: Mapping[type, Callable[[Any], Any]], content: Any, note: Callable[[str], None]
) -> Generator[Step, Any, Any]:
    """The steps of the handler for a message or command: again from its start after a conflict, at
    most 3 times. `note` is told what the trace should say of that. Returns what the handler
    returns, and raises what it raises, `LookupError` if there is none."""
    handler = handlers.get(type(content))
    if handler is None:
        known = ", ".join(cls.__name__ for cls in handlers)
        raise LookupError(f"no handler for {type(content).__name__}: there are those for {known}")
    for retry in range(MOST_RETRIES + 1):
        if retry:
            note(f"conflict: start again from the read (retry {retry} of {MOST_RETRIES})")
        try:
            return (yield from _through(handler(content)))
        except AlreadyHandled:
            note("already handled: nothing to do")
            return None
        except VersionConflict:
            continue
    raise MaxRetriesExceeded(f"a conflict again after {MOST_RETRIES} retries")


def _through(coroutine: Any) -> Generator[Step, Any, Any]:
    result: Any = None
    last_read: Any = None
    try:
        while True:
            if isinstance(result, Exception):
                operation = coroutine.throw(result)
            else:
                operation = coroutine.send(result)
            try:
                result = yield Step(operation, last_read)
            except Exception as error:  # the world's: the handler hears of it
                result = error
            else:
                last_read = result if isinstance(operation, ops.Get) else last_read
    except StopIteration as stop:
        return stop.value
    finally:
        coroutine.close()
