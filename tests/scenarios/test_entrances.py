"""Whatever takes a scenario tells what is wrong with it, and ends one that does not end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sagakit import Scenario, explore, run
from sagakit.cli import main
from sagakit.lab import control
from sagakit.scenarios import BadScenario, happy_path
from sagakit.scenarios.build import MOST_ACTIONS, build_world
from sagakit.sim.kernel import Kernel
from sagakit.sweeps import sweep
from sagakit.trace.facts import StillGoingOn
from sagakit.worlds.sqlite.serve import serve

NO_SUCH_PLACE = {
    "texts[0].queue": {"texts": [{"at": 1, "queue": "Nope", "text": "x"}]},
    "redrives[0].queue": {"redrives": [{"at": 1, "queue": "Nope"}]},
    "faults[0].store": {"faults": [{"fault": "loss", "at": 1, "store": "Nope"}]},
}


def served(scenario: Scenario, folder: Path, **choice: Any) -> Any:
    return serve(scenario, folder / "file.db", hurry=True, **choice)


ENTRANCES: dict[str, Callable[[Scenario, Path], Any]] = {
    "run": lambda scenario, _: run(scenario),
    "explore": lambda scenario, _: explore(scenario),
    "sweep": lambda scenario, _: sweep(scenario, seeds=1),
    "control": lambda scenario, _: control(scenario),
    "serve": served,
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("place", NO_SUCH_PLACE)
def test_a_place_that_there_is_not_is_told(place: str, entrance: str, tmp_path: Path) -> None:
    wrong = happy_path.but(**NO_SUCH_PLACE[place])
    with pytest.raises(BadScenario) as told:
        ENTRANCES[entrance](wrong, tmp_path)
    assert f"happy_path: {place}: there is no 'Nope'" in str(told.value)


NEVER = Scenario(
    name="never",
    title="The provider never answers",
    wallets=[{"user_id": "ana", "balance": 5}],
    payments=[{"user_id": "ana", "amount": 1}],
    provider=[{"behaviour": "down"}],
    settings={"retry_delay": 900_000},
)


def test_a_served_scenario_without_an_end_is_ended_when_a_run_is(tmp_path: Path) -> None:
    here, there = run(NEVER), served(NEVER, tmp_path)
    assert isinstance(there.records.entries[-1].fact, StillGoingOn)
    assert abs(here.records.end - there.records.end) < 900_000
    for finished in (here, there):
        broken = [verdict.law for verdict in finished.verdicts() if not verdict.held]
        assert broken == ["every saga ends"]


def test_the_command_says_which_law_is_broken_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    NEVER.save(tmp_path / "never.json")
    file = str(tmp_path / "file.db")
    served = ["serve", "--scenario", str(tmp_path / "never.json"), "--db", file, "--hurry"]
    assert main(served) == 1
    assert "✗ every saga ends: " in capsys.readouterr().out


def test_serving_an_ended_file_again_goes_on(tmp_path: Path) -> None:
    first, second = served(NEVER, tmp_path), served(NEVER, tmp_path)
    assert second.records.end - first.records.end > 23 * 3_600_000


def test_a_run_has_an_end_however_long_its_scenario_says_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A year without a provider, tried again each second."""
    long = NEVER.but(
        provider=[{"behaviour": "down", "end": 365 * 86_400_000}], settings={"retry_delay": 1_000}
    )
    assert build_world(long).kernel.most < 2 * MOST_ACTIONS
    monkeypatch.setattr("sagakit.scenarios.build.MOST_ACTIONS", 1_000)
    finished = run(long)
    assert isinstance(finished.records.entries[-1].fact, StillGoingOn)
    assert len(finished.records) < 10_000


def test_a_kernel_stops_at_its_limit_of_actions() -> None:
    kernel = Kernel(0)
    kernel.most = 10
    done: list[int] = []

    def again() -> None:
        done.append(kernel.now)
        kernel.after(0, again)

    kernel.after(0, again)
    kernel.run()
    assert len(done) == 10
    assert kernel.stop()


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("given", [None, 3, {"name": "x"}, [happy_path], Scenario], ids=repr)
def test_every_verb_refuses_what_is_no_scenario(given: Any, entrance: str, tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match=r"^give a Scenario, its name or a System, not "):
        ENTRANCES[entrance](given, tmp_path)


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_a_name_that_there_is_not_is_told_the_nearest(entrance: str, tmp_path: Path) -> None:
    with pytest.raises(BadScenario, match="no scenario 'hapy_path': did you mean happy_path"):
        ENTRANCES[entrance]("hapy_path", tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"seed": "x"}, "seed: must be a whole number, not 'x'"),
        ({"seed": 1.5}, "seed: must be a whole number, not 1.5"),
        ({"seed": True}, "seed: must be a whole number, not True"),
        ({"services": 3}, "happy_path: services: give a dict, {name: class}"),
        ({"deployment": 3}, "happy_path: deployment: give a Deployment, as payment_system() is"),
    ],
)
def test_another_mistake_in_a_call_of_run_is_told(choice: dict[str, Any], says: str) -> None:
    with pytest.raises(BadScenario) as told:
        run("happy_path", **choice)
    assert str(told.value) == says


def test_a_seed_of_a_table_is_a_seed() -> None:
    seven = pd.Series([7])[0]
    assert repr(run("happy_path", seed=seven)) == repr(run("happy_path", seed=7))


def test_a_latency_is_at_most_a_year() -> None:
    with pytest.raises(BadScenario, match=r"timing\.bus: 100000000000 ms is more than a year"):
        happy_path.but(timing={"bus": (0, 10**11)})
