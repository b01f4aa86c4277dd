"""Drive a handler through its port calls, in every world.

A world takes the operation that the handler awaits, performs it, and gives back the result or the
error. A handler that meets a version conflict runs again from its start, at most 3 times.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from pydantic import ValidationError

from sagakit.contract.events import NotUnderstood, explain
from sagakit.contract.operations import Get
from sagakit.contract.ports import (
    AlreadyHandled,
    MaxRetriesExceeded,
    Unavailable,
    VersionConflict,
    WorldError,
)

MOST_RETRIES = 3


class Finished(NamedTuple):
    """The handler came to its end and returned this."""

    result: Any


class Listener(Protocol):
    """Tells in the trace what a driver does of itself."""

    def retried(self, retry: int) -> None:
        """A conflict: the handler starts again, for the `retry`th time."""

    def already_done(self) -> None:
        """The message had been handled before: the handler ends here."""


class Driver:
    """A handler at work on one message or command.

    operation  what the handler awaits
    last_read  the item that it read last

    Raises `NotUnderstood` if the service has no handler for it.
    """

    __slots__ = ("_content", "_coroutine", "_handler", "_listener", "last_read", "operation",
                 "retries")  # fmt: skip

    def __init__(
        self,
        service: str,
        handlers: Mapping[type, Callable[[Any], Any]],
        content: Any,
        listener: Listener,
    ) -> None:
        handler = handlers.get(type(content))
        if handler is None:
            known = ", ".join(cls.__name__ for cls in handlers)
            unknown = f"{service} has no handler for {type(content).__name__}"
            raise NotUnderstood(f"{unknown}: it handles {known}")
        self._handler = handler
        self._content = content
        self._listener = listener
        self._coroutine = handler(content)
        self.operation: Any = None
        self.last_read: Any = None
        self.retries = 0

    def resume(self, result: Any = None) -> Any:
        """Give the handler the result of its operation; an exception is raised in it.

        Returns the next operation, or `Finished`. Raises what the handler raises, and
        `MaxRetriesExceeded` for one conflict too many.
        """
        try:
            if isinstance(result, Exception):
                self.operation = self._coroutine.throw(result)
            else:
                if type(self.operation) is Get:
                    self.last_read = result
                self.operation = self._coroutine.send(result)
        except StopIteration as stop:
            return Finished(stop.value)
        except AlreadyHandled:
            self._listener.already_done()
            return Finished(None)
        except VersionConflict:
            return self._start_again()
        return self.operation

    def _start_again(self) -> Any:
        if self.retries == MOST_RETRIES:
            raise MaxRetriesExceeded(f"a conflict again after {MOST_RETRIES} retries")
        self.retries += 1
        self._listener.retried(self.retries)
        self.operation = self.last_read = None
        self._coroutine = self._handler(self._content)
        return self.resume()

    def close(self) -> None:
        """Let go of a handler that will not go on."""
        let_go(self._coroutine)


def let_go(coroutine: Any) -> None:
    """Let go of a coroutine that will not go on. Its `finally` runs now, with no world to perform
    what that may await; left to the collector, it would complain of that on stderr."""
    for _ in range(10):
        try:
            if coroutine is not None:
                coroutine.close()
            return
        except Exception:  # it awaited, or failed, and may have another `finally` around that
            continue


def reason_of(error: BaseException) -> str:
    """Return why a message failed: the error, its code, and the line that raised it."""
    code = getattr(error, "code", None)
    text = explain(error) if isinstance(error, ValidationError) else str(error)
    return f"{type(error).__name__}{f' {code}' if code else ''}: {text}{_line(error)}"


def failed(service: str, error: BaseException) -> Unavailable:
    """Return the error that whoever sent a service a command hears if its handler fails."""
    return Unavailable(f"{service} failed: {reason_of(error)}")


def _line(error: BaseException) -> str:
    """Return the line of the handler's own code that failed; nothing for an error of the world."""
    own = None
    trace = None if isinstance(error, WorldError) else error.__traceback__
    while trace is not None:
        package = trace.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in ("sagakit", "pydantic", "asyncio"):
            own = trace
        trace = trace.tb_next
    return f" (line {own.tb_lineno} of {own.tb_frame.f_code.co_name})" if own else ""
