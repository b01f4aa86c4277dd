"""The command line: what it shows, what it says of mistakes, and its exit status."""

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from sagakit import run
from sagakit.cli import COMMANDS, main
from sagakit.payments.topology import payment_system
from sagakit.scenarios import ALL, NAMES, BadScenario, Scenario, happy_path

Captured = pytest.CaptureFixture[str]

EVERY_NAME = pytest.mark.parametrize("name", NAMES)


def shown(capsys: Captured, *arguments: str, status: int = 0) -> str:
    """What a command prints; nothing may be said on stderr."""
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_page_of_help_with_each_of_its_arguments(
    name: str, capsys: Captured
) -> None:
    page = shown(capsys, name, "--help")
    assert page.startswith(f"usage: sagakit {name} ")
    assert COMMANDS[name].about in page
    for argument, declared in COMMANDS[name].arguments:
        assert declared.get("metavar", argument) in page
        assert argument.removeprefix("name") in page
    assert "exit status: 0 all laws held, 1 one broke, 2 the input was wrong" in page
    assert page == shown(capsys, "help", name) == shown(capsys, name, "x", "--sed", "-h")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_has_a_line_for_every_command_that_fits_a_terminal(
    arguments: list[str], capsys: Captured
) -> None:
    lines = shown(capsys, *arguments).splitlines()
    for name, command in COMMANDS.items():
        assert f"  {name:10}{command.about}" in lines
    assert max(map(len, lines)) <= 80
    assert "exit status: 0 all laws held, 1 one broke, 2 the input was wrong," in lines


def test_the_version_is_that_of_the_package(capsys: Captured) -> None:
    assert shown(capsys, "--version") == f"sagakit {version('sagakit')}\n"


def told(capsys: Captured, *arguments: str, status: int = 2) -> str:
    """What a command says on stderr; nothing may be printed."""
    assert main(arguments) == status
    out, err = capsys.readouterr()
    assert out == ""
    return err


