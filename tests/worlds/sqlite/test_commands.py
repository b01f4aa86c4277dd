"""`serve`, `inspect` and `redrive`, as an operator types them."""

from pathlib import Path

import pytest

from sagakit import Scenario, scenarios
from sagakit.cli import main
from sagakit.worlds.sqlite.database import Database
from sagakit.worlds.sqlite.serve import serve_on, world_of

Captured = pytest.CaptureFixture[str]
POISON = Scenario(
    name="poison",
    title="A text that is no event lies in the wallet's queue",
    wallets=[{"user_id": "ana", "balance": 100}],
    payments=[{"user_id": "ana", "amount": 40}],
    texts=[{"at": 0, "queue": "Wallet SQS", "text": "hello"}],
)


def shown(capsys: Captured, *arguments: str, status: int = 0) -> str:
    assert main(arguments) == status
    return capsys.readouterr().out


def test_serve_tells_the_outcome_as_run_does(capsys: Captured, tmp_path: Path) -> None:
    file = str(tmp_path / "file.db")
    text = shown(capsys, "serve", "provider_error", "--db", file, "--hurry")
    assert "FAILED" in text
    assert "Laws: 15 of 15 held" in text
    assert "Dead letters: none" in text


def test_two_workers_share_a_file(capsys: Captured, tmp_path: Path) -> None:
    file = str(tmp_path / "file.db")
    text = shown(capsys, "serve", "concurrent_payments", "--db", file, "--workers", "2")
    assert "Laws: 15 of 15 held" in text


def test_inspect_names_dead_letters_and_redrive_sends_them_back(
    capsys: Captured, tmp_path: Path
) -> None:
    described, file = tmp_path / "poison.json", str(tmp_path / "file.db")
    POISON.save(described)
    shown(capsys, "serve", "--scenario", str(described), "--db", file, "--hurry")
    text = shown(capsys, "inspect", "--db", file)
    assert "Wallet SQS                0      0     1" in text
    assert "NotUnderstood: not JSON" in text
    assert "every saga has ended" in text
    assert shown(capsys, "redrive", "Wallet", "SQS", "--db", file).startswith(
        "Wallet SQS: 1 sent back"  # with quotes round the name, or without
    )
    assert "no dead letters to send back" in shown(capsys, "redrive", "Wallet SQS", "--db", file)
    assert "no dead letters" in shown(capsys, "inspect", "--db", file)


def test_inspect_tells_of_a_dead_letter_whose_workers_were_all_killed(
    capsys: Captured, tmp_path: Path
) -> None:
    """Nobody was left to say why it failed."""
    file = tmp_path / "file.db"
    with Database(file, create=True) as database:
        world = world_of(database, scenarios.happy_path)
        serve_on(database, scenarios.happy_path, hurry=True)
        with database.transaction():
            world.put(0, "Wallet SQS", "hello", "User")
            database.run("UPDATE messages SET receives = 5")  # each time by one that was killed
    shown(capsys, "serve", "happy_path", "--db", str(file), "--hurry")
    assert "received too often, never acknowledged" in shown(capsys, "inspect", "--db", str(file))


