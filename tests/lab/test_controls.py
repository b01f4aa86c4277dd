"""The controls without their front end: what comes of a turn."""

import re
from typing import Any, NamedTuple

import pytest

from sagakit import run, scenarios
from sagakit.contract.faults import Duplicate
from sagakit.contract.ports import Store, on
from sagakit.lab import Controls, control
from sagakit.lab.controls import outcome
from sagakit.scenarios import BadScenario, System
from sagakit.zoo.no_inbox import NoInbox


@pytest.fixture
def outage() -> Controls:
    return control(scenarios.circuit_breaker)


def told(controls: Controls) -> dict[str, str]:
    return dict(controls.shown["outcome"])


def test_controls_show_the_run_of_the_unchanged_scenario(outage: Controls) -> None:
    assert told(outage)["payments"] == "21 COMPLETED, 15 FAILED"
    assert told(outage)["laws"] == "15 of 15 held"


def test_a_turn_runs_the_scenario_again(outage: Controls) -> None:
    outage.values = {"settings.breaker_threshold": 1_000}
    assert told(outage)["payments"] == "36 COMPLETED"
    assert outage.scenario.settings.breaker_threshold == 1_000
    assert outage.run.scenario == outage.scenario


def marked(controls: Controls) -> list[str]:
    return [controls.shown["outcome"][place][0] for place in controls.shown["changed"]]


def test_rows_that_a_turn_changes_are_marked() -> None:
    controls = control(scenarios.provider_error)
    assert marked(controls) == []
    controls.values = {"settings.provider_attempts": 3}
    all_that_changed = ["payments", "wallets", "ends after"]
    assert marked(controls) == all_that_changed
    controls.values = {"settings.provider_attempts": 4}  # the same slider goes on
    assert marked(controls) == all_that_changed
    controls.values = {"settings.provider_attempts": 4, "settings.breaker_threshold": 9}
    assert marked(controls) == []


def test_a_turn_that_is_refused_changes_nothing() -> None:
    controls = control(scenarios.insufficient_funds)
    controls.values = {"wallets[0].balance": "90"}
    assert "payments" in marked(controls)
    controls.values = {"wallets[0].balance": "-1"}
    assert marked(controls) == []


def test_a_switch_leaves_the_outage_out(outage: Controls) -> None:
    outage.values = {"provider[0]": False}
    assert told(outage)["calls to the provider"] == "36, of which 0 got no answer"


def test_a_turn_that_makes_no_sense_is_told_and_the_last_run_stays(outage: Controls) -> None:
    before = told(outage)
    outage.values = {"provider[0].end": 5}
    assert "must be later than start" in outage.shown["problem"]
    assert told(outage) == before
    outage.values = {}
    assert outage.shown["problem"] == ""


def test_a_mistake_is_told_with_the_label_of_its_knob(outage: Controls) -> None:
    outage.values = {"settings.breaker_threshold": 0}
    assert outage.shown["problem"].startswith("Breaker threshold: must be at least 1")
    outage.values = {"provider[0].behaviour": "slow"}
    assert outage.shown["problem"].startswith("Provider: slow by how much?")


def test_each_turn_is_answered_also_if_nothing_is_new() -> None:
    controls = control("happy_path")
    answers = []
    controls.observe(lambda change: answers.append(change.new), "shown")
    controls.values = {"settings.breaker_threshold": 6}
    controls.values = {"settings.breaker_threshold": 7}
    assert len(answers) == 2


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(BadScenario, match="there is no scenario 'hapy_path'"):
        control("hapy_path")


def test_control_refuses_what_is_neither_a_scenario_nor_a_system() -> None:
    with pytest.raises(BadScenario, match=r"give a Scenario, .* a run has its own as \.scenario"):
        control(run("happy_path"))  # type: ignore[arg-type]
    with pytest.raises(BadScenario, match="not something of type dict"):
        control({})  # type: ignore[arg-type]
    with pytest.raises(BadScenario, match="not the class System"):
        control(System)  # type: ignore[arg-type]


class Room(NamedTuple):
    key: str
    free: int
    version: int = 0


