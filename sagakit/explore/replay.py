"""Replay: a handler is made again from its message, and run through the results it had so far."""

from collections import Counter
from typing import Any, NamedTuple

from sagakit.contract import operations as ops
from sagakit.contract.deployment import Deployment, Function
from sagakit.contract.driver import let_go
from sagakit.contract.events import Event, NotUnderstood, decode
from sagakit.contract.ports import AlreadyHandled, VersionConflict, handlers
from sagakit.explore import purity
from sagakit.explore.purity import BadService, told
from sagakit.explore.timeouts import Endless, Watchdog


class Next(NamedTuple):
    """The next step of a handler. `operation` is what it waits for, None if it is done, or in words
    how it failed; `results` are those that it was given, and the time where it asked for that."""

    operation: Any
    results: tuple[Any, ...]
    conflicted: bool = False


class _Asked(NamedTuple):
    function: Function
    content: Any
    results: tuple[Any, ...]
    clock: int
    answer: Next


class Replayer:
    """The services of a deployment, whose handlers can be replayed to their next step."""

    def __init__(self, deployment: Deployment, watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        self._deployment = deployment
        self._functions = {function.name: function for function in deployment.functions}
        self._services = {name: self._made(each) for name, each in self._functions.items()}
        self._times: Counter[tuple[str, type, int]] = Counter()
        self._sample: list[_Asked] = []

    def _made(self, function: Function) -> "_Service":
        ports = purity.NotingPorts(function.name, self._deployment)
        try:
            service = function.build(ports)
        except Exception as error:
            line = purity.line_of_error(error)
            raise BadService(
                f"{function.name} cannot be made: {type(error).__name__}: {error}"
                + (f" ({line})" if line else "")
            ) from error
        found = handlers(service)
        if not found:
            raise BadService(
                f"{function.name} has no handler: mark a method of "
                f"{type(service).__name__} with @on"
            )
        return _Service(function.name, ports, found)

    def understood(self, service: str, text: str) -> Event | str:
        """Return the event that a text is to a service. Raises `NotUnderstood`."""
        return self._services[service].understood(text)

    def next(self, service: str, content: Any, results: tuple[Any, ...], clock: int) -> Next:
        """Return what a handler does after these results. Raises `BadService`."""
        answer = self._services[service].next(content, results, clock, self._watchdog)
        step = (service, type(content), len(results))
        self._times[step] += 1
        if self._times[step].bit_count() == 1:  # the 1st, 2nd, 4th, 8th ... at this step
            function = self._functions[service]
            self._sample.append(_Asked(function, content, results, clock, answer))
        return answer

    def check(self) -> None:
        """Make a sample of the handlers anew and ask them again. Raises `BadService` for one that
        answers differently."""
        for function, content, results, clock, before in self._sample:
            service = self._made(function)
            after = service.next(content, results, clock, self._watchdog)
            if after != before:
                raise BadService(_differs(service, content, before, after))


class _Service:
    """A service, with what its ports are asked for."""

    def __init__(self, name: str, ports: purity.NotingPorts, found: dict[type, Any]) -> None:
        self.name = name
        self.ports = ports
        self.handlers = found

    def understood(self, text: str) -> Event | str:
        if str in self.handlers:
            return text
        return decode(text, [cls for cls in self.handlers if issubclass(cls, Event)])

    def next(self, content: Any, results: tuple[Any, ...], clock: int, watchdog: Watchdog) -> Next:
        self.ports.noted.clear()
        awaited: list[Any] = []
        coroutine: Any = None
        try:
            with watchdog.at_work():
                if isinstance(content, str):
                    content = self.understood(content)
                if type(content) not in self.handlers:
                    raise NotUnderstood(f"{self.name} has no handler for {type(content).__name__}")
                coroutine = self.handlers[type(content)](content)
                operation = coroutine.send(None)
                index = 0
                while True:
                    awaited.append(operation)
                    if index == len(results):  # the clock, and words to a person, are no steps
                        if isinstance(operation, ops.Now):
                            results += (clock,)
                        elif isinstance(operation, ops.Tell):
                            results += (None,)
                        else:
                            break
                    result = results[index]
                    index += 1
                    if isinstance(result, Exception):
                        operation = coroutine.throw(result)
                    else:
                        operation = coroutine.send(result)
            self._must_be_a_step(operation, coroutine, results)
            return Next(operation, results)
        except (StopIteration, AlreadyHandled):
            self._must_have_awaited(awaited)
            return Next(None, ())
        except VersionConflict:
            return Next(None, (), conflicted=True)
        except Endless as error:
            line = purity.line_of_error(error)
            raise BadService(f"{self.name} does not come to an end: see {line}") from None
        except BadService:
            raise
        except Exception as error:  # the handler's own failure
            self._must_have_awaited(awaited)
            return Next(f"{type(error).__name__}: {error}", results)
        finally:
            let_go(coroutine)

    def _must_be_a_step(self, operation: Any, coroutine: Any, results: tuple[Any, ...]) -> None:
        line = purity.line_of(coroutine)
        if len(results) > purity.MOST_STEPS:
            raise BadService(
                f"{self.name} does not come to an end: after {purity.MOST_STEPS:,} steps for one "
                f"message it {told(operation)}, in {line}"
            )
        if type(operation) in purity.AWAITABLE:
            return
        if type(operation) in purity.UNFIT:
            raise BadService(
                f"{self.name} {purity.UNFIT[type(operation)]} in {line}: explore does not know "
                f"what that comes to"
            )
        what = told(operation) if operation is not None else "awaits something"
        raise BadService(
            f"{self.name} {what} in {line}: a handler awaits its ports only; "
            f"the time, for instance, is its clock's"
        )

    def _must_have_awaited(self, awaited: list[Any]) -> None:
        forgotten = self.ports.forgotten(awaited)
        if forgotten:
            raise BadService(
                f"{self.name} {forgotten} and does not await it, so nothing of it happens: write "
                f"`await` before it"
            )


def _differs(service: _Service, content: Any, before: Next, after: Next) -> str:
    name = type(content).__name__
    first, again = (
        "meets a conflict" if answer.conflicted else told(answer.operation)
        for answer in (before, after)
    )
    if first == again:
        again += " too, but with other contents"
    line = service.ports.line_of(after.operation)
    return (
        f"{service.name} does not answer twice in the same way. Given {name} and the same results, "
        f"it {first} the first time; made anew, it {again}{line}. It keeps something in memory, or "
        f"goes by chance or by the machine's clock: what it must remember belongs in a store, and "
        f"the time comes from its clock port"
    )