def process(*arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sagakit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def lossy(tmp_path: Path) -> Path:
    """A scenario that breaks a law: the payment's last event is lost on its way."""
    scenario = happy_path.but(
        name="lossy",
        faults=({"fault": "drop", "queue": "Payment SQS", "event": "ProviderPaymentSuccess"},),
    )
    scenario.save(tmp_path / "lossy.json")
    return tmp_path / "lossy.json"


def test_list_shows_every_scenario_with_its_title(capsys: Captured) -> None:
    lines = shown(capsys, "list").splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [
        [scenario.name, scenario.title] for scenario in ALL
    ]


@EVERY_NAME
def test_run_shows_how_every_payment_ended(name: str, capsys: Captured) -> None:
    text = shown(capsys, "run", name)
    done = run(name)
    title, *outcome = done.summary(done.verdicts()).lines()
    assert text.startswith(f"{title}\n")
    assert text.endswith("\n".join(["", *outcome, ""]))
    assert "Laws: 15 of 15 held" in outcome


@EVERY_NAME
def test_run_draws_a_saga_that_fits_a_terminal(name: str, capsys: Captured) -> None:
    text = shown(capsys, "run", name)
    drawing = run(name).text()
    assert f"\n\n{drawing}\n\n" in text
    assert len(drawing.splitlines()) <= 27
    assert max(map(len, drawing.splitlines())) <= 80


def test_dead_letters_are_shown_with_their_reason(capsys: Captured, tmp_path: Path) -> None:
    texts = ({"at": 0, "queue": "Wallet SQS", "text": "hello"},)
    happy_path.but(texts=texts).save(tmp_path / "dead.json")
    text = shown(capsys, "run", "--scenario", str(tmp_path / "dead.json"))
    assert "Dead letters: 1 a text of Wallet SQS: NotUnderstood: not JSON" in text


@EVERY_NAME
def test_json_has_the_whole_run(name: str, capsys: Captured) -> None:
    data = json.loads(shown(capsys, "run", name, "--format", "json"), parse_float=Decimal)
    done = run(name)
    stores = done.records.stores()
    assert list(data) == ["scenario", "seed", "payments", "wallets", "invariants", "trace"]
    assert (data["scenario"], data["seed"]) == (name, 0)
    assert [tuple(each.values()) for each in data["payments"]] == [
        (each.payment_id, each.user_id, each.amount, each.status, each.reason)
        for each in stores["Payments DB"].values()
    ]
    assert [tuple(each.values()) for each in data["wallets"]] == [
        (each.user_id, each.balance, each.version) for each in stores["Wallet DB"].values()
    ]
    assert [tuple(each.values()) for each in data["invariants"]] == [
        (each.law, each.held, each.detail) for each in done.verdicts()
    ]
    assert [tuple(each.values()) for each in data["trace"]] == [
        (each.t, each.kind, each.source, each.target, each.text, each.event, each.correlation_id)
        for each in done.records.arrows()
    ]


def test_json_names_its_fields_as_documented(capsys: Captured) -> None:
    text = shown(capsys, "run", "happy_path", "--format", "json")
    data = json.loads(text)
    assert list(data["payments"][0]) == ["payment_id", "user_id", "amount", "status", "reason"]
    assert list(data["wallets"][0]) == ["user_id", "balance", "version"]
    assert list(data["invariants"][0]) == ["name", "held", "detail"]
    keys = ["t", "kind", "source", "target", "label", "event", "correlation_id"]
    assert all(list(arrow) == keys for arrow in data["trace"])
    lanes = {participant.name for participant in payment_system().participants()}
    assert {arrow[end] for arrow in data["trace"] for end in ("source", "target")} <= lanes
    assert {arrow["kind"] for arrow in data["trace"]} <= {
        "call",
        "async",
        "return",
        "note",
        "fault",
    }
    assert '"balance": 30.00' in text


@EVERY_NAME
def test_jsonl_is_the_log_with_a_correlation_id_in_every_line(name: str, capsys: Captured) -> None:
    lines = shown(capsys, "run", name, "--format", "jsonl").splitlines()
    assert lines == list(run(name).records.jsonl())
    assert all("correlation_id" in json.loads(line) for line in lines)


def test_mermaid_is_that_of_the_run(capsys: Captured) -> None:
    text = shown(capsys, "run", "happy_path", "--format", "mermaid")
    assert text == run("happy_path").mermaid().rstrip("\n") + "\n"
    assert text.startswith("sequenceDiagram")


@pytest.mark.parametrize("seed", ["7", "-7", "0", "123456789012345678901234567890"])
def test_the_seed_can_be_another(seed: str, capsys: Captured) -> None:
    lines = shown(capsys, "run", "happy_path", "--seed", seed, "--format=jsonl").splitlines()
    assert lines == list(run(happy_path, seed=int(seed)).records.jsonl())
    text = shown(capsys, "run", "happy_path", f"--seed={seed}", "--format", "json")
    assert json.loads(text)["seed"] == int(seed)


@EVERY_NAME
def test_a_scenario_that_was_shown_runs_as_a_file(
    name: str, capsys: Captured, tmp_path: Path
) -> None:
    (tmp_path / "my.json").write_text(shown(capsys, "show", name))
    arguments = ("--scenario", str(tmp_path / "my.json"), "--format", "json")
    assert shown(capsys, "run", *arguments) == shown(capsys, "run", name, "--format", "json")


def test_a_name_beside_a_file_is_said_not_to_be_run(capsys: Captured, lossy: Path) -> None:
    assert main(["run", "happy_path", "--scenario", str(lossy)]) == 1
    assert "holds lossy: this is run, not happy_path" in capsys.readouterr().err


def test_a_broken_law_is_status_1_and_told(capsys: Captured, lossy: Path) -> None:
    text = shown(capsys, "run", "--scenario", str(lossy), status=1)
    assert re.search(r"^✗ every saga ends: \S", text, re.MULTILINE)
    for shape in ("json", "jsonl", "mermaid"):
        assert main(["run", "--scenario", str(lossy), "--format", shape]) == 1
        assert "sagakit: lossy broke a law: every saga ends: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name a command\n\nusage: sagakit COMMAND"),
        (("rnu", "happy_path"), "there is no command 'rnu': did you mean run?"),
        (("run",), "name a scenario: one of happy_path, provider_error"),
        (("run", "hapy_path"), "there is no scenario 'hapy_path': did you mean happy_path?"),
        (("run", "x"), "there is no scenario 'x': use one of circuit_breaker, concurrent_paym"),
        (("run", "happy_path", "provider_error"), "does not know what to do with 'provider_error'"),
        (("run", "happy_path", "--sed", "1"), "run has no option '--sed': did you mean --seed?"),
        (("run", "--see=1", "happy_path"), "run has no option '--see': did you mean --seed?"),
        (("run", "happy_path", "-v"), "run has no option '-v': use one of --format, --scenario"),
        (("run", "happy_path", "--seed"), "--seed needs a value"),
        (("run", "happy_path", "--seed", "x"), "--seed: must be a whole number, not 'x'"),
        (("run", "happy_path", "--seed", "1.5"), "--seed: must be a whole number, not '1.5'"),
        (("run", "happy_path", "--seed", ""), "--seed: must be a whole number, not ''"),
        (("run", "happy_path", "--seed", "\uff19"), "--seed: must be a whole number, not '\uff19'"),
        (("run", "happy_path", "--seed", "1_000"), "--seed: must be a whole number, not '1_000'"),
        (("run", "happy_path", "--seed", "9" * 5000), "--seed: must be a whole number"),
        (("run", "happy_path", "--format", "jsn"), "there is no format 'jsn': did you mean json?"),
        (("run", "--scenario", "none.json"), "none.json: there is no such file"),
        (("run", "happy_path", "--scenario", "."), ".: cannot be read: Is a directory"),
        (("list", "happy_path"), "list does not know what to do with 'happy_path': leave it out"),
        (("inspect", "my.db"), "inspect needs --db: see `sagakit inspect --help`"),
        (("inspect", "--bd", "my.db"), "inspect has no option '--bd': did you mean --db?"),
        (("serve", "x", "--db", "my.db", "--hurry=1"), "--hurry: ignored explicit argument '1'"),
        (("check",), "check needs LOG.jsonl: see `sagakit check --help`"),
        (("help", "rnu"), "there is no command 'rnu': did you mean run?"),
        (("list", "--seed", "1"), "list has no option '--seed': there are none"),
        (("show",), "name a scenario"),
        (("show", "hapy_path"), "did you mean happy_path?"),
        (("all", "--out", "out"), "all has no option '--out': there are none"),
        (("check", ""), "check: an argument is empty: has a variable of yours no value?"),
        (("run", "happy_path", "--scenario="), "run: an argument is empty"),
        (("explore", "happy_path", "--provider", "down=1,down=2"), "down stands there twice"),
    ],
    ids=range(32),
)
def test_a_mistake_is_told_with_exit_status_2(
    arguments: tuple[str, ...], says: str, capsys: Captured
) -> None:
    text = told(capsys, *arguments)
    assert text.startswith("sagakit: ")
    assert says in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"wallet": []}, "wallet: is unknown: did you mean wallets?"),
        ({"payments": [{"user_id": "ana", "amount": -5}]}, "payments[0].amount: an amount must be"),
        ({"payments": [{"user_id": "ana", "amount": 5, "at": -1}]}, "payments[0].at: must be at"),
        ({"redrives": [{"at": 1, "queue": "Nowhere"}]}, "redrives[0].queue: there is no 'Nowhere'"),
        ({"faults": [{"fault": "drop", "queue": "Nowhere"}]}, "faults[0].queue: there is no 'Now"),
    ],
    ids=range(5),
)
def test_a_mistake_in_a_file_is_told_with_the_file(
    change: dict[str, Any], says: str, capsys: Captured, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**json.loads(happy_path.to_json()), **change}))
    text = told(capsys, "run", "--scenario", str(path))
    assert f"{path}: " in text
    assert says in text


