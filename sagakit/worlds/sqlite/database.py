"""One SQLite file and its time: what all parts of the world keep, one transaction a step.

WAL, so that readers do not wait for the writer, with `synchronous=NORMAL`: what was committed
outlives a process that is killed. A power cut may take the last moments of all of it together, to
a state that was (SQLite documentation, "PRAGMA synchronous"); the provider, outside, knows its
keys. Writers take turns, and wait for each other at most `PATIENCE`.
"""

import asyncio
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from heapq import heappop, heappush
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from warnings import warn

from sagakit.contract.deployment import Participant
from sagakit.trace.facts import FACTS, Queued, Record
from sagakit.trace.trace import Trace
from sagakit.worlds.packing import fits, pack, types_of, unpack

APPLICATION = 0x5A6A  # marks a file as ours (PRAGMA application_id)
VERSION = 3
PATIENCE = 10.0  # s
NOTICED = 1_000  # ms: by less a machine's clock is set back every day
STEP = 0.003  # s: who writes goes on for some transactions; to take turns after each costs a third

ERRORS = (sqlite3.Error, UnicodeDecodeError)  # the second of a damaged name in its own message

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

# A record without its number in what SQLite keeps of AUTOINCREMENT, and does not check.
UNCOUNTED = """
SELECT 1 FROM trace WHERE id > ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'trace'), 0)
LIMIT 1
"""


# What SQLite's errors mean to whoever has the file, by how their names begin.
LOCKED = "it has been locked for {patience:g} s: who else has it open?"
SAYS = {
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_FULL": "the disk is full: make room and start again; what was committed is kept",
    "SQLITE_NOTADB": "this is no SQLite database, or its beginning is damaged: take another file",
    "SQLITE_READONLY": (
        "you may not write to it, or to its folder: ask for that right, or take a copy"
    ),
}


class BadDatabase(Exception):
    """A file that cannot be used: the text says what it is and what to do."""


