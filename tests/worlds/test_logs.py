"""Every world writes the same log, a JSON object a record, and `check` judges it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagakit import Scenario, run, scenarios
from sagakit.cli import main
from sagakit.contract.deployment import Deployment
from sagakit.contract.ports import Service, on
from sagakit.payments.events import BalanceDebited, PaymentInit
from sagakit.payments.topology import payment_system
from sagakit.payments.wallet import WalletService
from sagakit.worlds.emulator import Emulator
from sagakit.worlds.sqlite.serve import serve
from tests.worlds.logged import functions_logs

Services = dict[str, Service]
Write = Callable[[Scenario, Services], str]
TRIED_AGAIN = scenarios.happy_path.but(provider=[{"behaviour": "down", "calls": [1]}])


class TakesTwice(WalletService):
    """Debits twice what it says that it debits."""

    @on(PaymentInit)
    async def debit(self, event: PaymentInit) -> None:
        wallet = await self.wallets.get(event.user_id)
        assert wallet is not None
        debited = BalanceDebited.after(
            event, amount_debited=event.amount, amount_left=wallet.balance, wallet_version=2
        )
        wallet = wallet.debited(2 * event.amount)
        await self.wallets.commit(wallet, publish=[debited], handled=event)


def simulated(scenario: Scenario, services: Services) -> str:
    return "\n".join(run(scenario, services=services).records.jsonl())


class OnFile:
    def __init__(self, shown: Any, path: Path) -> None:
        self.shown, self.file = shown, str(path / "file.db")

    def __call__(self, scenario: Scenario, services: Services) -> str:
        def with_them(*settings: Any, **more: Any) -> Deployment:
            return payment_system(*settings, **{**more, "services": services})

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sagakit.worlds.sqlite.serve.payment_system", with_them)
            serve(scenario, self.file, hurry=True)
        assert main(["inspect", "--db", self.file, "--format", "jsonl"]) == 0
        return str(self.shown.readouterr().out)


class OnAws:
    """One function's log after the other, as they are fetched."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def __call__(self, scenario: Scenario, services: Services) -> str:
        with functions_logs(services) as logged:
            self.emulator.play(scenario)
        return "".join(log.getvalue() for log in logged.values())


@pytest.fixture(params=["sim", "sqlite", "aws"])
def write(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Write:
    """Runs a scenario with these services in place of the sound ones, and gives its log."""
    if request.param == "sim":
        return simulated
    if request.param == "sqlite":
        return OnFile(capsys, tmp_path)
    return OnAws(request.getfixturevalue("emulator"))


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], tuple[int, str]]:
    def judge(log: str) -> tuple[int, str]:
        file = tmp_path / "log.jsonl"
        file.write_text(log, encoding="utf-8")
        return main(["check", str(file)]), capsys.readouterr().out

    return judge


def test_the_log_of_a_sound_run_holds_every_law(write: Write, judged: Any) -> None:
    status, text = judged(write(TRIED_AGAIN, {}))
    assert status == 0
    assert text.count(" held ") == 15
    assert "wallets 30.00 + provider 70.00 = 100.00, as at the start; at rest" in text


def test_the_log_of_a_flawed_run_names_the_record(write: Write, judged: Any) -> None:
    rich = TRIED_AGAIN.but(wallets=[{"user_id": "ana", "balance": 200}], provider=[])
    log = write(rich, {"Wallet Service": TakesTwice})
    status, text = judged(log)
    assert status == 1
    (line,) = re.findall(r"no overdraft +BROKEN +(.*)", text)
    assert "the balance of ana changed by -140.00" in line
    assert "its ledger says -70.00" in line
    assert re.search(r"\(record \d+\)", line)


def test_every_line_of_a_saga_says_which(write: Write) -> None:
    lines = [json.loads(line) for line in write(TRIED_AGAIN, {}).splitlines()]
    records = [line.get("message", line) for line in lines]
    sagas = {record["correlation_id"] for record in records}
    assert sagas == {"ana:A", None}
    assert {line["correlation_id"] for line in lines if line.get("trace_id")} <= {"ana:A"}
    assert [
        one["fact"] for one in records if one["fact"].get("event") and not one["correlation_id"]
    ] == []