@pytest.mark.parametrize("name", NAMES)
def test_every_view_tells_the_same_number_of_events(name: str, capsys: Captured) -> None:
    done = run(name)
    number = len(done.events)
    metrics = done.metrics
    assert metrics[metrics.metric == "events"].value.sum() == number
    assert f" {number} events in " in done._repr_mimebundle_()["text/plain"]
    assert f" {number} events in " in shown(capsys, "run", name)


def test_all_shows_a_row_for_each_scenario(capsys: Captured) -> None:
    assert main(["all"]) == 0
    out, err = capsys.readouterr()
    header, *rows = out.splitlines()
    assert header.split() == ["scenario", "payments", "events", "virtual", "time", "laws", "held"]
    assert [row.split()[0] for row in rows] == list(NAMES)
    assert re.search(r"21 COMPLETED, 15 FAILED +217 +87.325 s +15 of 15$", rows[3])
    assert "[6/6] disaster_recovery" in err


def test_run_loads_neither_pandas_nor_matplotlib() -> None:
    code = (
        "import sys; from sagakit.cli import main; main(['run', 'happy_path']); "
        "print({'matplotlib', 'numpy', 'pandas'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "set()"


def test_the_process_ends_with_the_exit_status(lossy: Path) -> None:
    assert process("run", "happy_path").returncode == 0
    assert process("run", "--scenario", str(lossy)).returncode == 1
    mistaken = process("run", "hapy_path")
    assert (mistaken.returncode, mistaken.stdout) == (2, "")
    assert mistaken.stderr.count("\n") == 1


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "sagakit", "run", "circuit_breaker", "--format", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stderr
        assert json.loads(running.stdout.readline())["t"] == 0
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_output_that_cannot_be_written_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "sagakit", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        command = [sys.executable, "-m", "sagakit", "run", "hapy_path"]
        untold = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, check=False)
    assert (done.returncode, done.stderr) == (2, "sagakit: the output: No space left on device\n")
    assert (untold.returncode, untold.stdout) == (2, b"")


