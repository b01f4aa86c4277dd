"""`python -m tests.bench killed [KILLS]`: what a SQLite file has lost when its workers were killed.

Workers serve a file and get SIGKILL at moments drawn from the time that the traffic takes when
nobody is killed; they are started again on what is left, and at last run to the end. Then the
file's own trace is held against the laws. It needs a system that can fork.
"""

import random
import sqlite3
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from sagakit import Run, Scenario
from sagakit.laws import PaymentEvidence
from sagakit.payments.payment import FINAL
from sagakit.worlds.sqlite.serve import serve

KILLS = 500
# Starts of a file's workers, all but the last to be killed. A queue gives a message out 5 times: if
# each time its worker is killed, it is rightly a dead letter, which waits for a redrive.
STARTS = 5
USERS = ("ana", "ben", "eva")
TRAFFIC = Scenario(
    name="traffic",
    title="Twelve payments of three wallets, some without an answer, declined or not covered",
    wallets=[{"user_id": name, "balance": 100} for name in USERS],
    payments=[{"user_id": name, "amount": 30} for name in USERS * 4],
    provider=[
        {"behaviour": "timeout_after", "calls": [1], "payment_id": "ana:1"},
        {"behaviour": "timeout_before", "calls": [1, 2], "payment_id": "ben:2"},
        {"behaviour": "decline", "payment_id": "eva:3"},
    ],
)
FORK = get_context("fork")  # what is loaded stays loaded: the moments are of the work alone


class Figures(NamedTuple):
    """What came of it.

    files          how many were served to their end
    kills          workers that were at work when they got SIGKILL
    laws_broken    verdicts that did not hold, of all files
    payments       asked for, lost (not in the file at its end), and without an end
    debits_twice   payments that were debited more than once
    """

    files: int = 0
    kills: int = 0
    laws_broken: int = 0
    payments: int = 0
    lost: int = 0
    open: int = 0
    debits_twice: int = 0

    def plus(self, other: "Figures") -> "Figures":
        return Figures(*[number + more for number, more in zip(self, other, strict=True)])


def killed(workers: int, least: int) -> Figures:
    """Serve files with so many workers until there are at least so many kills."""
    found, whole = Figures(), undisturbed()
    while found.kills < least:
        draw = random.Random(f"{workers} workers, file {found.files}")
        with TemporaryDirectory() as folder:
            found = found.plus(trial(Path(folder) / "file.db", workers, draw, whole))
    return found


def undisturbed() -> float:
    """Seconds that one worker takes for the traffic."""
    with TemporaryDirectory() as folder:
        begun = perf_counter()
        serve(TRAFFIC, Path(folder) / "file.db", hurry=True)
        return perf_counter() - begun


def trial(file: Path, workers: int, draw: random.Random, whole: float) -> Figures:
    """One file: its workers are killed after up to `whole` seconds each, and started again."""
    kills = 0
    for _ in range(STARTS - 1):
        started = [FORK.Process(target=work, args=(file, workers == 1)) for _ in range(workers)]
        for worker in started:
            worker.start()
        kills += sum([kill(worker, draw.uniform(0, whole)) for worker in started])
        if workers > 1:
            let_time_pass(file)
    return judged(serve(TRAFFIC, file, hurry=True), kills)


def work(file: Path, hurry: bool) -> None:
    serve(TRAFFIC, file, hurry=hurry)


def kill(worker: BaseProcess, after: float) -> bool:
    """Kill it after a time (s), if it has not ended by then. Returns whether it was."""
    worker.join(after)
    at_work = worker.is_alive()
    worker.kill()
    worker.join()
    if not at_work and worker.exitcode:
        raise RuntimeError(f"a worker ended by itself with status {worker.exitcode}")
    return at_work


def let_time_pass(file: Path) -> None:
    """While nobody is at work: what killed workers had received becomes visible again."""
    with sqlite3.connect(file) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            connection.execute("UPDATE meta SET value = value - 60000 WHERE name = 'epoch'")


def judged(done: Run, kills: int) -> Figures:
    ends = {one.payment_id: one.status for one in done.records.stores()["Payments DB"].values()}
    asked = [payment.payment_id for payment in done.scenario.payments]
    return Figures(
        files=1,
        kills=kills,
        laws_broken=sum(not verdict.held for verdict in done.verdicts()),
        payments=len(asked),
        lost=sum(payment_id not in ends for payment_id in asked),
        open=sum(status not in FINAL for status in ends.values()),
        debits_twice=sum(
            len(standing.debits) > 1
            for standing in PaymentEvidence(done.records).standings.values()
        ),
    )


def main(least: int = KILLS) -> None:
    names = [name.replace("_", " ") for name in Figures._fields]
    print(f"{'SIGKILL at random moments':<26} " + " ".join(f"{name:>12}" for name in names))
    for workers in (1, 2):
        found = killed(workers, -(-least // 2))
        who = f"{workers} worker{'s' if workers > 1 else ''} a file"
        print(f"{who:<26} " + " ".join(f"{number:>12,}" for number in found), flush=True)
