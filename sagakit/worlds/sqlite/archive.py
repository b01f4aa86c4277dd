"""Snapshots of stores, their loss and restoration, and the archive of published events.

All of it happens within a transaction of the caller.
"""

from sagakit.contract.events import Event, Header
from sagakit.contract.ports import Backup
from sagakit.sim.archive import NOTHING
from sagakit.trace.trace import Published, Record, Restored
from sagakit.worlds.packing import pack
from sagakit.worlds.sqlite import stores
from sagakit.worlds.sqlite.database import Database


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
        stores.put(database, store, item)
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
