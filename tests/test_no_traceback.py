"""Whatever a file or the command line says: a sentence and an exit status, and never a traceback.

What there is to do is bounded by a run's limit of actions, which is lower here.
"""

import json
import os
import sqlite3
from asyncio import run as until_done
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagakit import Scenario, run, scenarios
from sagakit.cli import main
from sagakit.laws import verdicts
from sagakit.laws.configuration import check_deployment
from sagakit.payments.topology import payment_system
from sagakit.scenarios import BadScenario
from sagakit.worlds.sqlite.database import Database
from sagakit.worlds.sqlite.serve import begin, serve_on, world_of

LATE = run("provider_error")
MORE = int(os.environ.get("SAGAKIT_EXAMPLES", "1"))  # times as many examples, by hand


def examples(many: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=many * MORE,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


@pytest.fixture(autouse=True)
def _soon_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagakit.scenarios.build.MOST_ACTIONS", 2_000)
    monkeypatch.setattr("sagakit.scenarios.build.MOST_ACTIONS_EACH", 100)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ends_in_words(*arguments: str) -> int:
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status in range(4), arguments
    return status


# Scenario files.

WHOLE: dict[str, Any] = json.loads(
    scenarios.happy_path.but(
        name="whole",
        wallets=[{"user_id": "ana", "balance": 100.5}, {"user_id": "ben", "balance": 0}],
        payments=[
            {"user_id": "ana", "amount": 70, "at": 5, "idempotency_key": "A", "repeats": [10]},
            {"user_id": "ben", "amount": 0.1},
        ],
        provider=[{"behaviour": "slow", "calls": [1], "payment_id": "ana:A", "end": 9, "delay": 3}],
        faults=[{"fault": "loss", "store": "Wallet DB", "at": 900}],
        texts=[{"at": 3, "queue": "Wallet SQS", "text": "not JSON"}],
        redrives=[{"at": 200_000, "queue": "Wallet SQS"}],
        recovery={"snapshot_at": 800, "start_at": 1_000},
    ).to_json()
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["", "ana", "ana:A", "Wallet SQS", "down", "timeout_after", 0, -1, 10**9])
    | st.sampled_from([365 * 86_400_000, 10**400, "1e999", "\ud800", "$x$", "\x1b[2J"]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)


def _places(whole: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(whole) if isinstance(whole, dict) else range(len(whole)):
        yield whole, key
        if isinstance(whole[key], dict | list):
            yield from _places(whole[key])


@st.composite
def changed(draw: st.DrawFn, values: Any) -> Any:
    """The same with some parts replaced, removed or doubled."""
    values = deepcopy(values)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(values))
        if not places:
            break
        within, key = draw(st.sampled_from(places))
        what = draw(st.sampled_from(["replaced", "removed", "doubled"]))
        if what == "replaced":
            within[key] = draw(VALUES)
        elif what == "removed":
            del within[key]
        elif isinstance(within, list):
            within += [deepcopy(within[key])] * draw(st.integers(1, 20))
    return values


@st.composite
def bytes_changed(draw: st.DrawFn, data: bytes, page: int) -> bytes:
    """The same with some bytes flipped, pages overwritten, or the end cut off."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        if not changed:
            break
        at = draw(st.integers(0, len(changed) - 1))
        what = draw(st.sampled_from(["flip", "write", "page", "copy", "cut", "insert"]))
        start = at - at % page
        if what == "flip":
            changed[at] ^= 1 << draw(st.integers(0, 7))
        elif what == "write":
            some = draw(st.binary(min_size=1, max_size=20))
            changed[at : at + len(some)] = some
        elif what == "page":
            size = len(changed[start : start + page])
            changed[start : start + page] = bytes([draw(st.integers(0, 255))]) * size
        elif what == "copy":
            other = draw(st.integers(0, len(changed) - 1))
            other -= other % page
            part = changed[other : other + page]
            changed[start : start + len(part)] = part
        elif what == "cut":
            del changed[at:]
        else:
            changed[at:at] = draw(st.binary(min_size=1, max_size=9))
    return bytes(changed)


SCENARIO_FILES = (
    changed(WHOLE).map(lambda values: json.dumps(values).encode())
    | changed({**WHOLE, "faults": [], "recovery": None}).map(
        lambda values: json.dumps(values).encode()
    )
    | bytes_changed(json.dumps(WHOLE).encode(), 16)
)


@examples(60)
@given(SCENARIO_FILES)
def test_a_scenario_file(folder: Path, text: bytes) -> None:
    file = folder / "my.json"
    file.write_bytes(text)
    ran = ends_in_words("run", "--scenario", str(file))
    with suppress(BadScenario):
        if len(Scenario.load(file).payments) > 4:
            return
    ends_in_words("explore", "--scenario", str(file), "--limit", "50", "--crashes", "1")
    ends_in_words("template", "--scenario", str(file))
    with TemporaryDirectory() as fresh:
        served = ends_in_words(
            "serve", "--scenario", str(file), "--db", f"{fresh}/file.db", "--hurry"
        )
    assert (ran == 2) <= (served == 2)


# Logs.


def log_of(name: str) -> list[str]:
    return list(run(name).records.jsonl())


LINES = [json.loads(line) for line in log_of("provider_error")]


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    lines = deepcopy(LINES)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(["change", "remove", "move", "double"]))
        if what == "change":
            lines[at] = draw(changed(lines[at]))
        elif what == "double":
            lines.insert(at, lines[at])
        else:
            line = lines.pop(at)
            if what == "move":
                lines.insert(draw(st.integers(0, len(lines))), line)
    return "\n".join(map(json.dumps, lines)).encode()


@examples(60)
@given(logs() | bytes_changed("\n".join(map(json.dumps, LINES)).encode(), 300), st.booleans())
def test_a_log(folder: Path, text: bytes, running: bool) -> None:
    file = folder / "log.jsonl"
    file.write_bytes(text)
    ends_in_words("check", str(file), *["--running"] * running)


# Database files.

TRAFFIC = scenarios.provider_error.but(texts=[{"at": 3, "queue": "Wallet SQS", "text": "hello"}])


def file_after(actions: int) -> bytes:
    """A file on which so much has been done."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file.db"
        with Database(file, create=True) as database:
            world = world_of(database, TRAFFIC, hurry=True)
            if actions:
                with database.transaction():
                    begin(database, world, TRAFFIC)
                until_done(world.run(0, actions))
            else:
                serve_on(database, TRAFFIC, hurry=True)
        with sqlite3.connect(file) as whole:
            whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()


HALF_WAY, FINISHED = file_after(6), file_after(0)


@contextmanager
def opened(data: bytes) -> Iterator[sqlite3.Connection]:
    """A file as SQLite sees it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(data[:18] + b"\1\1" + data[20:])  # not in WAL
        yield connection


def cells_of(data: bytes) -> list[tuple[str, str, Any]]:
    """Table, column and value of all that stands in a file."""
    found = []
    with opened(data) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
            rows = connection.execute(f"SELECT * FROM {table}")
            columns = [column for column, *_ in rows.description]
            found += [(table, *cell) for row in rows for cell in zip(columns, row, strict=True)]
    return found


@st.composite
def rows_changed(draw: st.DrawFn, data: bytes, cells: list[tuple[str, str, Any]]) -> bytes:
    """The same with other values in some rows: SQLite finds nothing wrong with them."""
    with opened(data) as connection:
        for _ in range(draw(st.integers(1, 3))):
            table, column, value = draw(st.sampled_from(cells))
            _, _, other = draw(st.sampled_from(cells))
            garbled = draw(bytes_changed(str(value).encode(), 16))
            new = draw(st.sampled_from([other, garbled, None, 0, -1, 2**63 - 1, 1e99, ""]))
            became = "cast(? AS TEXT)" if new is garbled and draw(st.booleans()) else "?"
            with suppress(sqlite3.Error):
                connection.execute(
                    f"UPDATE {table} SET {column} = {became} WHERE {column} = ?", (new, value)
                )
        return connection.serialize()


BASES = [(data, cells_of(data)) for data in (HALF_WAY, FINISHED)]


@pytest.mark.filterwarnings("ignore:.*the machine's clock is")
@examples(60)
@given(
    st.sampled_from(BASES).flatmap(lambda base: bytes_changed(base[0], 4096) | rows_changed(*base))
)
def test_a_database_file(folder: Path, data: bytes) -> None:
    TRAFFIC.save(folder / "traffic.json")
    with TemporaryDirectory() as fresh:
        file = Path(fresh) / "file.db"
        for command in (
            ["inspect"],
            ["inspect", "--format", "jsonl"],
            ["redrive", "Wallet SQS"],
            ["serve", "--scenario", "traffic.json", "--hurry"],
        ):
            for left in Path(fresh).iterdir():
                left.unlink()
            file.write_bytes(data)
            ends_in_words(*command, "--db", str(file))


# The command line.

WORDS = [
    "list", "run", "explore", "check", "show", "inspect", "redrive", "template", "serve", "help",
    "--help", "-h", "--version", "happy_path", "hapy_path", "insufficient_funds", "--seed", "7",
    "--seed=9", "-1", "\uff11", "1_000", "--format", "json", "jsonl", "mermaid", "--scenario",
    "my.json", "none.json", ".", "--crashes", "--duplicates=1", "--limit", "9", "--provider",
    "decline=1", "timeout_after", "=", "--running", "--out", "--db", "--db=x.db", "--workers", "0",
    "--hurry", "--prefix", "a b", "", "-", "--", "--=", "\x1b[2J", "$x$",
]  # fmt: skip


@examples(150)
@given(
    st.lists(
        st.sampled_from(WORDS)
        | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
        max_size=6,
    )
)
def test_arguments(folder: Path, words: list[str]) -> None:
    if "serve" in words:
        words.append("--hurry")
    ends_in_words(*words)


# Calls from Python.


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: payment_system(cast(Any, 5)), r"settings: give Settings\(...\), not 5"),
        (lambda: payment_system(services=cast(Any, 5)), "services: give a dict"),
        (lambda: verdicts(cast(Any, 5)), "verdicts judges a trace, as run.records is, and not 5"),
        (lambda: verdicts(LATE.records, laws=["versoins"]), "no law 'versoins': did you mean"),
        (lambda: check_deployment(cast(Any, 5)), "give a Deployment"),
        (lambda: LATE.sequence(limit=cast(Any, "x")), "limit: a whole number from 1 on, not 'x'"),
        (lambda: LATE.sequence(gap=cast(Any, "x")), "gap: a whole number from 0 on, not 'x'"),
        (lambda: LATE.timeline(most=cast(Any, "x")), "most: a whole number from 1 on, not 'x'"),
        (lambda: LATE.balances(most=cast(Any, "x")), "most: a whole number from 1 on, not 'x'"),
    ],
    ids=range(9),
)
def test_a_wrong_argument_is_refused_with_its_name(call: Callable[[], object], says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        call()