class Database:
    """An open file. Use it in a `with` statement, or `close` it.

    Raises `BadDatabase` for a file that is none of ours, or of another version, for one that is
    damaged or locked for longer than `PATIENCE`, and for a full disk; nothing that was committed is
    lost. Whoever is only `reading` writes nothing, waits for nobody, and needs no right to write.
    """

    def __init__(self, path: str | Path, *, create: bool = False, reading: bool = False) -> None:
        self.path = Path(path)
        self.reading = reading
        self._opened = ExitStack()
        if not create and not self.path.exists():
            raise BadDatabase(f"{path}: there is no such file: `serve` makes one")
        try:
            self._open(self.path.absolute().as_uri())
            if reading:
                self._read_what_is_there()
            self._prepare(create)
        except (*ERRORS, BadDatabase) as error:
            self.close()
            raise error if isinstance(error, BadDatabase) else self._told(error) from None

    def _open(self, uri: str) -> None:
        self._connection = sqlite3.connect(
            uri, uri=True, timeout=0, isolation_level=None,
            check_same_thread=False,  # one thread after the other uses it
        )  # fmt: skip
        self._opened.callback(self._connection.close)

    def _read_what_is_there(self) -> None:
        """Read although SQLite writes beside a file that it reads. Where it may not, what stands in
        the file does not change; but if something waits beside it, only a copy shows that too."""
        try:
            self._connection.execute("SELECT 1 FROM sqlite_master")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
                raise
            there, wal = self.path.absolute(), self.path.with_name(f"{self.path.name}-wal")
            if wal.is_file() and wal.stat().st_size:
                folder = Path(self._opened.enter_context(TemporaryDirectory()))
                for file in (there, wal):
                    shutil.copyfile(file, folder / file.name)
                self._open((folder / there.name).as_uri())
            elif there.is_file():
                self._open(f"{there.as_uri()}?immutable=1")
            else:
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self._opened.close()

    def _prepare(self, create: bool) -> None:
        if not self._is_ours():
            if not create:
                raise BadDatabase(f"{self.path}: no scenario has been begun: `serve` begins one")
            with self.transaction():
                if not self._is_ours():  # another process may have been quicker
                    self._lay_out()
        # All of it is looked at: 1.5 s a GB, a tenth of what it takes to read the trace.
        if self.one("PRAGMA integrity_check(1)") != ("ok",) or self.one(UNCOUNTED):
            raise self.damaged()
        for table in re.findall(r"TABLE (\w+)", SCHEMA):
            columns = [*self.rows(f"PRAGMA table_info({table})")]
            wrong = [
                f"typeof({name}) NOT IN ('{kind.lower()}', 'null')" for _, name, kind, *_ in columns
            ]
            if self.one(f"SELECT 1 FROM {table} WHERE {' OR '.join(wrong) or 0}"):
                raise self.damaged(f"{table} hold what does not belong there")
        if self.reading:
            self.run("PRAGMA query_only = 1")
            return
        self.run("PRAGMA journal_mode = WAL")
        self.run("PRAGMA synchronous = NORMAL")

    def _is_ours(self) -> bool:
        """Return false if there is nothing in it yet. Raises `BadDatabase` for another's file."""
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
        """All that is done within is there afterwards, or nothing of it. Within another it is a
        part of that."""
        if self._connection.in_transaction:
            yield
            return
        try:
            self._execute("BEGIN IMMEDIATE")
            yield
            self._execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:  # SQLite may have rolled it back: a full disk
                self._connection.execute("ROLLBACK")
            if isinstance(error, ERRORS):
                raise self._told(error) from None
            raise

    def run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        try:
            return self._execute(statement, *values)
        except ERRORS as error:
            raise self._told(error) from None

    def one(self, statement: str, *values: Any) -> Any:
        """Return the first row, or None."""
        try:
            return self._execute(statement, *values).fetchone()
        except ERRORS as error:
            raise self._told(error) from None

    def rows(self, statement: str, *values: Any) -> Iterator[Any]:
        """Yield all rows."""
        rows = self.run(statement, *values)
        try:
            yield from iter(rows.fetchone, None)  # a cursor itself would be closed after its file
        except ERRORS as error:
            raise self._told(error) from None

    def kept(self, text: str) -> Any:
        """Return the value of a text that was packed into a row."""
        try:
            return unpack(text)
        except ValueError as error:
            raise self.damaged(str(error)) from None

    def damaged(self, how: str = "") -> BadDatabase:
        what = f"the file is damaged{f' ({how})' if how else ''}"
        return BadDatabase(f"{self.path}: {what}: take a copy that is whole, or another file")

    def meta(self, name: str) -> str | None:
        row = self.one("SELECT value FROM meta WHERE name = ?", name)
        return str(row[0]) if row else None

    def set_meta(self, name: str, value: Any) -> None:
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, str(value))

    def number(self, name: str) -> int:
        """Return the next number of a kind, counted from 1. Within a transaction."""
        following = (self.whole(name) or 0) + 1
        self.set_meta(name, following)
        return following

    def whole(self, name: str) -> int | None:
        """Return a whole number that was set."""
        text = self.meta(name)
        try:
            return None if text is None else int(text)
        except ValueError:
            raise self.damaged(f"{name} is no number") from None

    def write(self, record: Record) -> None:
        """Add a record to the trace, in the same transaction as what it tells."""
        self.run("INSERT INTO trace (record) VALUES (?)", pack(tuple(record)))

    def items(self, store: str) -> Iterator[tuple[str, Any]]:
        """Yield the items of a store, by key."""
        for key, item in self.rows(
            "SELECT key, item FROM items WHERE store = ? ORDER BY key", store
        ):
            yield key, self.item(key, item)

    def item(self, key: str, text: str) -> Any:
        item = self.kept(text)
        if getattr(item, "key", None) != key or not isinstance(getattr(item, "version", None), int):
            raise self.damaged(f"{key} is no item")
        return item

    def trace(self, participants: tuple[Participant, ...]) -> Trace:
        """Return all records so far."""
        return Trace(participants, self.records())

    def records(self, *, newest_first: bool = False) -> Iterator[Record]:
        order = "DESC" if newest_first else "ASC"
        for (text,) in self.rows(f"SELECT record FROM trace ORDER BY id {order}"):
            fields = self.kept(text)
            if not _is_record(fields):
                raise self.damaged(f"this is no record: {text!r:.60}")
            yield Record._make(fields)

    def _told(self, error: Exception) -> BadDatabase:
        code, text = getattr(error, "sqlite_errorname", ""), str(error)
        no_text = isinstance(error, UnicodeDecodeError) or text.startswith("Could not decode")
        if no_text or code.startswith(("SQLITE_CORRUPT", "SQLITE_IOERR")):
            return self.damaged()
        if code.startswith("SQLITE_CANTOPEN"):
            text = self._why_closed()
        elif code == "SQLITE_ERROR":  # our statements are right
            text += ": something else has changed the file: put it back, or take another file"
        for beginning, says in SAYS.items():
            if code.startswith(beginning):
                text = says.format(patience=PATIENCE)
        return BadDatabase(f"{self.path}: {text}")

    def _why_closed(self) -> str:
        folder = self.path.absolute().parent
        if self.path.is_dir():
            return "this is a folder: name a file in it"
        if not folder.is_dir():
            return f"there is no folder {folder}: make it first"
        return "it cannot be opened: may you read and write it, and its folder?"


