"""`sagakit explore`: what it shows, its exit status, and what it says of mistakes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sagakit import explore, run, scenarios
from sagakit.cli import main
from sagakit.sim.schedule import Choice

Captured = pytest.CaptureFixture[str]


def shown(capsys: Captured, *arguments: str, status: int) -> tuple[str, str]:
    assert main(["explore", *arguments]) == status
    out, err = capsys.readouterr()
    return out, err


def as_json(capsys: Captured, *arguments: str, status: int) -> dict[str, Any]:
    out, err = shown(capsys, *arguments, "--format", "json", status=status)
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_proof_is_status_0(capsys: Captured) -> None:
    out, err = shown(capsys, "happy_path", "--crashes", "1", status=0)
    title, *told, took = out.splitlines()
    assert err == ""
    assert title == scenarios.happy_path.title
    assert told == str(explore("happy_path", crashes=1)).splitlines()
    assert max(map(len, out.splitlines())) <= 80
    assert took.startswith("It took ")
    assert took.endswith(" states/s")


def test_a_counterexample_is_status_1(capsys: Captured) -> None:
    out, _ = shown(capsys, "concurrent_payments", "--drops=1", status=1)
    assert "✗ 3 of 15 laws are broken" in out
    assert "     5  Provider Gateway  ProviderPaymentInit of ana:A        1  drop\n" in out
    assert out.endswith("more steps, each in its turn\n")


def test_a_limit_that_cuts_is_status_3(capsys: Captured) -> None:
    out, _ = shown(capsys, "concurrent_payments", "--duplicates", "2", "--limit", "50", status=3)
    assert "… Not complete: ended by the limit of 50 states." in out
    assert "To be covered: 2 payments" in out


def test_json_has_the_numbers(capsys: Captured) -> None:
    found = as_json(capsys, "concurrent_payments", "--crashes", "1", "--lost-answers=1", status=0)
    answer = explore("concurrent_payments", crashes=1, lost_answers=1)
    assert found["scenario"] == "concurrent_payments"
    assert found["budget"] == {"crash": 1, "lost_answer": 1}
    assert (found["complete"], found["proved"], found["cut_by"]) == (True, True, "")
    assert found["states"] == answer.states
    assert found["transitions"] == answer.transitions
    assert found["at_rest"] == answer.ends
    assert found["schedules"] == answer.schedules
    assert found["seconds"] > 0
    assert found["held"] == answer.held
    assert found["broken"] == []


def test_json_has_the_counterexample_with_its_schedule_and_trace(capsys: Captured) -> None:
    found = as_json(capsys, "happy_path", "--drops", "1", status=1)
    assert (found["complete"], found["schedules"]) == (False, None)
    first = found["broken"][0]
    assert list(first) == [
        "law", "detail", "sentence", "steps", "decisive", "schedule", "trace",
    ]  # fmt: skip
    assert first["law"] == "no silent drop"
    assert first["sentence"].startswith("PaymentInit of ana:A was lost. Then")
    schedule = [Choice(**choice) for choice in first["schedule"]]
    assert len(schedule) == first["steps"]
    again = run("happy_path", schedule=schedule)
    assert [record.text for record in again.records.arrows()] == [
        each["label"] for each in first["trace"]
    ]
    assert list(first["trace"][0]) == [
        "t", "kind", "source", "target", "label", "event", "correlation_id",
    ]  # fmt: skip


def test_mermaid_draws_the_counterexample(capsys: Captured) -> None:
    out, _ = shown(capsys, "happy_path", "--drops", "1", "--format", "mermaid", status=1)
    assert out.startswith("sequenceDiagram")
    assert "message lost" in out
    assert "%% PaymentInit of ana:A was lost." in out
    out, _ = shown(capsys, "happy_path", "--format", "mermaid", status=0)
    assert out.splitlines()[0] == "sequenceDiagram"
    assert "%% ✓ Complete" in out


def test_provider_option_takes_the_place_of_the_scenarios_own_rules(capsys: Captured) -> None:
    """A scenario's own rules give way to it, and it says so."""
    arguments = ("provider_error", "--provider", "timeout_after=1,decline=1")
    out, err = shown(capsys, *arguments, status=0)
    said = "at most 1 decline by the provider and 1 provider timeout after the effect"
    assert said in " ".join(out.split())
    assert err == (
        "provider_error is explored without its own provider: what may go wrong is what "
        "--provider and the other options allow\n"
    )


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_every_scenario_can_be_explored(name: str, capsys: Captured) -> None:
    status = 3 if name == "disaster_recovery" else 0
    shown(capsys, name, "--limit", "500" if status == 0 else "5", status=status)


def test_a_scenario_may_come_from_a_file(capsys: Captured, tmp_path: Path) -> None:
    scenarios.happy_path.but(title="Mine").save(tmp_path / "mine.json")
    out, _ = shown(capsys, "--scenario", str(tmp_path / "mine.json"), status=0)
    assert out.startswith("Mine\n✓ Complete")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a scenario: one of happy_path, "),
        (["hapy_path"], "there is no scenario 'hapy_path': did you mean happy_path?"),
        (["happy_path", "--crashes", "-1"], "crashes: a whole number from 0 on, not -1"),
        (["happy_path", "--crashes", "few"], "--crashes: must be a whole number, not 'few'"),
        (["happy_path", "--limit", "0"], "limit: a whole number from 1 on, not 0"),
        (["happy_path", "--provider", "decline"], "--provider: say how often, as in decline=1"),
        (["happy_path", "--provider", "decline=x"], "--provider: must be a whole number, not 'x'"),
        (["happy_path", "--provider", "explode=1"], "provider: there is no 'explode': use one of"),
        (["happy_path", "--format", "svg"], "--format: there is no format 'svg': use one of json"),
        (
            ["happy_path", "--crash", "1"],
            "explore has no option '--crash': did you mean --crash",
        ),
        (["happy_path", "--crashes"], "--crashes needs a value"),
        (["disaster_recovery", "--crashes=1"], "its disasters are explored without a budget"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments: list[str], says: str, capsys: Captured) -> None:
    out, err = shown(capsys, *arguments, status=2)
    assert out == ""
    assert err.startswith("sagakit: ")
    assert says in err
    assert err.count("\n") == 1


def test_explore_as_a_process_shows_no_progress_to_a_pipe_and_needs_no_pandas() -> None:
    code = (
        "import sys; from sagakit.cli import main; "
        "status = main(['explore', 'happy_path', '--crashes=1', '--format=json']); "
        "print({'matplotlib', 'numpy', 'pandas'} & set(sys.modules)); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "set()"


def test_help_lists_the_budgets_and_the_exit_status(capsys: Captured) -> None:
    out, _ = shown(capsys, "--help", status=0)
    for word in ("NAME", "--crashes", "--provider", "--limit", "3 a limit came before"):
        assert word in out
