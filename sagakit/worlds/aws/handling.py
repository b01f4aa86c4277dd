"""What services await, performed on AWS; each step is told in the log as it is in a trace."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sagakit.contract import operations as ops
from sagakit.contract.ports import TimedOut, Unavailable, WorldError
from sagakit.sim.effects import attempted, heard, refused
from sagakit.trace.context import span_id
from sagakit.trace.trace import Asked, Kind, Read, Record
from sagakit.worlds.aws.provider import HttpProvider
from sagakit.worlds.aws.publishing import Publisher
from sagakit.worlds.aws.tables import Table
from sagakit.worlds.driving import Subject, steps

Write = Callable[[Record], None]
Invoke = Callable[[str, Any, Subject], Any]
"""(service, command, who asks) -> what its handler returned"""


def now() -> int:
    """The time in ms."""
    return int(time.time() * 1000)


class Handling:
    """Performs the steps of one service."""

    def __init__(
        self,
        handlers: Mapping[type, Callable[[Any], Any]],
        tables: Mapping[str, Table],
        externals: Mapping[str, HttpProvider],
        publisher: Publisher,
        invoke: Invoke,
        write: Write,
        clock: Callable[[], int],
    ) -> None:
        self._handlers = handlers
        self._tables = tables
        self._externals = externals
        self._publisher = publisher
        self._invoke = invoke
        self._write = write
        self._now = clock
        self._known: dict[tuple[str, str], Any] = {}  # what this invocation last saw of an item

    def handle(self, subject: Subject, content: Any) -> Any:
        """Run the handler of a message or command to its end. Returns what it returns, and raises
        what it raises."""

        def note(text: str) -> None:
            self.arrow(subject, "note", subject.service, subject.service, text)

        self._known = {}
        course = steps(self._handlers, content, note)
        try:
            step = next(course)
            while True:
                try:
                    result = self._perform(subject, *step)
                except (WorldError, ValueError) as error:
                    step = course.throw(error)
                else:
                    step = course.send(result)
        except StopIteration as stop:
            return stop.value
        finally:
            course.close()

    def _perform(self, subject: Subject, operation: Any, last_read: Any) -> Any:
        service = subject.service
        if isinstance(operation, ops.Get):
            return self._get(subject, operation)
        if isinstance(operation, ops.Commit):
            return self._commit(subject, operation, last_read)
        if isinstance(operation, ops.Ask):
            return self._ask(subject, operation)
        if isinstance(operation, ops.Now):
            return self._now()
        if isinstance(operation, ops.Publish):
            event = operation.event.stamped(self._now())
            self._publisher.publish(event, service, self._now(), _span(subject))
            return None
        if isinstance(operation, ops.Tell):
            self.arrow(subject, "call", service, operation.person, operation.text)
            return None
        if isinstance(operation, ops.Invoke):
            result = self._invoke(operation.service, operation.command, subject)
            self.arrow(subject, "return", operation.service, service, heard(result))
            return result
        raise TypeError(
            f"the AWS world cannot do {type(operation).__name__}: a table is restored with "
            f"DynamoDB's own backups"
        )

    def _get(self, subject: Subject, operation: ops.Get) -> Any:
        store, service = operation.store, subject.service
        self.arrow(subject, "call", service, store, "read item")
        try:
            item = self._tables[store].get(operation.key)
        except WorldError as error:
            self._refused(subject, store, error)
            raise
        self.arrow(subject, "return", store, service, "", Read(operation.key, item))
        self._known[store, operation.key] = item
        return item

    def _commit(self, subject: Subject, operation: ops.Commit, last_read: Any) -> Any:
        store, item, service = operation.store, operation.item, subject.service
        self.arrow(subject, "call", service, store, *attempted(operation, last_read))
        try:
            before = self._known.get((store, item.key)) if item is not None else None
            written = self._tables[store].commit(
                item, operation.publish, operation.handled, before, self._now(), _span(subject)
            )
        except (WorldError, ValueError) as error:
            self._refused(subject, store, error)
            raise
        self.arrow(subject, "return", store, service, "OK", written)
        if item is not None:
            self._known[store, item.key] = written.item
        return written.item

    def _refused(self, subject: Subject, store: str, error: Exception) -> None:
        self.arrow(subject, "return", store, subject.service, *refused(error))

    def _ask(self, subject: Subject, operation: ops.Ask) -> Any:
        party, service = operation.party, subject.service

        def told(kind: Kind, source: str, target: str, label: str, outcome: str = "") -> None:
            detail = Asked(operation.key, operation.request, outcome)
            self.arrow(subject, kind, source, target, label, detail)

        told("call", service, party, operation.label)
        try:
            answer = self._externals[party].ask(operation)
        except TimedOut:
            told("note", service, service, f"no response within {operation.timeout} ms:", "timeout")
            raise
        except Unavailable:
            told("return", party, service, "503", "unavailable")
            raise
        told("return", party, service, str(answer.status), answer.outcome)
        return answer

    def arrow(
        self, subject: Subject, kind: Kind, source: str, target: str, label: str,
        detail: Any = None, event: str | None = None,
    ) -> None:  # fmt: skip
        """Tell a step of an invocation."""
        self._write(
            Record(self._now(), kind, source, target, label, event, subject.saga,
                   subject.event_id, subject.invocation, detail)
        )  # fmt: skip


def _span(subject: Subject) -> int:
    return span_id(subject.invocation, subject.saga, subject.event_id)