FIELDS = {cls: types_of(cls) for cls in (Record, *FACTS.values())}


def _is_record(fields: Any) -> bool:
    if type(fields) is not tuple or not fits(fields, FIELDS[Record]):
        return False
    fact = fields[-1]
    return fits(fact, FIELDS[type(fact)])


class Clock:
    """The time of a file: ms since it was made, by the machine's clock.

    It never goes back: where the machine's clock was set back, the file goes on by its own time,
    from the last moment that it knows of.

    In a hurry, time is virtual: it passes only when all that is under way waits for a time, which
    it is then at once. That is for one process only, which alone can tell.
    """

    def __init__(self, database: Database, *, hurry: bool = False) -> None:
        self.hurry = hurry
        self._database = database
        if database.meta("epoch") is None:
            if database.reading:
                raise database.damaged("nothing says when it was made")
            with database.transaction():
                database.set_meta("epoch", database.meta("epoch") or _machine_time())
        self._epoch = database.whole("epoch") or 0
        known = (record.t for record in database.records(newest_first=True) if not _is_text(record))
        self._latest = next(known, 0)
        self._virtual = self._by_the_machine()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = 0

    def now(self) -> int:
        return self._virtual if self.hurry else self._by_the_machine()

    def _by_the_machine(self) -> int:
        now = _machine_time() - self._epoch
        if now < self._latest:
            if self._latest - now > NOTICED:
                self._go_on_from(self._latest, now)
            now = self._latest
        self._latest = now
        return now

    def _go_on_from(self, moment: int, now: int) -> None:
        behind = moment - now
        self._epoch -= behind
        if not self._database.reading:
            self._database.set_meta("epoch", self._epoch)
        told = f"the machine's clock is {behind / 1000:,.0f} s behind what happened last"
        warn(f"{self._database.path}: {told}: it goes on by its own time", stacklevel=2)

    async def sleep(self, ms: int) -> None:
        """Wait. In a hurry, until `skip_to` that time."""
        if not self.hurry:
            await asyncio.sleep(ms / 1000)
            return
        woken = asyncio.get_running_loop().create_future()
        self._number += 1
        heappush(self._sleepers, (self.now() + ms, self._number, woken))
        await woken

    @property
    def asleep(self) -> int:
        """Return how many wait for a time, in a hurry."""
        return len(self._sleepers)

    def next_waking(self) -> int | None:
        return self._sleepers[0][0] if self._sleepers else None

    def skip_to(self, moment: int) -> None:
        """Make it that time, and wake whoever waited for it."""
        if moment > self._virtual:
            self._virtual = moment
            with self._database.transaction():
                self._database.set_meta("epoch", _machine_time() - moment)
        while self._sleepers and self._sleepers[0][0] <= moment:
            _, _, woken = heappop(self._sleepers)
            woken.set_result(None)


def _machine_time() -> int:
    return int(time.time() * 1000)


def _is_text(record: Record) -> bool:
    """Return whether a record tells of a text: at the start, with the time at which it will
    come."""
    return isinstance(record.fact, Queued) and record.fact.event is None
