"""Queues (SQS-like): at least once, visibility timeout, receive count, delay, dead letters.

A received message is hidden, not gone: whoever received it deletes it when it is done, or it
comes back when its visibility timeout ends. After `receives` receives it goes to the dead-letter
queue with the reason of its last failure. See AWS, "Amazon SQS visibility timeout" and "Using
dead-letter queues in Amazon SQS".
"""

from collections import deque
from collections.abc import Callable
from sys import intern

from sagakit.contract.events import Event
from sagakit.sim.kernel import Deadlines, Kernel
from sagakit.trace.facts import (
    A_TEXT,
    NO_REASON,
    DeadLettered,
    Fact,
    Record,
    Redriven,
    VisibleAgain,
)


class Message:
    """One copy of an event (or of a text that should be one) in a queue."""

    __slots__ = (
        "body", "correlation_id", "event", "event_id", "finished", "message_id", "reason",
        "receipt", "remark",
    )  # fmt: skip

    def __init__(self, message_id: int, body: Event | str) -> None:
        self.message_id = message_id
        self.body = body
        self.finished = False
        self.reason = ""
        self.event_id: str | None = None
        self.correlation_id: str | None = None
        self.event: str | None = None
        self.remark = A_TEXT
        if not isinstance(body, str):
            self.event_id, self.correlation_id, _, self.event, *_ = body.header
            self.remark = intern(body.remark)
        self.receipt = 0  # the receive count, which tells the receives apart


class SimulatedQueue:
    """One queue and its dead-letter queue. `shown_as` is its name in the trace."""

    def __init__(
        self,
        kernel: Kernel,
        write: Callable[[Record], None],
        *,
        name: str,
        shown_as: str,
        visibility: int,
        receives: int,
        dead_letters: str,
        poll: tuple[int, int],
        next_message: Callable[[], int],
    ) -> None:
        self.name = name
        self.shown_as = shown_as
        self.dead_letters_name = dead_letters
        self.ready: deque[Message] = deque()
        self.dead_letters: list[Message] = []
        self.consumer: Callable[[], None] = lambda: None
        self._kernel = kernel
        self._write = write
        self._next_message = next_message
        self._receives = receives
        self._poll = kernel.duration(name, poll)
        self._hidden = Deadlines(kernel, visibility, self._show_again)

    def send(self, message: Message, delay: int = 0) -> None:
        """Put a message in; it can be received after `delay` ms (and the consumer's poll)."""
        self._kernel.after(delay + self._poll(), self._arrive, message)

    def _arrive(self, message: Message) -> None:
        self.ready.append(message)
        self.consumer()

    def receive(self, most: int) -> list[Message]:
        """Take up to `most` messages; each is hidden until its visibility timeout ends."""
        batch: list[Message] = []
        while self.ready and len(batch) < most:
            message = self.ready.popleft()
            if message.finished:
                continue
            if message.receipt == self._receives:
                self._bury(message)
                continue
            message.receipt += 1
            self._hidden.begin(message)
            batch.append(message)
        return batch

    def delete(self, message: Message) -> None:
        """Delete a message. Its body goes now: its deadline keeps the rest for a while.

        A dead letter stays: whoever was still at work on it comes too late.
        """
        if message.finished:
            return
        message.finished = True
        message.body = ""

    def double(self, message: Message) -> None:
        """Put in a copy of a message that somebody is at work on."""
        self.send(Message(self._next_message(), message.body))

    def redrive(self) -> int:
        """Send all dead letters back in, as new messages. Returns how many."""
        letters, self.dead_letters = self.dead_letters, []
        for letter in letters:
            message = Message(self._next_message(), letter.body)
            self._tell(message, Redriven(
                self.dead_letters_name, self.shown_as, message.event, message.message_id,
                letter.message_id,
            ))  # fmt: skip
            self.send(message)
        return len(letters)

    def _show_again(self, message: Message, _receipt: int) -> None:
        self._tell(message, VisibleAgain(
            self.shown_as, message.event, message.message_id, message.receipt, message.remark
        ))  # fmt: skip
        self._arrive(message)

    def _bury(self, message: Message) -> None:
        message.finished = True
        self.dead_letters.append(message)
        reason = message.reason or NO_REASON
        self._tell(message, DeadLettered(
            self.shown_as, self.dead_letters_name, message.event, message.message_id, reason
        ))  # fmt: skip

    def _tell(self, message: Message, fact: Fact) -> None:
        self._write(Record(self._kernel.now, message.correlation_id, message.event_id, 0, fact))
