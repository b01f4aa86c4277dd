"""A file that is damaged or may not be written, and a clock that was set back: in one sentence."""

import os
import shutil
import sqlite3
from asyncio import run as until_done
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sagakit import scenarios
from sagakit.cli import main
from sagakit.worlds.sqlite import database as files
from sagakit.worlds.sqlite import stores
from sagakit.worlds.sqlite.database import BadDatabase, Database
from sagakit.worlds.sqlite.serve import begin, serve, world_of

Captured = pytest.CaptureFixture[str]
GIVEN = scenarios.provider_error
PAGE = 4096
READING = {
    "inspect": ["inspect"],
    "log": ["inspect", "--format", "jsonl"],
    "redrive": ["redrive", "Wallet SQS"],
    "serve": ["serve", GIVEN.name, "--hurry"],
}
NOBODY = 65_534


def served(file: Path) -> bytes:
    serve(GIVEN, file, hurry=True)
    return file.read_bytes()


def half_way(file: Path, actions: int) -> None:
    """A file on which so much was done when its process ended."""
    with Database(file, create=True) as database:
        world = world_of(database, GIVEN, hurry=True)
        with database.transaction():
            begin(database, world, GIVEN)
        until_done(world.run(0, actions))


def told(capsys: Captured, *arguments: str) -> str:
    assert main(arguments) == 2, arguments
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_each_page_is_missed(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "file.db"
    whole = served(file)
    for start in range(0, len(whole), PAGE):
        file.write_bytes(whole[:start] + bytes(PAGE) + whole[start + PAGE :])
        error = told(capsys, "serve", GIVEN.name, "--db", str(file), "--hurry")
        assert "damaged" in error, f"page {start // PAGE + 1}"


def test_what_sqlite_counts_by_is_missed_too(tmp_path: Path) -> None:
    served(tmp_path / "file.db")
    with closing(sqlite3.connect(tmp_path / "file.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM sqlite_sequence")
    with pytest.raises(BadDatabase, match="the file is damaged"):
        serve(GIVEN, tmp_path / "file.db")


@pytest.mark.parametrize("command", READING.values(), ids=READING)
def test_every_command_says_that_a_file_is_damaged(
    command: list[str], tmp_path: Path, capsys: Captured
) -> None:
    file = tmp_path / "file.db"
    whole = served(file)
    file.write_bytes(whole[: len(whole) // 2])
    error = told(capsys, *command, "--db", str(file))
    assert error == (
        f"sagakit: {file}: the file is damaged: take a copy that is whole, or another file\n"
    )


@pytest.mark.parametrize(
    ("change", "commands"),
    [
        ("UPDATE trace SET record = substr(record, 2) WHERE id = 9", ["serve", "log"]),
        ("UPDATE trace SET record = '[1,2]' WHERE id = 9", ["serve", "log"]),
        ("UPDATE trace SET record = cast(x'ff' AS TEXT) WHERE id = 9", ["serve", "log"]),
        ("UPDATE trace SET record = replace(record, '\"EventBridge\"', '5')", ["serve", "log"]),
        ("UPDATE items SET item = '{\"is\":1}' WHERE store = 'Payments DB'", ["inspect"]),
        ("UPDATE items SET item = '[5]' WHERE store = 'Payments DB'", ["inspect"]),
        ("UPDATE items SET item = '" + "[" * 9_999 + "'", ["inspect"]),
        ("UPDATE meta SET value = '[5]' WHERE name = 'scenario'", ["serve", "inspect", "redrive"]),
        ("UPDATE meta SET value = '{' WHERE name = 'scenario'", ["serve", "inspect", "redrive"]),
        ("UPDATE meta SET value = 'noon' WHERE name = 'epoch'", ["serve", "inspect", "redrive"]),
        ("DELETE FROM meta WHERE name = 'epoch'", ["inspect"]),
        ("UPDATE trace SET record = x'5b5d' WHERE id = 9", [*READING]),
        ("UPDATE requests SET done = 0, service = 'Nobody'", ["serve"]),
        ("UPDATE requests SET done = 0, command = 'x'", ["serve"]),
        ("INSERT INTO outbox (store, entry) VALUES ('Payments DB', '{}')", ["serve", "inspect"]),
        ("INSERT INTO messages (queue, body, remark, due) VALUES ('X', '', '', 0)", ["serve"]),
    ],
)
def test_a_row_that_nobody_has_put_there_is_damage(
    change: str, commands: list[str], tmp_path: Path, capsys: Captured
) -> None:
    file = tmp_path / "file.db"
    served(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(change)
    for command in commands:
        assert "the file is damaged" in told(capsys, *READING[command], "--db", str(file))


def test_what_was_not_yet_in_the_file_itself_may_be_cut_off(tmp_path: Path) -> None:
    """It is as after a power cut: what was done last is done again."""
    half_way(tmp_path / "half.db", 3)
    with Database(tmp_path / "half.db") as database:
        until_done(world_of(database, GIVEN, hurry=True).run(0, 6))
        whole = (tmp_path / "half.db").read_bytes()
        wal = (tmp_path / "half.db-wal").read_bytes()
    for part in range(0, len(wal), len(wal) // 7):
        file = tmp_path / f"{part}.db"
        file.write_bytes(whole)
        file.with_name(f"{part}.db-wal").write_bytes(wal[:part])
        assert [one.law for one in serve(GIVEN, file, hurry=True).verdicts() if not one.held] == []


# The time.


def test_a_clock_that_was_set_back_does_not_keep_a_file_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_way(tmp_path / "file.db", 6)
    machine = files._machine_time
    monkeypatch.setattr(files, "_machine_time", lambda: machine() - 3_600_000)
    with pytest.warns(
        UserWarning, match=r"file\.db: the machine's clock is 3,600 s behind"
    ) as said:
        finished = serve(scenarios.provider_error, tmp_path / "file.db", hurry=True)
    assert len(said) == 1
    assert [verdict.law for verdict in finished.verdicts() if not verdict.held] == []
    times = [record.t for record in finished.records.entries]
    assert times == sorted(times)
    assert times[-1] < 120_000


def test_a_clock_that_is_set_back_meanwhile_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = 3_600_000
    monkeypatch.setattr(files, "_machine_time", lambda: ahead)
    with Database(tmp_path / "file.db", create=True) as database:
        watch = files.Clock(database)
        ahead += 500
        assert watch.now() == 500
        ahead -= 700  # as machines do that ask others for the time
        assert watch.now() == 500
        ahead = 7
        with pytest.warns(UserWarning, match="it goes on by its own time"):
            assert watch.now() == 500
        ahead += 5
        assert watch.now() == 505
        assert files.Clock(database).now() == 505


# What waits.


def test_inspect_tells_of_an_event_in_an_outbox(tmp_path: Path, capsys: Captured) -> None:
    half_way(tmp_path / "file.db", 1)
    assert main(["inspect", "--db", str(tmp_path / "file.db")]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "PENDING" in line)
    assert "its PaymentInit waits in the outbox of Payments DB" in line


def test_inspect_tells_of_a_request_that_waits_for_its_answer(
    tmp_path: Path, capsys: Captured
) -> None:
    served(tmp_path / "file.db")
    with Database(tmp_path / "file.db") as database:
        database.run("UPDATE requests SET done = 0, due = due + 500000")
        _, payment = next(database.items("Payments DB"))
        stores.put(database, "Payments DB", payment._replace(status="PENDING"))
    assert main(["inspect", "--db", str(tmp_path / "file.db")]) == 0
    assert "its request to API Gateway comes in" in capsys.readouterr().out


# Rights.


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Without the right to write to what is in a folder; root has all rights."""
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    try:
        if root:
            for above in folder.parents:
                if above.stat().st_uid == 0 and above.stat().st_mode & 0o001 == 0:
                    above.chmod(above.stat().st_mode | 0o011)
            os.seteuid(NOBODY)
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.mark.parametrize("beside", [(), ("-wal",), ("-wal", "-shm")], ids=str)
def test_a_file_that_may_only_be_read_is_inspected(
    beside: tuple[str, ...], tmp_path: Path, capsys: Captured
) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    file, copy = tmp_path / "file.db", folder / "file.db"
    half_way(file, 6)
    if not beside:
        shutil.copy(file, copy)
    with Database(file) as database:
        until_done(world_of(database, GIVEN, hurry=True).run(0, 0))
        for end in ("", *beside) if beside else ():
            shutil.copy(f"{file}{end}", f"{copy}{end}")
        before = sorted((one.name, one.stat().st_size) for one in folder.iterdir())
        many = len(list(database.records())) - (not beside)  # the last stands in the -wal
    with as_nobody(folder):
        assert main(["inspect", "--db", str(copy), "--format", "jsonl"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == many
        assert main(["inspect", "--db", str(copy)]) == 0
        assert "PENDING" in capsys.readouterr().out
        if beside != ("-wal",):
            error = told(capsys, "serve", GIVEN.name, "--db", str(copy), "--hurry")
            assert "you may not write to it, or to its folder" in error
    assert sorted((one.name, one.stat().st_size) for one in folder.iterdir()) == before


def test_a_file_beside_which_sqlite_cannot_write_is_inspected(
    tmp_path: Path, capsys: Captured
) -> None:
    served(tmp_path / "file.db")
    (tmp_path / "file.db-wal").mkdir()
    assert main(["inspect", "--db", str(tmp_path / "file.db")]) == 0
    assert "every saga has ended" in capsys.readouterr().out
    assert "cannot be opened" in told(
        capsys, "redrive", "Wallet SQS", "--db", str(tmp_path / "file.db")
    )


def test_a_file_s_name_may_have_any_letters(tmp_path: Path) -> None:
    served(tmp_path / "50%20 of? #1.db")
    assert (tmp_path / "50%20 of? #1.db").exists()
