"""Hosts and invocations (Lambda-like): a service, and the runs of its handlers, step by step.

A handler that fails leaves its message in the queue; the others of the batch are deleted at the end
(AWS: ReportBatchItemFailures). A crash or the timeout is a power cut: the coroutine just never goes
on.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sagakit.contract.deployment import Function
from sagakit.contract.driver import MOST_RETRIES, Driver, Finished, failed, reason_of
from sagakit.contract.events import Event, NotUnderstood, decode
from sagakit.contract.ports import Unavailable, handlers
from sagakit.sim.faults import FaultPlan
from sagakit.sim.kernel import Deadlines, Kernel
from sagakit.sim.queue import Message, SimulatedQueue
from sagakit.trace.facts import (
    Acknowledged,
    AlreadyDone,
    BatchReturned,
    Crashed,
    CutOff,
    Fact,
    Failed,
    InvocationRefused,
    Invoked,
    MessageTaken,
    Received,
    Record,
    Retried,
)

Done = Callable[[Any, BaseException | None], None]


@dataclass
class Runtime:
    """The parts of a world that its hosts share. `perform` does what a service awaits."""

    kernel: Kernel
    write: Callable[[Record], None]
    faults: FaultPlan
    invoke: tuple[int, int]
    invocations: int = 0
    perform: Callable[[Any, "Invocation"], None] = field(init=False)


class Host:
    """Runs one service: takes messages from its queues as long as there is room."""

    def __init__(self, runtime: Runtime, function: Function, service: object) -> None:
        self.runtime = runtime
        self.kernel = runtime.kernel
        self.function = function
        self.name = function.name
        self.handlers = handlers(service)
        self.queues: list[SimulatedQueue] = []
        self.running = 0
        self.paused = False
        self.faulty = runtime.faults.concerns(self.name)
        self.on_idle: deque[Callable[[], None]] = deque()
        self._overtime: dict[int, Deadlines] = {}
        self.invoke_latency = self.kernel.duration(f"{self.name}/invoke", runtime.invoke)
        self.graveyard: list[Any] = []  # crashed coroutines: collecting one would run its `finally`
        self.calls = {event.__name__ for event in function.calls}
        if not self.handlers:
            raise ValueError(
                f"{self.name} has no handler: mark a method of {type(service).__name__} with @on"
            )

    def listen(self, queue: SimulatedQueue) -> None:
        self.queues.append(queue)
        queue.consumer = self.take

    def take(self) -> None:
        """Start invocations for the messages that wait, as far as there is room."""
        if self.paused:
            return
        room = self.function.concurrency
        if self.faulty:
            faults, now = self.runtime.faults, self.kernel.now
            outage = faults.outage(self.name, now)
            if outage:
                self.kernel.after(outage.end - now, self.take)
                return
            room = faults.limit(self.name, now, room)
        for queue in self.queues:
            while queue.ready and self.running < room:
                batch = queue.receive(self.function.batch)
                if batch:
                    self.running += 1
                    Invocation(self, queue, batch).next_message()

    def invoke(self, command: Any, source: str, saga: str | None, done: Done) -> None:
        """Run the handler of a command and pass on what it returns, or why it failed.

        A command may have a `label` for the diagram, and a `timeout` (ms) of its own.
        """
        label = getattr(command, "label", self.function.invocation)
        refusal = self._refusal() if self.faulty else ""
        if refusal:
            fact = InvocationRefused(source, self.name, label, refusal)
            self.runtime.write(Record(self.kernel.now, saga, None, 0, fact))
            done(None, Unavailable(f"{self.name} is {refusal}"))
            return
        self.running += 1
        timeout = getattr(command, "timeout", None)
        invocation = Invocation(
            self, None, [], source=source, saga=saga, done=done, timeout=timeout
        )
        invocation.begin(command, label)

    def _refusal(self) -> str:
        """Return why an invocation is refused at once; an empty text if it is not."""
        faults, now = self.runtime.faults, self.kernel.now
        if faults.outage(self.name, now):
            return "out of reach"
        if self.running >= faults.limit(self.name, now, self.running + 1):
            return "throttled"
        return ""

    def finished(self) -> None:
        self.running -= 1
        if self.on_idle and self.running <= 1:
            self.on_idle.popleft()()
        self.take()

    def watch(self, invocation: "Invocation") -> None:
        """Cut an invocation off when it takes too long."""
        deadlines = self._overtime.get(invocation.timeout)
        if deadlines is None:
            deadlines = Deadlines(self.kernel, invocation.timeout, self._cut_off)
            self._overtime[invocation.timeout] = deadlines
        deadlines.begin(invocation)

    def _cut_off(self, invocation: "Invocation", _receipt: int) -> None:
        invocation.power_cut(CutOff(self.name, invocation.timeout))


class Invocation:
    """One run of a service: a batch of messages, or one command."""

    __slots__ = (
        "batch", "crash", "done", "driver", "event", "event_id", "finished", "handled", "host",
        "kernel", "message", "number", "perform", "queue", "saga", "source", "steps", "timeout",
        "write",
    )  # fmt: skip

    receipt = 0  # an invocation has one deadline only

    def __init__(
        self,
        host: Host,
        queue: SimulatedQueue | None,
        batch: list[Message],
        *,
        source: str = "",
        saga: str | None = None,
        done: Done | None = None,
        timeout: int | None = None,
    ) -> None:
        self.host = host
        runtime = host.runtime
        self.perform = runtime.perform
        self.kernel = runtime.kernel
        self.write = runtime.write
        self.number = runtime.invocations = runtime.invocations + 1
        self.queue = queue
        self.source = queue.shown_as if queue else source
        self.batch = deque(batch)
        self.handled: list[tuple[Message, str | None, str | None]] = []
        self.message: Message | None = None
        self.saga = saga
        self.event: str | None = None
        self.event_id: str | None = None
        self.done = done
        self.finished = False
        self.steps = 0
        self.crash: Any = None
        self.driver: Any = None
        self.timeout = timeout or host.function.timeout
        host.watch(self)

    def next_message(self) -> None:
        """Begin with the next message of the batch, or end the invocation."""
        if not self.batch:
            self._acknowledge()
            self._end()
            return
        message = self.message = self.batch.popleft()
        self.saga, self.event, self.event_id = (
            message.correlation_id,
            message.event,
            message.event_id,
        )
        host, event = self.host, message.event
        self.tell(Received(
            self.source, host.name, event, message.message_id, message.receipt, message.remark,
            host.function.invocation, event in host.calls,
        ))  # fmt: skip
        self._crash_point()
        if isinstance(message.body, str):
            self._start_text(message.body)
        else:
            self._start(message.body)

    def _start_text(self, text: str) -> None:
        """Begin with a message that came as text: an event that the service handles, unless it has
        a handler for text as it comes."""
        if str in self.host.handlers:
            self._start(text)
            return
        try:
            event = decode(text, [cls for cls in self.host.handlers if issubclass(cls, Event)])
        except NotUnderstood as error:
            self._fail(error)
            return
        self.event_id, self.saga, _, self.event, *_ = event.header
        self._start(event)

    def begin(self, command: Any, label: str) -> None:
        """Begin with a command."""
        self.event = type(command).__name__
        self._crash_point()
        self.tell(Invoked(self.source, self.host.name, label))
        self.kernel.after(self.host.invoke_latency(), self._start, command)

    def _crash_point(self) -> None:
        self.steps = 0
        if self.host.faulty:
            self.crash = self.host.runtime.faults.on_invocation(self.host.name, self.event or "")

    def _start(self, subject: Any) -> None:
        if self.finished:
            return
        try:
            self.driver = Driver(self.host.name, self.host.handlers, subject, self)
        except NotUnderstood as error:
            self._fail(error)
            return
        self.resume(None)

    def resume(self, result: Any) -> None:
        """Give the handler the result of its step; an exception is raised in it."""
        if self.finished or (self.crash and self._strikes("after")):
            return
        try:
            operation = self.driver.resume(result)
        except Exception as error:  # the handler's own failure: the message stays in its queue
            self._fail(error)
            return
        if type(operation) is Finished:
            self._succeed(operation.result)
            return
        self.steps += 1
        if not (self.crash and self._strikes("before")):
            self.perform(operation, self)

    def retried(self, retry: int) -> None:
        self.tell(Retried(self.host.name, retry, MOST_RETRIES))

    def already_done(self) -> None:
        self.tell(AlreadyDone(self.host.name))

    def _strikes(self, when: str) -> bool:
        """Cut the invocation off if the crash that it is to suffer has come."""
        if (self.crash.when, self.crash.step) != (when, self.steps):
            return False
        self.power_cut(Crashed(self.host.name, when, self.steps))
        return True

    def _succeed(self, result: Any) -> None:
        if self.message is None:
            self._end(result)
            return
        self.handled.append((self.message, self.saga, self.event_id))
        self.next_message()

    def _acknowledge(self) -> None:
        """Delete the messages that were handled: at the end of the invocation."""
        if self.queue is not None:
            for message, saga, event_id in self.handled:
                self.saga, self.event_id = saga, event_id
                self.queue.delete(message)
                self.tell(Acknowledged(
                    self.host.name, self.source, message.message_id, message.receipt,
                    message.remark,
                ))  # fmt: skip

    def _fail(self, error: Exception) -> None:
        if self.message is None:
            self._end(None, failed(self.host.name, error))
            return
        reason = self.message.reason = reason_of(error)
        self.tell(Failed(self.host.name, self.source, self.message.message_id, reason))
        if self.host.function.reports:
            self.next_message()
        else:
            self._fail_whole_batch()

    def _fail_whole_batch(self) -> None:
        """Have all messages come again, since nobody says which one failed."""
        others = [message for message, *_ in self.handled] + list(self.batch)
        for message in others:
            message.reason = "another message of its batch failed"
        if others:
            self.tell(BatchReturned(self.host.name, len(others)))
        self._end()

    def power_cut(self, cut: Crashed | CutOff | MessageTaken) -> None:
        """Stop here. All its messages come back when their visibility timeouts end, those too that
        it had handled."""
        why = cut.reason
        handled = [message for message, *_ in self.handled]
        for message in (*handled, self.message, *self.batch):
            if message is not None and not message.finished:
                message.reason = why
        self.tell(cut)
        self.host.graveyard.append(self.driver)
        self._end(None, Unavailable(f"{self.host.name}: {why}"))

    def _end(self, result: Any = None, error: Exception | None = None) -> None:
        if self.finished:
            return
        self.finished = True
        if self.done is not None:
            self.done(result, error)
        self.driver = self.message = None
        self.host.finished()

    def tell(self, fact: Fact) -> None:
        """Write a fact that belongs to this invocation."""
        self.write(Record(self.kernel.now, self.saga, self.event_id, self.number, fact))
