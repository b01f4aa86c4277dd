"""Hosts (Lambda-like): a service, and how many invocations of it run at once."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sagakit.contract.deployment import Function
from sagakit.contract.ports import Unavailable, handlers
from sagakit.sim.invocation import Done, Invocation
from sagakit.sim.kernel import Deadlines
from sagakit.sim.queue import SimulatedQueue
from sagakit.trace.facts import CutOff, InvocationRefused, Record

if TYPE_CHECKING:
    from sagakit.sim.world import World


class Host:
    """Runs one service: takes messages from its queues as long as there is room."""

    def __init__(self, world: "World", function: Function, service: object) -> None:
        self.world = world
        self.function = function
        self.name = function.name
        self.handlers = handlers(service)
        self.queues: list[SimulatedQueue] = []
        self.running = 0
        self.paused = False
        self.faulty = world.faults.concerns(self.name)
        self.on_idle: deque[Callable[[], None]] = deque()
        self._overtime: dict[int, Deadlines] = {}
        self.invoke_latency = world.kernel.duration(f"{self.name}/invoke", world.timing.invoke)
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
            world = self.world
            outage = world.faults.outage(self.name, world.kernel.now)
            if outage:
                world.kernel.after(outage.end - world.kernel.now, self.take)
                return
            room = world.faults.limit(self.name, world.kernel.now, room)
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
            world = self.world
            fact = InvocationRefused(source, self.name, label, refusal)
            world.write(Record(world.kernel.now, saga, None, 0, fact))
            done(None, Unavailable(f"{self.name} is {refusal}"))
            return
        self.running += 1
        timeout = getattr(command, "timeout", None)
        invocation = Invocation(
            self, None, [], source=source, saga=saga, done=done, timeout=timeout
        )
        invocation.begin(command, label)

    def _refusal(self) -> str:
        """Why an invocation is refused at once, if it is."""
        faults, now = self.world.faults, self.world.kernel.now
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

    def watch(self, invocation: Invocation) -> None:
        """Cut an invocation off when it takes too long."""
        deadlines = self._overtime.get(invocation.timeout)
        if deadlines is None:
            deadlines = Deadlines(self.world.kernel, invocation.timeout, self._cut_off)
            self._overtime[invocation.timeout] = deadlines
        deadlines.begin(invocation)

    def _cut_off(self, invocation: Invocation, _receipt: int) -> None:
        invocation.power_cut(CutOff(self.name, invocation.timeout))
