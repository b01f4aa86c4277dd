"""Stores and the relay: an item, its outbox and the inbox in one transaction of the file."""

from typing import Any

from sagakit.contract.events import Event
from sagakit.contract.ports import AlreadyHandled, Delayed, VersionConflict, event_of
from sagakit.trace.trace import Written
from sagakit.worlds.packing import pack
from sagakit.worlds.sqlite.database import Database


def get(database: Database, store: str, key: str) -> Any:
    """The item, or None."""
    row = database.one("SELECT item FROM items WHERE store = ? AND key = ?", store, key)
    return row and database.item(key, row[0])


def put(database: Database, store: str, item: Any) -> None:
    database.run(
        "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)",
        store, item.key, item.version, pack(item),
    )  # fmt: skip


def commit(
    database: Database,
    store: str,
    item: Any,
    publish: tuple[Event | Delayed, ...],
    handled: str | None,
    now: int,
) -> Written:
    """Do it all, or raise and do nothing. Within a transaction. Raises like `Store.commit`."""
    if handled is not None:
        taken = database.run("INSERT OR IGNORE INTO inbox VALUES (?, ?)", store, handled)
        if not taken.rowcount:
            raise AlreadyHandled(f"{store}: message {handled} was handled before")
    ids = tuple([event_of(entry).header.event_id for entry in publish])
    before = key = None
    if item is not None:
        key, before = item.key, get(database, store, item.key)
        version = before.version if before is not None else 0
        if version != item.version:
            raise VersionConflict(
                f"{store}: {key} has version {version} by now, not {item.version}"
            )
        if item != before:
            item = item._replace(version=version + 1)
            put(database, store, item)
    for entry in publish:
        database.run(
            "INSERT INTO outbox (store, entry) VALUES (?, ?)", store, pack(_stamped(entry, now))
        )
    return Written(key, before, item, ids, handled)


def oldest_entry(database: Database) -> tuple[str, Event | Delayed] | None:
    """Take the oldest entry out of an outbox: its store and what is to be published."""
    row = database.one(
        "DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox) RETURNING store, entry"
    )
    return row and (row[0], database.kept(row[1]))


def _stamped(entry: Event | Delayed, now: int) -> Event | Delayed:
    if isinstance(entry, Delayed):
        return Delayed(entry.event.stamped(now), entry.delay)
    return entry.stamped(now)