def test_a_title_that_the_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    happy_path.but(title="Uma ação").save(tmp_path / "foreign.json")
    done = process(
        "run", "--scenario", str(tmp_path / "foreign.json"),
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith(r"Uma a\xe7\xe3o")
    assert Scenario.load(tmp_path / "foreign.json").title == "Uma ação"


# What would steer a terminal: clear it, name its window, turn the order of letters round.
STEERING = "\x1b[2J\x1b[31mALL LAWS HELD\x1b[0m\x1b]0;owned\x07\r\x9b0m\u202e\nFORGED LINE"


@pytest.fixture
def steering(tmp_path: Path) -> Path:
    """A scenario with such text in whatever may be text."""
    happy_path.but(
        title=f"ok {STEERING}",
        about=f"about {STEERING}",
        texts=({"at": 1, "queue": "Wallet SQS", "text": f"{{{STEERING}"},),
    ).save(tmp_path / "ansi.json")
    return tmp_path / "ansi.json"


def harmless(text: str) -> bool:
    return not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--format", "table"),
        ("run", "--format", "json"),
        ("run", "--format", "jsonl"),
        ("run", "--format", "mermaid"),
        ("explore",),
        ("explore", "--format", "mermaid"),
        ("serve", "--hurry", "--db", "ansi.db"),
    ],
    ids=" ".join,
)
def test_text_of_a_scenario_does_not_steer_the_terminal(
    command: tuple[str, ...], steering: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(steering.parent)
    main([*command, "--scenario", str(steering)])
    out, err = capsys.readouterr()
    assert harmless(out + err)
    assert not re.search("^FORGED LINE", out, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        (STEERING,),
        ("help", STEERING),
        ("run", STEERING),
        ("run", f"--{STEERING}"),
        ("run", "happy_path", STEERING),
        ("run", "happy_path", "--seed", STEERING),
        ("run", "happy_path", "--format", STEERING),
        ("run", "--scenario", STEERING),
        ("check", STEERING),
        ("inspect", "--db", STEERING),
        ("explore", "happy_path", "--provider", STEERING),
        ("explore", "happy_path", "--provider", f"{STEERING}=1"),
        ("template", "--prefix", STEERING),
    ],
    ids=range(13),
)
def test_an_argument_does_not_steer_the_terminal(
    arguments: tuple[str, ...], capsys: Captured
) -> None:
    said = told(capsys, *arguments)
    assert harmless(said)
    assert "\\x1b" in said


def test_a_field_or_a_log_does_not_steer_the_terminal(capsys: Captured, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({**json.loads(happy_path.to_json()), f"a{STEERING}": 1}))
    said = told(capsys, "run", "--scenario", str(path))
    assert harmless(said)
    assert len(said.splitlines()) == 1
    path.write_text(json.dumps({"t": 0, "kind": STEERING, STEERING: 1}))
    assert harmless(told(capsys, "check", str(path)))
    with pytest.raises(BadScenario) as error:
        happy_path.but(**{STEERING: 1})
    assert harmless(str(error.value))


def test_a_run_in_a_terminal_of_python_does_not_steer_it(steering: Path) -> None:
    done = run(Scenario.load(steering))
    shown = done._repr_mimebundle_()["text/plain"]
    assert harmless(repr(done) + shown + done.text() + done.mermaid() + repr(done.sequence()))
    assert len(shown.splitlines()) == len(
        run(happy_path)._repr_mimebundle_()["text/plain"].splitlines()
    )