def test_inspect_tells_where_a_saga_stands(capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "file.db"
    shown(capsys, "serve", "happy_path", "--db", str(file), "--hurry")
    with Database(file) as database:  # as it was before the provider had answered
        database.run("DELETE FROM messages")
        (key, payment) = next(iter(database.items("Payments DB")))
        from sagakit.worlds.sqlite import stores

        stores.put(database, "Payments DB", payment._replace(status="PENDING"))
    text = shown(capsys, "inspect", "--db", str(file))
    assert f"{key}  PENDING  nothing of it is under way" in text


def test_inspect_tells_what_is_still_to_come(capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "file.db"
    shown(capsys, "serve", "circuit_breaker", "--db", str(file), "--hurry")
    assert "to come" not in shown(capsys, "inspect", "--db", str(file))
    with Database(file) as database:  # as it was before the last two
        database.run("UPDATE requests SET done = 0 WHERE id IN (8, 9)")
    text = shown(capsys, "inspect", "--db", str(file))
    assert "requests to come, or to be answered: 2; `serve` goes on with them" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "happy_path"], "needs --db"),
        (["serve", "happy_path", "--db", "x", "--workers", "2", "--hurry"], "one worker only"),
        (["inspect", "--db", "none.db"], "none.db: there is no such file"),
        (["inspect", "--db", "none.db", "--format", "jsonl"], "none.db: there is no such file"),
        (["inspect", "--db", "none.db", "--format", "json"], "there is no format 'json'"),
        (["redrive", "--db", "none.db"], "needs QUEUE"),
    ],
)
def test_a_mistake_is_status_2_and_told(
    arguments: list[str], words: str, capsys: Captured, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_redrive_of_no_queue_names_those_there_are(capsys: Captured, tmp_path: Path) -> None:
    file = str(tmp_path / "file.db")
    shown(capsys, "serve", "happy_path", "--db", file, "--hurry")
    assert main(["redrive", "Walet SQS", "--db", file]) == 2
    assert "did you mean Wallet SQS?" in capsys.readouterr().err


def test_a_fault_that_this_world_does_not_make_is_named(capsys: Captured, tmp_path: Path) -> None:
    lossy = scenarios.happy_path.but(faults=[{"fault": "drop", "queue": "Wallet SQS"}])
    lossy.save(tmp_path / "lossy.json")
    arguments = ["serve", "--scenario", str(tmp_path / "lossy.json"), "--db", "x.db"]
    assert main(arguments) == 2
    assert "makes no drop happen" in capsys.readouterr().err


def test_the_log_of_a_file_is_held_against_the_laws(capsys: Captured, tmp_path: Path) -> None:
    file, log = str(tmp_path / "file.db"), tmp_path / "log.jsonl"
    served = ["serve", "concurrent_payments", "--db", file, "--hurry", "--format", "jsonl"]
    log.write_text(shown(capsys, *served))
    assert shown(capsys, "check", str(log)).count(" held ") == 15
    lines = [line for line in log.read_text().splitlines() if '"ReembolsarUsuario"' not in line]
    log.write_text("\n".join(line for line in lines if '"PaymentFailed"' not in line))
    assert "BROKEN" in shown(capsys, "check", str(log), status=1)


def test_inspect_gives_the_log_of_a_file_and_does_nothing_to_it(
    capsys: Captured, tmp_path: Path
) -> None:
    file = str(tmp_path / "file.db")
    served = shown(capsys, "serve", "happy_path", "--db", file, "--hurry", "--format", "jsonl")
    assert shown(capsys, "inspect", "--db", file, "--format", "jsonl") == served


def test_a_log_that_another_system_has_written_is_read(capsys: Captured, tmp_path: Path) -> None:
    """With the mark that some editors set, and lines that end as on Windows."""
    log = tmp_path / "log.jsonl"
    lines = shown(capsys, "run", "happy_path", "--format", "jsonl").splitlines()
    log.write_bytes(("\ufeff" + "\r\n".join(lines)).encode())
    assert shown(capsys, "check", str(log)).count(" held ") == 15


def test_of_lines_in_another_order_a_broken_law_may_say_nothing(
    capsys: Captured, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    lines = shown(capsys, "run", "provider_error", "--format", "jsonl").splitlines()
    log.write_text("\n".join(reversed(lines)))
    assert main(["check", str(log)]) == 1
    assert "are the lines as they were written?" in capsys.readouterr().err


def test_the_file_of_serve_is_no_log_itself(capsys: Captured, tmp_path: Path) -> None:
    file = str(tmp_path / "file.db")
    shown(capsys, "serve", "happy_path", "--db", file, "--hurry")
    assert main(["check", file]) == 2
    assert "`inspect --db FILE --format jsonl` writes the log" in capsys.readouterr().err


def test_a_log_that_cannot_be_read_is_named_with_its_line(capsys: Captured, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("\n{}\n")
    assert main(["check", str(log)]) == 2
    assert f"{log}: line 2: this is no record of sagakit" in capsys.readouterr().err
    assert main(["check"]) == 2
    assert "check needs LOG.jsonl" in capsys.readouterr().err
