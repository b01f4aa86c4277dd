"""Notebook 13: a process is killed, at one moment or at every one; and its exercises.

What is the same in all worlds is found by playing in them. A service of the learner's own is killed
before each transaction of its file, and started again.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import EllipsisType
from typing import Any

from sagakit.contract.operations import ServicePorts
from sagakit.contract.ports import Service, handlers
from sagakit.draw.story import View
from sagakit.payments.topology import payment_system
from sagakit.payments.wallet import WalletService
from sagakit.run import Run, run
from sagakit.scenarios import Scenario, happy_path
from sagakit.trace.facts import Booked
from sagakit.trace.trace import Trace
from sagakit.worlds.sqlite.database import BadDatabase, Database
from sagakit.worlds.sqlite.serve import serve, serve_on

from .evidence import short
from .grader import UNANSWERED, Cases, Feedback, exercise
from .services import DEBIT

PATIENCE = 60  # s until the provider is asked, on a machine that is busy
MINUTE = 60_000  # ms

PAID = happy_path.but(
    name="paid",
    title="Ana could pay twice",
    about="Ana has 200.00 and pays 70.00. The provider approves.",
    wallets=[{"user_id": "ana", "balance": 200}],
)
DECLINED = PAID.but(
    name="declined",
    title="The provider declines",
    about="Ana has 200.00 and pays 70.00. The provider declines, and the debit is undone.",
    provider=[{"behaviour": "decline"}],
)
SLOW = PAID.but(
    name="slow_answer",
    title="The provider executes, and answers late",
    about="Ana has 200.00 and pays 70.00. The provider executes at once, and says so after 8 s.",
    provider=[{"behaviour": "slow", "delay": 8_000}],
    settings={"provider_timeout": 9_000},
)
TOO_MUCH = PAID.but(
    name="too_much",
    title="Ana has too little",
    about="Ana has 200.00 and wants to pay 250.00.",
    payments=[{"user_id": "ana", "amount": 250, "idempotency_key": "A"}],
)
STORIES = (PAID, TOO_MUCH, DECLINED)


# A process is killed.


def killed_while_asking(scenario: Scenario, file: Path) -> None:
    """Serve a scenario on a file in a process of its own, and kill that once it has asked the
    provider. Raises `RuntimeError` if it ends before, or does not come so far."""
    given = file.with_suffix(".json")
    given.write_text(scenario.to_json(), encoding="utf-8")
    command = [sys.executable, "-m", "sagakit", "serve"]
    command += ["--scenario", str(given), "--db", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE
    try:
        while not _has_asked(file):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the process did not come to ask the provider")
            time.sleep(0.01)
    finally:
        process.kill()  # SIGKILL: it hears nothing of it
        process.wait()


def _has_asked(file: Path) -> bool:
    try:
        with Database(file) as database:
            return any(isinstance(record.fact, Booked) for record in database.records())
    except BadDatabase:  # it is not there yet
        return False


def found_in(file: Path, scenario: Scenario) -> Run:
    """The run so far, as its file tells it; nothing is done to it."""
    with Database(file) as database:
        participants = payment_system(scenario.settings).participants()
        return Run(scenario, scenario.seed, database.trace(participants))


def to_the_minute(finished: Run) -> Run:
    """Return the same run with its times cut to whole minutes. A clock that is real shows others
    each time, and a picture of them would be another one each time."""
    trace = finished.records
    cut = (record._replace(t=record.t // MINUTE * MINUTE) for record in trace)
    return Run(finished.scenario, finished.seed, Trace(trace.participants, cut))


class Killed(BadDatabase):
    """Whoever had the file open is gone."""


class Mortal(Database):
    """A file whose process is killed before one of its transactions, counted from 0, or never.

    A kill is no power cut: what was written is in the hands of the operating system, and need not
    have come to the disk. So nobody waits for the disk here.
    """

    def __init__(self, path: Path, moment: int | None = None) -> None:
        self.left: int | None = None  # what makes the file is not counted
        super().__init__(path, create=True)
        self.run("PRAGMA synchronous = OFF")
        self.left = moment

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.left == 0:
            raise Killed(f"{self.path}: killed")
        if self.left is not None:
            self.left -= 1
        with super().transaction():
            yield


def killed_at_every_moment(
    scenario: Scenario, services: Mapping[str, Service] | None = None
) -> Iterator[Run]:
    """A run for each transaction of the scenario on a file: killed before it, and started again
    with nothing but the file. The last one is not killed at all."""
    with TemporaryDirectory() as folder:
        new, file = Path(folder) / "new.db", Path(folder) / "trial.db"
        Database(new, create=True).close()  # to make one takes longer than to run a payment on it
        for moment in count():
            shutil.copy(new, file)
            killed = False
            try:
                with Mortal(file, moment) as database:
                    serve_on(database, scenario, hurry=True, services=services)
            except Killed:
                killed = True
            with Mortal(file) as database:
                yield serve_on(database, scenario, hurry=True, services=services)
            if not killed:
                return


def broken(runs: Iterator[Run]) -> Iterator[tuple[Run, Any]]:
    """The runs in which a law is broken, each with the verdict on the first such law."""
    for done in runs:
        verdict = next((verdict for verdict in done.verdicts() if not verdict.held), None)
        if verdict is not None:
            yield done, verdict


# What is the same in every world.


@exercise
def same(answer: Callable[[Run], Any]) -> Cases:
    """A function of a run: what is the same in every world, and tells one story from another."""
    yield not callable(answer) and "That is no function: begin it with `def story(run):`."
    told: dict[str, Any] = {}
    for scenario in STORIES:
        simulated, on_file = run(scenario), _on_a_file(scenario)
        first, second = answer(simulated), answer(on_file)
        yield first is ... and UNANSWERED
        yield repr(first) != repr(second) and (
            (
                f"Of {scenario.name} it says {short(first)} in the simulator, and "
                f"{short(second)} on SQLite."
            ),
            "What does it take from the run that a world decides, and not the services?",
        )
        again = answer(_on_a_file(scenario))
        yield repr(second) != repr(again) and (
            (
                f"Of {scenario.name} it says {short(second)} on SQLite, and next time "
                f"{short(again)}."
            ),
            "A clock that is real shows another time each time.",
        )
        for other, story in told.items():
            yield repr(story) == repr(first) and (
                (
                    f"It says {short(first)} of {other} and of {scenario.name}: it does not tell "
                    f"them apart."
                ),
                "Two payments may end alike. What has happened on the way?",
            )
        told[scenario.name] = first
    return (
        "This is what belongs to the services: take it into a test, and that test runs in every "
        "world. Times, and numbers that a world counts, belong to the world."
    )


def _on_a_file(scenario: Scenario) -> Run:
    with TemporaryDirectory() as folder:
        return serve(scenario, Path(folder) / "trial.db", hurry=True)


# A service that survives.


@exercise
def survives(answer: type) -> Cases:
    """A wallet service that keeps its promise whenever its process is killed."""
    yield not isinstance(answer, type) and (
        f"A class is asked for, and not {short(answer)}.",
        "Hand over its name alone.",
    )
    yield isinstance(getattr(answer, "debit", None), EllipsisType) and UNANSWERED
    services: dict[str, Service] = {"Wallet Service": answer}
    yield (missing := _unhandled(services)) and (
        f"It has no handler for {missing} any more.",
        "It begins like this: class Survives(WalletService), then @on(PaymentInit).",
    )
    yield getattr(answer, "debit", None) is WalletService.debit and (
        "This is the sound service's own `debit`, which is right and not yours.",
        "Write `debit` in your class.",
    )
    for scenario in (PAID, DECLINED):
        simulated, expected = run(scenario, services=services), run(scenario)
        yield (error := DEBIT.error_in(simulated)) and (
            f"Even if nothing is killed, your code fails: {error}.",
            "The line is counted within the cell, from its top.",
        )
        if simulated.payments.status.tolist() != expected.payments.status.tolist() or (
            simulated.wallets.balance.tolist() != expected.wallets.balance.tolist()
        ):
            return Feedback(
                False,
                f"Even if nothing is killed, {scenario.name} does not end as it should.",
                "Follow the diagram: what has `debit` to write, and does it `await` that?",
                trace=simulated.records,
            )
        for done, verdict in broken(killed_at_every_moment(scenario, services)):
            return Feedback(
                False,
                f"Killed at one moment of {scenario.name}, and started again, it breaks "
                f"'{verdict.law}'.",
                "What the object knew is gone with the process. What did the commit leave in the "
                "store, by which the next process could know?",
                trace=done.records,
                view=View(participants=("Wallet SQS", "Wallet Service", "Wallet DB")),
            )
    return (
        "Killed before each of its transactions, it lost nothing and debited once. All that it "
        "must remember is in the store, in the commit of the debit."
    )


def _unhandled(services: Mapping[str, Service]) -> str:
    def handled(replaced: Mapping[str, Service] | None) -> set[type]:
        deployment = payment_system(services=replaced)
        function = next(
            function for function in deployment.functions if function.name == "Wallet Service"
        )
        return set(handlers(function.build(ServicePorts(function.name, deployment))))

    names = {one.__name__ for one in handled(None) - handled(services)}
    names.discard("StartRecovery")  # a command of the operator's, for another notebook
    return ", ".join(sorted(names))
