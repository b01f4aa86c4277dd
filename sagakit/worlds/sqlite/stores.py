"""Stores on a file: an item, its outbox and the inbox in one transaction; snapshots, loss, archive.

All of it happens within a transaction of the caller.
"""

from typing import Any

from sagakit.contract.events import Event, Header
from sagakit.contract.ports import AlreadyHandled, Backup, Delayed, VersionConflict, event_of
from sagakit.sim.archive import NOTHING
from sagakit.trace.trace import Published, Record, Restored, Written
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


def take_snapshot(database: Database, store: str, snapshots: str, now: int) -> None:
    if is_lost(database, store):
        note = Record(now, "fault", store, snapshots, "no snapshot: the store is lost")
        database.write(note)
        return
    items = tuple(item for _, item in database.items(store))
    inbox = database.rows("SELECT event_id FROM inbox WHERE store = ?", store)
    outbox = database.rows("SELECT entry FROM outbox WHERE store = ? ORDER BY id", store)
    backup = Backup(
        now,
        items,
        frozenset(row[0] for row in inbox),
        tuple(database.kept(row[0]) for row in outbox),
    )
    database.set_meta(f"snapshot of {store}", pack(backup))
    database.write(Record(now, "async", store, snapshots, "snapshot"))


def latest_snapshot(database: Database, store: str) -> Backup:
    kept = database.meta(f"snapshot of {store}")
    backup: Backup = database.kept(kept) if kept else NOTHING
    return backup


def lose(database: Database, store: str, now: int) -> None:
    """Everything is gone, and the store is out of reach until it is restored."""
    items = tuple(item for _, item in database.items(store))
    _clear(database, store)
    database.set_meta(f"loss of {store}", now)
    lost = Restored(items)
    database.write(Record(now, "fault", store, store, "all data lost", detail=lost))


def is_lost(database: Database, store: str) -> bool:
    return database.meta(f"loss of {store}") is not None


def restore(database: Database, store: str, backup: Backup) -> None:
    """Hold just what the backup holds; its outbox is relayed."""
    _clear(database, store)
    database.run("DELETE FROM meta WHERE name = ?", f"loss of {store}")
    for item in backup.items:
        put(database, store, item)
    for event_id in sorted(backup.inbox):
        database.run("INSERT INTO inbox VALUES (?, ?)", store, event_id)
    for entry in backup.outbox:
        database.run("INSERT INTO outbox (store, entry) VALUES (?, ?)", store, pack(entry))


def events(database: Database, bus: str, types: tuple[type[Event], ...]) -> tuple[Event, ...]:
    """The published events of these types, read back from the trace: there is no second account
    of them."""
    known, found = {cls.__name__: cls for cls in types}, {}
    for record in database.records():
        detail = record.detail
        cls = known.get(record.event or "")
        if record.target == bus and isinstance(detail, Published) and cls is not None:
            header = Header(
                str(record.event_id),
                str(record.correlation_id),
                detail.causation_id,
                cls.__name__,
                record.t,
                detail.version,
            )
            found[header.event_id] = cls(header=header, **detail.payload)
    return tuple(found.values())


def _clear(database: Database, store: str) -> None:
    for table in ("items", "inbox", "outbox"):
        database.run(f"DELETE FROM {table} WHERE store = ?", store)
