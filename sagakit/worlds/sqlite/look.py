"""What stands in a file, for an operator: queues, dead letters, sagas without an end."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sagakit.contract.deployment import Deployment
from sagakit.contract.ports import event_of
from sagakit.contract.terminal import text_table
from sagakit.contract.timing import duration
from sagakit.payments.payment import FINAL
from sagakit.payments.topology import payment_system
from sagakit.trace.facts import A_TEXT
from sagakit.worlds.packing import header_of
from sagakit.worlds.sqlite.database import Clock, Database
from sagakit.worlds.sqlite.serve import scenario_of

Row = tuple[Any, ...]


def queues(database: Database, deployment: Deployment, now: int) -> Iterator[Row]:
    """Yield how many messages each queue has: to be received now, hidden or due later, and dead. In
    the deployment's order; subscriptions that hold something follow."""
    rows = database.rows(
        "SELECT queue, sum(dead = 0 AND due <= ?), sum(dead = 0 AND due > ?), sum(dead) "
        "FROM messages GROUP BY queue ORDER BY queue",
        now, now,
    )  # fmt: skip
    found = {row[0]: row for row in rows}
    for queue in deployment.queues:
        yield found.pop(queue.name, (queue.name, 0, 0, 0))
    yield from found.values()


def dead_letters(database: Database) -> Iterator[Row]:
    rows = database.rows("SELECT id, queue, body, reason FROM messages WHERE dead = 1 ORDER BY id")
    for message_id, queue, body, reason in rows:
        event, saga, _ = header_of(body)
        yield message_id, queue, event or A_TEXT, saga or "", reason


def open_sagas(database: Database, store: str, now: int) -> Iterator[Row]:
    """Yield the items of a store whose state is not final, their state and what each waits for."""
    waits: dict[str, list[str]] = defaultdict(list)
    for outbox, entry in database.rows("SELECT store, entry FROM outbox ORDER BY id"):
        header = event_of(database.kept(entry)).header
        told = f"its {header.event_type} waits in the outbox of {outbox}"
        waits[header.correlation_id].append(told)
    rows = database.rows("SELECT queue, body, due, dead, reason FROM messages ORDER BY id")
    for queue, body, due, dead, reason in rows:
        event, saga, _ = header_of(body)
        if dead:
            told = f"its {event} is a dead letter of {queue}: {reason}"
        elif due > now:
            told = f"its {event} comes to {queue} in {duration(due - now)}"
        else:
            told = f"its {event} waits in {queue}"
        waits[saga or ""].append(told)
    requests = database.rows(
        "SELECT service, saga, due FROM requests WHERE done = 0 AND saga IS NOT NULL ORDER BY id"
    )
    for service, saga, due in requests:
        told = f"comes in {duration(due - now)}" if due > now else "waits"
        waits[saga].append(f"its request to {service} {told}")
    for key, item in database.items(store):
        if item.status not in FINAL:
            yield key, item.status, "; ".join(waits[key]) or "nothing of it is under way"


def log(path: str | Path) -> Iterator[str]:
    """Yield the file's trace so far, as `check` reads it: a line a record. Raises `BadDatabase`."""
    with Database(path, reading=True) as database:
        scenario_of(database)
        yield from database.trace(()).jsonl()


def for_people(path: str | Path) -> Iterator[str]:
    """Yield all of it as tables. Raises `BadDatabase`."""
    with Database(path, reading=True) as database:
        scenario, now = scenario_of(database), Clock(database).now()
        deployment = payment_system(scenario.settings)
        yield f"{path}: {scenario.title}"
        yield ""
        yield from text_table(
            ("queue", "waiting", "later", "dead"), list(queues(database, deployment, now))
        )
        yield ""
        letters = list(dead_letters(database))
        yield from _or("no dead letters", ("message", "queue", "event", "saga", "reason"), letters)
        yield ""
        sagas = list(open_sagas(database, "Payments DB", now))
        yield from _or("every saga has ended", ("saga", "state", "where"), sagas)
        (requests,) = database.one("SELECT count(*) FROM requests WHERE done = 0")
        if requests:
            yield ""
            yield f"requests to come, or to be answered: {requests}; `serve` goes on with them"


def _or(nothing: str, header: tuple[str, ...], rows: list[Any]) -> Iterator[str]:
    if rows:
        yield from text_table(header, rows)
    else:
        yield nothing
