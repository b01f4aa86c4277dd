"""Purity: what `explore` takes for granted of a service, and how it finds out that it may not.

A handler in flight must be a function of its message and of the results of its steps so far. So it
awaits its ports and nothing else, does not forget to, comes to an end, and answers in the same way
when it is made anew and asked again. One that does not is told so, with the line.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import CodeType, FrameType
from typing import Any
from warnings import catch_warnings, simplefilter, warn_explicit

from sagakit.contract import operations as ops
from sagakit.contract.events import Event
from sagakit.contract.ports import event_of

MOST_STEPS = 300  # of one handler for one message
AWAITABLE = (ops.Get, ops.Commit, ops.Now, ops.Publish, ops.Ask, ops.Tell)
UNFIT = {
    ops.Invoke: "invokes another service", ops.Pause: "stops taking messages",
    ops.Resume: "takes messages again",
}  # fmt: skip


class BadService(ValueError):
    """A service that cannot be explored: the text says why, and names the line."""


class NotingPorts(ops.ServicePorts):
    """Ports that note what they are asked for, and by which line."""

    def __init__(self, service: str, deployment: Any) -> None:
        super().__init__(service, deployment)
        self.noted: list[tuple[Any, CodeType, int]] = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name in ("clock", "bus", "intake"):
            return _Noting(found, self.noted)
        if name in ("store", "external", "caller", "person", "archive"):
            return lambda *arguments: _Noting(found(*arguments), self.noted)
        return found

    def forgotten(self, awaited: list[Any]) -> str:
        """Return the call that was not awaited, for people; empty if there is none."""
        for operation, code, line in self.noted:
            if not any(operation is other for other in awaited):
                return f"{told(operation)} in line {line} of {code.co_name}"
        return ""

    def line_of(self, operation: Any) -> str:
        """Return the line that asked for this very operation, if it is noted."""
        for noted, code, line in self.noted:
            if noted is operation:
                return f", in line {line} of {code.co_name}"
        return ""


class _Noting:
    """A port whose operations are noted when they are made."""

    def __init__(self, port: Any, noted: list[tuple[Any, CodeType, int]]) -> None:
        self._port = port
        self._noted = noted

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def note(*arguments: Any, **named: Any) -> Any:
            operation = found(*arguments, **named)
            caller = sys._getframe(1)
            self._noted.append((operation, caller.f_code, caller.f_lineno))
            return operation

        return note


def told(operation: Any) -> str:
    """Return an operation as what somebody does: "reads ana in Wallet DB"."""
    match operation:
        case None:
            return "is done"
        case str():
            return f"fails with {operation}"
        case ops.Get():
            return f"reads {operation.key} in {operation.store}"
        case ops.Commit():
            what = operation.item.key if operation.item is not None else "its inbox"
            events = [event_of(entry).header.event_type for entry in operation.publish]
            published = f" with {', '.join(events)}" if events else ""
            return f"writes {what} in {operation.store}{published}"
        case ops.Publish():
            return f"publishes {operation.event.header.event_type}"
        case ops.Ask():
            wanted = "void" if operation.void else "execute"
            return f"asks {operation.party} to {wanted} {operation.key}"
        case ops.Now():
            return "asks for the time"
        case ops.Tell():
            return f"tells {operation.person} something"
        case _:
            return f"awaits a {type(operation).__module__}.{type(operation).__qualname__}"


def not_compared(thing: Any) -> str:
    """Say what explore cannot compare of a thing that holds a list, a dict or a set."""
    fields = thing.payload() if isinstance(thing, Event) else getattr(thing, "_asdict", dict)()
    parts = fields.items() or enumerate(thing)
    for name, part in parts:
        try:
            hash(part)
        except TypeError:
            if isinstance(part, Event | tuple):
                return not_compared(part)
            what = type(part).__name__
            return (
                f"{type(thing).__name__}.{name} holds a {what}, which explore cannot compare with "
                f"what others hold: use a tuple or a frozenset, of a dict a tuple of its pairs"
            )
    return f"explore cannot compare {thing!r:.60} with others: give it a __hash__"


def line_of(coroutine: Any) -> str:
    """Return where a waiting coroutine stands: in its own code, not in a library it calls."""
    line = ""
    while coroutine is not None and hasattr(coroutine, "cr_frame"):
        frame = coroutine.cr_frame
        if frame is None or _is_library(frame):
            break
        line = f"line {frame.f_lineno} of {frame.f_code.co_name}"
        coroutine = coroutine.cr_await
    return line


def line_of_error(error: BaseException) -> str:
    """Return where in a service's own code an exception arose."""
    line, trace = "", error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if not _is_library(frame) and not frame.f_globals.get("__name__", "").startswith(
            __package__
        ):
            line = f"line {trace.tb_lineno} of {frame.f_code.co_name}"
        trace = trace.tb_next
    return line


def _is_library(frame: FrameType) -> bool:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] in sys.stdlib_module_names


@contextmanager
def coroutines_awaited() -> Iterator[None]:
    """Raise `BadService` for a coroutine that nobody awaited within the block: a method was called
    as if it were no `async def`. Other warnings are passed on."""
    with catch_warnings(record=True) as heard:
        simplefilter("always")
        yield
    for warning in heard:
        if "was never awaited" in str(warning.message):
            name = str(warning.message).split("'")[1]
            raise BadService(
                f"{name}() is called and not awaited, so nothing of it happens (near line "
                f"{warning.lineno}): write `await` before it"
            )
    for warning in heard:
        with suppress(Exception):  # a filter may make an error of it
            warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
