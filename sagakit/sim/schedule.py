"""A kernel whose order is given: the schedule says who makes the next step, and what goes wrong.

Where a plain run asks the clock, a scheduled one asks the schedule. Messages arrive at once; then
each store operation and each request to an external party waits for its turn. Time moves only when
nobody has a step to make. When the schedule is at its end, steps are made in the order of arrival.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any, Literal, NamedTuple

from sagakit.contract.faults import Crash
from sagakit.sim.effects import committed, committed_unheard
from sagakit.sim.external import react
from sagakit.sim.kernel import Kernel
from sagakit.trace.facts import Crashed, MessageDoubled, MessageLost, MessageTaken

Act = Literal[
    "step", "crash", "duplicate", "drop", "lost_answer",
    "decline", "timeout_before", "timeout_after", "down",
    "step_then_crash", "lost_answer_then_crash", "decline_then_crash",
    "timeout_before_then_crash", "timeout_after_then_crash", "down_then_crash",
]  # fmt: skip
THEN_CRASH = "_then_crash"

# What can go wrong with a step, by what comes of it: the rest of `Act` is put together from these.
OF_A_MESSAGE: tuple[Act, ...] = ("duplicate", "drop")  # before the first step of its handler
OF_A_HANDLER: tuple[Act, ...] = ("crash", "step_then_crash")  # if its message can come again
OF_THE_STEP: dict[Callable[..., Any], tuple[Act, ...]] = {
    committed: ("lost_answer",),
    react: ("decline", "timeout_before", "timeout_after", "down"),
}


class Choice(NamedTuple):
    """One choice of a schedule.

    service   whose turn it is
    subject   what it is at work on: an event's id, or the saga of a command
    arrival   which arrival of that subject at that service, counted from 1
    act       what happens to it: its next step, or what goes wrong
    """

    service: str
    subject: str
    arrival: int = 1
    act: Act = "step"


class ScheduleMismatch(ValueError):
    """The schedule asks for a step that nobody has to make: it is of another scenario."""


def choices(schedule: Iterable[Choice]) -> tuple[Choice, ...]:
    """Validate a schedule. Raises `ScheduleMismatch` for what is none."""
    found = tuple(schedule) if isinstance(schedule, Iterable) else (schedule,)
    for choice in found:
        if not isinstance(choice, Choice):
            raise ScheduleMismatch(f"a schedule is made of Choices, and not of {choice!r:.40}")
    return found


class ScheduledKernel(Kernel):
    """Runs a world, whose latencies must all be zero, by a schedule."""

    def __init__(self, schedule: Iterable[Choice]) -> None:
        super().__init__(seed=0)
        self.schedule = choices(schedule)
        self.made: list[tuple[int, Choice]] = []  # every choice as it was made, and when (`now`)
        self.ready: list[tuple[Choice, ...]] = []  # for each of them, all steps that could be made
        self.perils: list[tuple[tuple[Act, ...], ...]] = []  # and what can go wrong with each
        self._soon: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._turns: dict[Any, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._arrived: dict[tuple[str, str], list[Any]] = {}
        self._clock = 0  # moves only when nobody has a step to make; `now` counts the steps too

    @property
    def clock(self) -> int:
        return self._clock

    def after(self, delay: int, action: Callable[..., Any], *arguments: Any) -> None:
        """Have `action` wait for its time, or come next if it takes none."""
        self._sequence += 1
        if delay:
            heappush(self._heap, (self._clock + delay, self._sequence, action, arguments))
        else:
            self._soon.append((action, arguments))

    def step(self, delay: int, by: Any, action: Callable[..., Any], *arguments: Any) -> None:
        """Have a step wait for its turn, if it takes no time."""
        if delay:
            self.after(delay, action, *arguments)
            return
        self._sequence += 1
        arrived = self._arrived.setdefault(_subject(by), [])
        if by not in arrived:
            arrived.append(by)
        self._turns[by] = (action, arguments)

    def run(self) -> None:
        """Run by the schedule, and on to the end. Raises `ScheduleMismatch`."""
        planned, self._planned = self._planned, []
        for at, _, action, arguments in sorted(planned, key=lambda entry: entry[:2]):
            self.after(at, action, *arguments)
        choices = iter(self.schedule)
        for _ in range(self.most):
            if self._soon:
                action, arguments = self._soon.pop(0)
                action(*arguments)
            elif self._turns:
                self.now += 1
                self.ready.append(tuple(map(self._turn_of, self._turns)))
                self.perils.append(tuple(_perils(*turn) for turn in self._turns.items()))
                choice = next(choices, None) or self.ready[-1][0]  # who has waited longest
                self.made.append((self.now, choice))
                self._carry_out(choice)
            elif self._heap:
                self._move_time()
            else:
                return

    def stop(self) -> bool:
        pending = bool(self._soon or self._turns)
        self._soon.clear()
        self._turns.clear()
        return super().stop() or pending

    def _move_time(self) -> None:
        """Go on to the next moment at which something is due, and have all of it happen."""
        due = self._heap[0][0]
        self.now += due - self._clock
        self._clock = due
        while self._heap and self._heap[0][0] == due:
            _, _, action, arguments = heappop(self._heap)
            self._soon.append((action, arguments))

    def _turn_of(self, invocation: Any) -> Choice:
        """Return the choice that lets this invocation make its step."""
        subject = _subject(invocation)
        return Choice(*subject, arrival=self._arrived[subject].index(invocation) + 1)

    def _carry_out(self, choice: Choice) -> None:
        arrived = self._arrived.get((choice.service, choice.subject), [])
        if choice.arrival > len(arrived) or arrived[choice.arrival - 1] not in self._turns:
            raise ScheduleMismatch(
                f"{choice.service} has no step to make for {choice.subject} "
                f"(arrival {choice.arrival}): the schedule is of another scenario, or of other code"
            )
        invocation = arrived[choice.arrival - 1]
        act = choice.act.removesuffix(THEN_CRASH)
        if act != choice.act:
            invocation.crash = Crash(
                service=choice.service, step=invocation.steps, when="after", event=None
            )
        if act == "step":
            action, arguments = self._turns.pop(invocation)
            action(*arguments)
        elif act == "crash":
            del self._turns[invocation]
            invocation.power_cut(Crashed(choice.service))
        elif act == "lost_answer":
            _, arguments = self._turns.pop(invocation)
            committed_unheard(*arguments)
        elif act == "duplicate":
            queue, message = invocation.queue, invocation.message
            invocation.tell(MessageDoubled(queue.shown_as, message.event))
            queue.double(message)
        elif act == "drop":
            del self._turns[invocation]
            self._lose(invocation)
        else:
            self._answer(invocation, act)

    def _lose(self, invocation: Any) -> None:
        """Lose its message, which neither comes again nor goes to the dead letters."""
        message = invocation.message
        invocation.tell(MessageLost(invocation.source, message.event, message.message_id))
        invocation.queue.delete(message)
        invocation.power_cut(MessageTaken(invocation.host.name))

    def _answer(self, invocation: Any, act: str) -> None:
        """Have the external party do something else than answer."""
        _, (party, request, _) = self._turns.pop(invocation)
        if act == "decline":
            react(party, request, "decline")
        elif act == "down":
            request.refused()
        else:
            if act == "timeout_after":
                react(party, request, "timeout_after")
            request.silent(request.receipt)


def _perils(invocation: Any, turn: tuple[Callable[..., Any], tuple[Any, ...]]) -> tuple[Act, ...]:
    """Return what can go wrong with an invocation whose turn it is."""
    of_the_step = OF_THE_STEP.get(turn[0], ())
    if invocation.queue is None:  # a command: nobody would send it again
        return of_the_step
    return (OF_A_MESSAGE if invocation.steps == 1 else ()) + OF_A_HANDLER + of_the_step


def _subject(invocation: Any) -> tuple[str, str]:
    return invocation.host.name, invocation.event_id or str(invocation.saga)
