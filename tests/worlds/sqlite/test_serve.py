"""The services that are simulated run on a file, not a line changed, whatever is killed when."""

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sagakit import Run, Scenario, run, scenarios
from sagakit.contract.ports import on
from sagakit.payments.events import InsufficientBalance, PaymentInit
from sagakit.payments.wallet import WalletService
from sagakit.scenarios import BadScenario
from sagakit.worlds.sqlite.database import VERSION, BadDatabase, Database
from sagakit.worlds.sqlite.serve import serve

SERVE = """
import sys
from sagakit import Scenario
from sagakit.worlds.sqlite.serve import serve
scenario = Scenario.load(sys.argv[1])
print("begun", flush=True)
serve(scenario, sys.argv[2], hurry=True)
"""
TRAFFIC = Scenario(
    name="traffic",
    title="Twelve payments of three wallets, some without an answer",
    wallets=[{"user_id": name, "balance": 100} for name in ("ana", "ben", "eva")],
    payments=[{"user_id": name, "amount": 30} for name in ("ana", "ben", "eva") * 4],
    provider=[
        {"behaviour": "timeout_after", "calls": [1], "payment_id": "ana:1"},
        {"behaviour": "timeout_before", "calls": [1, 2], "payment_id": "ben:2"},
        {"behaviour": "decline", "payment_id": "eva:3"},
    ],
)


@pytest.mark.parametrize(
    "scenario",
    scenarios.ALL,
    ids=lambda scenario: scenario.name,
)
def test_a_scenario_ends_as_in_the_simulator(scenario: Scenario, tmp_path: Path) -> None:
    simulated, served = run(scenario), serve(scenario, tmp_path / "file.db", hurry=True)
    ends = dict(zip(served.payments.payment_id, served.payments.status, strict=True))
    assert sorted(ends) == sorted(simulated.payments.payment_id)
    assert sorted(ends.values()) == sorted(simulated.payments.status)
    assert [verdict for verdict in served.verdicts() if not verdict.held] == []


def test_in_a_hurry_a_message_waits_for_its_turn_in_virtual_time(tmp_path: Path) -> None:
    """The gateway asks for one payment at a time, and the provider is silent for 5 s each."""
    one_by_one = TRAFFIC.but(
        payments=[{"user_id": name, "amount": 30} for name in ("ana", "ben")],
        provider=[{"behaviour": "timeout_before", "calls": [1]}],
        settings={"gateway_concurrency": 1, "provider_attempts": 1},
    )
    served = serve(one_by_one, tmp_path / "file.db", hurry=True)
    asked = served.trace[served.trace.label == "executePayment()"]
    assert asked.t.diff().tolist()[1:] == [5_000]


def test_it_is_killed_at_any_moment_and_loses_nothing(tmp_path: Path) -> None:
    described = tmp_path / "traffic.json"
    TRAFFIC.save(described)
    draw, kills, files = random.Random("when it is killed"), 0, 0
    while kills < 3:  # how many files that takes depends on the machine, and nothing else does
        files += 1
        file = tmp_path / f"{files}.db"
        while True:
            process = subprocess.Popen(
                [sys.executable, "-c", SERVE, described, file], stdout=subprocess.PIPE
            )
            assert process.stdout is not None
            process.stdout.readline()
            try:
                assert process.wait(timeout=draw.uniform(0, 0.1) if kills < 8 else None) == 0
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
        survived = serve(TRAFFIC, file, hurry=True)
        assert [verdict for verdict in survived.verdicts() if not verdict.held] == []
        assert set(survived.payments.status) == {"COMPLETED", "FAILED"}
        assert len(survived.payments) == 12


def test_what_has_ended_stays_as_it_is(tmp_path: Path) -> None:
    first = serve(scenarios.happy_path, tmp_path / "file.db", hurry=True)
    again = serve(scenarios.happy_path, tmp_path / "file.db", hurry=True)
    assert again.records.entries == first.records.entries