class Book(NamedTuple):
    guests: int


class Hotel:
    def __init__(self, rooms: Store[Room]) -> None:
        self.rooms = rooms

    @on(Book)
    async def book(self, command: Book) -> str:
        room = await self.rooms.get("double")
        if room.free < command.guests:
            return "full"
        await self.rooms.commit(room._replace(free=room.free - command.guests))
        return "booked"


def test_a_system_of_ones_own_is_turned_as_a_scenario_is() -> None:
    hotel = System(
        name="hotel",
        title="A room is booked",
        services={"Hotel": Hotel},
        requests={"ana": Book(1)},
        opening={"Hotel": [Room("double", 3)]},
    )
    controls = control(hotel)
    assert controls.title == "A room is booked"
    assert told(controls)["Hotel DB"] == "double: free: 2"
    controls.values = {"requests[ana].guests": 3}
    assert told(controls)["Hotel DB"] == "double: free: 0"
    controls.values = {"requests[ana].guests": 4}
    assert "full" in controls.run.sequence().alt
    assert titles(controls)[0].startswith("Timeline of saga ana")


def test_a_scenario_in_which_nobody_pays_has_controls_too() -> None:
    text = {"at": 0, "queue": "Wallet SQS", "text": "hello"}
    controls = control(scenarios.happy_path.but(wallets=(), payments=(), texts=[text]))
    assert told(controls)["payments"] == "none"
    assert titles(controls)[0].startswith("Timeline of 0 sagas")


def drawn(controls: Controls) -> dict[str, Any]:
    """What the page gets when it asks for the pictures."""
    controls._asked()
    assert controls.pictures["of"] == controls.shown["answer"]
    return controls.pictures


def titles(controls: Controls) -> list[str]:
    return re.findall(r'<img alt="(.*)', drawn(controls)["plain"])


def test_the_pictures_are_those_of_the_run(outage: Controls) -> None:
    outage.saga = "user-13:1"
    pictures = drawn(outage)
    assert pictures["plain"] == outage.run.timeline().img()
    assert pictures["sequence"]["svg"] == outage.run.sequence(saga="user-13:1").svg()


def test_the_breaker_is_drawn_once_its_knobs_are_turned(outage: Controls) -> None:
    assert [title.split()[0] for title in titles(outage)] == ["Timeline"]
    outage.values = {"settings.breaker_threshold": 6}
    assert [title.split()[0] for title in titles(outage)] == ["Circuit", "Timeline"]
    outage.values = {}
    assert [title.split()[0] for title in titles(outage)] == ["Timeline"]


def test_pictures_of_an_answer_are_drawn_once() -> None:
    controls = control("happy_path")
    first = drawn(controls)
    assert drawn(controls) is first
    controls.values = {"settings.breaker_threshold": 6}
    assert drawn(controls) is not first


def test_a_saga_that_a_turn_takes_away_is_shown_no_longer() -> None:
    controls = control("happy_path")
    controls.saga = "ana:B"
    controls.values = {"seed": 1}
    assert controls.saga == "ana:A"


def test_a_knob_that_there_is_not_is_refused_with_the_nearest() -> None:
    controls = control("happy_path")
    with pytest.raises(BadScenario, match=r"no knob .*did you mean settings.breaker_threshold\?"):
        controls.values = {"settings.breaker_treshold": 3}
    assert controls.values == {}


def test_where_widgets_do_not_run_there_is_a_picture_the_outcome_and_the_controls() -> None:
    bundle, _ = control("provider_error")._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Timeline of saga ana:A")
    for part in ("<img alt=", "1 FAILED", "Retry delay", "60 s"):
        assert part in bundle["text/html"]


def test_the_outcome_names_the_laws_that_are_broken() -> None:
    twice = scenarios.happy_path.but(
        payments=({"user_id": "ana", "amount": 40},), faults=(Duplicate(queue="Wallet SQS"),)
    )
    flawed = run(twice, services={"Wallet Service": NoInbox})
    assert ["broken", "at most once"] in outcome(flawed)
