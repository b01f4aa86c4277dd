"""What goes wrong with the file itself: told in words, nothing lost, and gone on with after."""

import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sagakit import Run, Scenario
from sagakit.cli import main
from sagakit.worlds.sqlite import database as files
from sagakit.worlds.sqlite.database import BadDatabase, Database
from sagakit.worlds.sqlite.serve import serve

TRAFFIC = Scenario(
    name="traffic",
    title="Twelve payments of three wallets, some without an answer",
    wallets=[{"user_id": name, "balance": 100} for name in ("ana", "ben", "eva")],
    payments=[{"user_id": name, "amount": 30} for name in ("ana", "ben", "eva") * 4],
    provider=[
        {"behaviour": "timeout_after", "calls": [1], "payment_id": "ana:1"},
        {"behaviour": "decline", "payment_id": "eva:3"},
    ],
    settings={"provider_timeout": 100, "retry_delay": 1_000},
)
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""
WORK = """
import sys
import threading
from sagakit import Scenario
from sagakit.worlds.sqlite.serve import serve
scenario = Scenario.load(sys.argv[1])
print("begun", flush=True)
serve(scenario, sys.argv[2])
"""


def assert_all_is_well(done: Run, payments: int = 12) -> None:
    assert [verdict for verdict in done.verdicts() if not verdict.held] == []
    assert len(done.payments) == payments
    assert set(done.payments.status) == {"COMPLETED", "FAILED"}


@contextmanager
def locked_by_another_process(file: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            other.communicate("\n")


class TestLocked:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "PATIENCE", 0.05)

    def test_a_file_that_stays_locked_is_not_opened(self, tmp_path: Path) -> None:
        file = tmp_path / "file.db"
        with Database(file, create=True):
            pass
        with (
            locked_by_another_process(file),
            pytest.raises(BadDatabase, match=r"file\.db: it has been locked for 0\.05 s: who else"),
        ):
            serve(TRAFFIC, file, hurry=True)
        assert_all_is_well(serve(TRAFFIC, file, hurry=True))

    def test_whoever_only_looks_waits_for_nobody(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "file.db"
        serve(TRAFFIC, file, hurry=True)
        with locked_by_another_process(file):
            assert main(["inspect", "--db", str(file)]) == 0
        assert "every saga has ended" in capsys.readouterr().out

    def test_what_is_under_way_stops_and_the_file_stays_as_it_was(self, tmp_path: Path) -> None:
        file = tmp_path / "file.db"
        with Database(file, create=True) as database:
            with (
                locked_by_another_process(file),
                pytest.raises(BadDatabase, match="locked"),
                database.transaction(),
            ):
                database.set_meta("colour", "red")
            assert database.meta("colour") is None
            with database.transaction():
                database.set_meta("colour", "blue")
            assert database.meta("colour") == "blue"


def test_a_file_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    with Database(tmp_path / "file.db", create=True) as database:
        database.run("PRAGMA query_only = 1")
        with pytest.raises(BadDatabase, match=r"file\.db: you may not write to it, or to"):
            database.set_meta("colour", "red")


def test_a_disk_that_is_full_again_and_again_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time there is room for a few pages more: it gets a bit further."""
    room = 20
    prepare = Database._prepare

    def with_little_room(database: Database, create: bool) -> None:
        prepare(database, create)
        database.run(f"PRAGMA max_page_count = {room}")

    monkeypatch.setattr(Database, "_prepare", with_little_room)
    refused = 0
    while True:
        try:
            done = serve(TRAFFIC, tmp_path / "file.db", hurry=True)
        except BadDatabase as error:
            assert "the disk is full: make room and start again" in str(error)  # noqa: PT017
            refused += 1
            room += 3
        else:
            break
    assert refused > 5
    assert_all_is_well(done)


@pytest.mark.parametrize("table", ["outbox", "messages", "requests"])
def test_a_table_that_is_missing_is_named(table: str, tmp_path: Path) -> None:
    file = tmp_path / "file.db"
    with Database(file, create=True) as database:
        (made,) = database.one("SELECT sql FROM sqlite_master WHERE name = ?", table)
        database.run(f"DROP TABLE {table}")
    with pytest.raises(BadDatabase, match=f"no such table: {table}: something else has changed"):
        serve(TRAFFIC, file, hurry=True)
    with sqlite3.connect(file) as repaired:
        repaired.execute(made)
    assert_all_is_well(serve(TRAFFIC, file, hurry=True))


def test_two_workers_are_killed_at_any_moment_and_lose_nothing(tmp_path: Path) -> None:
    described = tmp_path / "traffic.json"
    payments = [
        {"user_id": name, "amount": 8, "at": 40 * place}
        for place, name in enumerate(("ana", "ben", "eva") * 8)
    ]
    traffic = TRAFFIC.but(payments=payments)
    traffic.save(described)
    draw = random.Random("when they are killed")

    def start(file: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", WORK, described, file], stdout=subprocess.PIPE
        )

    killed = files = 0
    while killed < 4:  # how many files that takes depends on the machine, and nothing else does
        files += 1
        file = tmp_path / f"{files}.db"
        for _ in range(4):
            workers = [start(file), start(file)]
            for worker in workers:
                assert worker.stdout is not None
                worker.stdout.readline()
            for worker in workers:
                killed += kill(worker, draw.uniform(0, 0.1))
            if file.exists():
                let_time_pass(file, 60_000)
        last = [start(file), start(file)]
        for worker in last:
            worker.communicate()
        assert [worker.returncode for worker in last] == [0, 0]
        assert_all_is_well(serve(traffic, file, hurry=True), payments=24)


def test_when_the_first_of_two_workers_is_killed_the_other_ends_too(tmp_path: Path) -> None:
    """It has no terminal to be stopped from, and whoever starts again thinks that nobody works."""
    file = tmp_path / "file.db"
    command = ["serve", "provider_error", "--db", str(file), "--workers", "2"]  # a minute's wait
    with subprocess.Popen(
        [sys.executable, "-m", "sagakit", *command], stdout=subprocess.PIPE
    ) as first:
        while not file.exists() or "PaymentInit" not in shown(file):
            assert first.poll() is None
        first.kill()
        first.communicate(timeout=600)  # to the end of an output that both have


def shown(file: Path) -> str:
    try:
        with Database(file) as database:
            return "\n".join(database.trace(()).jsonl())
    except BadDatabase:  # not begun yet
        return ""


def kill(worker: subprocess.Popen[bytes], after: float) -> bool:
    """Kill it after a time (s), if it has not ended by then. Returns whether it was."""
    try:
        assert worker.wait(timeout=after) == 0
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
        return True
    return False


def let_time_pass(file: Path, ms: int) -> None:
    """While nobody is at work: what killed workers had received becomes visible again."""
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = value - ? WHERE name = 'epoch'", (ms,))


def test_a_new_file_may_be_opened_by_two_at_once(tmp_path: Path) -> None:
    """SQLite lets one of two wait for nothing when a file changes to WAL mode."""
    together = threading.Barrier(2, timeout=600)

    def open_all() -> None:
        for number in range(150):
            together.wait()
            Database(tmp_path / f"{number}.db", create=True).close()

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(open_all) for _ in range(2)]:
            each.result()