class TestAFileThatCannotBeUsed:
    def test_another_scenario(self, tmp_path: Path) -> None:
        serve(scenarios.happy_path, tmp_path / "file.db", hurry=True)
        with pytest.raises(BadDatabase, match=r"it has happy_path, not provider_error: .*another"):
            serve(scenarios.provider_error, tmp_path / "file.db", hurry=True)
        richer = scenarios.happy_path.but(wallets=[{"user_id": "ana", "balance": 200}])
        with pytest.raises(BadDatabase, match="it has happy_path as it was before: go on with"):
            serve(richer, tmp_path / "file.db", hurry=True)

    def test_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "letter.txt").write_text("Dear Ana, " * 200)
        with pytest.raises(BadDatabase, match=r"letter\.txt: this is no SQLite database"):
            Database(tmp_path / "letter.txt")

    def test_another_programs_database(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "other.db") as other:
            other.execute("CREATE TABLE birds (name TEXT)")
        with pytest.raises(BadDatabase, match="another program's database"):
            Database(tmp_path / "other.db")

    @pytest.mark.parametrize(("by", "whose"), [(1, "a newer"), (-1, "an older")])
    def test_another_version(self, by: int, whose: str, tmp_path: Path) -> None:
        with Database(tmp_path / "file.db", create=True) as database:
            database.run(f"PRAGMA user_version = {VERSION + by}")
        with pytest.raises(BadDatabase, match=f"made by {whose} sagakit"):
            Database(tmp_path / "file.db")

    def test_none_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(BadDatabase, match="there is no such file"):
            Database(tmp_path / "none.db")

    def test_a_part_of_one(self, tmp_path: Path) -> None:
        serve(scenarios.happy_path, tmp_path / "file.db", hurry=True)
        whole = (tmp_path / "file.db").read_bytes()
        (tmp_path / "file.db").write_bytes(whole[: len(whole) // 3])
        with pytest.raises(BadDatabase, match=r"file\.db: the file is damaged: take a copy that"):
            Database(tmp_path / "file.db")

    @pytest.mark.parametrize("name", ["", "."])
    def test_a_folder(self, name: str) -> None:
        with pytest.raises(BadDatabase, match="this is a folder: name a file in it"):
            serve(scenarios.happy_path, name)

    def test_in_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(BadDatabase, match=r"there is no folder .*none: make it first"):
            serve(scenarios.happy_path, tmp_path / "none" / "file.db")

    def test_an_empty_one_is_begun_by_serve_alone(self, tmp_path: Path) -> None:
        (tmp_path / "file.db").touch()
        with pytest.raises(BadDatabase, match="no scenario has been begun: `serve` begins one"):
            Database(tmp_path / "file.db")
        assert (tmp_path / "file.db").read_bytes() == b""
        done = serve(scenarios.happy_path, tmp_path / "file.db", hurry=True)
        assert done.payments.status.tolist() == ["COMPLETED"]


@pytest.mark.parametrize("workers", [-1, 0, 17, 1.5, "2"])
def test_no_workers_and_too_many_are_refused(workers: Any, tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match=f"workers: a whole number from 1 to 16, not {workers!r}"):
        serve(scenarios.happy_path, tmp_path / "file.db", workers=workers)


def test_it_runs_in_a_notebook_where_a_loop_runs_already(tmp_path: Path) -> None:
    async def cell() -> Run:
        return serve(scenarios.happy_path, tmp_path / "file.db", hurry=True)

    done = asyncio.run(cell())
    assert done.payments.status.tolist() == ["COMPLETED"]


@pytest.mark.usefixtures("interruptible")
def test_one_that_is_interrupted_in_a_notebook_is_gone_on_with(tmp_path: Path) -> None:
    """The second payment comes in an hour: whoever does not hurry waits for it."""
    payments = [{"user_id": "ana", "amount": 40, "at": at} for at in (0, 3_600_000)]
    slow = scenarios.happy_path.but(payments=payments)

    async def cell() -> None:
        main = threading.main_thread().ident  # what waits there is to be woken
        threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()
        serve(slow, tmp_path / "file.db")

    loop = asyncio.new_event_loop()  # as a kernel's: `asyncio.run` has its own word on Ctrl+C
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(cell())
    loop.close()
    done = serve(slow, tmp_path / "file.db", hurry=True)
    assert done.payments.status.tolist() == ["COMPLETED", "COMPLETED"]


class TestAServiceInThePlaceOfASoundOne:
    class Refuses(WalletService):
        @on(PaymentInit)
        async def debit(self, event: PaymentInit) -> None:
            refused = InsufficientBalance.after(event, available=Decimal(0))
            await self.wallets.commit(None, publish=[refused], handled=event)

    def test_it_is_served(self, tmp_path: Path) -> None:
        services = {"Wallet Service": self.Refuses}
        done = serve(scenarios.happy_path, tmp_path / "file.db", hurry=True, services=services)
        assert done.payments.status.tolist() == ["FAILED"]
        assert done.services == services

    def test_it_is_in_this_process_only(self, tmp_path: Path) -> None:
        services = {"Wallet Service": self.Refuses}
        with pytest.raises(BadScenario, match="services: with one worker only"):
            serve(scenarios.happy_path, tmp_path / "file.db", workers=2, services=services)
