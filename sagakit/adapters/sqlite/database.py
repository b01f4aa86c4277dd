"""One SQLite file: what all parts of the world keep, one transaction a step.

WAL, so that readers do not wait for the writer, with `synchronous=NORMAL`: what was committed
outlives a process that is killed. A power cut may take the last moments of all of it together, to
a state that was (SQLite documentation, "PRAGMA synchronous"); the provider, outside, knows its
keys. Writers take turns, and wait for each other at most `PATIENCE`.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sagakit.adapters.packing import pack, unpack
from sagakit.deployment import Participant
from sagakit.sim.trace import Record, Trace

APPLICATION = 0x5A6A  # marks a file as ours (PRAGMA application_id)
VERSION = 2
PATIENCE = 10.0  # s
STEP = 0.003  # s: who writes goes on for some transactions; to take turns after each costs a third

# `meta` has row ids: without, each search would read through the scenario, which may be long.
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE items (
    store TEXT, key TEXT, version INTEGER NOT NULL, item TEXT NOT NULL, PRIMARY KEY (store, key)
) WITHOUT ROWID;
CREATE TABLE inbox (store TEXT, event_id TEXT, PRIMARY KEY (store, event_id)) WITHOUT ROWID;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, store TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL,
    remark TEXT NOT NULL, due INTEGER NOT NULL, receives INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX messages_due ON messages (dead, queue, due);
CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due INTEGER NOT NULL, actor TEXT NOT NULL,
    service TEXT NOT NULL, command TEXT NOT NULL, saga TEXT, done INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX requests_due ON requests (done, due);
CREATE TABLE books (
    party TEXT, key TEXT, entry TEXT, calls INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (party, key)
) WITHOUT ROWID;
CREATE TABLE trace (id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL);
"""


class BadDatabase(Exception):
    """A file that cannot be used: the text says what it is and what to do."""


class Database:
    """An open file. Use it in a `with` statement, or `close` it.

    Raises `BadDatabase` for a file that is none of ours, or of another version, for one that is
    locked for longer than `PATIENCE`, and for a full disk; nothing that was committed is lost.
    Whoever only looks at a file writes nothing, and waits for nobody.
    """

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        self.path = Path(path)
        if not create and not self.path.exists():
            raise BadDatabase(f"{path}: there is no such file: `serve` makes one")
        try:
            self._connection = sqlite3.connect(
                self.path.absolute(), timeout=0, isolation_level=None,
                check_same_thread=False,  # one thread after the other uses it
            )  # fmt: skip
            self._prepare(create)
        except sqlite3.Error as error:
            raise self._told(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def _prepare(self, create: bool) -> None:
        if not self._is_ours():
            if not create:
                raise BadDatabase(f"{self.path}: no scenario has been begun: `serve` begins one")
            with self.transaction():
                if not self._is_ours():  # another process may have been quicker
                    self._lay_out()
        self.run("PRAGMA journal_mode = WAL")
        self.run("PRAGMA synchronous = NORMAL")

    def _is_ours(self) -> bool:
        """False if there is nothing in it yet."""
        (tables,) = self.one("SELECT count(*) FROM sqlite_master")
        (application,) = self.one("PRAGMA application_id")
        (version,) = self.one("PRAGMA user_version")
        if application != APPLICATION:
            if tables or application:
                raise BadDatabase(
                    f"{self.path}: this is another program's database: take another file"
                )
            return False
        if version != VERSION:
            newer = version > VERSION
            raise BadDatabase(
                f"{self.path}: it was made by {'a newer' if newer else 'an older'} sagakit "
                f"(version {version} of the file, this one knows {VERSION}): "
                f"{'update sagakit, or ' if newer else ''}take another file"
            )
        return True

    def _lay_out(self) -> None:
        for statement in SCHEMA.split(";"):
            self.run(statement)
        self.run(f"PRAGMA application_id = {APPLICATION}")
        self.run(f"PRAGMA user_version = {VERSION}")

    def _execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Wait for another writer. SQLite itself would not, where the step to WAL is made."""
        begun = time.monotonic()
        while True:
            try:
                return self._connection.execute(statement, values)
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - begun
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or waited > PATIENCE:
                    raise
            time.sleep(STEP)

    # What the parts of the world use.

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done within is there afterwards, or nothing of it."""
        try:
            self._execute("BEGIN IMMEDIATE")
            yield
            self._execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:  # SQLite may have rolled it back: a full disk
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._told(error) from None
            raise

    def run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        try:
            return self._execute(statement, *values)
        except sqlite3.Error as error:
            raise self._told(error) from None

    def one(self, statement: str, *values: Any) -> Any:
        """The first row, or None."""
        return self.run(statement, *values).fetchone()

    def meta(self, name: str) -> str | None:
        row = self.one("SELECT value FROM meta WHERE name = ?", name)
        return str(row[0]) if row else None

    def set_meta(self, name: str, value: Any) -> None:
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, str(value))

    def number(self, name: str) -> int:
        """The next number of a kind, counted from 1. Within a transaction."""
        following = int(self.meta(name) or 0) + 1
        self.set_meta(name, following)
        return following

    def write(self, record: Record) -> None:
        """Add a record to the trace, in the same transaction as what it tells."""
        self.run("INSERT INTO trace (record) VALUES (?)", pack(tuple(record)))

    def items(self, store: str) -> Iterator[tuple[str, Any]]:
        """The items of a store, by key."""
        for key, item in self.run(
            "SELECT key, item FROM items WHERE store = ? ORDER BY key", store
        ):
            yield key, unpack(item)

    def trace(self, participants: tuple[Participant, ...]) -> Trace:
        """All records so far."""
        return Trace(participants, self.records())

    def records(self) -> Iterator[Record]:
        for row in self.run("SELECT record FROM trace ORDER BY id"):
            yield Record._make(unpack(row[0]))

    def _told(self, error: sqlite3.Error) -> BadDatabase:
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return BadDatabase(
                f"{self.path}: it has been locked for {PATIENCE:g} s: who else has it open?"
            )
        if code.startswith("SQLITE_FULL"):
            return BadDatabase(
                f"{self.path}: the disk is full: make room and start again; what was committed is "
                f"kept"
            )
        if code.startswith("SQLITE_NOTADB"):
            return BadDatabase(f"{self.path}: this is no SQLite database: take another file")
        if code.startswith("SQLITE_CORRUPT"):
            return BadDatabase(
                f"{self.path}: the file is damaged: take a copy that is whole, or another file"
            )
        if code.startswith("SQLITE_CANTOPEN"):
            return BadDatabase(f"{self.path}: {self._why_closed()}")
        if code.startswith("SQLITE_READONLY"):
            return BadDatabase(
                f"{self.path}: you may not write to it, or to its folder: ask for that right, or "
                f"take a copy"
            )
        if str(error).startswith("no such table"):
            return BadDatabase(
                f"{self.path}: {error}: something else has changed the file: put the table back, "
                f"or take another file"
            )
        return BadDatabase(f"{self.path}: {error}")

    def _why_closed(self) -> str:
        folder = self.path.absolute().parent
        if self.path.is_dir():
            return "this is a folder: name a file in it"
        if not folder.is_dir():
            return f"there is no folder {folder}: make it first"
        return "it cannot be opened: may you read and write it, and its folder?"
