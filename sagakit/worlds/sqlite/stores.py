"""Stores on a file: an item, its outbox and the inbox in one transaction; snapshots and loss.

All of it happens within a transaction of the caller.
"""

from typing import Any

from sagakit.contract.events import Event
from sagakit.contract.operations import Commit
from sagakit.contract.ports import (
    NO_BACKUP,
    AlreadyHandled,
    Backup,
    Delayed,
    Unavailable,
    VersionConflict,
    event_of,
)
from sagakit.trace.facts import Committed, Record, SnapshotMissed, SnapshotTaken, StoreLost
from sagakit.worlds.packing import pack
from sagakit.worlds.sqlite.database import Database


def get(database: Database, store: str, key: str) -> Any:
    """Return the item, or None. Raises `Unavailable` for a store that was lost."""
    _must_be_there(database, store)
    return _get(database, store, key)


def _get(database: Database, store: str, key: str) -> Any:
    row = database.one("SELECT item FROM items WHERE store = ? AND key = ?", store, key)
    return row and database.item(key, row[0])


def put(database: Database, store: str, item: Any) -> None:
    """Put an item in, whatever was there."""
    database.run(
        "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)",
        store, item.key, item.version, pack(item),
    )  # fmt: skip


def commit(database: Database, service: str, operation: Commit, now: int) -> Committed:
    """Do it all, or raise and do nothing. Raises like `Store.commit`, and `Unavailable` for a store
    that was lost."""
    store, item, publish, handled = operation
    _must_be_there(database, store)
    if handled is not None:
        taken = database.run("INSERT OR IGNORE INTO inbox VALUES (?, ?)", store, handled)
        if not taken.rowcount:
            raise AlreadyHandled(f"{store}: message {handled} was handled before")
    before = key = None
    if item is not None:
        key, before = item.key, _get(database, store, item.key)
        version = before.version if before is not None else 0
        if version != item.version:
            raise VersionConflict(
                f"{store}: {key} has version {version} by now, not {item.version}"
            )
        if item != before:
            item = item._replace(version=version + 1)
            put(database, store, item)
    for entry in publish:
        _put_in_outbox(database, store, _stamped(entry, now))
    ids = tuple([event_of(entry).header.event_id for entry in publish])
    return Committed(service, store, key, before, item, ids, handled)


def oldest_entry(database: Database) -> tuple[str, Event | Delayed] | None:
    """Take the oldest entry out of an outbox: its store and what is to be published."""
    row = database.one(
        "DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox) RETURNING store, entry"
    )
    return row and (row[0], database.kept(row[1]))


def _put_in_outbox(database: Database, store: str, entry: Event | Delayed) -> None:
    database.run("INSERT INTO outbox (store, entry) VALUES (?, ?)", store, pack(entry))


def _stamped(entry: Event | Delayed, now: int) -> Event | Delayed:
    if isinstance(entry, Delayed):
        return Delayed(entry.event.stamped(now), entry.delay)
    return entry.stamped(now)


# Snapshots, loss and restoration.


def take_snapshot(database: Database, store: str, snapshots: str, now: int) -> None:
    if _is_lost(database, store):
        database.write(Record(now, None, None, 0, SnapshotMissed(store, snapshots)))
        return
    inbox = database.rows("SELECT event_id FROM inbox WHERE store = ?", store)
    outbox = database.rows("SELECT entry FROM outbox WHERE store = ? ORDER BY id", store)
    backup = Backup(
        now,
        tuple(item for _, item in database.items(store)),
        frozenset(row[0] for row in inbox),
        tuple(database.kept(row[0]) for row in outbox),
    )
    database.set_meta(f"snapshot of {store}", pack(backup))
    database.write(Record(now, None, None, 0, SnapshotTaken(store, snapshots)))


def latest_snapshot(database: Database, store: str) -> Backup:
    kept = database.meta(f"snapshot of {store}")
    backup: Backup = database.kept(kept) if kept else NO_BACKUP
    return backup


def lose(database: Database, store: str, now: int) -> None:
    """Lose all that a store holds; it is out of reach until it is restored."""
    items = tuple(item for _, item in database.items(store))
    _clear(database, store)
    database.set_meta(f"loss of {store}", now)
    database.write(Record(now, None, None, 0, StoreLost(store, items)))


def restore(database: Database, store: str, backup: Backup) -> None:
    """Hold just what the backup holds; its outbox is relayed."""
    _clear(database, store)
    database.run("DELETE FROM meta WHERE name = ?", f"loss of {store}")
    for item in backup.items:
        put(database, store, item)
    for event_id in sorted(backup.inbox):
        database.run("INSERT INTO inbox VALUES (?, ?)", store, event_id)
    for entry in backup.outbox:
        _put_in_outbox(database, store, entry)


def _is_lost(database: Database, store: str) -> bool:
    return database.meta(f"loss of {store}") is not None


def _must_be_there(database: Database, store: str) -> None:
    if _is_lost(database, store):
        raise Unavailable(f"{store} is lost: restore it from a snapshot")


def _clear(database: Database, store: str) -> None:
    for table in ("items", "inbox", "outbox"):
        database.run(f"DELETE FROM {table} WHERE store = ?", store)
